"""The breakdown of one task, or of the mean over tasks: points, groups, slopes, spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from harness.comparison.cuts import Cut, Terms, weighted
from harness.comparison.drawing import Drawn
from harness.results.comparison import rounded
from harness.results.typology_tree import (
    Group,
    LanguagePoint,
    LanguagesLikeThese,
    Mean,
    Property,
    Slopes,
    Spread,
    SpreadChange,
    TheseLanguages,
    TypologyBreakdown,
)
from harness.specfiles.language_tables import known_languages
from harness.specs.task import TaskSpec
from harness.stats.contrasts import Contrast, Scope, Test, contrast, detectable, reach_of_power, t_test
from harness.stats.estimate import Draws, combine
from harness.stats.families import Correction, adjust, family_size
from harness.stats.slopes import MIN_FAMILIES, FamilySlope, family_slope, slope_weights
from harness.stats.spread import MIN_LANGUAGES, Measure, spread_sides

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate and the baseline: every number of either is a weighted sum of scores."""

    drawn: Drawn
    number: int
    scope: Scope
    alpha: float

    def sides(self, terms: Terms) -> tuple[Draws, Draws]:
        """Return a weighted sum of scores of the baseline and of the candidate."""
        # Sorted, so that the order of a folder's languages cannot move the last bits.
        kept = [(score, weight) for score, weight in sorted(terms.items()) if weight]
        pairs = [self.drawn.sides[self.number, *score] for score, _ in kept]
        weights = [weight for _, weight in kept]
        return combine([pair[0] for pair in pairs], weights), combine([pair[1] for pair in pairs], weights)

    def contrast(self, terms: Terms) -> Contrast:
        """Contrast the candidate with the baseline in a weighted sum of scores."""
        baseline, candidate = self.sides(terms)
        return contrast(candidate, baseline, scope=self.scope)


@dataclass(slots=True)
class Ledger:
    """All p values of a call, by the family that they are adjusted in."""

    correction: Correction
    noted: dict[Key, dict[Key, float | None]] = field(default_factory=dict)

    def note(self, family: Key, place: Key, p: float | None) -> None:
        """Enter a p value; None where nothing can be said."""
        self.noted.setdefault(family, {})[place] = p

    def adjusted(self, family: Key, place: Key) -> tuple[float | None, int]:
        """Return the adjusted p of a place and the size of its family."""
        p_values = list(self.noted[family].values())
        found = adjust(p_values, correction=self.correction)
        return dict(zip(self.noted[family], found, strict=True))[place], family_size(p_values)


@dataclass(slots=True)
class Draft:
    """A breakdown before p values are adjusted."""

    cut: Cut
    languages: dict[str, LanguagePoint]
    groups: dict[Property, dict[str, Group]]
    these: dict[str, tuple[Contrast, Test, int] | None]
    like_these: dict[str, FamilySlope]
    alpha: float
    spread: dict[Measure, tuple[float, float, Contrast, Test]] = field(default_factory=dict)

    @classmethod
    def of(cls, cut: Cut, pair: Pair, named: str) -> Draft:
        """Work out everything but the adjusted p values; groups by distance go by `named`."""
        languages = {code: _point(code, cut, pair) for code in cut.differences}
        these: dict[str, tuple[Contrast, Test, int] | None] = {}
        like_these = {}
        for name, distances in cut.distances.items():
            codes = list(distances)
            weights = slope_weights(list(distances.values()))
            these[name] = None
            if weights is not None:
                # A suite's reductions share no one d(e), so there they are not the differences' slope.
                of = cut.reductions if cut.level == "suite" else cut.differences
                found = pair.contrast(weighted([of[code] for code in codes], weights.tolist()))
                test = t_test(found, alpha=pair.alpha)
                these[name] = found, _if_tested(test, cut), len(codes)
            like_these[name] = family_slope(
                list(distances.values()),
                [_number(languages[code]) for code in codes],
                [languages[code].family for code in codes],
                alpha=pair.alpha,
            )
        return cls(cut, languages, _groups(languages, cut, pair, named), these, like_these, pair.alpha)

    def add_spread(self, task: TaskSpec, codes: Sequence[str], pair: Pair) -> None:
        """Work out the measures over all languages of the task's average."""
        sides = [pair.drawn.sides[pair.number, task.name, code, task.main_metric] for code in sorted(codes)]
        for measure, least in MIN_LANGUAGES.items():
            if len(codes) >= least:
                both = spread_sides(measure, [side[1] for side in sides], [side[0] for side in sides])
                found = contrast(*both, scope=pair.scope)
                test = _if_tested(t_test(found, alpha=pair.alpha), self.cut)
                self.spread[measure] = both[1].value.mean(), both[0].value.mean(), found, test

    def note(self, ledger: Ledger, where: Key) -> None:
        """Enter the p values of this breakdown."""
        for order, name in enumerate(self.cut.distances):
            slope = self.these[name]
            ledger.note(self._family("these", order), (*where, name), None if slope is None else slope[1].p)
            p = self.like_these[name].p if self.cut.tested else None
            ledger.note(self._family("like these", order), (*where, name), p)
        for measure, (*_, test) in self.spread.items():
            ledger.note(("spread", measure), where, test.p)

    def tree(self, ledger: Ledger, where: Key) -> TypologyBreakdown:
        """Return what is reported, when all p values are in the ledger."""
        slopes = {}
        for order, name in enumerate(self.cut.distances):
            place = (*where, name)
            slopes[name] = Slopes(
                these_languages=self._these_tree(name, ledger.adjusted(self._family("these", order), place)),
                languages_like_these=self._like_these_tree(
                    name, ledger.adjusted(self._family("like these", order), place)
                ),
            )
        changes: dict[Measure, SpreadChange] = {}
        for measure, (old, new, found, test) in self.spread.items():
            p_adjusted, size = ledger.adjusted(("spread", measure), where)
            changes[measure] = SpreadChange(
                baseline=rounded(old),
                candidate=rounded(new),
                difference=rounded(found.value),
                low=_rounded(test.low),
                high=_rounded(test.high),
                p=test.p,
                p_adjusted=p_adjusted,
                family=size,
                detectable=self._detectable(found, p_adjusted, size),
                n=found.n,
            )
        return TypologyBreakdown(
            tasks=tuple(task.name for task in self.cut.tasks),
            languages=self.languages,
            left_out=self.cut.left_out,
            groups=self.groups,
            slopes=slopes,
            spread=Spread(sd=changes.get("sd"), worst_quartile=changes.get("worst quartile"))
            if self.cut.level == "task"
            else None,
        )

    def _these_tree(self, name: str, adjusted: tuple[float | None, int]) -> TheseLanguages | None:
        slope = self.these[name]
        if slope is None:
            return None
        found, test, languages = slope
        return TheseLanguages(
            value=rounded(found.value),
            low=_rounded(test.low),
            high=_rounded(test.high),
            p=test.p,
            p_adjusted=adjusted[0],
            family=adjusted[1],
            detectable=self._detectable(found, *adjusted),
            n=found.n,
            units=found.units,
            languages=languages,
        )

    def _like_these_tree(self, name: str, adjusted: tuple[float | None, int]) -> LanguagesLikeThese:
        slope, (p_adjusted, size) = self.like_these[name], adjusted
        note: Literal["too few families", "one distance for all"] | None = None
        if slope.value is None:
            note = "too few families" if slope.families < MIN_FAMILIES else "one distance for all"
        reach = None
        if p_adjusted is not None and slope.error is not None:
            reach = rounded(reach_of_power(slope.error, slope.df, alpha=self.alpha, family=size))
        return LanguagesLikeThese(
            families=slope.families,
            value=_rounded(slope.value),
            low=_rounded(slope.low),
            high=_rounded(slope.high),
            p=slope.p if self.cut.tested else None,
            p_adjusted=p_adjusted,
            family=size,
            detectable=reach,
            note=note,
        )

    def _detectable(self, found: Contrast, p_adjusted: float | None, family: int) -> float | None:
        return None if p_adjusted is None else _rounded(detectable(found, alpha=self.alpha, family=family))

    def _family(self, statement: str, order: int) -> Key:
        return statement, self.cut.level, "others" if order else "named"


