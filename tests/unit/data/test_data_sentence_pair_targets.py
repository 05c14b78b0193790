"""The shipped XNLI and PAWS-X: what the benchmark says, held against what YAML says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.data.places import Places
from harness.data.sources import load_dev, load_test, load_training, test_problems
from harness.data.table import TABLE
from harness.errors import DataError
from harness.languages import LANGUAGES
from harness.paths import builtin
from harness.specs.recipe import BySize, Selection
from harness.specs.task import Source, TaskSpec

LISTS = {
    "xnli": "ar bg de el en es fr hi ru sw th tr ur vi zh",
    "pawsx": "de en es fr ja ko zh",
}


def target(name: str) -> TaskSpec:
    path = builtin("tasks") / "targets" / f"{name}.yaml"
    return TaskSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def sources(task: TaskSpec) -> list[Source]:
    sets = task.training_sets.values()
    return [task.data, *(s.train for s in sets), *(s.dev for s in sets if s.dev)]


@pytest.mark.parametrize(("name", "rows"), [("xnli", 5010), ("pawsx", 2000)])
def test_targets_are_whole(name: str, rows: int) -> None:
    task = target(name)
    assert list(task.languages) == LISTS[name].split()
    assert set(task.languages) <= set(LANGUAGES)
    assert {language.rows for language in task.languages.values()} == {rows}
    assert set(task.recipes) == {"xtreme", "jiant", "smoke", "none"}
    assert task.recipes["smoke"].stamp == "smoke" and task.recipes["smoke"].zero_shot
    assert not task.recipes["none"].trains
    assert task.source_language == "en" and task.score_metrics == ("accuracy",)
    for source in sources(task):
        assert {layout.reader for layout in source.layouts} <= set(TABLE)
        assert source.hub is not None and len(source.hub.revision) == 40 and source.hub.seen


def test_labels_are_in_the_order_of_xtreme_and_mapped_by_name_from_the_hub() -> None:
    assert target("xnli").labels == ("contradiction", "entailment", "neutral")
    assert target("pawsx").labels == ("0", "1")
    for task, names in ((target("xnli"), "entailment,neutral,contradiction"), (target("pawsx"), "0,1")):
        for source in sources(task):
            assert source.hub is not None and source.hub.options["label_names"] == names


def test_official_numbers_of_training() -> None:
    xnli, pawsx = target("xnli"), target("pawsx")
    (phase,) = xnli.recipes["xtreme"].phases
    assert (phase.training_set, phase.epochs, phase.batch_size) == ("multinli", 5, 32)
    assert phase.learning_rate == BySize(base=2e-5, large=3e-5)
    assert phase.selection == Selection(every_steps=100)
    (phase,) = pawsx.recipes["xtreme"].phases
    assert (phase.training_set, phase.epochs, phase.batch_size) == ("paws_en", 5, 32)
    assert phase.learning_rate == 2e-5 and phase.selection == Selection(every_steps=200)
    for task, epochs in ((xnli, 2), (pawsx, 5)):
        (phase,) = task.recipes["jiant"].phases
        assert (phase.learning_rate, phase.epochs, phase.batch_size) == (1e-5, epochs, 32)
        assert (phase.warmup_ratio, phase.weight_decay) == (0.1, 0.01)
        assert phase.selection == Selection(every_steps=1000, first_examples=500, patience=30)
        assert task.settings_for(task.recipes["jiant"]).max_length == 256  # type: ignore[attr-defined]
        assert task.settings_for(task.recipes["xtreme"]).max_length == 128  # type: ignore[attr-defined]
    rows = {name: s.rows for task in (xnli, pawsx) for name, s in task.training_sets.items()}
    assert rows == {
        "multinli": 392702,
        "mnli": 392702,
        "xnli_en_dev": 2490,
        "paws_en": 49401,
        "pawsx_en_dev": 2000,
    }


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_xtreme_s_own_download_trains_and_says_why_it_cannot_be_tested(tmp_path: Path) -> None:
    task, places = target("xnli"), Places(tmp_path)
    write(tmp_path / "xnli" / "train-en.tsv", '"a ""b"""\tc\tneutral\n')
    write(tmp_path / "xnli" / "dev-en.tsv", "a\tb\tentailment\n")
    for code in ("de", "en"):
        write(tmp_path / "xnli" / f"test-{code}.tsv", "a\tb\n")
    assert test_problems(task, ["de", "en"], places) == []
    with pytest.raises(DataError, match=r"^xnli/test-de\.tsv:1: the gold is hidden"):
        load_test(task, "de", places)
    with pytest.raises(DataError, match=r"'multinli' of task 'xnli' has 1 examples, expected 392,702"):
        load_training(task, "multinli", places)
    (dev,) = load_dev(task, "multinli", places) or ()
    assert [e.gold for e in dev.examples] == ["entailment"]


def test_the_release_is_taken_before_what_xtreme_made_of_it(tmp_path: Path) -> None:
    task = target("pawsx")
    header = "id\tsentence1\tsentence2\tlabel\n"
    write(tmp_path / "pawsx" / "test-ja.tsv", "a\tb\n")
    write(tmp_path / "pawsx" / "x-final" / "ja" / "test_2k.tsv", f"{header}7\ta\tb\t1\n")
    data = load_test(task, "ja", Places(tmp_path))
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples] == [("0", "7", "1")]
    assert [s.path for s in data.sources] == ["pawsx/x-final/ja/test_2k.tsv"]
