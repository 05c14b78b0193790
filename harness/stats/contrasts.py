"""The difference of two systems in any number that is a weighted sum of scores.

Every comparison is of this one form. Per system the number is a score, an average, a score less that
of the source language (whose difference is the gap reduction, since the gap is its negative), or a
mean of such; its difference is the candidate's less the baseline's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.records import Float
from harness.stats.estimate import Draws

Scope = Literal["checkpoints", "recipes"]

# A difference below this, in points, is a rounding error: two sums of scores that are equal.
_NOISE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A difference in points, the variance of its estimate, and its draws.

    variance: in squared points; df: degrees of freedom of the variance, 0 where nothing can be said (a
    single unit). draws: float64 [B], of the mean over the runs of either side. n: rows, units: the
    smallest number drawn. `identical`: no draw differs from 0, as with equal predictions.
    """

    value: float
    variance: float
    df: float
    draws: Float
    n: int
    units: int

    @property
    def identical(self) -> bool:
        """Whether both systems are alike in every draw."""
        return self.value == 0.0 and not self.draws.any()


@dataclass(frozen=True, slots=True)
class Test:
    """What is said of a contrast: interval and p are one statement (p <= alpha where 0 is outside).

    low, high, p are None where nothing can be said (a single unit); the ends alone where a BCa interval
    would end beyond the draws.
    """

    low: float | None
    high: float | None
    p: float | None


# pytest would otherwise take the class for a test where it is imported.
Test.__test__ = False  # type: ignore[attr-defined]


def contrast(candidate: Draws, baseline: Draws, *, scope: Scope) -> Contrast:
    """Return candidate - baseline with its variance over items and, for recipes, over runs.

    Both sides are the same weighted sum of cells, in any number of runs S. Draw b of one belongs to
    draw b of the other (they are keyed by unit), so pairing needs no rule.

    V0 = sum over languages of 2 c (w 100 / n)^2, w the weight of the language's difference and n its
    rows: two pseudo-rows, one won and one lost (Bonett & Price 2012, adjusted Wald interval for
    paired proportions), so that few changed rows never look certain. c <= 1 is the mean square of what
    a changed unit changes, in rows: about 1 for right and wrong, less for scores that change by parts
    of rows.

    `checkpoints`: V = V* + V0, V* the variance of the draws of the difference of means over runs; df =
    units - 1. It says nothing about models trained anew.

    `recipes`: V = V0 + max(V*, max(0, V* - Vx) + sum over sides of s2/S). s2 is the variance between the runs
    of a side of its reported number; Vx = sum over sides and runs of Var*(run's draw - mean of the
    side's draws) / (S (S - 1)), the interaction of runs with items, which V* and s2 both hold. A recipe is
    never surer than these very runs: what two or three runs say of s2 by chance may be less than the items
    alone say. df after Satterthwaite (1946): V^2 / (sum (s2/S)^2 / (S - 1) + (V - sum s2/S)^2 / (units - 1)),
    and units - 1 where V = V* + V0. A side that trains nothing has one run, of which a repetition would be
    the same: it adds no s2.

    Raises:
        ValueError: if the sides are not sums of the same cells, or have different numbers of draws.
    """
    if candidate.weights != baseline.weights:
        raise ValueError("only sums of the same cells can be compared")
    if candidate.draws.shape[1] != baseline.draws.shape[1]:
        raise ValueError("both sides need the same number of draws")
    units = min(candidate.units, baseline.units)
    means = [side.draws.mean(axis=0) for side in (candidate, baseline)]
    draws = means[0] - means[1]
    # What is exactly 0 decides which draws are ties, and whether an interval leaves out 0.
    draws[np.abs(draws) < _NOISE] = 0.0
    value = float(candidate.value.mean() - baseline.value.mean())
    value = 0.0 if abs(value) < _NOISE else value
    rows = {**baseline.rows, **candidate.rows}
    sizes = {**baseline.changes, **candidate.changes}
    pseudo = sum(
        2 * sizes.get(cell, 1.0) * (w * 100 / rows[cell]) ** 2 for cell, w in candidate.weights.items()
    )
    n = sum(rows.values())
    if units < 2:
        return Contrast(value, 0.0, 0.0, draws, n, units)
    items = float(draws.var(ddof=1))
    if scope == "checkpoints":
        return Contrast(value, items + pseudo, units - 1, draws, n, units)
    shared, between = 0.0, []
    for side, mean in zip((candidate, baseline), means, strict=True):
        if side.runs > 1:
            spread = sum(float((run - mean).var(ddof=1)) for run in side.draws)
            shared += spread / (side.runs * (side.runs - 1))
            between.append((float(side.value.var(ddof=1)) / side.runs, side.runs))
    of_items = max(0.0, items - shared) + pseudo
    total = of_items + sum(part for part, _ in between)
    if total <= items + pseudo:
        return Contrast(value, items + pseudo, units - 1, draws, n, units)
    # Shares of the total, so that tiny variances do not vanish when squared.
    shares = (of_items / total) ** 2 / (units - 1)
    shares += sum((part / total) ** 2 / (runs - 1) for part, runs in between)
    return Contrast(value, total, 1 / shares, draws, n, units)


def t_test(found: Contrast, *, alpha: float) -> Test:
    """Return value -+ t(1 - alpha/2, df) sqrt(V) and p = 2 P(T_df >= |value| / sqrt(V)).

    p <= alpha exactly where the interval leaves out 0, at every alpha. Nothing differs: p = 1.
    """
    if found.df <= 0:
        return Test(None, None, None)
    from scipy.special import stdtr, stdtrit

    error = math.sqrt(found.variance)
    reach = float(stdtrit(found.df, 1 - alpha / 2)) * error
    if found.value == 0.0:
        p = 1.0
    else:
        p = 2 * float(stdtr(found.df, -abs(found.value) / error)) if error else 0.0
    return Test(found.value - reach, found.value + reach, p)


def detectable(found: Contrast, *, alpha: float, family: int) -> float | None:
    """Return the difference that the first Holm step of a family finds with a probability of 80%.

    (t(1 - alpha / (2 m), df) + t(0.8, df)) sqrt(V), m the size of the family. It depends on the error
    alone and not on the effect that was seen; None where nothing can be said.
    """
    if found.df <= 0:
        return None
    return reach_of_power(math.sqrt(found.variance), found.df, alpha=alpha, family=family)


def reach_of_power(error: float, df: float, *, alpha: float, family: int) -> float:
    """Return (t(1 - alpha / (2 m), df) + t(0.8, df)) error: see `detectable`, of any number with an error."""
    from scipy.special import stdtrit

    return float(stdtrit(df, np.array([1 - alpha / (2 * family), 0.8])).sum()) * error


def gap_interval(number: Draws, *, alpha: float, scope: Scope) -> tuple[float, float] | tuple[None, None]:
    """Return the t interval of a number of one system that is a difference of its own scores.

    It speaks of what `contrast` speaks of: with `checkpoints` of these very runs (V = V*, df = units - 1),
    with `recipes` of their mean over trainings as well (see `variance_of`). (None, None) with a single unit.
    """
    from harness.stats.intervals import variance_of

    value, draws = number.value, number.draws
    if scope == "checkpoints":
        value, draws = value.mean(keepdims=True), draws.mean(axis=0, keepdims=True)
    variance = variance_of(value, draws, number.units)
    if variance.df <= 0:
        return None, None
    from scipy.special import stdtrit

    reach = float(stdtrit(variance.df, 1 - alpha / 2)) * math.sqrt(variance.total)
    centre = float(value.mean())
    return centre - reach, centre + reach
