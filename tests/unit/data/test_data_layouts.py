"""XTREME's own download folder: what can be read there, and what is refused because the gold is hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.places import Places
from harness.data.sources import load_dev, load_test, load_training
from harness.errors import DataError
from harness.records import TaggingInputs
from harness.specfiles.catalog import load_task
from harness.specs.task import TaskSpec


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def squad(ids: list[str], *, blank: bool) -> str:
    """Return what XTREME's script writes: a document for each question, without a title."""
    answer = {"answer_start": 0, "text": "" if blank else "Bonn"}
    documents = [
        {
            "paragraphs": [
                {"context": f"Bonn {i}", "qas": [{"id": name, "question": "?", "answers": [answer]}]}
            ]
        }
        for i, name in enumerate(ids)
    ]
    return json.dumps({"data": documents, "version": "1"})


def choices(label: Callable[[int], int]) -> str:
    fields = {"premise": "p", "choice1": "a", "choice2": "b", "changed": False}
    rows = [
        {**fields, "question": ("cause", "effect")[i % 2], "label": label(i), "idx": i} for i in range(60)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def tatoeba(folder: Path) -> None:
    write(folder / "tatoeba/de-en.en", "".join(f"{i:03d} is a number\n" for i in range(60)))
    write(folder / "tatoeba/de-en.de", "".join(f"{59 - i:03d} ist eine Zahl\n" for i in range(60)))


WORDS = "Bonn\nist\n\nhier\n"
HIDDEN: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "panx": (
        "de",
        lambda d: write(d / "panx/test-de.tsv", WORDS),
        "no labels: .*Get the WikiANN splits of Rahimi",
    ),
    "udpos": (
        "de",
        lambda d: write(d / "udpos/test-de.tsv", WORDS),
        r"no labels: .*Get the treebanks .* \.conllu",
    ),
    "xquad": (
        "de",
        lambda d: write(d / "xquad/xquad.de.json", squad(["q"], blank=True)),
        "the answer is empty; .*Get xquad.<language>.json from https://github.com/google-deepmind/xquad",
    ),
    "mlqa": (
        "de",
        lambda d: write(
            d / "mlqa/MLQA_V1/test/test-context-de-question-de.json", squad(["q"], blank=True)
        ),
        r"the answer is empty; .*Get MLQA_V1/test of MLQA_V1\.zip",
    ),
    "tydiqa": (
        "ko",
        lambda d: write(
            d / "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.ko.dev.json", squad(["korean-1-0"], blank=True)
        ),
        r"the answer is empty; .*Get tydiqa-goldp-v1\.1-dev\.json",
    ),
    "tatoeba": ("de", tatoeba, r"code-point order, .*is lost.*Get tatoeba\.<language>-eng\..*LASER"),
    "xcopa": (
        "et",
        lambda d: write(d / "xcopa/test-et.jsonl", choices(lambda i: 0)),
        r"the gold is hidden .*XTREME's own download script.*use the file of the original release",
    ),
}  # fmt: skip


@pytest.mark.parametrize("root", ["", "download"])
@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_test_sets_are_refused_with_the_reason_and_the_way_out(
    tmp_path: Path, name: str, root: str
) -> None:
    code, make, message = HIDDEN[name]
    make(tmp_path / root)
    with pytest.raises(DataError, match=message) as caught:
        load_test(load_task(name).spec, code, Places(tmp_path))
    assert "XTREME's" in str(caught.value)


