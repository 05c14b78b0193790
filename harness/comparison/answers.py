"""What the golds and the predictions themselves say of a system: chance level, constant answers."""

from __future__ import annotations

from collections import Counter

from harness.comparison.systems import System
from harness.errors import ResultError
from harness.records import NO_GOLD, Cell
from harness.scoring import PREDICTION, is_constant, read_outputs
from harness.specs.task import TaskSpec


def chance_of(task: TaskSpec, cell: Cell) -> float | None:
    """Return the score in percent that guessing reaches, where the main metric is the accuracy of labels.

    That is the share of the commonest gold: the majority class, or one of as many as there are rows.
    None for other metrics.
    """
    computes = next(m.computes for m in task.metrics if m.name == task.main_metric)
    golds = [gold for gold in cell.golds if gold != NO_GOLD]
    if computes != "accuracy" or not golds:
        return None
    return 100 * max(Counter(golds).values()) / len(golds)


def answers_alike(system: System, task: TaskSpec, cell: Cell) -> bool:
    """Whether a run of a system predicts one answer throughout; unknown, hence no, without its files."""
    if not _may_be_constant(task, cell):
        return False
    ids = cell.without_statistics().example_ids
    for index, seed in enumerate(cell.seeds):
        try:
            outputs = read_outputs(
                system.folder,
                task,
                cell.language,
                example_ids=ids,
                further_seed=seed if index else None,
                names={PREDICTION},
            )[PREDICTION]
        except ResultError:
            continue
        if is_constant(outputs):
            return True
    return False


def _may_be_constant(task: TaskSpec, cell: Cell) -> bool:
    """Whether the statistics allow for a constant prediction: reading the files takes far longer.

    Where labels are compared, one label throughout is right in all rows of one gold and in no other.
    """
    if chance_of(task, cell) is None:
        return True
    correct = cell.statistics[task.main_metric][:, :, 0] > 0
    golds = [gold for gold in cell.golds if gold != NO_GOLD]
    counts = Counter(golds)
    for run in correct:
        right = Counter(gold for gold, hit in zip(golds, run.tolist(), strict=True) if hit)
        if not right or (len(right) == 1 and all(counts[gold] == n for gold, n in right.items())):
            return True
    return False
