"""What a reader needs beside a number so as not to be fooled by it: claims and flags."""

from __future__ import annotations

import math

from harness.comparison.drawing import CellFacts
from harness.results.comparison import Claim, Effect, Flag
from harness.scoring import FEW_UNITS
from harness.stats.estimate import Draws, estimate

# From this share of rows on that are translations of source rows, a gap compares languages.
_PARALLEL_SHARE = 0.5
# A gap reduction below this, in points, is a rounding error.
_NOISE = 1e-9


def claim_of(reduction: Effect, *, difference: Effect, of_source: Effect, alpha: float) -> Claim | None:
    """Return what a gap reduction amounts to.

    `closed`: the gap shrank and the language itself improved, both with adjusted p <= alpha. A gap that
    shrank without that is `narrowed`, or `source loss` where the source language became worse
    (p <= alpha): then the reduction was bought by it.
    """
    if not _gain(reduction, alpha):
        return None
    if _gain(difference, alpha):
        return "closed"
    lost = of_source.value < 0 and of_source.p is not None and of_source.p <= alpha
    return "source loss" if lost else "narrowed"


def _gain(effect: Effect, alpha: float) -> bool:
    return effect.value > 0 and effect.p_adjusted is not None and effect.p_adjusted <= alpha


def flags_of(
    sides: tuple[Draws, Draws],
    of_source: tuple[Draws, Draws] | None,
    facts: CellFacts,
    *,
    tuned: bool,
    seen: bool,
    alpha: float,
) -> tuple[Flag, ...]:
    """Return the flags of one language of one task.

    sides: baseline and candidate; of_source: the same in the source language, None where there is no gap.

    scale: the gap reduction changes sign on the log-odds scale. near chance: a score's interval
    reaches what guessing would get. ceiling: it reaches 100. constant: a system gave one answer
    throughout. level: fewer than half of the rows are translations of source rows, so that the gap
    compares test sets as well. tuned: something was chosen on the tested rows. few units: fewer than
    20. trained on: an intermediate phase of either side trained on this task in this language.
    """
    scores = [estimate(side, alpha=alpha) for side in sides]
    flags: dict[Flag, bool] = {}
    if of_source is not None:
        flags["scale"] = _changes_sign([e.value for e in scores], [float(e.value.mean()) for e in of_source])
        flags["level"] = facts.shared_with_source < _PARALLEL_SHARE
    flags["near chance"] = facts.chance is not None and any(
        e.low is not None and e.low <= facts.chance for e in scores
    )
    flags["ceiling"] = any(e.high is not None and e.high >= 100 for e in scores)
    flags["constant"] = facts.constant
    flags["tuned"] = tuned
    flags["few units"] = min(e.units for e in scores) < FEW_UNITS
    flags["trained on"] = seen
    return tuple(flag for flag, holds in flags.items() if holds)


def _changes_sign(scores: list[float], of_source: list[float]) -> bool:
    """Whether r has another sign on log-odds; undefined at 0 and 100, where it cannot be told."""
    if not all(0 < score < 100 for score in (*scores, *of_source)):
        return False
    base, cand, base_source, cand_source = (
        math.log(score / (100 - score)) for score in (*scores, *of_source)
    )
    reduction = scores[1] - scores[0] - (of_source[1] - of_source[0])
    return abs(reduction) > _NOISE and (cand - base - (cand_source - base_source)) * reduction < 0
