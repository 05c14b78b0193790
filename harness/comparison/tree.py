"""From effects to the tree that is written: languages, gaps, claims, flags, averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparison.contrasting import Effects
from harness.comparison.drawing import Drawn
from harness.comparison.flags import claim_of, flags_of
from harness.comparison.quantities import QuantityName
from harness.comparison.systems import System, left_out, shared_languages, shared_tasks
from harness.results.comparison import (
    Averages,
    Comparison,
    Effect,
    Gap,
    GapIntervals,
    LanguageComparison,
    TaskComparison,
    rounded,
)
from harness.specs.task import TaskSpec
from harness.stats.contrasts import Scope, gap_interval
from harness.stats.estimate import Draws, combine


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
        suite = self._effect("difference", "", "")
        return Comparison(
            baseline=self.baseline.name,
            candidate=self.candidate.name,
            scope=self.scope,
            left_out=left_out(self.baseline, self.candidate),
            tasks={name: self._task(self.baseline.tasks[name]) for name in names},
            suite=None if suite is None else self._averages(""),
        )

    def _effect(self, quantity: QuantityName, task: str, language: str) -> Effect | None:
        return self.found.effects.get((self.number, quantity, task, language))

    def _difference(self, task: str, language: str) -> Effect:
        return self.found.effects[self.number, "difference", task, language]

    def _averages(self, task: str) -> Averages:
        return Averages(
            difference=self._difference(task, ""), gap_reduction=self._effect("gap reduction", task, "")
        )

    def _codes(self, task: str) -> tuple[str, ...]:
        return shared_languages(self.baseline, self.candidate, task)

    def _task(self, task: TaskSpec) -> TaskComparison:
        return TaskComparison(
            metric=task.main_metric,
            source_language=task.source_language,
            pairing=self.drawn.pairing[self.number, task.name],
            languages={code: self._language(task, code) for code in self._codes(task.name)},
            average=self._averages(task.name),
        )

    def _language(self, task: TaskSpec, code: str) -> LanguageComparison:
        sides = self._sides(task, code)
        difference = self._difference(task.name, code)
        reduction, gap, of_source = self._effect("gap reduction", task.name, code), None, None
        if reduction is not None:
            assert task.source_language is not None, "BUG: a gap without a source language"
            of_source = self._sides(task, task.source_language)
            gap = self._gap(task, sides, of_source, difference=difference, reduction=reduction)
        return LanguageComparison(
            baseline=rounded(sides[0].value.mean()),
            candidate=rounded(sides[1].value.mean()),
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
        return Gap(
            baseline=rounded(baseline.value.mean()),
            candidate=rounded(candidate.value.mean()),
            intervals=GapIntervals(baseline=self._interval(baseline), candidate=self._interval(candidate)),
            reduction=reduction,
            claim=claim_of(
                reduction,
                difference=difference,
                of_source=self._difference(task.name, task.source_language or ""),
                alpha=self.alpha,
            ),
        )

    def _interval(self, gap: Draws) -> tuple[float | None, float | None]:
        low, high = gap_interval(gap, alpha=self.alpha, scope=self.scope)
        return (None, None) if low is None or high is None else (rounded(low), rounded(high))
