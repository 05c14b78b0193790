"""The best system per target: chosen on development data, reported on test."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from harness.results.folder import RunFolder
from harness.results.record import read_record
from harness.results.scores import Score, TaskScores, read_scores
from harness.results.study import Choice
from harness.studying.folder import StudyFolder
from harness.studying.grid import Grid
from harness.studying.planning import StudyPlan


def choose_systems(
    plan: StudyPlan, grid: Grid, folder: StudyFolder, systems: Mapping[str, RunFolder]
) -> tuple[Choice, ...]:
    """Return the choice of every target.

    The score on development data is the best value of the trace that selected a head, the mean over the
    seeds; the highest is chosen, of equal ones the first in the study. Systems without every seed do not
    take part. Test scores play no part in it, unless development data hold rows that are tested; then the
    choice says so.
    """
    tested = {name: read_scores(run.scores_json).tasks for name, run in systems.items()}
    records = [read_record(run.run_json) for run in systems.values()]
    choices = [_choose(plan, grid, folder, target, tested) for target in plan.targets]
    return tuple(
        choice.model_copy(
            update={
                "dev_in_test": tuple(
                    dict.fromkeys(c for record in records for c in record.selected_on(choice.target))
                )
            }
        )
        for choice in choices
    )


def _choose(
    plan: StudyPlan,
    grid: Grid,
    folder: StudyFolder,
    target: str,
    tested: Mapping[str, Mapping[str, TaskScores]],
) -> Choice:
    dev: dict[str, float] = {}
    by = ""
    for name in plan.arms:
        cells = [cell for (of, _), cell in grid.cells_of(name).items() if of == target]
        seals = [folder.read_seal(cell) for cell in cells]
        scores = [seal.dev for seal in seals if seal is not None and seal.dev is not None]
        if cells and len(scores) == len(cells):
            dev[name] = round(fmean(scores), 6)
            by = by or next(seal.dev_by for seal in seals if seal is not None)
    chosen = max(dev, key=lambda name: dev[name], default=None)
    return Choice(
        target=target,
        dev_by=by,
        dev=dev,
        chosen=chosen,
        test={name: _main(tasks[target]) if target in tasks else None for name, tasks in tested.items()},
    )


def _main(task: TaskScores) -> Score:
    """Return the mean of the main metric; over part of the languages it has no interval here."""
    metric = task.metrics[task.main]
    if metric.average is not None:
        return metric.average
    values = metric.languages.values()
    mean = fmean(score.value for score in values)
    return Score(value=mean, low=None, high=None, n=sum(score.n for score in values))
