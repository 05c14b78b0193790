"""The tables of a comparison: one per task, one of all numbers behind it, one of the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.results.comparison import Averages, Effect, Flag, LanguageComparison, TaskComparison
from harness.results.comparison_findings import Pair, gapped
from harness.results.comparison_notes import (
    FLAGS,
    MARK,
    average_note,
    check_note,
    claims_note,
    family_note,
    flags_note,
    gap_note,
    identical_note,
    left_out_note,
    left_out_tasks_note,
    p_text,
    power_note,
    scope_note,
    stamp_notes,
    test_note,
    units_note,
)
from harness.results.table import Column, Emphasis, Number, Row, Table, TableCell, Text

_BLANK = Text("")


@dataclass(frozen=True, slots=True)
class Line:
    """One row before it is laid out: two scores with their difference, two gaps with theirs."""

    scores: tuple[float | None, float | None]
    difference: Effect
    gaps: tuple[float, float] | None
    reduction: Effect | None
    claim: str | None
    flags: tuple[Flag, ...] = ()
    emphasis: Emphasis = "plain"

    @property
    def tested(self) -> Effect:
        """What p and verdict of the row are of: the reduction, where there is none the difference."""
        return self.reduction or self.difference


def titled(pair: Pair, what: str) -> str:
    """Return a title that begins with the scope and names the two sides."""
    scope = pair.scope[:1].upper() + pair.scope[1:]
    return f"{scope}: {pair.comparison.candidate} (cand) against {pair.comparison.baseline} (base), {what}"


def task_lines(pair: Pair, task: str) -> tuple[dict[str, Line], Line]:
    """Return the lines of a task by language, and that of its average."""
    found = pair.comparison.tasks[task]
    return {code: _language_line(found.languages[code]) for code in pair.languages(task)}, _average_line(
        pair, task
    )


def verdict(pair: Pair, line: Line) -> str:
    """Return what follows from a row in a word: a claim, `n.s.` with what could be found, or a direction."""
    effect = line.tested
    if effect.p is None:
        return "no p"
    if not pair.significant(effect):
        return "n.s." if effect.detectable is None else f"n.s. ({effect.detectable:.1f})"
    if line.reduction is None:
        return "better" if effect.value > 0 else "worse"
    return (line.claim or "narrowed") if effect.value > 0 else "widened"


def task_table(pair: Pair, task: str, *, wide: bool = False) -> Table:
    """Return a task: a row per language, the mean last. `wide`: names instead of codes, flags in words."""
    found = pair.comparison.tasks[task]
    by_language, average = task_lines(pair, task)
    named = {
        f"{pair.language_name(task, code)} ({code})" if wide else code: line
        for code, line in by_language.items()
    }
    flags = [flag for line in by_language.values() for flag in line.flags]
    lines = [*by_language.values(), average]
    columns, rows = _lay_out(pair, {**named, "mean": average}, head="language" if wide else "lang", wide=wide)
    notes = [
        identical_note(pair, task),
        scope_note(pair, task),
        gap_note(pair, task),
        test_note(pair.settings),
        units_note(found),
        family_note(pair.settings, _quantities(found)),
        *_meanings(pair, lines),
        flags_note(flags, letters=not wide),
        average_note(found),
        left_out_note(pair, task),
        *stamp_notes(pair),
    ]
    title = titled(pair, f"{task} ({found.metric})")
    return Table(title, columns, rows, tuple(note for note in notes if note), dense=True)


def numbers_table(pair: Pair, task: str) -> Table:
    """Return what a task's table leaves out: rows, units, every p, intervals of gaps, shares."""
    found = pair.comparison.tasks[task]
    gaps = any(True for _ in gapped(found))
    rows = []
    for code in pair.languages(task):
        language = found.languages[code]
        rows.append(
            Row(
                (
                    Text(code),
                    Number(language.difference.n, digits=0),
                    Number(language.difference.units, digits=0),
                    *_test_cells(language.difference),
                    *(_gap_cells(language) if gaps else ()),
                ),
                rule=not rows,
            )
        )
    average = found.average
    cells: list[TableCell] = [
        Text("mean", "strong"),
        Number(average.difference.n, digits=0),
        Number(average.difference.units, digits=0),
        *_test_cells(average.difference),
    ]
    if gaps:
        cells += [_BLANK, _BLANK, *_test_cells(average.gap_reduction), _BLANK]
    rows.append(Row(tuple(cells), rule=True))
    heads = ["n", "units", "difference: p", "adjusted p", "detectable"]
    if gaps:
        heads += ["gap base", "gap cand", "reduction: p", "adjusted p", "detectable", "share of gap base, %"]
    columns = (Column("language", "left"), *map(Column, heads))
    notes = (
        "detectable: the true effect, in points, that would be found with a probability of 80% at the first "
        "step of Holm's correction.",
        *(("share: reduction in percent of the gap of base, where the interval of that gap lies above 0; never tested.",) if gaps else ()),
    )
    return Table(titled(pair, f"{task}: all numbers"), columns, tuple(rows), notes)


