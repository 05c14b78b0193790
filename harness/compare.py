"""Did the gap close, and is it more than noise? One call per step, top to bottom."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import get_args

from harness.comparison.contrasting import Settings, check_families, choose_scopes, contrast_systems
from harness.comparison.drawing import draw_systems
from harness.comparison.quantities import quantities_of
from harness.comparison.systems import check_comparable, read_systems, shared_tasks
from harness.comparison.tree import build_comparisons
from harness.comparison.typology import add_typology
from harness.errors import RequestError, ResultError, raise_all
from harness.progress import Progress
from harness.results.comparison import Comparisons, IntervalName
from harness.specs.run import MAX_RESAMPLES, MAX_SEED
from harness.stats.contrasts import Scope
from harness.stats.families import Correction
from harness.typology import TABLE, check_distances

_MIN_RESAMPLES = 100


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
    check: bool = False,
    distances: Sequence[str] = (TABLE,),
    leave_out: Mapping[str, Collection[str]] | None = None,
    progress: Progress | None = None,
) -> Comparisons:
    """Compare run folders with a baseline: differences, gaps and gap reductions, with their tests.

    Every number of every system is drawn with the same keyed weights, so that nothing unadjusted
    depends on which other systems, tasks or languages are compared. `scope` None: about the recipes
    where both sides have at least two runs, else about these checkpoints. `check` adds the p values of
    the sign-flip check, by as many exchanges as there are draws. The first of `distances` is the
    typological distance named in advance for the slopes; see `harness.typology`. `leave_out` names
    languages, by task, that are not compared; a task left without any is not compared either.

    Raises:
        ResultError: a folder is no finished run, was cut by `--limit`, lacks example files, or was tested
            on other data or by another version of a task.
        RequestError: an option is out of its range, a distance is unknown or needs the extra `typology`, or
            the runs do not allow the scope, the interval or the check that is asked for.
    """
    progress = progress or Progress()
    settings = Settings(alpha=alpha, correction=correction, interval=interval, scope=scope, check=check)
    _check_request(candidates, settings, resamples=resamples, seed=seed, distances=distances)
    # 1: the systems, and whether they can be compared
    systems = read_systems([Path(baseline), *map(Path, candidates)])
    systems = tuple(system.without(leave_out or {}) for system in systems)
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
    # 2: what is asked of them, and whether they can answer it
    scopes = choose_scopes(systems, settings)
    quantities = [quantities_of(systems[0], candidate) for candidate in systems[1:]]
    check_families(quantities, settings=settings, resamples=resamples)
    # 3: the draws of every cell, for all systems at once
    drawn = draw_systems(
        systems,
        seed=seed,
        resamples=resamples,
        progress=progress,
        influence=interval == "bca",
        exchange=check,
    )
    # 4: contrasts, tests and families; claims and flags
    found = contrast_systems(quantities, drawn, scopes=scopes, settings=settings)
    for number in sorted(found.alike):
        progress.say(
            f"{systems[number].name} and {systems[0].name} are alike in every unit: all differences are 0, "
            "and every p is 1"
        )
    comparisons = Comparisons(
        alpha=alpha,
        resamples=resamples,
        seed=seed,
        correction=correction,
        interval=interval,
        comparisons=build_comparisons(systems, drawn, found, scopes=scopes, alpha=alpha),
    )
    # 5: the same by typology
    return add_typology(comparisons, systems, drawn, distances=distances)


def _check_request(
    candidates: Sequence[Path | str],
    settings: Settings,
    *,
    resamples: int,
    seed: int,
    distances: Sequence[str],
) -> None:
    """Refuse options out of their range.

    Raises:
        RequestError: all of them at once.
    """
    problems = []
    if not candidates:
        problems.append("name at least one run to compare with the baseline")
    # Not `Path.resolve`, which fails of links that lead in a circle.
    places = [os.path.realpath(candidate) for candidate in candidates]
    for twice in dict.fromkeys(
        c for c, place in zip(candidates, places, strict=True) if places.count(place) > 1
    ):
        problems.append(f"{twice}: a candidate is given more than once; it would count twice in every family")
    if not 0 < settings.alpha < 1:
        problems.append(f"--alpha {settings.alpha}: a number between 0 and 1, as 0.05")
    if not _MIN_RESAMPLES <= resamples <= MAX_RESAMPLES:
        problems.append(f"--resamples {resamples}: from {_MIN_RESAMPLES} to {MAX_RESAMPLES:,}")
    if not 0 <= seed <= MAX_SEED:
        problems.append(f"--seed {seed}: from 0 to {MAX_SEED}")
    for option, value, allowed in (
        ("--correction", settings.correction, get_args(Correction)),
        ("--interval", settings.interval, get_args(IntervalName)),
        ("--scope", settings.scope, (None, *get_args(Scope))),
    ):
        if value not in allowed:
            names = ", ".join("auto" if name is None else str(name) for name in allowed)
            problems.append(f"{option} {value}: one of {names}")
    raise_all(RequestError, problems)
    check_distances(distances)


class _Callable(ModuleType):
    """Makes `harness.compare(...)` work, where Python binds this module and not its function."""

    def __call__(
        self, baseline: Path | str, candidates: Sequence[Path | str], **options: object
    ) -> Comparisons:
        return compare(baseline, candidates, **options)  # type: ignore[arg-type]


sys.modules[__name__].__class__ = _Callable
