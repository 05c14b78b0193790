"""The variance of a reported number over test items and training runs, and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.records import Float

# A score closer to 0 or 100 than this is there: means of percentages are rounded in the last bits.
_AT_THE_END = 1e-9


@dataclass(frozen=True, slots=True)
class Variance:
    """A variance in squared points, and the degrees of freedom of its estimate.

    `df` is 0 where nothing can be said (a single unit).
    """

    total: float
    df: float


def variance_of(value: Float, draws: Float, units: int) -> Variance:
    """Return the variance of the mean over runs of a number, from its draws.

    value: float64 [S], the number in each of S runs (seeds); draws: float64 [S, B], the same in every
    draw, all runs weighted alike; units: how many are drawn, the smallest such count if the number
    combines several cells.

    V* is the variance of the draws of the mean over runs. One run: V = V*, df = units - 1; it
    speaks of this run. Several runs: V = max(V*, max(0, V* - Vx) + s2/S), where s2 is the variance
    between runs and Vx = sum over runs of Var*(run's draw - mean of the draws) / (S (S - 1)) is what both
    terms hold of the interaction of runs with items; df after Satterthwaite (1946),
    V^2 / ((s2/S)^2 / (S - 1) + (V - s2/S)^2 / (units - 1)), and units - 1 where V = V*: a mean over runs
    is never surer of a recipe than of these very runs (see `harness.stats.contrasts.contrast`).
    """
    if units < 2:
        return Variance(total=0.0, df=0.0)
    runs = len(value)
    mean = draws.mean(axis=0)
    items = float(mean.var(ddof=1))
    if runs == 1:
        return Variance(total=items, df=units - 1)
    # One run at a time: a copy of all draws may be large.
    shared = sum(float((run - mean).var(ddof=1)) for run in draws) / (runs * (runs - 1))
    apart = max(0.0, items - shared)
    between = float(value.var(ddof=1)) / runs
    total = apart + between
    if total <= items:
        return Variance(total=items, df=units - 1)
    # Shares of the total, so that tiny variances do not vanish when squared.
    shares = (between / total) ** 2 / (runs - 1) + (apart / total) ** 2 / (units - 1)
    return Variance(total=total, df=1 / shares)


def score_interval(
    value: float, variance: Variance, *, units: int, alpha: float
) -> tuple[float, float] | tuple[None, None]:
    """Return the interval of a score in percent, at confidence 1 - alpha; it contains the value.

    It is the t interval of the log-odds, their standard error being se / (p (1 - p)) (delta method),
    turned back into percent. At exactly 0 and 100, where the log-odds have no value, it is the exact
    binomial bound over units (Clopper & Pearson 1934): 1 - (alpha/2)^(1/units) from the end.
    (None, None) with a single unit.
    """
    if units < 2:
        return None, None
    if value < _AT_THE_END or value > 100 - _AT_THE_END:
        reach = -100 * math.expm1(math.log(alpha / 2) / units)
        return (0.0, reach) if value < 50 else (100 - reach, 100.0)
    from scipy.special import expit, logit, stdtrit

    p = value / 100
    reach = float(stdtrit(variance.df, 1 - alpha / 2)) * math.sqrt(variance.total) / 100 / (p * (1 - p))
    low, high = 100 * expit(logit(p) + np.array([-reach, reach]))
    # Without variance both ends are the value, which logit and expit give back up to rounding only.
    return min(float(low), value), max(float(high), value)
