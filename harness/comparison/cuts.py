"""Which languages are points of a breakdown by typology, and what their numbers are sums of."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.comparison.quantities import Score
from harness.comparison.systems import System
from harness.specfiles.language_tables import known_languages
from harness.specs.task import TaskSpec
from harness.typology import distances_from, distances_from_nearest

_NEAREST = "{} from nearest training language"
Terms = dict[Score, float]  # score -> its weight in a number
Reason = Literal["source", "trained on", "not in the table"]


@dataclass(frozen=True, slots=True)
class Cut:
    """One task, or the mean over tasks: what every language's numbers are sums of.

    `differences` and `reductions` by language, the latter empty where there is no gap; `distances` by
    name, then by language, lacking those that are unknown. `tested`: False where nothing has a p.
    """

    level: Literal["task", "suite"]
    tasks: tuple[TaskSpec, ...]
    differences: dict[str, Terms]
    reductions: dict[str, Terms]
    distances: dict[str, dict[str, float]]
    left_out: dict[str, Reason]
    tested: bool


def source_of(task: TaskSpec) -> str:
    """Return the language that a task's distances are from."""
    return task.source_language or task.pivot_language


def trained_on(system: System, task: str) -> set[str]:
    """Return the languages that a system was trained on for a task, as run.json names them.

    Those of the training run behind it, and those of an intermediate phase that trained on the task.
    """
    record = system.record
    runs = record.training.get(task, ())
    own = {key.rpartition("/")[2] for run in runs for key in run.data}
    return own | set(record.tasks[task].seen if task in record.tasks else ())


def task_cut(
    task: TaskSpec,
    codes: Sequence[str],
    seen: Collection[str],
    *,
    distances: Sequence[str],
    near: Sequence[str],
    tested: bool,
) -> Cut:
    """Return what a task's languages `codes` are; `seen` are those that a system was trained on."""
    source, known = source_of(task), known_languages()
    left_out: dict[str, Reason] = {}
    for code in codes:
        if code == source:
            left_out[code] = "source"
        elif code in seen:
            left_out[code] = "trained on"
        elif code not in known:
            left_out[code] = "not in the table"
    points = sorted(set(codes) - set(left_out))

    def score(code: str) -> Score:
        return task.name, code, task.main_metric

    return Cut(
        level="task",
        tasks=(task,),
        differences={code: {score(code): 1.0} for code in points},
        reductions={code: {score(code): 1.0, score(source): -1.0} for code in points}
        if task.source_language in codes
        else {},
        distances=_all_distances(source, points, distances, near),
        left_out=left_out,
        tested=tested,
    )


def _all_distances(
    source: str, points: Sequence[str], distances: Sequence[str], near: Sequence[str]
) -> dict[str, dict[str, float]]:
    if source not in known_languages():
        return {name: {} for name in distances}
    found = {name: distances_from(source, points, distance=name) for name in distances}
    if set(near) - {source}:
        named = distances[0]
        found[_NEAREST.format(named)] = distances_from_nearest([source, *near], points, distance=named)
    return found


def suite_cut(cuts: Sequence[Cut]) -> Cut | None:
    """Average the tasks that have gaps, language by language over those that test the language.

    Tasks count in the benchmark's score, as in its average. None of fewer than two tasks.
    """
    cuts = [cut for cut in cuts if cut.reductions and cut.tested]
    if len(cuts) < 2:
        return None
    codes = sorted({code for cut in cuts for code in cut.reductions})
    names = dict.fromkeys(name for cut in cuts for name in cut.distances)
    distances: dict[str, dict[str, float]] = {name: {} for name in names}
    for name, code in itertools.product(names, codes):
        # A task that was trained on its source alone: the nearest training language is the source.
        tables = [cut.distances.get(name, next(iter(cut.distances.values()))) for cut in cuts]
        own = [table[code] for table in tables if code in table]
        if own:
            distances[name][code] = statistics.fmean(own)

    def mean(tables: Iterable[tuple[TaskSpec, Mapping[str, Terms]]], code: str) -> Terms:
        held = [_in_benchmark_score(task, table[code]) for task, table in tables if code in table]
        return weighted(held, [1 / len(held)] * len(held))

    return Cut(
        level="suite",
        tasks=tuple(task for cut in cuts for task in cut.tasks),
        differences={code: mean([(cut.tasks[0], cut.differences) for cut in cuts], code) for code in codes},
        reductions={code: mean([(cut.tasks[0], cut.reductions) for cut in cuts], code) for code in codes},
        distances=distances,
        left_out={c: why for cut in cuts for c, why in cut.left_out.items() if c not in codes},
        tested=True,
    )


def _in_benchmark_score(task: TaskSpec, terms: Terms) -> Terms:
    metrics = task.score_metrics
    return {
        (name, code, metric): weight / len(metrics)
        for (name, code, _), weight in terms.items()
        for metric in metrics
    }


def weighted(cells: Sequence[Terms], weights: Sequence[float]) -> Terms:
    """Return the weighted sum of numbers that are sums of scores themselves."""
    summed: Terms = {}
    for own, weight in zip(cells, weights, strict=True):
        for cell, inner in own.items():
            summed[cell] = summed.get(cell, 0.0) + weight * inner
    return summed