@pytest.mark.parametrize("root", ["", "download"])
@pytest.mark.parametrize("test", ["test-", "test."])  # older copies of the script kept the release's names
def test_xcopa_with_its_labels_is_read(tmp_path: Path, test: str, root: str) -> None:
    write(tmp_path / root / f"xcopa/{test}et.jsonl", choices(lambda i: i // 2 % 2))
    write(tmp_path / root / f"xcopa/{test}th.jsonl", choices(lambda i: i // 2 % 2))
    data = load_test(load_task("xcopa").spec, "th", Places(tmp_path))
    assert len(data.examples) == 60 and not data.repairs


def without_counts(name: str) -> TaskSpec:
    """Return a task whose training sets may have any size."""
    body: dict[str, Any] = load_task(name).spec.model_dump()
    for training_set in body["training_sets"].values():
        training_set["rows"] = None
    return TaskSpec.model_validate(body)


@pytest.mark.parametrize("root", ["", "download"])
def test_training_sets_in_xtremes_folder(tmp_path: Path, root: str) -> None:
    folder, places = tmp_path / root, Places(tmp_path, ("local",))
    for split in ("train", "dev"):
        write(folder / f"panx/{split}-en.tsv", "Bonn\tB-LOC\n\nhier\tO")
        write(folder / f"udpos/{split}-en.tsv", "Bonn\tPROPN\nist\tAUX\n")
        write(folder / f"squad/{split}-v1.1.json", squad([f"{split}1", f"{split}2"], blank=False))
    write(
        folder / "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json",
        squad(["0", "1", "0"], blank=False),
    )
    for name, training_set, count in (
        ("panx", "panx_en", 2),
        ("udpos", "ud_en", 1),
        ("xquad", "squad_v1", 2),
    ):
        (train,) = load_training(without_counts(name), training_set, places)
        dev = load_dev(without_counts(name), training_set, places)
        assert len(train.examples) == count and dev is not None and len(dev[0].examples) == count
    (udpos,) = load_training(without_counts("udpos"), "ud_en", places)
    assert udpos.examples[0].inputs == TaggingInputs(("Bonn", "ist"))
    (tydiqa,) = load_training(without_counts("tydiqa"), "tydiqa_en", places)
    assert [e.example_id for e in tydiqa.examples] == ["0", "1", "#2"]
    assert tydiqa.repairs == {"repeated_id": 1}


def test_the_whole_training_file_beside_it_is_preferred(tmp_path: Path) -> None:
    folder = tmp_path / "download/tydiqa/tydiqa-goldp-v1.1-train"
    write(folder / "tydiqa.goldp.en.train.json", squad(["1", "1"], blank=False))
    write(
        folder / "tydiqa-goldp-v1.1-train.json",
        squad(["korean-1-1", "english-1-1", "english-2-1"], blank=False),
    )
    (data,) = load_training(without_counts("tydiqa"), "tydiqa_en", Places(tmp_path))
    assert [e.example_id for e in data.examples] == ["english-1-1", "english-2-1"]


def test_tydiqa_in_one_file_and_in_one_file_per_language(tmp_path: Path) -> None:
    ids = ["korean-1-1", "arabic-1-1", "korean-2-1"]
    write(tmp_path / "one/tydiqa/tydiqa-goldp-v1.1-dev.json", squad(ids, blank=False))
    write(
        tmp_path / "many/tydiqa/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-korean.json",
        squad([ids[0], ids[2]], blank=False),
    )
    task = load_task("tydiqa").spec
    one, many = (load_test(task, "ko", Places(tmp_path / folder)) for folder in ("one", "many"))
    assert [e.example_id for e in one.examples] == ["korean-1-1", "korean-2-1"]
    assert [(e.example_id, e.gold) for e in one.examples] == [(e.example_id, e.gold) for e in many.examples]
    assert all(e.parallel_id is None and str(e.cluster_id).startswith("context:") for e in one.examples)


def test_mlqa_questions_are_joined_over_languages_by_their_ids(tmp_path: Path) -> None:
    for code in ("de", "en"):
        write(
            tmp_path / f"MLQA_V1/test/test-context-{code}-question-{code}.json",
            squad(["a1", f"{code}2"], blank=False),
        )
    task = load_task("mlqa").spec
    units = {
        code: [e.parallel_id for e in load_test(task, code, Places(tmp_path)).examples]
        for code in ("de", "en")
    }
    assert units == {"de": ["a1", "de2"], "en": ["a1", "en2"]}


def test_wikiann_in_the_folders_of_its_archive(tmp_path: Path) -> None:
    write(tmp_path / "panx_dataset/lt/test", "lt:Vilnius\tB-LOC\n\n")
    write(tmp_path / "panx/pl-test", "pl:Gda\u0144sk\tB-LOC\n\n")
    for code in ("lt", "pl"):
        assert len(load_test(load_task("panx").spec, code, Places(tmp_path)).examples) == 1
