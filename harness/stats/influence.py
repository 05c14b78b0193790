"""What each unit adds to a number: the exact jackknife, for the acceleration of BCa intervals.

Influences of several numbers are added like the numbers themselves: unit by unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records import Float


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What units add to a number, in points: the number less what it is without the unit.

    units: int64 [u], ascending, each once; values: float64 [u]. All other units add 0.
    """

    units: NDArray[np.int64]
    values: Float


def influence_of(
    statistics: Float, unit_of_row: NDArray[np.int64], value_of: Callable[[Float], Float]
) -> Influence:
    """Return the influence of each unit on the value of one cell.

    statistics: float64 [n, k]; unit_of_row: int64 [n]; `value_of` maps sums float64 [..., k] to values
    float64 [...] in percent. With T the sums of all rows and t(u) those of the rows of unit u it is
    value(T) - value(T - t(u)). For a mean over rows that is (x(u) - mean) / (n - 1).
    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, equation 14.15, whose jackknife
    values are centred on their mean; here they are centred on the value, which differs by O(1/n^2) and
    keeps at exactly 0 what a unit without any effect adds. The order of rows changes no bit.
    """
    units, place = np.unique(unit_of_row, return_inverse=True)
    if not np.array_equal(statistics, np.rint(statistics)):
        # Sums of fractions hang on their order in the last bits.
        order = np.lexsort((*statistics.T, place))
        statistics, place = statistics[order], place[order]
    of_unit = np.stack([np.bincount(place, weights=column, minlength=len(units)) for column in statistics.T])
    totals: Float = np.array([math.fsum(column) for column in of_unit], dtype=np.float64)
    # What cancels to 0 must be 0: a metric may divide by it.
    left = totals - of_unit.T
    left[np.abs(left) < 1e-9 * np.abs(totals)] = 0.0
    return Influence(units, np.asarray(value_of(totals) - value_of(left), dtype=np.float64))


def size_of_changes(
    baseline: Float,
    candidate: Float,
    unit_of_row: NDArray[np.int64],
    value_of: Callable[[Float], Float],
    *,
    rows: int,
) -> float:
    """Return the mean square of what a changed unit changes, in rows of the test set, 0 to 1.

    baseline, candidate: float64 [S, n, k], the statistics of both systems in their runs, over which the
    mean is taken. A unit is changed where these differ; what it changes is its influence on the
    candidate's value less that on the baseline's, and 100 / `rows` points are one row. Right and wrong give
    about 1. Never more than 1 (a unit may hold many rows), and 1 where nothing is changed.
    """
    means = [side.mean(axis=0) for side in (baseline, candidate)]
    moved_rows = (means[0] != means[1]).any(axis=1)
    if not moved_rows.any():
        return 1.0
    one, other = (influence_of(mean, unit_of_row, value_of) for mean in means)
    changed = np.isin(one.units, unit_of_row[moved_rows], assume_unique=False)
    moved = (other.values - one.values)[changed] * (rows / 100)
    return min(1.0, math.fsum(moved**2) / len(moved))


def add_influences(parts: Sequence[Influence], weights: Sequence[float]) -> Influence:
    """Return the influence on the weighted sum of numbers.

    Raises:
        ValueError: if there are no parts.
    """
    if not parts:
        raise ValueError("the influence on no numbers is not defined")
    units, place = np.unique(np.concatenate([part.units for part in parts]), return_inverse=True)
    values = np.concatenate([weight * part.values for part, weight in zip(parts, weights, strict=True)])
    summed = np.bincount(place, weights=values, minlength=len(units))
    return Influence(units, summed.astype(np.float64))