def suite_table(pair: Pair) -> Table | None:
    """Return the means of the tasks and of the suite; None where there is one task."""
    suite, tasks = pair.comparison.suite, pair.comparison.tasks
    if suite is None:
        return None
    lines = {task: _average_line(pair, task) for task in tasks}
    last = f"mean of {len(_counted(pair))}"
    lines[last] = Line(
        _suite_scores(pair),
        suite.difference,
        _suite_gaps(pair),
        suite.gap_reduction,
        None,
        emphasis="strong",
    )
    columns, rows = _lay_out(pair, lines, head="task", wide=False)
    quantities = _averages([found.average for found in tasks.values()])
    lost = [task for task in tasks if pair.lost_source(task)]
    notes = [
        identical_note(pair),
        scope_note(pair),
        f"Means of tasks: {', '.join(f'{name} ({found.metric})' for name, found in tasks.items())}; each over "
        "its compared languages, difference with the source language and reduction without.",
        _suite_note(pair),
        "A gap and its reduction exist where the source language is tested.",
        f"Source loss: the source language became worse (p <= {pair.settings.alpha:g}, not adjusted) in "
        f"{', '.join(lost)}; reductions there hold that loss."
        if lost
        else None,
        test_note(pair.settings),
        family_note(pair.settings, quantities),
        f"The mean of tasks: family sizes {suite.difference.family} (differences)"
        + (f" and {suite.gap_reduction.family} (reductions)." if suite.gap_reduction else "."),
        *_meanings(pair, lines.values()),
        left_out_tasks_note(pair),
        *stamp_notes(pair),
    ]
    return Table(titled(pair, "all tasks"), columns, rows, tuple(n for n in notes if n), dense=True)


def candidates_table(pairs: Sequence[Pair]) -> Table:
    """Return a row per candidate: the mean of the suite, or of the one task that there is."""
    scopes = list(dict.fromkeys(pair.scope for pair in pairs))
    rows, notes = [], []
    for pair in pairs:
        averages, over = _overall(pair)
        line = Line((None, None), averages.difference, None, averages.gap_reduction, None)
        reduction = averages.gap_reduction
        rows.append(
            Row(
                (
                    Text(pair.comparison.candidate),
                    Text(pair.scope),
                    _effect_cell(pair, averages.difference),
                    _BLANK if reduction is None else _effect_cell(pair, reduction),
                    Text(p_text(line.tested.p_adjusted)),
                    Text(verdict(pair, line)),
                    Text(over),
                ),
                rule=not rows,
            )
        )
        notes += [note for note in (left_out_tasks_note(pair),) if note]
    settings = pairs[0].settings
    found = [_overall(pair)[0] for pair in pairs]
    heads = (
        Column("candidate", "left"),
        Column("scope", "left"),
        Column("difference"),
        Column("reduction"),
        Column("p"),
        Column("verdict", "left"),
        Column("mean over", "left"),
    )
    title = f"{' and '.join(scopes)}: all candidates against {pairs[0].comparison.baseline}"
    notes = [
        test_note(settings),
        family_note(settings, _averages(found)),
        power_note(),
        *dict.fromkeys(notes),
    ]
    return Table(title[:1].upper() + title[1:], heads, tuple(rows), tuple(notes), dense=True)


