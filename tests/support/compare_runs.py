"""Run folders for `xharness compare`, and the command on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from run_folders import Language, Task, write_run
from typer.testing import CliRunner, Result

from harness.cli import app

LEVELS = {"en": 0.9, "de": 0.7, "fr": 0.6, "sw": 0.4}
# English loses, German gains much, French nothing, Swahili a little.
GAINS = {"en": -0.1, "de": 0.15, "fr": 0.0, "sw": 0.01}


def scores(share: float, seed: int, n: int = 200, runs: int = 1) -> np.ndarray:
    """Right answers, float64 [runs, n]: the easiest items first, and a little chance from run to run."""
    rng = np.random.default_rng(seed)
    difficulty = rng.random(n)
    return (difficulty + rng.normal(0, 0.01, (runs, n)) < share).astype(float)


def system(
    gains: Mapping[str, float] | None = None, *, runs: int = 1, codes: Sequence[str] = tuple(LEVELS)
) -> dict[str, Task]:
    """One task with a source language and translations, one without either."""
    gains = gains or {}
    nli = {
        code: Language(scores(LEVELS[code] + gains.get(code, 0.0), seed=1, runs=runs), parallel=True)
        for code in codes
    }
    bitext = {code: Language(scores(0.5 + gains.get("de", 0.0), seed=2)) for code in ("fr", "th")}
    return {"nli": Task(nli, source="en"), "bitext": Task(bitext, trained=False)}


def write_runs(folder: Path) -> Path:
    """Write run folders by name: one run, three runs, two, and one that lacks a task and a language."""
    write_run(folder / "base", system())
    write_run(folder / "cand", system(GAINS))
    write_run(folder / "other", system({"de": 0.05, "sw": -0.1}))
    write_run(folder / "base3", system(runs=3), seeds=(1, 2, 3))
    write_run(folder / "cand3", system(GAINS, runs=3), seeds=(1, 2, 3))
    write_run(folder / "cand2", system(GAINS, runs=2), seeds=(7, 8))
    write_run(folder / "part", {"nli": system(codes=("en", "de", "fr"))["nli"]})
    return folder


def compare(runs: Path, *arguments: str, resamples: int = 499) -> Result:
    """Run the command; words that are folders of `runs` stand for them."""
    given = [str(runs / word) if (runs / word).is_dir() else word for word in arguments]
    return CliRunner().invoke(app, ["compare", *given, "--resamples", str(resamples)])
