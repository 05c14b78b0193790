"""Testing many things at once: p values of a family, adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Correction = Literal["holm", "bh", "none"]


def adjust(p_values: Sequence[float | None], *, correction: Correction) -> list[float | None]:
    """Return the adjusted p values of one family, in its order.

    `holm` keeps the probability of any false finding below alpha, under any dependence:
    max over j <= i of (m - j + 1) p_(j). `bh` keeps the expected share of false findings below alpha
    (independent or positively dependent tests): min over j >= i of m p_(j) / j. `none` returns them as
    they are. Adjusted values never exceed 1. None (nothing can be said, or is not tested) stays None
    and does not count in the size m.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70; Benjamini & Hochberg (1995),
    Journal of the Royal Statistical Society B 57, 289-300.
    """
    places = [place for place, p in enumerate(p_values) if p is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    if not places:
        return adjusted
    p = np.array([p_values[place] for place in places], dtype=np.float64)
    if correction != "none":
        m = len(p)
        order = np.argsort(p, kind="stable")
        rank = np.arange(1, m + 1)
        if correction == "holm":
            steps = np.maximum.accumulate((m - rank + 1) * p[order])
        else:
            steps = np.minimum.accumulate((m * p[order] / rank)[::-1])[::-1]
        p[order] = np.minimum(steps, 1.0)
    for place, value in zip(places, p, strict=True):
        adjusted[place] = float(value)
    return adjusted


def family_size(p_values: Sequence[float | None]) -> int:
    """Return how many tests a family has."""
    return sum(p is not None for p in p_values)
