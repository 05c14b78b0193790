"""The lines of a comparison before they are laid out: what stands in one row, in every format."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from harness.results.comparison import Averages, Effect, Flag, LanguageComparison
from harness.results.comparison_findings import Pair, gapped


@dataclass(frozen=True, slots=True)
class Line:
    """Two scores with their difference, two gaps with theirs; `claim` is of the reduction."""

    scores: tuple[float, float] | None
    difference: Effect
    gaps: tuple[float, float] | None = None
    reduction: Effect | None = None
    claim: str | None = None
    flags: tuple[Flag, ...] = ()
    is_mean: bool = False

    @property
    def tested(self) -> Effect:
        """What p and verdict of the row are of: the reduction, where there is none the difference."""
        return self.reduction or self.difference


def language_lines(pair: Pair, task: str) -> dict[str, Line]:
    """Return a line per language, the source language first, then by name."""
    found = pair.comparison.tasks[task].languages
    return {code: _language_line(found[code]) for code in pair.languages(task)}


def average_line(pair: Pair, task: str) -> Line:
    """Return the mean of a task; its claim follows the rule of the languages, from the mean's own tests."""
    found = pair.comparison.tasks[task]
    languages, average = found.languages.values(), found.average
    gaps = [language.gap for _, language in gapped(found) if language.gap is not None]
    return Line(
        (fmean(x.baseline for x in languages), fmean(x.candidate for x in languages)),
        average.difference,
        (fmean(g.baseline for g in gaps), fmean(g.candidate for g in gaps)) if gaps else None,
        average.gap_reduction,
        _mean_claim(pair, average, lost_source=pair.lost_source(task)),
        is_mean=True,
    )


def suite_line(pair: Pair) -> Line | None:
    """Return the mean of the tasks; None where there is one task.

    It has scores and gaps only where the suite averages the very metrics that the tasks' rows show, and
    gaps only where it has a reduction.
    """
    suite = pair.comparison.suite
    if suite is None:
        return None
    names = averaged_tasks(pair)
    lines = [average_line(pair, name) for name in names]
    shown = all(pair.score_metrics(name) == (pair.comparison.tasks[name].metric,) for name in names)
    scores = [line.scores for line in lines if shown and line.scores]
    gaps = [line.gaps for line in lines if shown and line.gaps and suite.gap_reduction]
    return Line(
        (fmean(s[0] for s in scores), fmean(s[1] for s in scores)) if scores else None,
        suite.difference,
        (fmean(g[0] for g in gaps), fmean(g[1] for g in gaps)) if gaps else None,
        suite.gap_reduction,
        _mean_claim(pair, suite, lost_source=any(pair.lost_source(name) for name in names)),
        is_mean=True,
    )


def averaged_tasks(pair: Pair, *, with_gap: bool = False) -> list[str]:
    """Return the tasks that the suite averages: those that are tested, and have a gap if one is asked for."""
    return [
        name
        for name, found in pair.comparison.tasks.items()
        if not pair.is_tuned(name) and (not with_gap or found.average.gap_reduction is not None)
    ]


def overall_line(pair: Pair) -> tuple[Line, str]:
    """Return the mean of the suite, else of the first task, and over what it goes."""
    mean = suite_line(pair)
    if mean is not None:
        return mean, ", ".join(averaged_tasks(pair))
    tasks = pair.comparison.tasks
    name = (averaged_tasks(pair) or list(tasks))[0]
    return average_line(pair, name), f"{name}, {len(tasks[name].languages)} languages"


def verdict(pair: Pair, line: Line) -> str:
    """Return what follows from a line: a claim, a direction, or `n.s.` with what would be found."""
    effect = line.tested
    if effect.p_adjusted is None:
        return "no p"
    if not pair.significant(effect):
        return "n.s." if effect.detectable is None else f"n.s. ({effect.detectable:.1f})"
    if line.reduction is None:
        return "better" if effect.value > 0 else "worse"
    return (line.claim or "narrowed") if effect.value > 0 else "widened"


def _language_line(language: LanguageComparison) -> Line:
    gap = language.gap
    return Line(
        (language.baseline, language.candidate),
        language.difference,
        (gap.baseline, gap.candidate) if gap else None,
        gap.reduction if gap else None,
        gap.claim if gap else None,
        language.flags,
    )


def _mean_claim(pair: Pair, mean: Averages, *, lost_source: bool) -> str | None:
    reduction, difference = mean.gap_reduction, mean.difference
    if reduction is None or reduction.value <= 0 or not pair.significant(reduction):
        return None
    if difference.value > 0 and pair.significant(difference):
        return "closed"
    return "source loss" if lost_source else "narrowed"
