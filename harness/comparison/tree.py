"""From effects to the tree that is written: languages, gaps, claims, flags, averages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparison.contrasting import Effects
from harness.comparison.drawing import Drawn
from harness.comparison.flags import claim_of, flags_of
from harness.comparison.quantities import QuantityName, Score, quantities_of
from harness.comparison.systems import System, left_out, shared_languages, shared_tasks
from harness.results.comparison import (
    Averages,
    Comparison,
    Effect,
    Gap,
    Intervals,
    LanguageComparison,
    Sides,
    TaskComparison,
    rounded,
)
from harness.specs.task import TaskSpec
from harness.stats.contrasts import Scope, gap_interval
from harness.stats.estimate import Draws, combine, estimate

# The scores that a mean over languages, or over tasks (task ""), is made of, with their weights.
Means = Mapping[tuple[QuantityName, str], Mapping[Score, float]]
_Ends = tuple[float | None, float | None]


def build_comparisons(
    systems: Sequence[System],
    drawn: Drawn,
    found: Effects,
    *,
    scopes: Sequence[Scope],
    alpha: float,
) -> tuple[Comparison, ...]:
    """Return a comparison for each further system with the first."""
    return tuple(
        _Builder(systems[0], candidate, number, drawn, found, scope, alpha).build()
        for number, (candidate, scope) in enumerate(zip(systems[1:], scopes, strict=True), 1)
    )


@dataclass(frozen=True, slots=True)
class _Builder:
    """Everything that one comparison is made of."""

    baseline: System
    candidate: System
    number: int
    drawn: Drawn
    found: Effects
    scope: Scope
    alpha: float

    def build(self) -> Comparison:
        names = shared_tasks(self.baseline, self.candidate)
        means = {
            (quantity.name, quantity.task): quantity.terms
            for quantity in quantities_of(self.baseline, self.candidate)
            if not quantity.language
        }
        return Comparison(
            baseline=self.baseline.name,
            candidate=self.candidate.name,
            scope=self.scope,
            left_out=left_out(self.baseline, self.candidate),
            tasks={name: self._task(self.baseline.tasks[name], means) for name in names},
            suite=self._averages("", means) if ("difference", "") in means else None,
        )

    def _effect(self, quantity: QuantityName, task: str, language: str) -> Effect | None:
        return self.found.effects.get((self.number, quantity, task, language))

    def _difference(self, task: str, language: str) -> Effect:
        return self.found.effects[self.number, "difference", task, language]

    def _averages(self, task: str, means: Means) -> Averages:
        lead = means.get(("gap reduction", task))
        return Averages(
            score=self._both(self._summed(means["difference", task])),
            difference=self._difference(task, ""),
            # The terms of a reduction are those of s(l) - s(e), of which the gap is the negative.
            gap=None if lead is None else self._both(self._summed(lead, sign=-1.0), is_gap=True),
            gap_reduction=self._effect("gap reduction", task, ""),
        )

    def _summed(self, terms: Mapping[Score, float], *, sign: float = 1.0) -> tuple[Draws, Draws]:
        """Return a weighted sum of scores of baseline and candidate."""
        pairs = [self.drawn.sides[self.number, *score] for score in terms]
        weights = [sign * weight for weight in terms.values()]
        return combine([one for one, _ in pairs], weights), combine([two for _, two in pairs], weights)

    def _both(self, sides: tuple[Draws, Draws], *, is_gap: bool = False) -> Sides:
        interval = self._gap_interval if is_gap else self._score_interval
        return Sides(
            baseline=rounded(sides[0].value.mean()),
            candidate=rounded(sides[1].value.mean()),
            intervals=Intervals(baseline=interval(sides[0]), candidate=interval(sides[1])),
        )

    def _codes(self, task: str) -> tuple[str, ...]:
        return shared_languages(self.baseline, self.candidate, task)

    def _task(self, task: TaskSpec, means: Means) -> TaskComparison:
        return TaskComparison(
            metric=task.main_metric,
            source_language=task.source_language,
            pairing=self.drawn.pairing[self.number, task.name],
            languages={code: self._language(task, code) for code in self._codes(task.name)},
            average=self._averages(task.name, means),
        )

    def _language(self, task: TaskSpec, code: str) -> LanguageComparison:
        sides = self._sides(task, code)
        difference = self._difference(task.name, code)
        reduction, gap, of_source = self._effect("gap reduction", task.name, code), None, None
        if reduction is not None:
            assert task.source_language is not None, "BUG: a gap without a source language"
            of_source = self._sides(task, task.source_language)
            gap = self._gap(task, sides, of_source, difference=difference, reduction=reduction)
        scores = self._both(sides)
        return LanguageComparison(
            baseline=scores.baseline,
            candidate=scores.candidate,
            intervals=scores.intervals,
            difference=difference,
            gap=gap,
            flags=flags_of(
                sides,
                of_source,
                self.drawn.facts[self.number, task.name, code],
                tuned=self.baseline.is_tuned(task.name) or self.candidate.is_tuned(task.name),
                seen=self.baseline.has_seen(task.name, code) or self.candidate.has_seen(task.name, code),
                alpha=self.alpha,
            ),
        )

    def _sides(self, task: TaskSpec, code: str) -> tuple[Draws, Draws]:
        return self.drawn.sides[self.number, task.name, code, task.main_metric]

    def _gap(
        self,
        task: TaskSpec,
        sides: tuple[Draws, Draws],
        of_source: tuple[Draws, Draws],
        *,
        difference: Effect,
        reduction: Effect,
    ) -> Gap:
        baseline, candidate = (combine([e, s], [1.0, -1.0]) for e, s in zip(of_source, sides, strict=True))
        gaps = self._both((baseline, candidate), is_gap=True)
        return Gap(
            baseline=gaps.baseline,
            candidate=gaps.candidate,
            intervals=gaps.intervals,
            reduction=reduction,
            claim=claim_of(
                reduction,
                difference=difference,
                of_source=self._difference(task.name, task.source_language or ""),
                alpha=self.alpha,
            ),
        )

    def _gap_interval(self, gap: Draws) -> _Ends:
        return _ends(*gap_interval(gap, alpha=self.alpha, scope=self.scope))

    def _score_interval(self, score: Draws) -> _Ends:
        if self.scope == "checkpoints":
            # Of these very runs: what lies between them is no error of their mean.
            value, draws = score.value.mean(keepdims=True), score.draws.mean(axis=0, keepdims=True)
            score = replace(score, value=value, draws=draws)
        found = estimate(score, alpha=self.alpha)
        return _ends(found.low, found.high)


def _ends(low: float | None, high: float | None) -> _Ends:
    return (None, None) if low is None or high is None else (rounded(low), rounded(high))
