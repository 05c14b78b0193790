"""Steps 7 and 8: from what prediction wrote to statistics, and from statistics to the scores tree.

Pure functions of a run folder: no model, no data folder, no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import ResultError
from harness.kinds.table import kind_named
from harness.metrics.table import metric_named
from harness.records import Cell, Outputs, canonical_json
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
    """The scored cells of one task, and the languages whose mean is the benchmark's number.

    `constant` names the languages in which one and the same answer was predicted throughout.
    """

    task: TaskSpec
    expected: tuple[str, ...]
    cells: tuple[Cell, ...]
    constant: tuple[str, ...] = ()


def read_outputs(
    folder: RunFolder,
    task: TaskSpec,
    language: str,
    *,
    example_ids: Sequence[str],
    further_seed: int | None,
    names: Collection[str] | None = None,
) -> dict[str, Outputs]:
    """Read the outputs of a task in one language back from the files that prediction wrote.

    `names` are those wanted; None: all that the kind of task writes.

    Raises:
        ResultError: if a file is missing or malformed, or does not fit the examples.
    """
    outputs = {}
    for name, format_name in kind_named(task.kind).formats.items():
        if names is not None and name not in names:
            continue
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


def score_language(folder: RunFolder, task: TaskSpec, language: str) -> tuple[Cell, bool]:
    """Score one task in one language over all seeds: sufficient statistics per example.

    Read are the predictions and what else the task's metrics look at. The second value says whether
    the predictions of a seed are one answer throughout.

    Raises:
        ResultError: if a file of the folder is missing or malformed.
    """
    path = folder.examples(task.name, language)
    gold = read_examples(path, task=task.name, language=language).without_statistics()
    names = {PREDICTION, *(entry.output for entry in task.metrics)}
    per_seed = [
        read_outputs(
            folder,
            task,
            language,
            example_ids=gold.example_ids,
            further_seed=seed if index else None,
            names=names,
        )
        for index, seed in enumerate(gold.seeds)
    ]
    kind = kind_named(task.kind)
    cell, rows = kind.line_up(gold, per_seed)
    golds = [kind.decode_gold(text) for text in cell.golds]
    statistics = {
        entry.name: np.stack(
            [
                metric_named(entry.computes).per_example(golds, outputs[entry.output], language)
                for outputs in rows
            ]
        )
        for entry in task.metrics
    }
    constant = any(is_constant(outputs[PREDICTION]) for outputs in per_seed)
    return replace(cell, statistics=statistics), constant


def is_constant(outputs: Outputs) -> bool:
    """Whether two or more outputs are one and the same answer.

    Lists count by what they list as well: sentences of different lengths whose every word has the
    same tag are constant.
    """
    if len(outputs) < 2:
        return False
    if len({canonical_json(output) for output in outputs}) == 1:
        return True
    listed = [output for output in outputs if isinstance(output, list)]
    return len(listed) == len(outputs) and len({str(answer) for output in listed for answer in output}) == 1


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
