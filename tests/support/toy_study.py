"""A study of seconds: three systems, two targets and two seeds over the demo's generated data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from harness.cli import app
from harness.specs.study import StudyRequest

# A target whose head is selected on development data, with few enough updates for a test.
TARGET = """\
name: toy-tagging
version: "1"
kind: tagging
title: Generated sentences, parts of speech
licence: Apache-2.0
citation: generated
source_language: qaa
languages:
  qaa: {tag: qaa, rows: 100}
  qab: {tag: qab, rows: 100}
  qac: {tag: qac, rows: 100}
  qad: {tag: qad, rows: 100}
labels: [ADJ, ADP, NOUN, PUNCT, VERB]
data:
  local:
    reader: conllu
    files:
      treebanks: ["demo-tagging/UD_Demo_{code}/{code}_pud-ud-test.conllu"]
metrics:
  - {name: accuracy, computes: token_accuracy}
main_metric: accuracy
settings: {max_length: 64}
training_sets:
  tagged:
    title: generated sentences of the source language
    languages: [qaa]
    rows: 400
    train: &files
      local:
        reader: conllu
        files:
          treebanks: ["demo-tagging/UD_Demo_{code}/{code}_pud-ud-train.conllu"]
    dev: *files
recipes:
  smoke:
    source: chosen for a run of a few seconds
    stamp: smoke
    phases:
      - training_set: tagged
        epochs: 1
        learning_rate: 2e-3
        batch_size: 16
        selection: {every_steps: 10, first_examples: 40}
"""
INTERMEDIATE = """\
name: toy-choice
version: "1"
kind: multiple_choice
title: Generated choices
licence: Apache-2.0
citation: generated
languages:
  qaa: {tag: qaa}
  qab: {tag: qab}
  qac: {tag: qac}
train:
  local:
    reader: xcopa_jsonl
    files:
      items: ["demo-choice/{code}/test.{code}.jsonl"]
    options: {raw_questions: true}
settings: {max_length: 64}
overlaps:
  - {target: demo-choice, why: its own test sets}
"""
STUDY = """\
name: toy
version: "1"
title: A toy study
source: chosen for a run of a few seconds
model: %(model)s
adapter: generic
targets: [%(folder)s/toy-tagging.yaml, demo-bitext]
recipe: smoke
seeds: [1, 2]
systems:
  none: {}
  source:
    train:
      on: [{task: %(folder)s/toy-choice.yaml, languages: [qaa], examples: 48}]
      epochs: 1
      learning_rate: 1e-3
      batch_size: 16
  close:
    train:
      on: [{task: %(folder)s/toy-choice.yaml, languages: [qaa, qab], examples: 48}]
      epochs: 1
      learning_rate: 1e-3
      batch_size: 16
baseline: none
matched: [source, close]
primary: {candidate: close, baseline: source}
secondary:
  - {candidate: source, baseline: none}
  - {candidate: close, baseline: none}
stamp: smoke
"""


def write_study(folder: Path, model: Path, *, changes: dict[str, str] | None = None) -> Path:
    """Write target, intermediate task and study; return the study. `changes` replaces texts in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toy-tagging.yaml").write_text(TARGET, encoding="utf-8")
    (folder / "toy-choice.yaml").write_text(INTERMEDIATE, encoding="utf-8")
    text = STUDY % {"model": model, "folder": folder}
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@dataclass(frozen=True)
class StudyGround:
    """A study with its own copies of data and checkpoint, and the folder where it was run once."""

    file: Path
    data: Path
    model: Path
    out: Path

    def arguments(self, out: Path, *more: str, file: Path | None = None) -> list[str]:
        given = ["study", str(file or self.file), "--out", str(out), "--data-dir", str(self.data)]
        return [*given, "--threads", "1", "--resamples", "200", *more]

    def run(self, out: Path, *more: str, file: Path | None = None) -> Result:
        return CliRunner().invoke(app, self.arguments(out, *more, file=file))

    def request(self, out: Path, file: Path | None = None, **changes: Any) -> StudyRequest:
        fields = {"study": str(file or self.file), "out": str(out), "data_dir": str(self.data)}
        return StudyRequest.model_validate(fields | {"threads": 1, "resamples": 200} | changes)


def seals(out: Path) -> dict[str, tuple[str, int]]:
    """Return the steps that are finished, by key: what they are, and when they were sealed."""
    found = {}
    for path in out.glob("*/*/done.json"):
        if path.parent.parent.name != "systems":
            seal = json.loads(path.read_text(encoding="utf-8"))
            found[seal["key"]] = (seal["step"], path.stat().st_mtime_ns)
    return found
