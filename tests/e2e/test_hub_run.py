"""A run whose data come from the hub alone, from the first fetch to the same bytes without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hub_tables
import pytest
from hub_standin import Hub
from typer.testing import CliRunner, Result

from harness.cli import app
from harness.data.fingerprint import fingerprint
from harness.data.lock import LOCK_NAME
from harness.data.places import Places
from harness.data.sources import load_test
from harness.errors import DataError
from harness.evaluate import evaluate
from harness.progress import Progress
from harness.specfiles.catalog import load_task

CODES = ("qaa", "qab", "qac", "qad")
TASKS = {
    "bitext": """
  hub:
    repo: owner/bitext
    revision: {commit}
    reader: bitext_rows
    roles:
      rows: {{config: "{{code}}-qaa", split: test}}
metrics:""",
    "choice": """
  hub:
    repo: owner/choice
    revision: unconfirmed
    seen: nothing
    reader: choice_rows
    roles:
      rows: {{config: "{{code}}", split: test}}
      reference: {{config: "{{code}}", split: test}}
    options: {{raw_questions: true}}
metrics:""",
}


@pytest.fixture
def tasks(inputs: Any, hub: Hub, tmp_path: Path, repository: Path) -> list[str]:
    """Put the demo's sentence pairs and choices on the hub, and return task files that read them there."""
    bitext = {}
    for code in CODES[1:]:
        folder = inputs.data / "demo-bitext"
        sides = [
            (folder / f"demo.{code}-qaa.{side}").read_text(encoding="utf-8").splitlines()
            for side in (code, "qaa")
        ]
        rows = [{"sentence1": a, "sentence2": b + "\n"} for a, b in zip(*sides, strict=True)]
        bitext[f"test/{code}-qaa.jsonl.gz"] = hub_tables.json_lines(rows, packed=True)
    choice = {}
    for path in sorted((inputs.data / "demo-choice").glob("*/*.jsonl")):
        split, code, _ = path.name.split(".")
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        choice[f"{code}/{split}-00000-of-00001.parquet"] = hub_tables.parquet(rows)
    choice["README.md"] = hub_tables.card(
        {code: {split: f"{code}/{split}-*" for split in ("train", "test")} for code in CODES}
    )
    hub.commit("owner/choice", choice)
    commits = {"bitext": hub.commit("owner/bitext", bitext), "choice": ""}
    written = []
    for name, source in TASKS.items():
        text = (repository / "tasks" / "targets" / f"demo-{name}.yaml").read_text(encoding="utf-8")
        head, rest = text.split("\n  local:", 1)[0], text.split("\nmetrics:", 1)[1]
        text = head + source.format(commit=commits[name]) + rest
        text = text.replace(f"name: demo-{name}", f"name: hub-{name}", 1)
        text = text.replace("epochs: 8", "epochs: 1")
        if name == "choice":
            before, after = text.split("    train:\n", 1)
            train = "    train:\n      hub:\n" + "\n".join(
                f"        {line}"
                for line in (
                    "repo: owner/choice",
                    "revision: unconfirmed",
                    "reader: choice_rows",
                    'roles: {rows: {config: "{code}", split: train}}',
                )
            )
            text = before + train + "\nrecipes:" + after.split("\nrecipes:", 1)[1]
        path = tmp_path / f"hub-{name}.yaml"
        path.write_text(text, encoding="utf-8")
        written.append(str(path))
    return written


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_from_the_first_fetch_to_a_run_without_a_network(
    inputs: Any, hub: Hub, tasks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    data = tmp_path / "data"
    data.mkdir()
    named = ("--tasks", ",".join(tasks), "--data-dir", str(data), "--recipe", "smoke")

    def request(out: str, **changes: Any) -> Any:
        fields = {"suite": None, "tasks": tuple(tasks), "data_dir": str(data), "sources": ("hub",)}
        return inputs.request(tmp_path / out, recipe="smoke", **{**fields, **changes})

    # Nothing is there, and nothing wrong: the hub is asked only where the source is pinned.
    result = call("data", "check", *named)
    assert result.exit_code == 3, result.output
    assert "owner/bitext" in result.stderr
    assert "the revision of owner/choice is unconfirmed (nothing)" in result.stderr
    assert "the hub has 3 files" in result.stderr and "nowhere" in result.stdout
    with pytest.raises(DataError, match="has not been fetched"):
        evaluate(request("early", offline=True), Progress(quiet=True))
    assert not (tmp_path / "early").exists()

    # What is confirmed is fetched; what is not is refused, with the way out.
    result = call("data", "fetch", *named)
    assert result.exit_code == 2
    assert "owner/choice is unconfirmed" in result.stderr and "xharness data pin" in result.stderr
    result = call("data", "pin", tasks[1], "--data-dir", str(data))
    assert result.exit_code == 0, result.output
    assert "hub-choice: owner/choice@" in result.stdout
    result = call("data", "fetch", *named)
    assert (result.exit_code, result.stdout) == (0, "everything is there\n"), result.output
    lock = json.loads((data / LOCK_NAME).read_text(encoding="utf-8"))
    assert set(lock["pins"]) == {"owner/choice"}
    assert {name.partition("@")[0] for name in lock["snapshots"]} == {"owner/bitext", "owner/choice"}
    result = call("data", "check", *named)
    assert result.exit_code == 0, result.output
    assert "right" in result.stdout and "wrong" not in result.stdout

    before = len(hub.asked)
    evaluate(request("online"), Progress(quiet=True))
    hub.close()
    evaluate(request("offline", offline=True), Progress(quiet=True))
    assert len(hub.asked) == before
    scores = (tmp_path / "online" / "scores.json").read_bytes()
    assert (tmp_path / "offline" / "scores.json").read_bytes() == scores
    record = json.loads((tmp_path / "offline" / "run.json").read_text(encoding="utf-8"))
    assert lock["pins"]["owner/choice"] in json.dumps(record)
    # The same test sets as from the release's own files.
    places = Places(data, ("hub",), offline=True)
    for path, name in zip(tasks, ("demo-bitext", "demo-choice"), strict=True):
        hubs, local = load_task(path).spec, load_task(name).spec
        for code in hubs.languages:
            from_files = load_test(local, code, Places(inputs.data, ("local",)))
            assert fingerprint(load_test(hubs, code, places)) == fingerprint(from_files)


def test_what_is_wrong_is_said_all_at_once(
    inputs: Any, hub: Hub, tasks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    broken = tmp_path / "broken.yaml"
    text = Path(tasks[0]).read_text(encoding="utf-8")
    broken.write_text(
        text.replace("{code}-qaa", "{code}-xxx").replace("hub-bitext", "broken"), encoding="utf-8"
    )
    gone = tmp_path / "gone.yaml"
    gone.write_text(
        text.replace("owner/bitext", "owner/gone").replace("hub-bitext", "gone"), encoding="utf-8"
    )
    result = call("data", "fetch", "--tasks", f"{broken},{gone},{tasks[0]}", "--no-training")
    assert result.exit_code == 2
    assert "configuration 'qab-xxx'" in result.stderr and "no such repository" in result.stderr
    assert len([name for name in hub.downloads("owner/bitext") if name.startswith("test/")]) == 3
    result = call("data", "check", "--tasks", f"{broken},{gone}", "--no-training")
    assert result.exit_code == 2 and "no such repository" in result.stderr
    # The hub's files are not asked for, so what is missing is only missing.
    assert call("data", "check", "--tasks", str(gone), "--no-training", "--offline").exit_code == 3


def test_what_the_hub_does_not_have_is_named(tmp_path: Path) -> None:
    result = call("data", "fetch", "--tasks", "lareqa", "--no-training", "--data-dir", str(tmp_path))
    assert result.exit_code == 3
    assert "lareqa/xquad-r/ar.json" in result.stderr
    for arguments, said in [
        (("fetch", "--tasks", "lareqa", "--data-dir", "/nowhere"), "no such folder"),
        (("fetch",), "--tasks or --suite"),
        (("check", "--tasks", "xquda"), "did you mean 'xquad'"),
        (("check", "--tasks", "xquad", "--recipe", "smok"), "did you mean 'smoke'"),
        (("check", "--tasks", "xquad", "--sources", "disk"), "--sources"),
        (("pin", "udpos", "--data-dir", str(tmp_path)), "reads nothing from the hub"),
        (("pin", "xcopa", "--data-dir", str(tmp_path)), "HF_HUB_OFFLINE is set"),
    ]:
        result = call("data", *arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert said in result.stderr, (arguments, result.stderr)
