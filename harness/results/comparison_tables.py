"""The tables of a comparison: one per task, one of all numbers behind it, one of the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.results.comparison import Effect, Flag, Gap, LanguageComparison, Sides, TaskComparison
from harness.results.comparison_findings import Pair, gapped
from harness.results.comparison_lines import (
    Line,
    average_line,
    averaged_tasks,
    language_lines,
    overall_line,
    suite_line,
    verdict,
)
from harness.results.comparison_notes import (
    CHECK_NOTE,
    FLAGS,
    MARK,
    POWER_NOTE,
    SHARE_NOTE,
    average_note,
    begun,
    claims_note,
    family_note,
    flags_note,
    gap_note,
    identical_note,
    labels_note,
    left_out_note,
    left_out_tasks_note,
    p_text,
    rows_note,
    scope_note,
    source_loss_note,
    stamp_notes,
    suite_notes,
    test_note,
    titled,
    tuned_note,
    units_note,
)
from harness.results.table import Column, Emphasis, Number, Row, Table, TableCell, Text

_BLANK = Text("")


def task_table(pair: Pair, task: str, *, names: bool = False, spelled: bool = False) -> Table:
    """Return a task: a row per language, the mean last.

    `names`: of the languages, beside their codes; `spelled`: flags in words instead of letters.
    """
    found = pair.comparison.tasks[task]
    by_language, mean = language_lines(pair, task), average_line(pair, task)
    named = {
        f"{pair.language_name(task, code)} ({code})" if names else code: line
        for code, line in by_language.items()
    }
    head = "language" if names else "lang"
    columns, rows = _lay_out(pair, {**named, "mean": mean}, head=head, spelled=spelled)
    notes = [
        identical_note(pair, task),
        scope_note(pair, task),
        gap_note(pair, task),
        test_note(pair.settings),
        units_note(found),
        labels_note(pair),
        family_note(pair.settings, _quantities(found)),
        *_meanings(pair, [*by_language.values(), mean]),
        flags_note([flag for line in by_language.values() for flag in line.flags], letters=not spelled),
        average_note(found),
        left_out_note(pair, task),
        left_out_tasks_note(pair) if pair.comparison.suite is None else None,
        *stamp_notes(pair),
    ]
    return Table(titled(pair, f"{task} ({found.metric})"), columns, rows, _present(notes), dense=True)


def numbers_table(pair: Pair, task: str) -> Table:
    """Return what a task's table has no room for: sizes, intervals of scores and gaps, every p, shares."""
    found = pair.comparison.tasks[task]
    gaps = any(True for _ in gapped(found))
    rows: list[Row] = []
    for code in pair.languages(task):
        language = found.languages[code]
        cells = (Text(code), *_size_cells(language.difference), *_number_cells(language))
        cells = (*cells, *_test_cells(pair, language.difference))
        rows.append(Row((*cells, *(_gap_cells(pair, language) if gaps else ())), rule=not rows))
    average = found.average
    mean = (Text("mean", "strong"), *_size_cells(average.difference), *_number_cells(average.score))
    mean = (*mean, *_test_cells(pair, average.difference))
    of_gaps = (*_number_cells(average.gap), *_test_cells(pair, average.gap_reduction), _BLANK) if gaps else ()
    rows.append(Row((*mean, *of_gaps), rule=True))
    heads = ["n", "units", "score base", "score cand", "difference: p", "adjusted p", "detectable"]
    if gaps:
        heads += ["gap base", "gap cand", "reduction: p", "adjusted p", "detectable", "share of gap base, %"]
    columns = (Column("language", "left"), *map(Column, heads))
    notes = (
        scope_note(pair, task),
        test_note(pair.settings),
        family_note(pair.settings, _quantities(found)),
        *((POWER_NOTE, SHARE_NOTE) if gaps else (POWER_NOTE,)),
    )
    return Table(titled(pair, f"{task}, the numbers behind"), columns, tuple(rows), notes)


