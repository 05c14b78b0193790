"""YAML of intermediate tasks and studies: recognised, joined, and complained about with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.specfiles import catalog
from harness.specfiles.joins import expand_joins
from harness.specs.intermediate import IntermediateSpec
from harness.specs.study import StudySpec
from harness.specs.task import TaskSpec

TASK = """\
name: first
version: "1"
kind: classification
title: A task
licence: CC0
citation: nobody 2020
languages:
  en: {tag: en}
  no: {tag: no}
labels: [yes, no]
train:
  local:
    reader: pair_table
    files: {pairs: ["{code}.tsv"]}
settings: {max_length: 64}
"""
JOIN = """\
name: both
version: "1"
kind: classification
title: Two tasks
licence: CC0
citation: nobody 2020
languages:
  en: {tag: en}
labels: [no, yes]
joins: [first, second]
"""
STUDY = """\
name: ask
version: "1"
title: A question
source: ours
model: xlm-roberta-base
targets: [xnli]
systems:
  plain: {}
baseline: plain
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in (
        ("tasks/intermediate/first.yaml", TASK),
        ("tasks/intermediate/second.yaml", TASK.replace("name: first", "name: second")),
        ("tasks/intermediate/both.yaml", JOIN),
        ("tasks/studies/ask.yaml", STUDY),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_load_file_recognises_them(home: Path) -> None:
    for path, kind in (
        ("tasks/intermediate/first.yaml", IntermediateSpec),
        ("tasks/intermediate/both.yaml", IntermediateSpec),
        ("tasks/studies/ask.yaml", StudySpec),
    ):
        assert type(catalog.load_file(Path(path)).spec) is kind
    everything = catalog.load_everything()
    assert {"both", "first", "second"} <= {t.spec.name for t in everything.intermediates}
    assert "ask" in {s.spec.name for s in everything.studies}


def test_labels_are_text_whatever_yaml_makes_of_them(home: Path) -> None:
    loaded = catalog.load_file(Path("tasks/intermediate/first.yaml"))
    assert isinstance(loaded.spec, IntermediateSpec)
    assert loaded.spec.labels == ("yes", "no") and loaded.spec.languages["no"].tag == "no"


def test_tasks_of_either_kind_by_one_name(home: Path) -> None:
    found = catalog.load_any_tasks(["xnli", "both", "tasks/intermediate/first.yaml"])
    assert [type(one.spec) for one in found] == [TaskSpec, IntermediateSpec, IntermediateSpec]
    with pytest.raises(SpecError) as error:
        catalog.load_any_tasks(["frist", "tasks/studies/ask.yaml", "xlni"])
    said = str(error.value)
    assert (
        "no task 'frist' (did you mean 'first'?)" in said and "no task 'xlni' (did you mean 'xnli'?)" in said
    )
    assert "ask.yaml: holds no task" in said
    (home / "tasks/intermediate/xnli.yaml").write_text(TASK.replace("first", "xnli"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"'xnli' is a target .* and an intermediate task .*; give the path"):
        catalog.load_any_tasks(["xnli"])


def test_a_join_is_the_tasks_that_it_names(home: Path) -> None:
    (both,) = catalog.load_intermediates(["both"])
    assert [member.spec.name for member in expand_joins(both)] == ["first", "second"]
    assert all(len(member.sha256) == 64 for member in expand_joins(both))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "labels: [yes, no]",
            "labels: [yes, maybe]",
            "'first' has the labels yes, maybe; those of 'both' are",
        ),
        ("kind: classification", "kind: tagging", "'first' is of the kind tagging, not classification"),
        ("  en: {tag: en}\n", "", "'first' has no en, as 'both' has"),
        (
            TASK[TASK.index("train:") :],
            "joins: [second]\n",
            "'first' joins others itself; name second in its",
        ),
    ],
)
def test_tasks_that_cannot_be_under_one_head(home: Path, old: str, new: str, said: str) -> None:
    change(home / "tasks/intermediate/first.yaml", old, new)
    (both,) = catalog.load_intermediates(["both"])
    with pytest.raises(SpecError, match=r"both\.yaml: joins: ") as error:
        expand_joins(both)
    assert said in str(error.value)


def test_a_join_of_a_task_that_is_not_there(home: Path) -> None:
    change(home / "tasks/intermediate/both.yaml", "[first, second]", "[first, secnd]")
    (both,) = catalog.load_intermediates(["both"])
    with pytest.raises(SpecError, match=r"no intermediate task 'secnd' \(did you mean 'second'\?\)"):
        expand_joins(both)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_length: 64", "max_lenght: 64", r":15: settings.max_lenght: unknown setting of classification"),
        ("max_length: 64", "null_answers: true", r":15: .*unknown setting of classification; it has: max_"),
        ("kind: classification", "kind: bitext_mining", r":3: kind: must be 'classification', "),
        ("train:", "trian:", r":11: trian: unknown key \(did you mean 'train'\?\)"),
        ("labels: [yes, no]", "labels: [yes]", r"a classification task lists its labels, at least two"),
        ("{tag: no}", "{tag: no, rows: 0}", r":9: languages.no.rows: must be greater than 0, not 0"),
        (
            "settings:",
            "overlaps: [{target: xnli, languages: some, why: w}]\nsettings:",
            r":15: overlaps\[0\].languages: must be 'same' or 'all'",
        ),
    ],
)
def test_one_mistake_one_message(home: Path, old: str, new: str, message: str) -> None:
    change(home / "tasks/intermediate/first.yaml", old, new)
    with pytest.raises(SpecError, match=message):
        catalog.load_intermediates(["first"])


def test_settings_of_the_kind_are_named(home: Path) -> None:
    text = TASK.replace("kind: classification", "kind: masked_lm").replace("labels: [yes, no]\n", "")
    text = text.replace("max_length: 64", "mask: 0.3")
    (home / "tasks/intermediate/first.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        SpecError, match=r"unknown setting of masked_lm.*; it has: max_length, mask_probability"
    ):
        catalog.load_intermediates(["first"])
