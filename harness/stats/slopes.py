"""The slope of a difference on a property of languages, as two statements that are never mixed.

For these languages: how steeply did these very languages' differences rise with the property? The
uncertainty is that of the test items (and of training, for recipes); the languages are given.

For languages like these: would it rise so for others? The uncertainty is that between families, since
languages of one family are no independent witnesses.

The slope of gap reductions r(l) = d(l) - d(e) is the slope of the differences d(l): the source
language's d(e) is the same for all and goes into the intercept.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records import Float

MIN_FAMILIES = 5


def slope_weights(x: Sequence[float]) -> Float | None:
    """Return the weights whose weighted sum of y is the least-squares slope of y on x, float64 [n].

    slope = sum_l w_l y_l with w_l = (x_l - mean x) / sum_k (x_k - mean x)^2; they sum to 0. So a slope is
    a weighted sum of the languages' scores: `combine` gives it in every draw for either side, and
    `contrast` the difference of the sides with its V* and V0, for checkpoints and for recipes.
    None with fewer than three points, or where x is the same for all.
    """
    values = np.asarray(x, dtype=np.float64)
    if len(values) < 3:
        return None
    centred = values - values.mean()
    spread = float(centred @ centred)
    # Rounding leaves a little of equal values.
    if spread <= 1e-18 * max(1.0, float(values @ values)):
        return None
    return np.asarray(centred / spread)


@dataclass(frozen=True, slots=True)
class FamilySlope:
    """A least-squares slope through one point per family.

    value: points per unit of x; low, high: the t interval; df: families - 2; p: of slope 0; error: its
    standard error. `families`: how many points. With too few families, or one x for all, everything but
    `families` is None.
    """

    families: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    error: float | None = None

    @property
    def df(self) -> int:
        """The degrees of freedom, 0 where there are too few families."""
        return max(0, self.families - 2)


def family_slope(
    x: Sequence[float], y: Sequence[float], families: Sequence[Hashable], *, alpha: float
) -> FamilySlope:
    """Regress y on x with one point per family: the means of its languages.

    x, y: one value per language, y in points. With F families the slope is b = Sxy / Sxx, its interval
    b -+ t(1 - alpha/2, F - 2) se and p = 2 P(T_{F-2} >= |b| / se). A family counts once however many
    languages it has: related languages share what made them good or bad, and would be counted as
    independent witnesses else.

    se is the larger of two: sqrt(s2 / Sxx) with s2 = sum e_f^2 / (F - 2), and its form for unequal
    variances, HC2, sqrt(sum (x_f - mean)^2 e_f^2 / (1 - h_f)) / Sxx, h_f = 1/F + (x_f - mean)^2 / Sxx. The
    mean of a family with twenty languages varies less than a family with one, and where the small ones are
    the extreme ones the first alone finds too much (8% instead of 5% in
    benchmarks/simulate_typology.py).

    Fewer than 5 families: nothing is said. A perfect fit has p = 0, or 1 where the slope is 0.

    Source: the family as the unit of a typological sample: Dryer (1989), Studies in Language 13,
    257-292; Roberts & Winters (2013), PLoS ONE 8, e70902. HC2: MacKinnon & White (1985), Journal of
    Econometrics 29, 305-325.
    """
    points: dict[Hashable, list[tuple[float, float]]] = {}
    for own_x, own_y, family in zip(x, y, families, strict=True):
        points.setdefault(family, []).append((own_x, own_y))
    count = len(points)
    if count < MIN_FAMILIES:
        return FamilySlope(count)
    means = np.array([np.mean(own, axis=0) for own in points.values()])
    weights = slope_weights(means[:, 0].tolist())
    if weights is None:
        return FamilySlope(count)
    from scipy.special import stdtr, stdtrit

    df = count - 2
    value = float(weights @ means[:, 1])
    centred = means - means.mean(axis=0)
    squares = (centred[:, 1] - value * centred[:, 0]) ** 2
    # sum w^2 is 1 / Sxx, so that w^2 / sum w^2 is the leverage beyond 1/F.
    total = float(weights @ weights)
    free = 1 - 1 / count - weights**2 / total
    # A point of leverage 1 lies on the line, whatever its value.
    unequal = float((weights**2 * squares / np.where(free > 1e-9, free, 1.0)).sum())
    error = math.sqrt(max(float(squares.sum()) / df * total, unequal))
    reach = float(stdtrit(df, 1 - alpha / 2)) * error
    p = 2 * float(stdtr(df, -abs(value) / error)) if error else float(value == 0.0)
    return FamilySlope(count, value, value - reach, value + reach, p, error)