def suite_table(pair: Pair) -> Table | None:
    """Return the means of the tasks and of the suite; None where there is one task."""
    mean, suite, tasks = suite_line(pair), pair.comparison.suite, pair.comparison.tasks
    if mean is None or suite is None:
        return None
    lines = {task: replace(average_line(pair, task), is_mean=False) for task in tasks}
    lines[f"mean of {len(averaged_tasks(pair))}"] = mean
    columns, rows = _lay_out(pair, lines, head="task")
    notes = [
        identical_note(pair),
        scope_note(pair),
        *suite_notes(pair, averaged_tasks(pair), averaged_tasks(pair, with_gap=True)),
        tuned_note(pair),
        source_loss_note(pair),
        test_note(pair.settings),
        rows_note([t.average.difference.n for t in tasks.values()], "of all languages of a task"),
        labels_note(pair),
        family_note(
            pair.settings,
            {
                **_of_means([(t.average.difference, t.average.gap_reduction) for t in tasks.values()]),
                "the mean's difference": [suite.difference],
                "the mean's reduction": [suite.gap_reduction],
            },
        ),
        *_meanings(pair, lines.values()),
        left_out_tasks_note(pair),
        *stamp_notes(pair),
    ]
    return Table(titled(pair, "all tasks"), columns, rows, _present(notes), dense=True)


def candidates_table(pairs: Sequence[Pair]) -> Table:
    """Return a row per candidate: the mean of the suite, or of the one task that there is."""
    rows: list[Row] = []
    effects: list[tuple[Effect, Effect | None]] = []
    for pair in pairs:
        line, over = overall_line(pair)
        effects.append((line.difference, line.reduction))
        cells: tuple[TableCell, ...] = (
            Text(pair.comparison.candidate),
            Text(pair.scope),
            _effect_cell(pair, line.difference),
            _effect_cell(pair, line.reduction),
            Text(p_text(line.tested.p_adjusted, pair.settings.alpha)),
            Text(verdict(pair, line)),
            Text(over),
        )
        rows.append(Row(cells, rule=not rows))
    columns = (
        Column("candidate", "left"),
        Column("scope", "left"),
        Column("difference"),
        Column("reduction"),
        Column("p"),
        Column("verdict", "left"),
        Column("mean over", "left"),
    )
    scopes = " and ".join(dict.fromkeys(pair.scope for pair in pairs))
    title = f"{begun(scopes)}: all candidates against {pairs[0].comparison.baseline}"
    settings = pairs[0].settings
    notes = [
        *dict.fromkeys(scope_note(pair) for pair in pairs),
        test_note(settings),
        rows_note([difference.n for difference, _ in effects], "of all languages and tasks of a mean"),
        family_note(settings, _of_means(effects)),
        POWER_NOTE,
    ]
    return Table(title, columns, tuple(rows), _present(notes), dense=True)


# --- layout ------------------------------------------------------------------------------------


def _lay_out(
    pair: Pair, lines: Mapping[str, Line], *, head: str, spelled: bool = False
) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    gaps = any(line.reduction is not None for line in lines.values())
    checked = any(line.tested.check is not None for line in lines.values())
    flagged = any(line.flags for line in lines.values())
    # A column that no line of this table needs is not there.
    layout: list[tuple[Column, bool, Callable[[Line], TableCell]]] = [
        (Column("score\nbase"), True, lambda line: _side_cell(line.scores, 0, line)),
        (Column("score\ncand"), True, lambda line: _side_cell(line.scores, 1, line)),
        (Column("difference"), True, lambda line: _effect_cell(pair, line.difference, line)),
        (Column("gap\nbase"), gaps, lambda line: _side_cell(line.gaps, 0, line)),
        (Column("gap\ncand"), gaps, lambda line: _side_cell(line.gaps, 1, line)),
        (Column("reduction"), gaps, lambda line: _effect_cell(pair, line.reduction, line)),
        (Column("p"), True, lambda line: Text(p_text(line.tested.p_adjusted, pair.settings.alpha))),
        (Column("p\ncheck"), checked, lambda line: Text(p_text(line.tested.check, pair.settings.alpha))),
        (Column("verdict", "left"), True, lambda line: Text(verdict(pair, line))),
        (Column("flags", "left"), flagged, lambda line: Text(_flag_text(line.flags, spelled=spelled))),
    ]
    shown = [(column, cell) for column, needed, cell in layout if needed]
    ruled = (0, len(lines) - 1)
    rows = tuple(
        Row((Text(name, _emphasis(line)), *(cell(line) for _, cell in shown)), rule=place in ruled)
        for place, (name, line) in enumerate(lines.items())
    )
    return (Column(head, "left"), *(column for column, _ in shown)), rows


