"""Steps 7 and 8: from what prediction wrote to statistics, and from statistics to the scores tree.

Pure functions of a run folder: no model, no data folder, no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import ResultError
from harness.kinds.table import kind_named
from harness.metrics.table import metric_named
from harness.records import Cell, Outputs
from harness.results.examples import read_examples
from harness.results.folder import RunFolder
from harness.results.formats import format_named
from harness.results.scores import (
    MetricEstimates,
    PartialMean,
    Scores,
    SuiteEstimates,
    TaskEstimates,
    build_scores,
)
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec
from harness.stats.estimate import Draws, draw_cells, estimate, mean_of

PREDICTION = "prediction"
FEW_UNITS = 20


@dataclass(frozen=True, slots=True)
class Scored:
    """The scored cells of one task, and the languages whose mean is the benchmark's number."""

    task: TaskSpec
    expected: tuple[str, ...]
    cells: tuple[Cell, ...]


def read_outputs(
    folder: RunFolder, task: TaskSpec, language: str, *, example_ids: Sequence[str], further_seed: int | None
) -> dict[str, Outputs]:
    """Read every output of a task in one language back from the files that prediction wrote.

    Raises:
        ResultError: if a file is missing or malformed, or does not fit the examples.
    """
    outputs = {}
    for name, format_name in kind_named(task.kind).formats.items():
        form = format_named(format_name)
        path = (
            folder.prediction(task.name, language, form.suffix, further_seed=further_seed)
            if name == PREDICTION
            else folder.extra(task.name, name, language, form.suffix, further_seed=further_seed)
        )
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ResultError(
                f"{path} cannot be read ({error.strerror}); the same `xharness eval` writes it again"
            ) from None
        outputs[name] = form.decode(data, example_ids, path)
    return outputs


def score_language(folder: RunFolder, task: TaskSpec, language: str) -> Cell:
    """Score one task in one language over all seeds: sufficient statistics per example.

    Raises:
        ResultError: if a file of the folder is missing or malformed.
    """
    gold = read_examples(folder.examples(task.name, language), task=task.name, language=language)
    decode = kind_named(task.kind).decode_gold
    golds = [decode(text) for text in gold.golds]
    per_seed = [
        read_outputs(
            folder, task, language, example_ids=gold.example_ids, further_seed=seed if index else None
        )
        for index, seed in enumerate(gold.seeds)
    ]
    statistics = {
        entry.name: np.stack(
            [metric_named(entry.computes).per_example(golds, outputs[entry.output]) for outputs in per_seed]
        )
        for entry in task.metrics
    }
    return Cell(
        task=task.name,
        language=language,
        seeds=gold.seeds,
        example_ids=gold.example_ids,
        parallel_ids=gold.parallel_ids,
        cluster_ids=gold.cluster_ids,
        golds=gold.golds,
        statistics=statistics,
    )


def statistics_columns(task: TaskSpec) -> dict[str, tuple[str, ...]]:
    """Return the names of the sufficient statistics of each metric of a task."""
    return {entry.name: metric_named(entry.computes).columns for entry in task.metrics}


def summarise(
    scored: Sequence[Scored],
    *,
    suite: SuiteSpec | None,
    recipe: str | None,
    missing: Mapping[str, Sequence[str]],
    resamples: int,
    seed: int = 0,
) -> tuple[Scores, dict[str, dict[str, PartialMean]], dict[str, int]]:
    """Turn statistics into the scores tree, and what the tables say beyond it.

    That is, by task, the means that stand where an average is null, and the smallest number of units
    where it is below 20.

    Tasks on the same texts (one unit space) are drawn together. `missing` names further tasks of
    the suite, those that this run does not hold at all.
    """
    tasks: dict[str, TaskEstimates] = {}
    partial: dict[str, dict[str, PartialMean]] = {}
    task_scores: dict[str, Draws] = {}
    units: dict[str, int] = {}
    absent = {s.task.name: [code for code in s.expected if code not in _languages(s)] for s in scored}
    for space in dict.fromkeys(s.task.space for s in scored):
        together = [s for s in scored if s.task.space == space and s.cells]
        drawn = draw_cells(
            [cell for s in together for cell in s.cells],
            space=space,
            values={
                s.task.name: {m.name: metric_named(m.computes).value for m in s.task.metrics}
                for s in together
            },
            seed=seed,
            resamples=resamples,
        )
        for s in together:
            name, languages = s.task.name, _languages(s)
            units[name] = min(drawn[name, code, s.task.main_metric].units for code in languages)
            means = {
                m.name: mean_of([drawn[name, code, m.name] for code in languages]) for m in s.task.metrics
            }
            complete = not absent[name]
            tasks[name] = TaskEstimates(
                main=s.task.main_metric,
                source_language=s.task.source_language,
                metrics={
                    metric: MetricEstimates(
                        languages={code: estimate(drawn[name, code, metric]) for code in languages},
                        average=estimate(mean) if complete else None,
                    )
                    for metric, mean in means.items()
                },
            )
            if complete:
                task_scores[name] = mean_of([means[metric] for metric in s.task.score_metrics])
            else:
                partial[name] = {m: PartialMean(estimate(mean), languages) for m, mean in means.items()}
    in_order = {s.task.name: tasks[s.task.name] for s in scored if s.cells}
    scores = build_scores(
        in_order,
        suite=suite.name if suite else None,
        recipe=recipe,
        missing={**missing, **absent},
        means=_suite_means(suite, task_scores),
    )
    return scores, partial, {name: count for name, count in units.items() if count < FEW_UNITS}


def _suite_means(suite: SuiteSpec | None, task_scores: Mapping[str, Draws]) -> SuiteEstimates:
    """Groups and overall: unweighted means of task scores; None where a member has none."""
    if suite is None:
        return SuiteEstimates()

    def mean(members: Iterable[str]) -> Draws | None:
        parts = [task_scores.get(name) for name in members]
        there = [part for part in parts if part is not None]
        return mean_of(there) if there and len(there) == len(parts) else None

    means = {name: mean(members) for name, members in suite.groups.items()}
    overall = mean(suite.overall)
    return SuiteEstimates(
        groups={name: None if found is None else estimate(found) for name, found in means.items()},
        overall=None if overall is None else estimate(overall),
    )


def _languages(scored: Scored) -> tuple[str, ...]:
    return tuple(cell.language for cell in scored.cells)
