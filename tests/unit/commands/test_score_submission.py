"""`xharness score --predictions --labels --suite`: what is scored, what is missing, what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app


def score(folder: Path, *more: str, suite: str = "xtreme") -> Result:
    given = ["--predictions", str(folder / "predictions"), "--labels", str(folder / "labels")]
    return CliRunner().invoke(app, ["score", *given, "--suite", suite, *more])


def rows(folder: Path, part: str, name: str) -> list[str]:
    return (folder / part / name).read_text(encoding="utf-8").splitlines(keepends=True)


def test_a_part_is_scored_for_what_it_holds(folder: Path) -> None:
    out = folder / "run"
    result = score(folder, "--out", str(out), "--json", str(folder / "scores.json"))
    assert result.exit_code == 0, result.output
    scores = json.loads((folder / "scores.json").read_bytes())
    assert sorted(scores["tasks"]) == ["bucc2018", "panx", "tatoeba", "xnli", "xquad"]
    assert scores["suite"] == "xtreme" and scores["recipe"] is None
    assert scores["tasks"]["xnli"]["metrics"]["accuracy"]["average"] is None
    assert list(scores["tasks"]["xnli"]["metrics"]["accuracy"]["languages"]) == ["de"]
    assert scores["overall"] is None and set(scores["groups"].values()) == {None}
    assert scores["missing"]["bucc2018"] == ["de", "ru", "zh"]
    assert len(scores["missing"]["pawsx"]) == 7
    assert list(scores["tasks"]["tatoeba"]["metrics"]) == ["accuracy"]
    stderr = result.stderr
    assert "missing: bucc2018 (de, ru, zh)" in stderr and "missing: pawsx (de, en," in stderr
    for task in ("xcopa", "mewslix", "lareqa"):
        assert f"{task}: is not of suite 'xtreme'" in stderr
    record = json.loads((out / "run.json").read_bytes())
    assert record["model"] is None and record["recipe"] is None and record["environment"] is None
    assert record["submission"]["files"] == 5 and record["submission"]["name"].endswith("/predictions")
    assert record["tasks"]["xnli"]["zero_shot"] is None
    assert "|predictions:" in record["signature"] and "|languages:part|" in record["signature"]
    assert "Predictions of another program" in (out / "report.md").read_text(encoding="utf-8")
    assert "predictions of another program" in (out / "report.html").read_text(encoding="utf-8")


def test_a_group_without_all_of_its_tasks_has_no_number(folder: Path, full: Path) -> None:
    for part in ("predictions", "labels"):
        shutil.copytree(full / "xtreme" / part / "xquad", folder / part / "xquad", dirs_exist_ok=True)
    result = score(folder, "--json", str(folder / "scores.json"))
    assert result.exit_code == 0, result.output
    scores = json.loads((folder / "scores.json").read_bytes())
    assert scores["tasks"]["xquad"]["metrics"]["f1"]["average"] is not None
    assert "xquad" not in scores["missing"] and len(scores["missing"]["mlqa"]) == 7
    assert scores["groups"]["qa"] is None and scores["overall"] is None


def test_the_official_head_of_parts_of_speech_may_predict_the_tag_outside(folder: Path, full: Path) -> None:
    for part in ("predictions", "labels"):
        (folder / part / "udpos").mkdir()
        shutil.copy(full / "xtreme" / part / "udpos/test-mr.tsv", folder / part / "udpos/test-mr.tsv")
    path = folder / "predictions/udpos/test-mr.tsv"
    path.write_text("".join(["O\n", *rows(folder, "predictions", "udpos/test-mr.tsv")[1:]]), encoding="utf-8")
    assert score(folder).exit_code == 0
    gold = folder / "labels/udpos/test-mr.tsv"
    gold.write_text("".join(["O\n", *rows(folder, "labels", "udpos/test-mr.tsv")[1:]]), encoding="utf-8")
    result = score(folder)
    assert result.exit_code == 2 and "udpos/test-mr.tsv:1: the label is 'O'" in result.stderr


def test_the_run_folder_is_scored_again_and_is_no_evaluation(folder: Path) -> None:
    out = folder / "run"
    assert score(folder, "--out", str(out), "--quiet").exit_code == 0
    shutil.rmtree(folder / "labels")
    again = CliRunner().invoke(app, ["score", "--run", str(out)])
    assert again.exit_code == 0 and "the same bytes" in again.stderr
    copied = CliRunner().invoke(app, ["score", "--run", str(out), "--out", str(folder / "copy")])
    assert copied.exit_code == 0
    assert (folder / "copy" / "scores.json").read_bytes() == (out / "scores.json").read_bytes()


def test_without_out_no_folder_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    result = score(folder, "--json", "-", suite="xtreme-r")
    assert result.exit_code == 0
    assert sorted(json.loads(result.stdout)["tasks"])[0] == "lareqa"
    assert sorted(folder.rglob("*")) == before


def test_an_incomplete_suite_can_be_an_error(folder: Path) -> None:
    out = folder / "run"
    result = score(folder, "--require-complete", "--out", str(out))
    assert result.exit_code == 3
    assert "bucc2018: de, ru, zh" in result.stderr
    assert (out / "scores.json").is_file()
    again = CliRunner().invoke(app, ["score", "--run", str(out), "--require-complete"])
    assert again.exit_code == 3


def test_the_overall_of_xtreme_r_is_explained(folder: Path) -> None:
    result = score(folder, "--out", str(folder / "run"), suite="xtreme-r")
    assert "official code cannot compute" in " ".join(result.stdout.split())
    for suffix in ("md", "html", "tex"):
        text = (folder / "run" / f"report.{suffix}").read_text(encoding="utf-8")
        assert "official code cannot compute" in " ".join(text.split())


def test_constant_predictions_are_flagged_and_scored(folder: Path) -> None:
    count = len(rows(folder, "labels", "xnli/test-de.tsv"))
    (folder / "predictions/xnli/test-de.tsv").write_text("neutral\n" * count, encoding="utf-8")
    tags = [line if line == "\n" else "O\n" for line in rows(folder, "predictions", "panx/test-jv.tsv")]
    (folder / "predictions/panx/test-jv.tsv").write_text("".join(tags), encoding="utf-8")
    result = score(folder, "--out", str(folder / "run"))
    assert result.exit_code == 0
    assert "Constant predictions, one and the same answer throughout: xnli (de); panx (jv)" in result.stderr
    assert "one and the same answer was predicted throughout in de" in " ".join(result.stdout.split())
    assert "Constant predictions" in (folder / "run" / "report.html").read_text(encoding="utf-8")