def _emphasis(line: Line | None) -> Emphasis:
    return "strong" if line is not None and line.is_mean else "plain"


def _side_cell(sides: tuple[float, float] | None, side: int, line: Line) -> TableCell:
    return Number(sides[side], emphasis=_emphasis(line)) if sides else _BLANK


def _effect_cell(pair: Pair, effect: Effect | None, line: Line | None = None) -> TableCell:
    if effect is None:
        return _BLANK
    mark = MARK if pair.significant(effect) else ""
    return Number(effect.value, effect.low, effect.high, emphasis=_emphasis(line), signed=True, mark=mark)


def _flag_text(flags: Iterable[Flag], *, spelled: bool) -> str:
    return ", ".join(flags) if spelled else " ".join(FLAGS[flag][0] for flag in flags)


def _size_cells(effect: Effect) -> tuple[TableCell, ...]:
    return Number(effect.n, digits=0), Number(effect.units, digits=0)


def _number_cells(number: Sides | Gap | LanguageComparison | None) -> tuple[TableCell, ...]:
    if number is None:
        return (_BLANK, _BLANK)
    ends = number.intervals
    return Number(number.baseline, *ends.baseline), Number(number.candidate, *ends.candidate)


def _test_cells(pair: Pair, effect: Effect | None) -> tuple[TableCell, ...]:
    if effect is None:
        return (_BLANK, _BLANK, _BLANK)
    p_values = (Text(p_text(p, pair.settings.alpha)) for p in (effect.p, effect.p_adjusted))
    return *p_values, Number(effect.detectable, digits=2)


def _gap_cells(pair: Pair, language: LanguageComparison) -> tuple[TableCell, ...]:
    gap = language.gap
    if gap is None:
        return (_BLANK,) * 6
    low = gap.intervals.baseline[0]
    share = 100 * gap.reduction.value / gap.baseline if low is not None and low > 0 else None
    return (
        *_number_cells(gap),
        *_test_cells(pair, gap.reduction),
        _BLANK if share is None else Number(share, digits=0),
    )


def _present(notes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(note for note in notes if note)


def _meanings(pair: Pair, lines: Iterable[Line]) -> list[str | None]:
    """Return what the verdicts that occur mean, and the check."""
    found = list(lines)
    words = [verdict(pair, line) for line in found]
    return [
        claims_note(words),
        POWER_NOTE if any(word.startswith("n.s.") for word in words) else None,
        CHECK_NOTE if any(line.tested.check is not None for line in found) else None,
    ]


def _quantities(task: TaskComparison) -> dict[str, list[Effect | None]]:
    languages = task.languages.values()
    return {
        "differences": [x.difference for x in languages],
        "reductions": [x.gap.reduction if x.gap else None for x in languages],
        "differences of means": [task.average.difference],
        "reductions of means": [task.average.gap_reduction],
    }


def _of_means(found: Sequence[tuple[Effect, Effect | None]]) -> dict[str, list[Effect | None]]:
    return {"differences": [pair[0] for pair in found], "reductions": [pair[1] for pair in found]}
