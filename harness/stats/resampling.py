"""Intervals and p values read off the draws: percentile, BCa, and the sign-flip check.

They are offered beside the t test for comparisons of one run with one run. Both intervals are order
statistics of the draws, and their p values are the smallest alpha at which the interval leaves out 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from harness.records import Float
from harness.stats.contrasts import Contrast, Test

# Numbers in points that differ by less are equal but for rounding.
_NOISE = 1e-9


def percentile_test(found: Contrast, *, alpha: float) -> Test:
    """Return the percentile interval of a contrast and its p.

    The ends are the order statistics k and B + 1 - k of the draws, k = floor((B + 1) alpha / 2);
    p = min(1, 2 (1 + min(#{draws <= 0}, #{draws >= 0})) / (B + 1)), so that p <= alpha exactly where
    the interval leaves out 0, ties included. Without draws enough for alpha (k = 0) there is no
    interval.
    Source: Davison & Hinkley (1997), Bootstrap Methods and their Application, section 5.3.1 and 4.2.
    """
    draws = np.sort(found.draws)
    resamples = len(draws)
    k = _rank((resamples + 1) * alpha / 2, lambda rank: 2 * rank / (resamples + 1) <= alpha)
    if found.units < 2 or k < 1:
        return Test(None, None, None)
    below, above = _counts(draws)
    p = min(1.0, 2 * (1 + min(below, above)) / (resamples + 1))
    return Test(float(draws[k - 1]), float(draws[resamples - k]), p)


def bca_test(found: Contrast, influence: Float, *, alpha: float) -> Test:
    """Return the bias-corrected and accelerated interval of a contrast and its p.

    influence: float64 [units], what each unit adds to the number (infinitesimal jackknife, up to a
    common factor). z0 = normal quantile of the share of draws below the value (ties count half), a = sum
    I^3 / (6 (sum I^2)^1.5). The lower end is the order statistic floor((B + 1) Phi(z0 + (z0 + z) / (1 -
    a (z0 + z)))) with z the normal quantile of alpha / 2, the upper end the same seen from above; p
    inverts this formula, so that p <= alpha exactly where the interval leaves out 0.
    Where an end lies beyond the draws there is no interval, and p alone is given.
    Source: Efron (1987), Journal of the American Statistical Association 82, 171-185.
    """
    draws = np.sort(found.draws)
    resamples = len(draws)
    if found.units < 2:
        return Test(None, None, None)
    if found.identical:
        return Test(0.0, 0.0, 1.0)
    from scipy.special import ndtri

    # Which draws equal the value must not hang on the last bits.
    below, above = draws < found.value - _NOISE, draws > found.value + _NOISE
    share = (np.count_nonzero(below) + resamples - np.count_nonzero(above)) / 2
    # The value outside all draws would make the correction infinite.
    bias = float(ndtri(min(max(share, 0.5), resamples - 0.5) / resamples))
    squares = math.fsum(influence**2)
    acceleration = math.fsum(influence**3) / (6 * squares**1.5) if squares else 0.0
    low, high = _counts(draws)
    p = min(
        1.0,
        _tail(low, bias, acceleration, resamples),
        _tail(high, -bias, -acceleration, resamples),
    )
    first, last = (
        _rank(
            (resamples + 1) * _level(alpha, sign * bias, sign * acceleration),
            lambda rank, sign=sign: (  # type: ignore[misc]
                rank <= resamples and _tail(rank - 1, sign * bias, sign * acceleration, resamples) <= alpha
            ),
        )
        for sign in (1, -1)
    )
    if first < 1 or last < 1:
        return Test(None, None, p)
    return Test(float(draws[first - 1]), float(draws[resamples - last]), p)


def flip_test(candidate: Float, baseline: Float, observed: float) -> float:
    """Return p = (c + 1) / (R + 1) of the sign-flip check.

    candidate, baseline: float64 [R], the number of either side after the two systems were exchanged
    in a random half of the units, which flips the sign of those units' contrasts; c counts the
    exchanges whose difference is at least as large as the observed one, up to rounding.
    Source: Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, section 3.2.
    """
    flipped = np.abs(candidate - baseline)
    count = int(np.count_nonzero(flipped >= abs(observed) - _NOISE))
    return (count + 1) / (len(flipped) + 1)


def resamples_needed(*, alpha: float, family: int) -> int:
    """Return the smallest B at which a family of this size can reach alpha after Holm's first step.

    The smallest p is 2 / (B + 1), so alpha / m >= 2 / (B + 1): a family has at most alpha (B + 1) / 2
    members.
    """
    # Beginning one below what the rounded quotient says, so that its last bit decides nothing.
    resamples = max(1, math.ceil(2 * family / alpha) - 2)
    while family * (2 / (resamples + 1)) > alpha:
        resamples += 1
    return resamples


def _counts(draws: Float) -> tuple[int, int]:
    """Return how many draws are at most 0 and at least 0."""
    return int(np.count_nonzero(draws <= 0)), int(np.count_nonzero(draws >= 0))


def _rank(guess: float, leaves_out: Callable[[int], bool]) -> int:
    """Return the largest rank that an interval may leave out, from a guess that rounding may have moved.

    Asking the formula of p itself keeps interval and p one statement in the last bit too.
    """
    rank = max(0, math.floor(guess))
    while rank > 0 and not leaves_out(rank):
        rank -= 1
    while leaves_out(rank + 1):
        rank += 1
    return rank


def _level(alpha: float, bias: float, acceleration: float) -> float:
    """Return the share of the draws that the lower end leaves out."""
    from scipy.special import ndtr, ndtri

    z = bias + float(ndtri(alpha / 2))
    scale = 1 - acceleration * z
    # Past the pole of the formula the quantile is infinite.
    return float(ndtr(bias + z / scale)) if scale > 0 else float(z > 0)


def _tail(count: int, bias: float, acceleration: float, resamples: int) -> float:
    """Return the alpha at which the lower end passes 0, of which `count` draws lie at or below."""
    from scipy.special import ndtr, ndtri

    if count >= resamples:
        return 1.0
    shift = float(ndtri((count + 1) / (resamples + 1))) - bias
    scale = 1 + acceleration * shift
    return 2 * float(ndtr(shift / scale - bias)) if scale > 0 else float(shift > 0)
