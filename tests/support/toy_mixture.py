"""Small tasks of several kinds for the training of mixtures, and a run on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.kinds.classification import Classification
from harness.kinds.tagging import Tagging
from harness.progress import Progress
from harness.records import ClassificationInputs, DataSet, Example, TaggingInputs, TextInputs
from harness.specs.mixture import Mixture
from harness.specs.settings import ClassificationSettings, MaskedLMSettings, TaggingSettings
from harness.training.mixture import MixedTask, TrainedMixture, train_mixture

WORDS = "the quick brown Fox jumps over lazy Dog while 12 cats sleep Zürich 1990 Schweiz See 7".split()
SHAPES = ("CAP", "LOW", "NUM")
QUIET = Progress(quiet=True)


def shape(word: str) -> str:
    return "NUM" if word.isdigit() else "CAP" if word[0].isupper() else "LOW"


def _words(i: int) -> tuple[str, ...]:
    return tuple(WORDS[(i * 5 + j * (1 + i % 3)) % len(WORDS)] for j in range(2 + i % 6))


def tagged(count: int, shift: int = 0) -> tuple[Example, ...]:
    drawn = [_words(i) for i in range(shift, shift + count)]
    return tuple(
        Example(str(i), TaggingInputs(words), json.dumps([shape(w) for w in words]))
        for i, words in enumerate(drawn)
    )


def pairs(count: int, labels: Sequence[str] = ("yes", "no")) -> tuple[Example, ...]:
    return tuple(
        Example(
            str(i),
            ClassificationInputs(" ".join(_words(i)), " ".join(_words(i + 1))),
            labels[shape(_words(i)[0]) == "LOW"],
        )
        for i in range(count)
    )


def lines(count: int) -> tuple[Example, ...]:
    return tuple(Example(str(i), TextInputs(" ".join(_words(i + 3))), gold="") for i in range(count))


def task(kind: str, examples: Sequence[Example], *, head: int = 0, **changes: Any) -> MixedTask:
    settings = {
        "tagging": TaggingSettings(max_length=32),
        "classification": ClassificationSettings(max_length=32),
        "masked_lm": MaskedLMSettings(max_length=32),
    }[kind]
    decode = {"tagging": Tagging().decode_gold, "classification": Classification().decode_gold}.get(kind, str)
    given: dict[str, Any] = {
        "name": kind,
        "head": head,
        "settings": settings,
        "train": {"en": DataSet(kind, "en", tuple(examples))},
        "dev": {},
        "computes": (),
        "decode_gold": decode,
    }
    return MixedTask(**{**given, **changes})


def mixture(**changes: Any) -> Mixture:
    given = {"on": [{"task": "t"}], "learning_rate": 2e-3, "batch_size": 8, "max_steps": 20, **changes}
    return Mixture.model_validate(given)


def run(model, out: Path, tasks, heads, *, seed: int = 1, **options) -> TrainedMixture:
    told: list[TrainedMixture] = []
    changes = options.pop("mixture", {})
    train_mixture(
        mixture(**changes),
        tasks,
        heads,
        model=model,
        out=out,
        seed=seed,
        progress=QUIET,
        begin=lambda: None,
        finish=lambda folder, trained: told.append(trained),
        **options,
    )
    return told[0]


def losses(out: Path) -> list[float]:
    return [loss for _, loss in record(out)["losses"]]


def record(out: Path) -> dict[str, Any]:
    return json.loads((out / "training.json").read_text(encoding="utf-8"))
