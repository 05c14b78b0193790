"""Did the gap close, and is it more than noise? One call per step, top to bottom."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from harness.comparison.contrasting import Settings, contrast_systems
from harness.comparison.drawing import draw_systems
from harness.comparison.systems import check_comparable, read_systems, shared_tasks
from harness.errors import ResultError, raise_all
from harness.progress import Progress
from harness.results.comparison import Comparisons, IntervalName
from harness.stats.contrasts import Scope
from harness.stats.families import Correction


def compare(
    baseline: Path | str,
    candidates: Sequence[Path | str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    alpha: float = 0.05,
    correction: Correction = "holm",
    interval: IntervalName = "t",
    scope: Scope | None = None,
    progress: Progress | None = None,
) -> Comparisons:
    """Compare run folders with a baseline: differences, gaps and gap reductions, with their tests.

    Every number of every system is drawn with the same keyed weights, so that nothing unadjusted
    depends on which other systems, tasks or languages are compared. `scope` None: about the recipes
    where both sides have at least two runs, else about these checkpoints.

    Raises:
        ResultError: a folder is no finished run, was cut by `--limit`, or was tested on other data.
        RequestError: the runs do not allow the scope or the interval that is asked for.
    """
    progress = progress or Progress()
    # 1: the systems, and whether they can be compared
    systems = read_systems([Path(baseline), *map(Path, candidates)])
    for candidate in systems[1:]:
        check_comparable(systems[0], candidate)
    raise_all(
        ResultError,
        [
            f"{systems[0].name} and {candidate.name} have no language of any task in common"
            for candidate in systems[1:]
            if not shared_tasks(systems[0], candidate)
        ],
    )
    # 2: the draws of every cell, for all systems at once
    drawn = draw_systems(systems, seed=seed, resamples=resamples, progress=progress)
    # 3: contrasts, tests, families, claims and flags
    settings = Settings(alpha=alpha, correction=correction, interval=interval, scope=scope)
    return contrast_systems(systems, drawn, settings=settings, resamples=resamples, seed=seed)


class _Callable(ModuleType):
    """Makes `harness.compare(...)` work, where Python binds this module and not its function."""

    def __call__(
        self, baseline: Path | str, candidates: Sequence[Path | str], **options: object
    ) -> Comparisons:
        return compare(baseline, candidates, **options)  # type: ignore[arg-type]


sys.modules[__name__].__class__ = _Callable