# --- layout ------------------------------------------------------------------------------------


def _lay_out(
    pair: Pair, lines: dict[str, Line], *, head: str, wide: bool
) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    gaps = any(line.reduction is not None for line in lines.values())
    checked = any(line.tested.check is not None for line in lines.values())
    flagged = any(line.flags for line in lines.values())
    # Header, side, and the cell of a line; a column that this table does not need is not there.
    layout: list[tuple[Column, bool, Callable[[Line], TableCell]]] = [
        (Column("score\nbase"), True, lambda line: Number(line.scores[0], emphasis=line.emphasis)),
        (Column("score\ncand"), True, lambda line: Number(line.scores[1], emphasis=line.emphasis)),
        (Column("difference"), True, lambda line: _effect_cell(pair, line.difference, line.emphasis)),
        (Column("gap\nbase"), gaps, lambda line: _gap_cell(line, 0)),
        (Column("gap\ncand"), gaps, lambda line: _gap_cell(line, 1)),
        (
            Column("reduction"),
            gaps,
            lambda line: _effect_cell(pair, line.reduction, line.emphasis) if line.reduction else _BLANK,
        ),
        (Column("p"), True, lambda line: Text(p_text(line.tested.p_adjusted))),
        (Column("p\ncheck"), checked, lambda line: Text(p_text(line.tested.check))),
        (Column("verdict", "left"), True, lambda line: Text(verdict(pair, line))),
        (Column("flags", "left"), flagged, lambda line: Text(_flag_text(line.flags, wide=wide))),
    ]
    shown = [(column, cell) for column, needed, cell in layout if needed]
    rows, last = [], len(lines) - 1
    for place, (name, line) in enumerate(lines.items()):
        cells = (Text(name, line.emphasis), *(cell(line) for _, cell in shown))
        rows.append(Row(cells, rule=place in (0, last)))
    return (Column(head, "left"), *(column for column, _ in shown)), tuple(rows)


def _flag_text(flags: Iterable[Flag], *, wide: bool) -> str:
    return ", ".join(flags) if wide else " ".join(FLAGS[flag][0] for flag in flags)


def _effect_cell(pair: Pair, effect: Effect, emphasis: Emphasis = "plain") -> Number:
    mark = MARK if pair.significant(effect) else ""
    return Number(effect.value, effect.low, effect.high, emphasis=emphasis, signed=True, mark=mark)


def _gap_cell(line: Line, side: int) -> TableCell:
    return Number(line.gaps[side], emphasis=line.emphasis) if line.gaps else _BLANK


def _test_cells(effect: Effect | None) -> tuple[TableCell, ...]:
    if effect is None:
        return (_BLANK, _BLANK, _BLANK)
    return (
        Text(p_text(effect.p)),
        Text(p_text(effect.p_adjusted)),
        Number(effect.detectable, digits=2),
    )


def _gap_cells(language: LanguageComparison) -> tuple[TableCell, ...]:
    gap = language.gap
    if gap is None:
        return (_BLANK,) * 6
    low = gap.intervals.baseline[0]
    share = 100 * gap.reduction.value / gap.baseline if low is not None and low > 0 else None
    return (
        Number(gap.baseline, *gap.intervals.baseline),
        Number(gap.candidate, *gap.intervals.candidate),
        *_test_cells(gap.reduction),
        Number(share, digits=0) if share is not None else _BLANK,
    )


# --- lines -------------------------------------------------------------------------------------


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


