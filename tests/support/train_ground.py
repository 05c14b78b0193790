"""Tasks, a recipe, data and a checkpoint for `xharness train`, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app
from harness.results.card import Card, read_card
from harness.training.joint import Joint
from harness.training.mixture import train_mixture

TAGS = """\
name: toy-tags
version: "1"
kind: tagging
title: Generated sentences, parts of speech
licence: Apache-2.0
citation: generated
languages:
  qaa: {tag: qaa}
  qab: {tag: qab}
  qac: {tag: qac}
labels: [VERB, PUNCT, NOUN, ADP, ADJ]
train: &files
  local:
    reader: conllu
    files:
      treebanks: ["demo-tagging/UD_Demo_{code}/{code}_pud-ud-test.conllu"]
dev: *files
metrics:
  - {name: accuracy, computes: token_accuracy}
settings: {max_length: 64}
overlaps:
  - {target: demo-tagging, why: its own test sets}
"""
RECIPE = """\
on:
  - {task: %(specs)s/toy-tags.yaml, languages: [qab, qac], examples: 60}
  - {task: %(specs)s/toy-choice.yaml, languages: [qaa], examples: 32}
mlm: {share: 0.25, files: {qad: demo-bitext/demo.qad-qaa.qad}, max_length: 32}
source: chosen for a run of seconds
model: %(model)s
adapter: generic
max_steps: 8
learning_rate: 1e-3
batch_size: 8
selection: {every_steps: 4, first_examples: 10}
"""


@dataclass(frozen=True)
class Ground:
    """Specs of tasks, a recipe, data and a checkpoint, each one's own copy."""

    specs: Path
    data: Path
    model: Path
    recipe: Path
    out: Path

    def arguments(self, out: Path, *more: str, recipe: Path | str | None = None) -> list[str]:
        given = ["train", str(recipe or self.recipe), "--out", str(out), "--data-dir", str(self.data)]
        return [*given, "--threads", "1", *more]

    def run(self, out: Path, *more: str, recipe: Path | str | None = None) -> Result:
        return CliRunner().invoke(app, self.arguments(out, *more, recipe=recipe))

    def on(self, out: Path, *more: str) -> Result:
        given = ["train", "--model", str(self.model), "--adapter", "generic", "--out", str(out)]
        return CliRunner().invoke(app, [*given, "--data-dir", str(self.data), "--threads", "1", *more])

    def changed(self, folder: Path, *changes: tuple[str, str]) -> Path:
        """Return a copy of the recipe with texts replaced."""
        text = self.recipe.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "changed.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def task(self, folder: Path, *changes: tuple[str, str], text: str = TAGS) -> Path:
        """Return a copy of a task with texts replaced."""
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "task.yaml"
        path.write_text(text, encoding="utf-8")
        return path


def card_of(folder: Path) -> Card:
    card = read_card(folder)
    assert card is not None
    return card


def content(folder: Path) -> dict[str, Any]:
    """Every file of a checkpoint; the card without the moment at which it was finished."""
    found: dict[str, Any] = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found["xharness.json"] = card_of(folder).model_copy(update={"finished": ""})
    return found


def refused(result: Result, *told: str, code: int = 2) -> None:
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    for text in told:
        assert text in result.output, result.output


class Killed(BaseException):
    """Stands in for SIGKILL: nothing in the program catches it."""


def dies_after(monkeypatch: pytest.MonkeyPatch, steps: int, error: BaseException | None = None) -> None:
    """Have training end in the middle of an update, with a checkpoint after every one before it."""
    monkeypatch.setitem(train_mixture.__kwdefaults__, "checkpoint_seconds", 0.0)
    original, left = Joint.loss, [steps]

    def loss(self: Joint, model: Any, batch: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise error or Killed
        return original(self, model, batch)

    monkeypatch.setattr(Joint, "loss", loss)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def delete(path: Path) -> None:
    path.unlink()
