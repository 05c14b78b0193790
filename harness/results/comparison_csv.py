"""A comparison in long form: every number of it, one test a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.results.comparison import Averages, Effect, Gap, LanguageComparison, Sides
from harness.results.comparison_findings import Pair
from harness.results.table_writers import csv_lines

_Fields = list[str | float | int | None]
_HEADER = (
    "candidate baseline scope baseline_runs candidate_runs task metric pairing language quantity "
    "baseline_value baseline_low baseline_high candidate_value candidate_low candidate_high "
    "value low high p p_adjusted p_check family detectable n units claim flags "
    "interval resamples seed alpha correction"
).split()


def to_comparison_csv(pairs: Sequence[Pair]) -> str:
    """Return every number in long form: a row per candidate, task, language and quantity.

    `difference` stands beside the scores, `gap_reduction` beside the gaps of both sides. Means have the
    language `average`, those of the suite no task. An absent number is an empty field.
    """
    rows: list[_Fields] = [list(_HEADER)]
    for pair in pairs:
        rows += [[*_csv_head(pair), *row, *_csv_tail(pair)] for row in _csv_rows(pair)]
    return csv_lines(rows)


def _csv_head(pair: Pair) -> _Fields:
    found = pair.comparison
    return [found.candidate, found.baseline, found.scope, *pair.runs]


def _csv_tail(pair: Pair) -> _Fields:
    settings = pair.settings
    return [settings.interval, settings.resamples, settings.seed, settings.alpha, settings.correction]


def _csv_rows(pair: Pair) -> Iterator[_Fields]:
    for task, found in pair.comparison.tasks.items():
        for code in pair.languages(task):
            language, gap = found.languages[code], found.languages[code].gap
            place: _Fields = [task, found.metric, found.pairing, code]
            scores = _csv_sides(language)
            flags = "; ".join(language.flags)
            yield [*place, "difference", *scores, *_csv_effect(language.difference), "", flags]
            if gap is not None:
                claim = gap.claim or ""
                yield [*place, "gap_reduction", *_csv_sides(gap), *_csv_effect(gap.reduction), claim, flags]
        place = [task, found.metric, found.pairing, "average"]
        tuned = "tuned" if pair.is_tuned(task) else ""
        yield from _csv_means(place, found.average, tuned)
    if pair.comparison.suite is not None:
        yield from _csv_means(["", "", "", "average"], pair.comparison.suite, "")


def _csv_means(place: _Fields, means: Averages, flags: str) -> Iterator[_Fields]:
    yield [*place, "difference", *_csv_sides(means.score), *_csv_effect(means.difference), "", flags]
    if means.gap is not None and means.gap_reduction is not None:
        yield [*place, "gap_reduction", *_csv_sides(means.gap), *_csv_effect(means.gap_reduction), "", flags]


def _csv_sides(number: Sides | Gap | LanguageComparison) -> _Fields:
    ends = number.intervals
    return [number.baseline, *ends.baseline, number.candidate, *ends.candidate]


def _csv_effect(effect: Effect) -> _Fields:
    p_values = [None if p is None else f"{p:.6g}" for p in (effect.p, effect.p_adjusted, effect.check)]
    return [
        *(effect.value, effect.low, effect.high),
        *p_values,
        *(effect.family, effect.detectable, effect.n, effect.units),
    ]
