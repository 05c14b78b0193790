"""What `xharness train` writes, and that it goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from train_ground import Ground, Killed, card_of, content, delete, dies_after, refused, truncate
from typer.testing import CliRunner

from harness.cli import app


def test_what_is_written(training: Ground, several: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModel

    assert sorted(p.relative_to(several).as_posix() for p in several.rglob("*") if p.is_file()) == [
        "README.md",
        "config.json",
        "heads/toy-choice.safetensors",
        "heads/toy-tags.safetensors",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
        "xharness.json",
    ]
    card = card_of(several)
    assert [(head.name, head.labels) for head in card.heads] == [
        ("toy-tags", ("VERB", "PUNCT", "NOUN", "ADP", "ADJ")),
        ("toy-choice", ()),
    ]
    assert {task.name: {c: n.examples for c, n in task.languages.items()} for task in card.tasks} == {
        "toy-tags": {"qab": 30, "qac": 30},
        "toy-choice": {"qaa": 32},
        "files": {"qad": 200},
    }
    assert card.seed == 1 and card.steps == 8 and card.best_step in (4, 8)
    assert card.parent.id == f"{training.model.parent.name}/tiny"
    assert str(training.model.parent) not in (several / "xharness.json").read_text(encoding="utf-8")
    training = json.loads((several / "training.json").read_text(encoding="utf-8"))
    # A quarter of 8 for text; the rest in proportion to 60 and 32 features.
    assert training["updates"] == {"toy-tags": 4, "toy-choice": 2, "files": 2}
    _, info = AutoModel.from_pretrained(str(several), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert set(load_file(several / "heads" / "toy-tags.safetensors")) == {
        "classifier.weight",
        "classifier.bias",
    }
    assert not several.with_name("out.part").exists()


def test_finished_it_returns_at_once(
    training: Ground, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in several.rglob("*")}
    leftover = several.with_name("out.part")
    leftover.mkdir()
    dies_after(monkeypatch, 0)
    again = training.run(several)
    assert again.exit_code == 0 and "trained already" in again.output
    assert {path: path.stat().st_mtime_ns for path in several.rglob("*")} == before
    # What a process left that was killed between publishing and tidying up.
    assert not leftover.exists()


@pytest.mark.parametrize("died_after", [2, 7])
def test_killed_and_started_again_it_writes_the_same_bytes(
    training: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_after: int
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, died_after)
        with pytest.raises(Killed):
            CliRunner().invoke(app, training.arguments(out), catch_exceptions=False)
    assert not out.exists() and list(out.with_name("out.part").glob(f"checkpoint-{died_after}"))
    # Resumed, it computes the missing updates only.
    dies_after(monkeypatch, 8 - died_after)
    done = training.run(out)
    assert done.exit_code == 0, done.output
    assert content(out) == content(several)
    assert not out.with_name("out.part").exists()


CHILD = """
import sys
from harness.cli import app
from harness.training.mixture import train_mixture
train_mixture.__kwdefaults__["checkpoint_seconds"] = 0.0
app(sys.argv[1:])
"""


@pytest.mark.slow
def test_killed_by_the_system_at_any_moment(training: Ground, tmp_path: Path) -> None:
    recipe = training.changed(
        tmp_path, ("max_steps: 8", "max_steps: 60"), ("every_steps: 4", "every_steps: 20")
    )
    whole, out = tmp_path / "whole", tmp_path / "out"
    done = training.run(whole, recipe=recipe)
    assert done.exit_code == 0, done.output
    kills = 0
    while not out.exists():
        command = [sys.executable, "-c", CHILD, *training.arguments(out, "--quiet", recipe=recipe)]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        begun = _newest(out)
        while child.poll() is None and not out.exists() and _newest(out) < begun + 9:
            time.sleep(0.01)
        time.sleep(0.013 * (kills % 7))
        if child.poll() is None and not out.exists():
            child.send_signal(signal.SIGKILL)
            kills += 1
        assert child.wait() in (0, -signal.SIGKILL)
    assert kills >= 3
    assert training.run(out, recipe=recipe).exit_code == 0
    assert content(out) == content(whole)


def _newest(out: Path) -> int:
    found = out.with_name(out.name + ".part").glob("checkpoint-*")
    return max((int(path.name.partition("-")[2]) for path in found), default=0)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", truncate),
        ("heads/toy-tags.safetensors", truncate),
        ("heads/toy-choice.safetensors", delete),
        ("training.json", delete),
        ("tokenizer.json", truncate),
    ],
)
def test_a_damaged_folder_is_trained_again(
    training: Ground, several: Path, copied: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(copied / name)
    again = training.run(copied)
    assert again.exit_code == 0, again.output
    assert "is damaged and is trained again" in again.output
    assert content(copied) == content(several)


def test_no_resume_begins_anew(training: Ground, several: Path, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, 5)
        with pytest.raises(Killed):
            CliRunner().invoke(app, training.arguments(out), catch_exceptions=False)
    with monkeypatch.context() as patch:
        dies_after(patch, 7)  # from the beginning 8 are needed
        with pytest.raises(Killed):
            CliRunner().invoke(app, training.arguments(out, "--no-resume"), catch_exceptions=False)
    assert training.run(out, "--no-resume").exit_code == 0
    assert content(out) == content(several)


def test_another_training_for_the_same_folder_is_refused(
    training: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModel

    parent = tmp_path / "parent"
    shutil.copytree(training.model, parent)
    network = AutoModel.from_pretrained(str(parent))
    network.embeddings.word_embeddings.weight.data += 1
    network.save_pretrained(str(parent))
    data = tmp_path / "data"
    shutil.copytree(training.data, data)
    edited = data / "demo-tagging" / "UD_Demo_qab" / "qab_pud-ud-test.conllu"
    edited.write_text(edited.read_text(encoding="utf-8").replace("VERB", "NOUN"), encoding="utf-8")
    recipe = training.changed(tmp_path, ("learning_rate: 1e-3", "learning_rate: 2e-3"))

    def all_refused(out: Path, told: str) -> None:
        refused(training.run(out, "--seed", "2"), told, "seed 1, now 2")
        refused(training.run(out, recipe=recipe), told, "another mixture: learning_rate")
        refused(training.run(out, "--model", str(parent)), told, "parent weights ")
        refused(
            training.run(out, "--data-dir", str(data)), told, "other data, or another version, of toy-tags"
        )
        refused(training.run(out, "--dtype", "bfloat16"), told, "dtype float32, now bfloat16")

    before = content(several)
    all_refused(several, "holds another training")
    assert content(several) == before
    # The same of one that is not finished: its checkpoints must not be gone on from.
    out = tmp_path / "cut"
    with monkeypatch.context() as patch:
        dies_after(patch, 5)
        with pytest.raises(Killed):
            CliRunner().invoke(app, training.arguments(out), catch_exceptions=False)
    all_refused(out, "holds another training that is not finished")
    assert training.run(out).exit_code == 0 and content(out) == before


def test_a_link_stays_a_link(training: Ground, several: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk")
    assert training.run(link).exit_code == 0
    assert link.is_symlink() and content(tmp_path / "disk") == content(several)


def test_a_full_disk_keeps_what_was_trained(
    training: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, 5, OSError(28, "No space left on device"))
        refused(training.run(out), "no space left on the disk", "run the same command again")
    with monkeypatch.context() as patch:
        dies_after(patch, 2, RuntimeError("[..] you tried: can't allocate memory"))
        refused(training.run(out), "out of memory on cpu")
    dies_after(monkeypatch, 1)
    assert training.run(out).exit_code == 0
    assert content(out) == content(several)


def test_tensorboard_gets_the_losses_only_when_asked(
    training: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations import integration_utils

    written: list[tuple[str, str, float, int]] = []

    class Writer:
        def __init__(self, log_dir: str) -> None:
            self.log_dir = log_dir

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((self.log_dir, name, value, step))

        def add_text(self, *_: Any) -> None: ...

        def flush(self) -> None: ...

        def close(self) -> None: ...

    standin = types.ModuleType("torch.utils.tensorboard")
    standin.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", standin)
    monkeypatch.setattr(integration_utils, "is_tensorboard_available", lambda: True)
    out = tmp_path / "out"
    assert training.run(tmp_path / "plain").exit_code == 0 and written == []
    assert training.run(out, "--report-to", "tensorboard").exit_code == 0
    assert {place for place, *_ in written} == {str(tmp_path / "out.logs")}
    seen = [value for _, name, value, _ in written if name == "train/loss"]
    losses = json.loads((out / "training.json").read_text(encoding="utf-8"))["losses"]
    assert seen == pytest.approx([loss for _, loss in losses], abs=1e-3)
    # What is watched is not changed.
    assert content(out) == content(several)
