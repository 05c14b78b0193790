"""`xharness data` on a machine without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app

COMMIT = "f" * 40


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, point_at_hub: Callable[[str], None]) -> list[str]:
    """Keep which repositories are asked for, at a hub that is not there; nobody waits for it."""
    from huggingface_hub import HfApi

    repos: list[str] = []
    for name in ("list_repo_tree", "dataset_info"):
        whole = getattr(HfApi, name)

        def ask(self: HfApi, repo: str, *rest: Any, whole: Any = whole, **options: Any) -> Any:
            repos.append(repo)
            return whole(self, repo, *rest, **options)

        monkeypatch.setattr(HfApi, name, ask)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    # The client's log keeps the stream of whichever test made it write first; that one is closed by now.
    monkeypatch.setattr("logging.raiseExceptions", False)
    point_at_hub("http://127.0.0.1:9")
    return repos


def task(folder: Path, number: int, revision: str) -> str:
    hub = {"repo": f"owner/r{number}", "revision": revision, "reader": "pair_rows"}
    spec = {
        "name": f"t{number}",
        "version": "1",
        "kind": "classification",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "source_language": None,
        "languages": {"de": {"tag": "de"}},
        "labels": ["a", "b"],
        "data": {"hub": {**hub, "roles": {"rows": {"config": "{code}", "split": "test"}}}},
        "metrics": [{"name": "accuracy", "computes": "accuracy"}],
        "main_metric": "accuracy",
        "recipes": {"none": {"source": "as it is"}},
    }
    path = folder / f"t{number}.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return str(path)


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.stderr.count("the hub cannot be reached") == 1
    return result.stderr


@pytest.mark.parametrize("command", ["fetch", "check"])
def test_a_hub_that_cannot_be_reached_is_asked_once(asked: list[str], tmp_path: Path, command: str) -> None:
    tasks = [task(tmp_path, number, COMMIT) for number in range(3)]
    named = ["--tasks", ",".join(tasks), "--data-dir", str(tmp_path), "--recipe", "none"]
    said = refused(CliRunner().invoke(app, ["data", command, *named]))
    assert asked == ["owner/r0"]
    assert all(f"owner/r{number}@{COMMIT} has not been fetched" in said for number in (1, 2))


def test_nothing_is_pinned_without_it(asked: list[str], tmp_path: Path) -> None:
    tasks = [task(tmp_path, number, "unconfirmed") for number in range(2)]
    said = refused(CliRunner().invoke(app, ["data", "pin", *tasks, "--data-dir", str(tmp_path)]))
    assert asked == ["owner/r0"]
    assert "task 't0' is not pinned, nor what follows it: owner/r0" in said
    assert not (tmp_path / "xharness.lock").exists()
