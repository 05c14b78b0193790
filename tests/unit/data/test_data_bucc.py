from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.bucc import read_bucc
from harness.data.places import Places
from harness.data.reading import Reading
from harness.data.sources import load_test, load_tuning, test_problems
from harness.errors import DataError
from harness.records import DataSet, MiningInputs
from harness.specfiles.catalog import load_task
from harness.specs.task import LocalSource

SOURCE = LocalSource(
    reader="bucc_release",
    files={"corpus_target": ("c.{code}",), "corpus_source": ("c.en",), "gold": ("c.gold",)},
)
FOREIGN = "de-1\tEin Satz. \nde-2\tNoch einer.\nde-3\tEin Satz.\n"
ENGLISH = "en-1\tA sentence.\nen-2\tAnother\tone.\n"


def read(folder: Path, gold: str, foreign: str = FOREIGN, english: str = ENGLISH) -> DataSet:
    for name, text in (("c.de", foreign), ("c.en", english), ("c.gold", gold)):
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return read_bucc(Reading("bucc", "de", SOURCE, folder, {"de": {"code": "de"}}))


def test_examples_are_the_gold_pairs_and_both_corpora_are_whole(tmp_path: Path) -> None:
    data = read(tmp_path, "de-3\ten-2\nde-1\ten-1\n")
    first = data.examples[0]
    assert [e.example_id for e in data.examples] == ["de-3\ten-2", "de-1\ten-1"]
    assert (first.gold, first.cluster_id, first.parallel_id) == ('["de-3","en-2"]', "de-3", None)
    assert first.inputs == MiningInputs(target="de-3", source="en-2")
    assert [(c.candidate_id, c.text) for c in data.candidates] == [
        ("de-1", "Ein Satz."),
        ("de-2", "Noch einer."),
        ("de-3", "Ein Satz."),
    ]
    assert [c.text for c in data.counterpart] == ["A sentence.", "Another\tone."]
    assert [s.path for s in data.sources] == ["c.de", "c.en", "c.gold"]
    assert data.repairs == {}


def test_what_is_mended_is_counted(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        "\ufeffde-1\ten-1\r\n\r\nde-1\ten-1\r\n",
        foreign="de-1\tEin Satz.\r\nde-2\t\r\n",
    )
    assert data.repairs == {"bom": 1, "blank_line": 1, "empty_text": 1, "repeated_pair": 1}
    assert [e.example_id for e in data.examples] == ["de-1\ten-1"]
    assert data.candidates[0].text == "Ein Satz."


@pytest.mark.parametrize(
    ("gold", "foreign", "message"),
    [
        ("de-9\ten-1\n", FOREIGN, r"c\.gold:1: 'de-9' is not in c\.de"),
        ("en-1\tde-1\n", FOREIGN, r"c\.gold:1: 'en-1' is not in c\.de.*foreign id first"),
        ("de-1\ten-1\nde-1\n", FOREIGN, r"c\.gold:2: 'de-1' is no gold pair"),
        ("de-1\ten-1\t1\n", FOREIGN, r"c\.gold:1: .* is no gold pair"),
        ("de-1\ten-1\n", "de-1 Ein Satz.\n", r"c\.de:1: 'de-1 Ein Satz.' is no sentence"),
        ("de-1\ten-1\n", "de-1\tx\n\ty\n", r"c\.de:2: .* is no sentence"),
        ("", FOREIGN, r"c\.gold: the file is empty"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, gold: str, foreign: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, gold, foreign)


def write(folder: Path, stem: str, suffixes: str = "de en gold") -> None:
    for suffix, text in (("de", FOREIGN), ("en", ENGLISH), ("gold", "de-1\ten-1\n")):
        if suffix in suffixes.split():
            path = folder / f"{stem}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def test_repeated_ids_in_a_corpus_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "bucc2018/de-en/de-en.training")
    (tmp_path / "bucc2018/de-en/de-en.training.en").write_text("en-1\ta\nen-1\tb\n", encoding="utf-8")
    with pytest.raises(DataError, match="English candidate id 'en-1' occurs twice"):
        load_test(load_task("bucc2018").spec, "de", Places(tmp_path))


@pytest.mark.parametrize("layout", ["archives", "xtreme"])
def test_both_layouts_are_found(tmp_path: Path, layout: str) -> None:
    if layout == "archives":
        write(tmp_path, "bucc2018/de-en/de-en.training")
        write(tmp_path, "bucc2018/de-en/de-en.sample")
    else:
        write(tmp_path, "bucc2018/de-en.test", "de en")  # XTREME's script deletes the gold
        write(tmp_path, "bucc2018/de-en.dev")
    places, task = Places(tmp_path, ("local",)), load_task("bucc2018").spec
    if layout == "xtreme":
        problem, hint = test_problems(task, ["de"], places)
        assert "bucc2018/de-en.test.gold or " in problem and " or bucc2018/de-en.training.gold" in problem
        assert "XTREME's own download deletes the test gold: put <l>-en.training.gold" in hint
        write(tmp_path, "bucc2018/de-en.training", "gold")
    assert test_problems(task, ["de"], places) == []
    assert len(load_test(task, "de", places).examples) == 1
    tuning = load_tuning(task, "de", places)
    assert tuning is not None and tuning.language == "de"
    on_dev = load_task("bucc2018-dev-on-dev").spec
    assert load_test(on_dev, "de", places) == DataSet(
        **{name: getattr(tuning, name) for name in tuning.__dataclass_fields__} | {"task": on_dev.name}
    )


def test_without_the_sample_split_the_development_set_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "bucc2018/de-en/de-en.training")
    places = Places(tmp_path, ("local",))
    problem, hint = test_problems(load_task("bucc2018").spec, ["de"], places)
    assert "development set" in problem and "de-en.sample.de" in problem
    assert "bucc2018-best-on-test" in hint
    assert test_problems(load_task("bucc2018-best-on-test").spec, ["de"], places) == []
