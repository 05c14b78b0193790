"""What `xharness compare` found, as `--json` prints it and every table reads it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from harness.results.typology_tree import Typology
from harness.stats.contrasts import Scope
from harness.stats.families import Correction

IntervalName = Literal["t", "percentile", "bca"]
Pairing = Literal["parallel", "partial", "independent"]
Claim = Literal["closed", "narrowed", "source loss"]
Flag = Literal["scale", "near chance", "ceiling", "constant", "level", "tuned", "few units", "trained on"]

_DECIMALS = 10


class _Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Effect(_Tree):
    """A difference in points, candidate less baseline.

    low, high and p are one statement; null where nothing can be said (a single unit), and p and
    p_adjusted where the numbers were tuned on the test rows, low and high where a BCa interval would end
    beyond the draws. `family` is how many tests the p was adjusted for, 0 without p; `detectable` the
    difference that the first step of that would find with a probability of 80%, null without p. `check`
    is the p of the sign-flip check, unadjusted; written only where it was asked for (and there is a p).
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    family: int
    detectable: float | None
    n: int
    units: int
    check: float | None = None

    @model_serializer(mode="wrap")
    def _without_check(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = write(self)
        if self.check is None:
            del tree["check"]
        return tree


class Intervals(_Tree):
    """The intervals of a number of either side; null where nothing can be said."""

    baseline: tuple[float | None, float | None]
    candidate: tuple[float | None, float | None]


class Sides(_Tree):
    """A number of either side, with its intervals."""

    baseline: float
    candidate: float
    intervals: Intervals


class Gap(_Tree):
    """The gap of a language: the score of the source language less that of the language."""

    baseline: float
    candidate: float
    intervals: Intervals
    reduction: Effect
    claim: Claim | None


class LanguageComparison(_Tree):
    """One language of one task: scores, with `intervals`, and how they differ.

    `gap` is null for the source language, and where there is none.
    """

    baseline: float
    candidate: float
    intervals: Intervals
    difference: Effect
    gap: Gap | None
    flags: tuple[Flag, ...]


class Averages(_Tree):
    """Means over languages, or over tasks: the mean score and gap of either side, and how they differ.

    The suite's are means of what tasks count with in the benchmark, which may be another metric than the one
    that is compared by language; `gap` and `gap_reduction` are over the tasks that have them.
    """

    score: Sides
    difference: Effect
    gap: Sides | None
    gap_reduction: Effect | None


class TaskComparison(_Tree):
    """One task in the languages that both runs hold."""

    metric: str
    source_language: str | None
    pairing: Pairing
    languages: dict[str, LanguageComparison]
    average: Averages


class Comparison(_Tree):
    """A candidate against the baseline. `suite` averages the tasks; null if there is only one.

    `typology` has no key in JSON where it was not asked for.
    """

    baseline: str
    candidate: str
    scope: Scope
    left_out: dict[str, tuple[str, ...]]
    tasks: dict[str, TaskComparison]
    suite: Averages | None
    typology: Typology | None = None


class Comparisons(_Tree):
    """All candidates of one call."""

    schema_version: Literal[1] = 1
    alpha: float
    resamples: int
    seed: int
    correction: Correction
    interval: IntervalName
    comparisons: tuple[Comparison, ...] = Field(min_length=1)


def encode_comparisons(found: Comparisons) -> bytes:
    """Write the tree as canonical JSON: sorted keys, two spaces, a line feed at the end."""
    tree = found.model_dump(mode="json")
    for comparison in tree["comparisons"]:
        if comparison["typology"] is None:
            del comparison["typology"]
    text = json.dumps(tree, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8")


def rounded(value: float) -> float:
    """Return a number as it is written: ten decimals, without a negative zero."""
    return round(float(value), _DECIMALS) + 0.0