def _number(point: LanguagePoint) -> float:
    return point.difference if point.reduction is None else point.reduction


def _point(code: str, cut: Cut, pair: Pair) -> LanguagePoint:
    info = known_languages()[code]
    reduction = None
    if code in cut.reductions:
        reduction = rounded(_observed(pair.sides(cut.reductions[code])))
    return LanguagePoint(
        name=info.name,
        family=info.family,
        script=info.script,
        word_order=info.word_order,
        resources=info.resources,
        distances={name: rounded(own[code]) for name, own in cut.distances.items() if code in own},
        difference=rounded(_observed(pair.sides(cut.differences[code]))),
        reduction=reduction,
    )


def _observed(sides: tuple[Draws, Draws]) -> float:
    return float(sides[1].value.mean() - sides[0].value.mean())


def _groups(
    languages: Mapping[str, LanguagePoint], cut: Cut, pair: Pair, named: str
) -> dict[Property, dict[str, Group]]:
    found: dict[Property, dict[str, list[str]]] = {
        "family": {},
        "script": {},
        "word order": {},
        "resources": {},
        "distance": {},
    }
    for code, point in languages.items():
        found["family"].setdefault(point.family, []).append(code)
        found["script"].setdefault(point.script, []).append(code)
        found["word order"].setdefault(point.word_order or "unknown", []).append(code)
        found["resources"].setdefault(str(point.resources), []).append(code)
    distances = cut.distances[named]
    if distances:
        # Comparing with the bounds themselves keeps equal distances together.
        low, high = np.quantile(list(distances.values()), [1 / 3, 2 / 3])
        for code, apart in distances.items():
            name = "near" if apart <= low else "middle" if apart <= high else "far"
            found["distance"].setdefault(name, []).append(code)
    return {
        key: {value: _group(codes, cut, pair) for value, codes in by_value.items()}
        for key, by_value in found.items()
    }


def _group(codes: Sequence[str], cut: Cut, pair: Pair) -> Group:
    shares = [1 / len(codes)] * len(codes)
    difference = pair.contrast(weighted([cut.differences[code] for code in codes], shares))
    reduction = gap_baseline = gap_candidate = None
    if cut.reductions:
        # What is reduced is the gap, s(e) - s(l); the sides hold its negative.
        baseline, candidate = pair.sides(weighted([cut.reductions[code] for code in codes], shares))
        reduction = _mean(contrast(candidate, baseline, scope=pair.scope), pair.alpha)
        gap_baseline, gap_candidate = rounded(-baseline.value.mean()), rounded(-candidate.value.mean())
    return Group(
        languages=tuple(codes),
        difference=_mean(difference, pair.alpha),
        reduction=reduction,
        gap_baseline=gap_baseline,
        gap_candidate=gap_candidate,
    )


def _mean(found: Contrast, alpha: float) -> Mean:
    test = t_test(found, alpha=alpha)
    return Mean(value=rounded(found.value), low=_rounded(test.low), high=_rounded(test.high))


def _if_tested(test: Test, cut: Cut) -> Test:
    return test if cut.tested else Test(test.low, test.high, None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else rounded(value)