def _average_line(pair: Pair, task: str) -> Line:
    found = pair.comparison.tasks[task]
    languages = found.languages.values()
    average = found.average
    gaps = [language.gap for _, language in gapped(found) if language.gap is not None]
    return Line(
        (fmean(x.baseline for x in languages), fmean(x.candidate for x in languages)),
        average.difference,
        (fmean(g.baseline for g in gaps), fmean(g.candidate for g in gaps)) if gaps else None,
        average.gap_reduction,
        _average_claim(pair, task),
        emphasis="strong",
    )


def _average_claim(pair: Pair, task: str) -> str | None:
    """Return for the mean what the claims of languages are: by the same rule, from the mean's own tests."""
    average = pair.comparison.tasks[task].average
    reduction, difference = average.gap_reduction, average.difference
    if reduction is None or reduction.value <= 0 or not pair.significant(reduction):
        return None
    if difference.value > 0 and pair.significant(difference):
        return "closed"
    return "source loss" if pair.lost_source(task) else "narrowed"


def _meanings(pair: Pair, lines: Iterable[Line]) -> list[str | None]:
    words = [verdict(pair, line) for line in lines]
    return [
        claims_note(words),
        power_note() if any(word.startswith("n.s.") for word in words) else None,
        check_note() if any(line.tested.check is not None for line in lines) else None,
    ]


# --- families and the suite --------------------------------------------------------------------


def _quantities(task: TaskComparison) -> dict[str, list[Effect | None]]:
    languages = task.languages.values()
    return {
        "differences": [x.difference for x in languages],
        "reductions": [x.gap.reduction if x.gap else None for x in languages],
        "differences of means": [task.average.difference],
        "reductions of means": [task.average.gap_reduction],
    }


def _averages(found: Sequence[Averages]) -> dict[str, list[Effect | None]]:
    return {
        "differences": [a.difference for a in found],
        "reductions": [a.gap_reduction for a in found],
    }


def _counted(pair: Pair, *, with_gap: bool = False) -> list[str]:
    """Return the tasks that the mean of the suite averages: those with a p, and a gap if one is asked for."""
    return [
        name
        for name, found in pair.comparison.tasks.items()
        if not any("tuned" in language.flags for language in found.languages.values())
        and (not with_gap or found.average.gap_reduction is not None)
    ]


def _suite_note(pair: Pair) -> str:
    names = {
        name: f"{name} ({' and '.join(pair.score_metrics(name))})" for name in pair.comparison.tasks
    }
    note = f"The mean averages {', '.join(names[n] for n in _counted(pair))}"
    with_gap = _counted(pair, with_gap=True)
    if pair.comparison.suite and pair.comparison.suite.gap_reduction and with_gap != _counted(pair):
        note += f"; its reduction {', '.join(names[n] for n in with_gap)}"
    return note + ": what the benchmark's score is made of."


def _suite_scores(pair: Pair) -> tuple[float | None, float | None]:
    """Return the means of the tasks' scores, where the suite averages the very metrics of the rows."""
    names = _counted(pair)
    if any(pair.score_metrics(name) != (pair.comparison.tasks[name].metric,) for name in names):
        return None, None
    lines = [_average_line(pair, name) for name in names]
    return tuple(fmean(line.scores[side] or 0.0 for line in lines) for side in (0, 1))  # type: ignore[return-value]


def _suite_gaps(pair: Pair) -> tuple[float, float] | None:
    lines = [_average_line(pair, name) for name in _counted(pair, with_gap=True)]
    if not lines or _suite_scores(pair) == (None, None):
        return None
    return tuple(fmean(line.gaps[side] for line in lines if line.gaps) for side in (0, 1))  # type: ignore[return-value]


def _overall(pair: Pair) -> tuple[Averages, str]:
    """Return the mean of the suite, or of the only task, and over what it goes."""
    comparison = pair.comparison
    if comparison.suite is not None:
        return comparison.suite, ", ".join(_counted(pair))
    ((name, found),) = comparison.tasks.items()
    return found.average, f"{name}: {len(found.languages)} languages"
