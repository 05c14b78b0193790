"""How evenly a system serves its languages: numbers that ask for no source language.

They are not linear in the scores, so they are worked out anew in every draw: the worst quartile of a
draw is that draw's own, and each side's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from harness.records import Float
from harness.stats.estimate import Draws

Measure = Literal["sd", "worst quartile"]
MIN_LANGUAGES: dict[Measure, int] = {"sd": 2, "worst quartile": 4}


def spread_sides(
    measure: Measure, candidate: Sequence[Draws], baseline: Sequence[Draws]
) -> tuple[Draws, Draws]:
    """Return a measure over languages for both sides, ready for `contrast`.

    candidate, baseline: the scores of the same languages, in the same order. `sd`: the standard
    deviation over languages, sqrt(sum (s_l - mean)^2 / (L - 1)), in points. `worst quartile`: the mean
    of the ceil(L/4) lowest scores. Both run by run and draw by draw. Draws scatter, so that the SD of
    each of them is a little larger than that of the scores (and the worst quartile lower); the variance
    that `contrast` takes is about the mean of the draws, and a difference has most of it on both sides.

    The number's `weights` are its derivatives with respect to the scores (the delta method), the mean
    of both sides', which V0 asks for: (s_l - mean) / ((L - 1) sd), and 1/ceil(L/4) in the quartile.

    Raises:
        ValueError: with fewer than 2 (4) languages.
    """
    if len(candidate) != len(baseline) or len(candidate) < MIN_LANGUAGES[measure]:
        raise ValueError(f"{measure} of {len(candidate)} and {len(baseline)} languages is not defined")
    value_of, slope_of = _MEASURES[measure]
    slopes = [slope_of(np.array([part.value.mean() for part in side])) for side in (candidate, baseline)]
    shared = (slopes[0] + slopes[1]) / 2
    made = []
    for side in (candidate, baseline):
        weights: dict[tuple[str, str], float] = {}
        rows: dict[tuple[str, str], int] = {}
        for part, slope in zip(side, shared.tolist(), strict=True):
            rows.update(part.rows)
            for cell, inner in part.weights.items():
                weights[cell] = weights.get(cell, 0.0) + slope * inner
        made.append(
            Draws(
                value=value_of(_stacked([part.value for part in side])),
                draws=value_of(_stacked([part.draws for part in side])),
                units=min(part.units for part in side),
                rows=rows,
                weights=weights,
            )
        )
    return made[0], made[1]


def _stacked(parts: Sequence[Float]) -> Float:
    """Return [languages, S, ...]; what has one run counts unchanged in each of S."""
    runs = max(len(part) for part in parts)
    return np.stack([np.broadcast_to(part, (runs, *part.shape[1:])) for part in parts])


def _sd(scores: Float) -> Float:
    return np.asarray(scores.std(axis=0, ddof=1))


def _sd_slopes(scores: Float) -> Float:
    centred = scores - scores.mean()
    sd = float(scores.std(ddof=1))
    return centred / ((len(scores) - 1) * sd) if sd else np.zeros(len(scores))


def _worst(scores: Float) -> Float:
    count = math.ceil(len(scores) / 4)
    return np.asarray(np.partition(scores, count - 1, axis=0)[:count].mean(axis=0))


def _worst_slopes(scores: Float) -> Float:
    count = math.ceil(len(scores) / 4)
    slopes = np.zeros(len(scores))
    slopes[np.argsort(scores, kind="stable")[:count]] = 1 / count
    return slopes


_MEASURES: dict[Measure, tuple[Callable[[Float], Float], Callable[[Float], Float]]] = {
    "sd": (_sd, _sd_slopes),
    "worst quartile": (_worst, _worst_slopes),
}
