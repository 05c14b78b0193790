"""Places that `score` must leave alone: what it reads, and runs that are there already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app


def score(folder: Path, *more: str, predictions: str = "predictions") -> Result:
    given = ["--predictions", str(folder / predictions), "--labels", str(folder / "labels")]
    return CliRunner().invoke(app, ["score", *given, "--suite", "xtreme", *more])


def refused(result: Result, message: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Traceback" not in result.output
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "place", ["labels/xnli/test-de.tsv", "predictions/scores.json", "run/scores.json", "run/predictions/x"]
)
def test_the_json_takes_no_file_away(folder: Path, place: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = score(folder, "--out", str(folder / "run"), "--json", str(folder / place))
    refused(result, "choose another place")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_is_no_file_for_the_json_and_nothing_is_written(folder: Path) -> None:
    refused(score(folder, "--out", str(folder / "run"), "--json", str(folder)), "is a folder; name the file")
    assert not (folder / "run").exists()


def test_the_json_may_lie_beside_the_files_of_a_run(folder: Path) -> None:
    out = folder / "run"
    assert score(folder, "--out", str(out), "--json", str(out / "plain.json")).exit_code == 0
    for name in ("scores.json", "report.md"):
        result = CliRunner().invoke(app, ["score", "--run", str(out), "--json", str(out / name)])
        refused(result, f"{name} is a file of the run folder")


def test_gold_is_not_scored_against_itself(folder: Path) -> None:
    (folder / "gold").symlink_to(folder / "labels")
    for name in ("labels", "gold", "predictions/../labels"):
        refused(score(folder, predictions=name), "are one folder")


def test_label_files_that_cannot_be_looked_at_are_all_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        if "labels" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", refuse)
    result = score(folder)
    refused(result, "5 problems")
    assert result.stderr.count("cannot be read (Permission denied)") == 5


def test_names_that_are_not_utf8(folder: Path) -> None:
    (folder / "predictions").rename(folder / "p\udcff")
    refused(score(folder, "--out", str(folder / "run"), predictions="p\udcff"), "is not UTF-8; rename")
    assert not (folder / "run").exists()


def test_a_home_that_nobody_has(folder: Path) -> None:
    refused(score(folder, "--out", "~no-such-user/run"), "a path begins with '~'")


def test_a_closed_stream_is_no_traceback(folder: Path) -> None:
    given = (
        f"--predictions {folder}/predictions --labels {folder}/labels --suite xtreme --json {folder}/s.json"
    )
    command = f"exec {sys.executable} -m harness score {given}"
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert (folder / "s.json").stat().st_size > 1_000
        (folder / "s.json").unlink()
