"""From statistics per example to values, draws and estimates.

    values = {"xquad": {"f1": metric_named("squad_f1").value}}
    drawn = draw_cells(cells, space="xquad", values=values, seed=0, resamples=10_000)
    estimate(drawn["xquad", "de", "f1"])
    estimate(mean_of([drawn["xquad", language, "f1"] for language in languages]))

Averages of averages are made the same way: `mean_of` takes what it returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.errors import ResultError
from harness.records import Cell, Estimate, Float
from harness.stats.draws import draw_sums
from harness.stats.intervals import score_interval, variance_of
from harness.stats.units import Units, join_units

# Sums of statistics float64 [..., k] -> values float64 [...] in percent, as metrics define it.
ValueOfSums = Callable[[Float], Float]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """A number in percent: in each of S runs as reported, and in each of B draws.

    value: float64 [S]; draws: float64 [S, B]. S is 1 where nothing is trained. Draw b of two numbers
    is one joint draw, so sums, differences and means of numbers are those of their draws. `units`:
    how many units are drawn, the smallest such count if cells are combined. `rows`: the number of
    rows of every (task, language) in it, and `weights` what it counts with, summed over its metrics.
    `changes`: where it is compared with another system, the size of a change there, the largest of its
    metrics (see `harness.stats.influence.size_of_changes`); 1 where nothing is said.
    """

    value: Float
    draws: Float
    units: int
    rows: Mapping[tuple[str, str], int]
    weights: Mapping[tuple[str, str], float]
    changes: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """The number of runs S."""
        return len(self.value)


def draw_cells(
    cells: Sequence[Cell],
    *,
    space: str,
    values: Mapping[str, Mapping[str, ValueOfSums]],
    seed: int,
    resamples: int,
    units: Units | None = None,
) -> dict[tuple[str, str, str], Draws]:
    """Draw all cells of one unit space; return the draws by (task, language, metric).

    Tasks on the same texts share a space and must be drawn in one call; the spaces of other tasks are
    independent. `values[task][metric]` turns sums of statistics into a value. What is returned for
    a cell does not depend on the other cells of the call (see `join_units` for the one exception).
    `units` are those of the cells, where they are known already.
    Memory: 8 bytes per run, draw and metric of each cell is returned; while drawing, the same
    per distinct column of statistics.

    A draw in which no unit of a cell appears (probability exp(-units): 2e-9 for 20 units) says nothing
    about it; the cell then has its reported value in that draw.

    Raises:
        ResultError: if a cell has no rows, or statistics or values that are not finite or not percent.
    """
    stacks = [_Stack.of(cell) for cell in cells]
    units = units or join_units(cells)
    drawn = draw_sums([stack.columns for stack in stacks], units, space=space, seed=seed, resamples=resamples)
    # Rows beside the test set are drawn too, but how many there are is the system's doing.
    counts = [len(np.unique(of_row[cell.in_test_set])) for cell, of_row in zip(cells, units.of, strict=True)]
    result: dict[tuple[str, str, str], Draws] = {}
    for cell, stack, sums, count in zip(cells, stacks, drawn, counts, strict=True):
        empty = sums[0] == 0
        sums[:, empty] = stack.totals[:, None]
        for metric, index in stack.index.items():
            value_of = values[cell.task][metric]
            result[cell.task, cell.language, metric] = Draws(
                value=_checked(value_of(stack.totals[index]), cell, metric),
                draws=_checked(value_of(np.moveaxis(sums[index], -1, -2)), cell, metric),
                units=count,
                rows={(cell.task, cell.language): cell.tested},
                weights={(cell.task, cell.language): 1.0},
            )
    return result


def mean_of(parts: Sequence[Draws]) -> Draws:
    """Return the unweighted mean of numbers; see `combine`."""
    if not parts:
        raise ValueError("the mean of no numbers is not defined")
    return combine(parts, [1 / len(parts)] * len(parts))


def combine(parts: Sequence[Draws], weights: Sequence[float]) -> Draws:
    """Return the weighted sum of numbers, run by run and draw by draw.

    The parts may be languages, metrics of the same cells, tasks, or sums themselves. Runs are joined
    by position: all parts have the same S runs or one. A part with one run (a task that trains
    nothing) counts unchanged in each run, so it adds nothing to the variance between runs.

    Raises:
        ValueError: if there are no parts, or runs or draws do not fit together.
    """
    if not parts:
        raise ValueError("the sum of no numbers is not defined")
    runs = {part.runs for part in parts} - {1}
    resamples = {part.draws.shape[1] for part in parts}
    if len(runs) > 1 or len(resamples) > 1:
        raise ValueError(f"numbers of {sorted(runs)} runs and {sorted(resamples)} draws cannot be added")
    shape = (max(runs, default=1), resamples.pop())
    value, draws = np.zeros(shape[0]), np.zeros(shape)
    rows: dict[tuple[str, str], int] = {}
    counted: dict[tuple[str, str], float] = {}
    changes: dict[tuple[str, str], float] = {}
    for part, weight in zip(parts, weights, strict=True):
        value += weight * part.value
        draws += weight * part.draws
        rows.update(part.rows)
        for cell, inner in part.weights.items():
            counted[cell] = counted.get(cell, 0.0) + weight * inner
        for cell, size in part.changes.items():
            changes[cell] = max(size, changes.get(cell, 0.0))
    return Draws(value, draws, min(part.units for part in parts), rows, counted, changes)


def estimate(number: Draws, *, alpha: float = 0.05) -> Estimate:
    """Return the mean over runs with its interval at confidence 1 - alpha.

    `n` is the number of rows, over all cells in it; a cell counts once however many of its metrics
    are averaged. See `variance_of` and `score_interval` for the interval.
    """
    value = float(number.value.mean())
    low, high = score_interval(
        value, variance_of(number.value, number.draws, number.units), units=number.units, alpha=alpha
    )
    return Estimate(value=value, low=low, high=high, n=sum(number.rows.values()), units=number.units)


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """The statistics of a cell as distinct columns: metrics and runs share many (totals, gold counts).

    columns: float64 [d, n], the first 1 in rows of the test set and 0 in others; totals: float64 [d],
    their sums; index[metric]: int64 [S, k], where in `columns` the statistics of each run are.
    """

    columns: Float
    totals: Float
    index: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, cell: Cell) -> _Stack:
        n = len(cell.example_ids)
        if n == 0:
            raise ResultError(
                f"task {cell.task!r}, language {cell.language!r}: there are no examples to score"
            )
        # Not of all rows: those beside the test set differ between systems, and would decide for others
        # whether a draw is empty.
        columns = [cell.in_test_set.astype(np.float64)]
        place = {columns[0].tobytes(): 0}
        index: dict[str, NDArray[np.int64]] = {}
        for metric, statistics in cell.statistics.items():
            _check_finite(statistics, cell, metric)
            index[metric] = np.empty((statistics.shape[0], statistics.shape[2]), dtype=np.int64)
            for run, k in np.ndindex(*index[metric].shape):
                column = np.ascontiguousarray(statistics[run, :, k], dtype=np.float64)
                text = column.tobytes()
                if text not in place:
                    place[text] = len(columns)
                    columns.append(column)
                index[metric][run, k] = place[text]
        # fsum rounds once, so the order of rows cannot change a sum.
        return cls(np.stack(columns), np.array([math.fsum(column) for column in columns]), index)


def _check_finite(statistics: Float, cell: Cell, metric: str) -> None:
    bad = np.argwhere(~np.isfinite(statistics))
    if len(bad):
        run, row, k = bad[0]
        raise ResultError(
            f"task {cell.task!r}, language {cell.language!r}, metric {metric!r}, run {run}, "
            f"example {cell.example_ids[row]!r}: statistic {k} is {statistics[run, row, k]}; "
            "metrics return finite numbers"
        )


def _checked(values: Float, cell: Cell, metric: str) -> Float:
    """Clip rounding errors at 0 and 100; refuse values that are not percent."""
    wrong = values[~((values > -1e-9) & (values < 100 + 1e-9))]
    if len(wrong):
        raise ResultError(
            f"task {cell.task!r}, language {cell.language!r}, metric {metric!r}: its value is {wrong[0]}; "
            "metrics return percent, 0 to 100"
        )
    return np.clip(values, 0.0, 100.0)
