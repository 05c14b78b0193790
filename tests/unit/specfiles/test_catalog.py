from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.specfiles import catalog
from harness.specs.adapter import AdapterSpec
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec

TASK = """\
name: mine
version: 1.10
kind: tagging
title: A task
licence: CC0
citation: nobody 2020
source_language: en
languages:
  en: {tag: en}
  no: {tag: no}
labels: [A, no]
data:
  local:
    reader: conllu
    files: {treebanks: ["{code}.conllu"]}
metrics:
  - {name: accuracy, computes: token_accuracy}
main_metric: accuracy
training_sets:
  tagged:
    title: tagged sentences
    languages: [en, no]
    train: {local: {reader: conllu, files: {treebanks: [train.conllu]}}}
recipes:
  smoke:
    source: chosen
    phases:
      - training_set: tagged
        epochs: 3
        learning_rate: 2e-5
  none: {source: the checkpoint as it is}
"""
SUITE = """\
name: ours
version: "1"
title: A suite
citation: nobody
default_recipe: smoke
tasks:
  mine: {}
  theirs: {languages: [no]}
"""
ADAPTER = """\
name: family
version: "1"
title: A family
source: its card
match: {model_types: [bert]}
embedding: {layer: {12: 8, 24: 14}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder on XHARNESS_PATH with one task, one suite and one adapter."""
    for path, text in (
        ("tasks/targets/mine.yaml", TASK),
        ("tasks/suites/ours.yaml", SUITE),
        ("adapters/family.yaml", ADAPTER),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def problem_lines(error: pytest.ExceptionInfo[SpecError]) -> list[str]:
    lines = str(error.value).splitlines()
    return [line.partition(". ")[2] for line in lines[1:]] if len(lines) > 1 else lines


def test_by_name_and_by_path(home: Path) -> None:
    by_name, by_path = catalog.load_task("mine"), catalog.load_task("tasks/targets/mine.yaml")
    assert isinstance(by_name.spec, TaskSpec)
    assert by_name == by_path
    assert by_name.path == home / "tasks/targets/mine.yaml"
    assert by_name.sha256 == hashlib.sha256(TASK.encode()).hexdigest()


def test_text_fields_keep_what_was_written(home: Path) -> None:
    change(home / "tasks/targets/mine.yaml", ("nobody 2020", "2020-01-01"), ("licence: CC0", "licence: 12"))
    spec = catalog.load_task("mine").spec
    assert (spec.version, spec.citation, spec.licence) == ("1.10", "2020-01-01", "12")
    assert spec.languages["no"].tag == "no"
    assert spec.labels == ("A", "no")
    assert spec.training_sets["tagged"].languages == ("en", "no")
    assert spec.recipes["smoke"].phases[0].learning_rate == 2e-5


def test_integer_keys_of_a_mapping(home: Path) -> None:
    assert catalog.load_adapter("family").spec.embedding.layer == {12: 8, 24: 14}


def test_lists_hold_the_user_s_and_the_built_in(home: Path) -> None:
    assert catalog.list_tasks()["mine"] == home / "tasks/targets/mine.yaml"
    assert {"tatoeba", "lareqa", "udpos", "xquad", "xcopa", "mine"} <= set(catalog.list_tasks())
    assert list(catalog.list_tasks()) == sorted(catalog.list_tasks())
    assert {"xtreme", "xtreme-r", "ours"} <= set(catalog.list_suites())
    assert "family" in [a.spec.name for a in catalog.load_adapters()]


def test_load_file_tells_what_it_holds(home: Path) -> None:
    kinds = [
        type(catalog.load_file(Path(p)).spec)
        for p in ("tasks/targets/mine.yaml", "tasks/suites/ours.yaml", "adapters/family.yaml")
    ]
    assert kinds == [TaskSpec, SuiteSpec, AdapterSpec]


def test_a_typo_in_a_name_is_answered_with_the_nearest(home: Path) -> None:
    with pytest.raises(SpecError, match=r"no task 'tatoba' \(did you mean 'tatoeba'\?\); there are: .*mine"):
        catalog.load_task("tatoba")


def test_one_name_in_two_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = home / "other"
    (other / "tasks/targets").mkdir(parents=True)
    (other / "tasks/targets/mine.yaml").write_text(TASK, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", f"{home}:{other}")
    with pytest.raises(SpecError, match=r"'mine' is in two files, tasks/targets/mine.yaml and other/tasks"):
        catalog.list_tasks()


def test_one_folder_named_twice_is_one_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XHARNESS_PATH", f"{home}:{home}/")
    assert "mine" in catalog.list_tasks()


def test_file_name_and_name_must_agree(home: Path) -> None:
    change(home / "tasks/targets/mine.yaml", ("name: mine", "name: yours"))
    with pytest.raises(SpecError, match=r"mine.yaml:1: name: is 'yours', but the file is called mine.yaml"):
        catalog.load_task("mine")
    assert catalog.load_task("tasks/targets/mine.yaml").spec.name == "yours"


def test_every_problem_of_a_file_at_once(home: Path) -> None:
    change(
        home / "tasks/targets/mine.yaml",
        ("kind: tagging", "kind: taging"),
        ("citation: nobody 2020\n", ""),
        ("no: {tag: no}", "no: {tga: no}"),
        ("epochs: 3", 'epochs: "3"'),
        ("2e-5", "{base: 2e-5, larg: 1e-5}"),
        ("main_metric", "man_metric"),
    )
    with pytest.raises(SpecError) as error:
        catalog.load_task("mine")
    file = "tasks/targets/mine.yaml"
    found = [line.replace(f"{file}:", "") for line in problem_lines(error)]
    assert [f.partition(";")[0].partition(", not")[0] for f in found] == [
        "1: citation: is missing",
        "1: main_metric: is missing",
        "3: kind: must be 'classification', 'multiple_choice', 'tagging', 'span_qa', 'bitext_retrieval', "
        "'bitext_mining', 'passage_retrieval' or 'entity_retrieval'",
        "9: languages.no.tag: is missing",
        "9: languages.no.tga: unknown key (did you mean 'tag'?)",
        "17: man_metric: unknown key (did you mean 'main_metric' or 'metrics'?)",
        "28: recipes.smoke.phases[0].epochs: must be a number",
        "29: recipes.smoke.phases[0].learning_rate.large: is missing",
        "29: recipes.smoke.phases[0].learning_rate.larg: unknown key (did you mean 'large'?)",
    ]
    assert any("not \"taging\" (did you mean 'tagging'?)" in f for f in found)


def test_the_problems_of_several_files_at_once(home: Path) -> None:
    (home / "one.yaml").write_text("a: 1\na: 2\n", encoding="utf-8")
    change(home / "tasks/targets/mine.yaml", ("kind: tagging", "kind: x"))
    with pytest.raises(SpecError) as error:
        catalog.load_tasks(["one.yaml", "mine", "nowhere"])
    starts = [line.partition(" ")[0] for line in problem_lines(error)]
    assert starts == ["one.yaml:2:", "tasks/targets/mine.yaml:3:", "no"]


def test_everything_at_once(home: Path) -> None:
    change(home / "tasks/targets/mine.yaml", ("kind: tagging", "kind: x"))
    change(home / "tasks/suites/ours.yaml", ("default_recipe: smoke", "default_recipe: Smoke"))
    change(home / "adapters/family.yaml", ("[bert]", "bert"))
    with pytest.raises(SpecError) as error:
        catalog.load_everything()
    files = [line.partition(":")[0] for line in problem_lines(error)]
    assert files == ["tasks/targets/mine.yaml", "tasks/suites/ours.yaml", "adapters/family.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("main_metric: accuracy", "main_metric: f1", r":18: main_metric: .*'f1' is not among"),
        ("- training_set: tagged", "- training_set: x", r":1: recipe 'smoke' trains on 'x'"),
        ("source_language: en", "source_language: de", r":7: source_language: .*'de' is not among"),
        ("labels: [A, no]\n", "", r":1: a tagging task lists its labels"),
        ("labels: [A, no]", "labels: A", r':11: labels: must be a list, not "A"'),
        (
            "languages:\n  en: {tag: en}\n  no: {tag: no}",
            "languages: [en]",
            r":8: languages: must be a mapping",
        ),
        ("no: {tag: no}", "no: no", r":10: languages.no: must be a mapping .* not \"no\""),
        (
            "reader: conllu\n",
            "reader: my/reader.py\n",
            r":14: data.local.reader: .* is a path: name importable",
        ),
        ("epochs: 3", "epochs: 0", r":29: recipes.smoke.phases\[0\].epochs: must be greater than 0, not 0"),
        ("epochs: 3", "epochs: .inf", r':29: recipes.smoke.phases\[0\].epochs: must be a number, not ".inf"'),
        ("2e-5", "fast", r':30: .*learning_rate: must be a number, not "fast" or must be a mapping'),
        ("source: chosen", "source: chosen\n    zero_shot: no", r":27: .*zero_shot: must be true or false"),
        ("training_sets:", "settings: {max_lenght: 1}\ntraining_sets:", r":19: .*did you mean 'max_length'"),
        (
            "training_sets:",
            "settings: {max_length: 0}\ntraining_sets:",
            r":19: settings.max_length: must be gr",
        ),
        (
            "metrics:",
            "  hub: {repo: a/b, revision: main, reader: pair_rows, roles: {rows: {}}}\nmetrics:",
            r":16: data.hub.revision: 'main' is not a revision: give the 40 hexadecimal digits",
        ),
        ("version: 1.10", 'version: ""', r":2: version: must not be empty"),
        ("no: {tag: no}", "a/b: {tag: no}", r":10: languages.a/b: 'a/b' is not a language code"),
        ("labels: [A, no]", "labels: [A, A]", r":11: labels: labels names 'A' more than once"),
        (
            "  none: {source: the checkpoint as it is}",
            "  none:\n    source: s\n    settings: {max_length: true}\nsettings: {max_length: 9}",
            r":33: recipes.none.settings.max_length: must be a whole number, not true",
        ),
        ("version: 1.10", "version:", r":2: version: must be a text, not null"),
        ("version: 1.10", "version: [1]", r":2: version: must be a text, not \[1\]"),
    ],
)
def test_one_mistake_one_message(home: Path, old: str, new: str, message: str) -> None:
    change(home / "tasks/targets/mine.yaml", (old, new))
    with pytest.raises(SpecError, match=message) as error:
        catalog.load_task("mine")
    assert len(problem_lines(error)) == 1


def test_a_revision_of_digits_only_is_a_revision(home: Path) -> None:
    digits = "1234567890" * 4
    change(
        home / "tasks/targets/mine.yaml",
        (
            "metrics:",
            f"  hub: {{repo: a/b, revision: {digits}, reader: pair_rows, roles: {{rows: {{}}}}}}\nmetrics:",
        ),
    )
    hub = catalog.load_task("mine").spec.data.hub
    assert hub is not None
    assert hub.revision == digits


def test_a_suite_group_names_only_its_tasks(home: Path) -> None:
    change(home / "tasks/suites/ours.yaml", ("tasks:", "groups: {g: [absent]}\ntasks:"))
    with pytest.raises(SpecError, match="group 'g' names 'absent', which is not among the tasks"):
        catalog.load_suite("ours")
