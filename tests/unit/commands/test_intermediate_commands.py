"""Intermediate tasks on the command line: listed, shown, validated, checked, pinned."""

from __future__ import annotations

import re
from pathlib import Path

import hub_tables
import intermediate_files
import pytest
from hub_standin import Hub
from typer.testing import CliRunner, Result

from harness.cli import app
from harness.data.lock import read_lock


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_list_and_show() -> None:
    listed = call("tasks", "list").stdout
    assert re.search(r"anli-plus +classification +1 +1,104,934 +accuracy", listed)
    assert re.search(r"lines +masked_lm +50 +- +- ", listed)
    assert re.search(r"ccg +tagging +1 +not counted", listed)
    shown = call("tasks", "show", "squad-v2").stdout
    for word in (
        "an intermediate task",
        "130,319",
        "lareqa, after a selection on the development set, in every",
    ):
        assert word in shown
    assert "joins       anli, mnli, snli" in call("tasks", "show", "anli-plus").stdout
    assert "hub: facebook/xnli at b8dd5d7" in call("tasks", "show", "xnli-translate-train").stdout
    assert "those of ccg/tags_to_id.json in the data folder" in call("tasks", "show", "ccg").stdout


def test_show_says_what_is_missing(tmp_path: Path) -> None:
    intermediate_files.wikiann_train(tmp_path)
    shown = call("tasks", "show", "wikiann-train", "--data-dir", tmp_path).stdout
    assert f"complete in  2 of 48 languages in {tmp_path}" in shown
    assert "missing: af, ar, az," in shown and "no panx/af/train or panx/af-train" in shown


def test_a_typo_is_answered_with_the_nearest_of_either_kind() -> None:
    result = call("tasks", "show", "hellaswga")
    assert result.exit_code == 2 and "did you mean 'hellaswag'" in result.stderr


def test_validate_one_file_and_its_data(tmp_path: Path, repository: Path) -> None:
    text = (repository / "tasks/intermediate/qqp.yaml").read_text(encoding="utf-8")
    file = tmp_path / "qqp.yaml"
    file.write_text(text, encoding="utf-8")
    assert "qqp.yaml: a valid intermediate task" in call("tasks", "validate", file).stdout
    wanted = call("tasks", "validate", file, "--data-dir", tmp_path)
    assert wanted.exit_code == 2 and "no files for 1 languages (en)" in wanted.stderr
    intermediate_files.qqp(tmp_path)
    result = call("tasks", "validate", file, "--data-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert "qqp: training 2 examples in 1 of 1 languages; development 2 examples" in result.stdout


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "qqp",
            "reader: pair_table",
            "reader: pair_tabel",
            r":\d+: train.local.reader: 'pair_tabel' is not a re",
        ),
        (
            "qqp",
            "computes: accuracy",
            "computes: acuracy",
            r":\d+: metrics\[0\].computes: there is no metric",
        ),
        ("qqp", "[QQP/train.tsv", "['{lang}.tsv'", r":\d+: train.local.files.pairs: language en: .*no value"),
        (
            "ud-train",
            "target: udpos",
            "target: udops",
            r":\d+: overlaps\[0\].target: there is no target task 'ud",
        ),
        ("ccg", "files: [ccg/tags", "files: [../tags", r":\d+: labels_file.files: .* must stay under"),
        ("qqp", "name: qqp", "name: xnli", r":1: name: 'xnli' is a target task already"),
        (
            "anli-plus",
            "joins: [anli, mnli, snli]",
            "joins: [anli, qqp]",
            r": joins: 'qqp' has the labels not_du",
        ),
    ],
)
def test_validate_finds_names_that_lead_nowhere(
    tmp_path: Path, repository: Path, name: str, old: str, new: str, said: str
) -> None:
    text = (repository / f"tasks/intermediate/{name}.yaml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = call("tasks", "validate", file)
    assert result.exit_code == 2
    assert re.search(r"mine\.yaml" + said, result.stderr), result.stderr


def test_check_compares_the_counts(tmp_path: Path) -> None:
    intermediate_files.qqp(tmp_path)
    result = call("data", "check", "--intermediate", "qqp", "--data-dir", tmp_path, "--offline")
    assert result.exit_code == 2
    assert re.search(r"qqp +intermediate +data folder +1 of 1 +2 +- +wrong", result.stdout)
    assert "2 examples, expected 363,846" in result.stderr and "2 examples, expected 40,430" in result.stderr


def test_check_of_some_languages_and_of_tasks_that_are_joined(tmp_path: Path) -> None:
    intermediate_files.squad_translate_train(tmp_path)
    asked = ["data", "check", "--intermediate", "squad-translate-train", "--data-dir", tmp_path, "--offline"]
    result = call(*asked, "--languages", "th")
    assert result.exit_code == 0, result.output
    assert re.search(
        r"squad-translate-train +intermediate dev +data folder +1 of 1 +1 +lost_answer 1", result.stdout
    )
    assert call(*asked, "--languages", "th,de").exit_code == 3
    wrong = call(*asked, "--languages", "th,xx")
    assert wrong.exit_code == 2
    assert "--languages: no chosen intermediate task has 'xx'; they have ar, de, el" in wrong.stderr
    beside = call(
        "data", "check", "--intermediate", "mnli,ud-train", "--data-dir", tmp_path, "--languages", "th"
    )
    assert beside.exit_code == 2
    none = call(
        "data", "check", "--intermediate", "mnli,ud-train", "--data-dir", tmp_path, "--languages", "de"
    )
    assert none.exit_code == 2 and "intermediate task 'mnli' has none of de; it has en" in none.stderr
    joined = call("data", "check", "--intermediate", "anli-plus,mnli", "--data-dir", tmp_path, "--offline")
    assert joined.exit_code == 3
    assert [line.split()[0] for line in joined.stdout.splitlines() if "nowhere" in line] == [
        "anli", "anli", "mnli", "mnli", "snli", "snli",
    ]  # fmt: skip


def test_fetch_and_pin(hub: Hub, tmp_path: Path) -> None:
    choice = {"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "c"}
    rows = hub_tables.parquet([{**choice, "label": label} for label in ("1", "3")])
    commit = hub.commit(
        "lighteval/siqa", {f"data/{part}-0.parquet": rows for part in ("train", "validation")}
    )
    asked = ["--intermediate", "siqa", "--data-dir", tmp_path]
    refused = call("data", "fetch", *asked)
    assert refused.exit_code == 2 and "is unconfirmed" in refused.stderr
    pinned = call("data", "pin", "siqa", "--data-dir", tmp_path)
    assert pinned.exit_code == 2
    assert "task 'siqa' is not pinned: 2 problems" in pinned.stderr and "expected 33,410" in pinned.stderr
    assert read_lock(tmp_path).pins == {}
    task = Path("tasks/intermediate/siqa.yaml").resolve().read_text(encoding="utf-8")
    mine = tmp_path / "siqa.yaml"
    mine.write_text(task.replace(", rows: 33410, dev_rows: 1954", ""), encoding="utf-8")
    done = call("data", "pin", mine, "--data-dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert f"siqa: lighteval/siqa@{commit}, 2 files" in done.stdout
    assert call("data", "fetch", *asked).stdout == "everything is there\n"


def test_pin_of_a_join_is_that_of_its_tasks(hub: Hub, tmp_path: Path) -> None:
    result = call("data", "pin", "anli-plus", "--data-dir", tmp_path)
    assert result.exit_code == 2
    assert [name for name in ("anli", "mnli", "snli") if f"task '{name}' is not pinned" in result.stderr] == [
        "anli", "mnli", "snli",
    ]  # fmt: skip
