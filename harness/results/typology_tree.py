"""Differences and gap reductions by family, script and distance: the key `typology` of a comparison.

It is there only where it was asked for. What a table or figure needs:

- `distance` is the one named in advance; `others` the further ones, whose slopes are one family of tests.
- `tasks[t]` and, over the tasks that have gaps, `suite`: the languages with their distances (with
  `reduction` they make the scatter plot), the group means, and the slopes.
- A slope comes as two statements, which no sentence may mix: `these_languages` says how these very
  languages' reductions rise with distance, in points per unit of distance, with the uncertainty of the
  test items; `languages_like_these` counts each family once and has the uncertainty between families.
  Its interval is null under `too few families` (fewer than 5), or where all have one distance.
- Group means are descriptive: intervals, and no p.
- A reduction is never regressed on the gap of the baseline: both contain the baseline's score.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Property = Literal["family", "script", "word order", "resources", "distance"]


class _Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mean(_Tree):
    """A mean of differences in points with its t interval; null ends where nothing can be said."""

    value: float
    low: float | None
    high: float | None


class LanguagePoint(_Tree):
    """A language in the breakdown: its properties, distances by name, and its numbers in points.

    `distances` lacks those that are unknown. `reduction` is null where there is no gap.
    """

    name: str
    family: str
    script: str
    word_order: str | None
    resources: int
    distances: dict[str, float]
    difference: float
    reduction: float | None


class Group(_Tree):
    """Languages that share a property, and the unweighted means over them.

    `gap_baseline` and `gap_candidate` are the mean gaps; null, as `reduction` is, where there is none.
    """

    languages: tuple[str, ...]
    difference: Mean
    reduction: Mean | None
    gap_baseline: float | None
    gap_candidate: float | None


class TheseLanguages(_Tree):
    """The slope over the very languages that were tested, with the uncertainty of the test items.

    `family` is how many tests p was adjusted for; `detectable` the slope that the first step of that
    would find with a probability of 80%; `n` counts rows, `units` what is drawn, `languages` the points.
    p, p_adjusted and detectable are null where numbers were tuned on the test rows.
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
    languages: int


class LanguagesLikeThese(_Tree):
    """The slope through one point per language family; `families` is how many points there are.

    All but `families`, `family` and `note` are null where nothing can be said, and `note` says why.
    """

    families: int
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    family: int
    detectable: float | None
    note: Literal["too few families", "one distance for all"] | None


class Slopes(_Tree):
    """Points per unit of one distance; `these_languages` is null with fewer than three points."""

    these_languages: TheseLanguages | None
    languages_like_these: LanguagesLikeThese


class SpreadChange(_Tree):
    """A measure over languages of either side, and the candidate's less the baseline's."""

    baseline: float
    candidate: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    family: int
    detectable: float | None
    n: int


class Spread(_Tree):
    """What asks for no source language: see `harness.stats.spread`. Null with too few languages."""

    sd: SpreadChange | None
    worst_quartile: SpreadChange | None


class TypologyBreakdown(_Tree):
    """One task, or the mean over tasks.

    `left_out`: languages that are no points, and why: `source`, `trained on`, `not in the table`.
    `groups[property][value]`; distances fall into `near`, `middle` and `far` by terciles of `distance`,
    equal distances together. `slopes[distance]`. `tasks`: what a suite's numbers are the mean of.
    """

    tasks: tuple[str, ...]
    languages: dict[str, LanguagePoint]
    left_out: dict[str, Literal["source", "trained on", "not in the table"]]
    groups: dict[Property, dict[str, Group]]
    slopes: dict[str, Slopes]
    spread: Spread | None


class Typology(_Tree):
    """The breakdown of one comparison.

    `distance`: named in advance; `others`: tested as one family; `source`: what distances are from, by
    task; `training_languages`: what `... from nearest training language` is from, when it is offered.
    """

    distance: str
    others: tuple[str, ...]
    source: dict[str, str]
    training_languages: tuple[str, ...]
    tasks: dict[str, TypologyBreakdown]
    suite: TypologyBreakdown | None
