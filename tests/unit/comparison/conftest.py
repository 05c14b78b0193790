"""Pairs of generated run folders that differ in a known way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from run_folders import Language, Task, write_run

from harness.results.comparison import Comparison, Effect


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of run folders by name; a name is written once more only if it is another test."""

    def write(name: str, tasks: Mapping[str, Task], **changes: object) -> Path:
        return write_run(tmp_path / name, tasks, **changes)  # type: ignore[arg-type]

    return write


@pytest.fixture
def system() -> Callable[..., dict[str, Task]]:
    """Return a maker of tasks: `nli` (parallel, with a source) and `bitext` (independent, without)."""

    def make(
        seed: int, runs: int = 1, gain: float = 0.0, n: int = 60, languages: str = "en de sw"
    ) -> dict[str, Task]:
        items = np.random.default_rng(7).random(n)
        rng = np.random.default_rng(seed)

        def scores(share: float) -> np.ndarray:
            return (items + rng.normal(0, 0.15, (runs, n)) < share).astype(float)

        codes = languages.split()
        nli = {
            code: Language(scores(0.8 - 0.15 * i + gain * i), parallel=True) for i, code in enumerate(codes)
        }
        bitext = {code: Language(scores(0.5 + gain)) for code in ("fr", "th")}
        return {
            "nli": Task(nli, source="en"),
            "bitext": Task({c: Language(s.scores[:1]) for c, s in bitext.items()}, trained=False),
        }

    return make


def effects_of(comparison: Comparison) -> Iterator[tuple[tuple[str, str, str], Effect]]:
    """Yield every effect of a comparison with its task, language and quantity."""
    for name, task in comparison.tasks.items():
        for code, language in task.languages.items():
            yield (name, code, "difference"), language.difference
            if language.gap is not None:
                yield (name, code, "reduction"), language.gap.reduction
        yield (name, "", "difference"), task.average.difference
        if task.average.gap_reduction is not None:
            yield (name, "", "reduction"), task.average.gap_reduction
    if comparison.suite is not None:
        yield ("", "", "difference"), comparison.suite.difference
        if comparison.suite.gap_reduction is not None:
            yield ("", "", "reduction"), comparison.suite.gap_reduction


@pytest.fixture
def effects() -> Callable[[Comparison], dict[tuple[str, str, str], Effect]]:
    """Return what lists the effects of a comparison by place."""
    return lambda comparison: dict(effects_of(comparison))


@pytest.fixture
def unadjusted() -> Callable[[Comparison], dict[tuple[str, str, str], tuple[object, ...]]]:
    """Return what lists of each effect what must not depend on what else is compared."""

    def pick(comparison: Comparison) -> dict[tuple[str, str, str], tuple[object, ...]]:
        return {
            place: (e.value, e.low, e.high, e.p, e.n, e.units, e.check) for place, e in effects_of(comparison)
        }

    return pick
