"""What stands under the tables of a comparison: how it was tested, of what it speaks, what the words mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.results.comparison import Comparisons, Effect, Flag, IntervalName, TaskComparison
from harness.results.comparison_findings import Pair, gapped
from harness.results.findings import LABELS_NOTE, selection_note

MARK = "*"
CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", "none": "nothing"}
# How a flag is written in a narrow table, and what it says.
FLAGS: dict[Flag, tuple[str, str]] = {
    "scale": ("s", "the sign of the reduction is another one on the log-odds scale"),
    "near chance": ("n", "an interval of a score reaches what guessing gets"),
    "ceiling": ("c", "an interval of a score reaches 100"),
    "constant": ("k", "a system gives one and the same answer throughout"),
    "level": (
        "l",
        "the test sets of the two languages are not translations; their gap compares systems, not languages",
    ),
    "tuned": ("t", "threshold, layer or checkpoint was chosen on test rows of this task, so there is no p"),
    "few units": ("u", "fewer than 20 units, so intervals are rough"),
    "trained on": ("z", "an intermediate phase trained on this task in this language: not zero-shot"),
}
POWER_NOTE = (
    "n.s. (x): not significant; a true effect of x points (detectable) would be found with a probability of "
    "80% at the first step of Holm's correction."
)
CHECK_NOTE = "p check: the signs of the units' contrasts flipped at random; not adjusted."
SHARE_NOTE = (
    "share: the reduction in percent of the gap of base, only where the interval of that gap lies above 0; "
    "never tested."
)
_CLAIMS = {
    "closed": "gap reduced and the language itself better, both with adjusted p <= alpha",
    "narrowed": "gap reduced (adjusted p <= alpha), the language itself not shown to be better",
    "source loss": (
        "gap reduced, but the source language became worse (p <= alpha) and the language is not shown to "
        "be better: the reduction is bought by the source's loss"
    ),
    "widened": "gap grown (adjusted p <= alpha)",
}
_PAIRINGS = {
    "parallel": "the same units in every language",
    "partial": "languages share part of their units",
    "independent": "no units shared between languages",
}


def titled(pair: Pair, what: str) -> str:
    """Return a title that begins with the scope and names the two sides."""
    names = f"{pair.comparison.candidate} (cand) against {pair.comparison.baseline} (base)"
    return f"{begun(pair.scope)}: {names}, {what}"


def begun(text: str) -> str:
    """Return text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def test_note(settings: Comparisons, interval: IntervalName | None = None) -> str:
    """Return how intervals and p were made; `interval`: of another kind than was asked for."""
    level = f"{100 * (1 - settings.alpha):g}%"
    draws = f"{settings.resamples:,} joint draws of units (seed {settings.seed})"
    how = {
        "t": f"t, its variance from {draws}",
        "percentile": f"percentiles of {draws}, p by inverting them",
        "bca": f"bias-corrected and accelerated percentiles (BCa) of {draws}, p by inverting them",
    }[interval or settings.interval]
    return f"Test: {how}. Intervals: {level}, per cell, not adjusted for their number."


def scope_note(pair: Pair, task: str | None = None) -> str:
    """Return of what the numbers speak, and of what they do not."""
    runs = pair.runs
    if pair.comparison.scope == "checkpoints":
        means = f" Values are means over the runs given ({runs[0]} and {runs[1]})." if max(runs) > 1 else ""
        return f"Scope: these checkpoints on items like these; says nothing about a retrained model.{means}"
    note = (
        "Scope: the recipes, trained anew, on items like these; the variance holds items and runs "
        f"({runs[0]} of the baseline, {runs[1]} of the candidate)."
    )
    if task is not None and pair.baseline.runs([task]) == pair.candidate.runs([task]) == 1:
        note += " Nothing was trained for this task: one set of predictions on either side."
    return note


def family_note(settings: Comparisons, quantities: Mapping[str, Iterable[Effect | None]]) -> str:
    """Return what p was adjusted for; `quantities` names those of a table, with their effects."""
    sizes = {
        name: max((e.family for e in found if e is not None), default=0) for name, found in quantities.items()
    }
    return sizes_note(settings, sizes)


def _condition(settings: Comparisons) -> str:
    return "p <= alpha" if settings.correction == "none" else "adjusted p <= alpha"


def units_note(task: TaskComparison) -> str:
    """Return how many rows and units the languages have, and whether they share them."""
    effects = [found.difference for found in task.languages.values()]
    rows, units = _span([e.n for e in effects]), _span([e.units for e in effects])
    share = f"; {_PAIRINGS[task.pairing]}" if len(effects) > 1 else ""
    return f"n per language: {rows} rows in {units} units{share}."


def labels_note(pair: Pair) -> str | None:
    """Return what is not known of units where both sides were scored from label files, or None."""
    scored = all(side.record.submission is not None for side in (pair.baseline, pair.candidate))
    return LABELS_NOTE if scored else None


def gap_note(pair: Pair, task: str) -> str:
    """Return what a gap is here, or why there is none."""
    found = pair.comparison.tasks[task]
    if found.source_language is None:
        return "No gap: the benchmark has no test in a source language here."
    name = pair.language_name(task, found.source_language)
    change = pair.source_change(task)
    if change is None:
        return f"No gap: {name} ({found.source_language}), the source language, is not held by both."
    if not any(True for _ in gapped(found)):
        only = f"{name} ({found.source_language}), the source language"
        return f"No gap: {only}, is the only one held by both. {source_note(pair, task)}"
    return (
        f"gap: score in {name} ({found.source_language}) less the language's; reduction: gap base less gap "
        f"cand. All reductions hold the one change of the source. {source_note(pair, task)}"
    )


def source_note(pair: Pair, task: str) -> str:
    """Return how the source language itself changed; it must be compared."""
    found, change = pair.comparison.tasks[task], pair.source_change(task)
    assert change is not None, "BUG: no source language to speak of"
    name = pair.language_name(task, found.source_language or "")
    p = p_text(change.p, pair.settings.alpha)
    p = f"p < {p[1:]}" if p.startswith("<") else f"p = {p}"
    p = "no p" if change.p is None else f"{p}, not adjusted"
    what = "Source loss: " if pair.lost_source(task) else ""
    return f"{what}{name} itself changed by {change.value:+.1f} ({p})."


def average_note(task: TaskComparison) -> str:
    """Return over which languages the last row averages."""
    others = sum(1 for _ in gapped(task))
    over = f"mean: difference over these {len(task.languages)} languages"
    if others:
        over += f", gap and reduction over the {others} other than {task.source_language}"
    return over + "; it speaks of these languages only."


def claims_note(words: Iterable[str]) -> str | None:
    """Return what the claims that occur mean, or None."""
    seen = [word for word in _CLAIMS if word in set(words)]
    return "; ".join(f"{word}: {_CLAIMS[word]}" for word in seen) + "." if seen else None


def flags_note(flags: Iterable[Flag], *, letters: bool) -> str | None:
    """Return what the flags that occur mean, or None; `letters`: the table holds their letters."""
    seen = [flag for flag in FLAGS if flag in set(flags)]
    parts = [f"{f'{FLAGS[flag][0]}, ' if letters else ''}{flag}: {FLAGS[flag][1]}" for flag in seen]
    return f"Flags: {'; '.join(parts)}." if parts else None


def left_out_note(pair: Pair, task: str) -> str | None:
    """Return which languages of a task are left out on both sides and why, or None."""
    failed = {code for _, side in pair.named_sides for code in side.failed(task)}
    reasons: dict[str, list[str]] = {}
    for name, side in pair.named_sides:
        reasons[f"no score in the run of {name}, which is not complete"] = sorted(side.failed(task))
    for name, side in pair.named_sides:
        only = [code for code in pair.comparison.left_out.get(task, ()) if (task, code) in side.held]
        reasons[f"held by {name} alone"] = sorted(code for code in only if code not in failed)
    parts = [f"{', '.join(codes)} ({why})" for why, codes in reasons.items() if codes]
    return f"Left out on both sides, of means too: {'; '.join(parts)}." if parts else None


def suite_notes(pair: Pair, averaged: Sequence[str], with_gap: Sequence[str]) -> list[str]:
    """Return what the rows of the suite's table are, and what its last row averages, by name."""
    tasks = pair.comparison.tasks
    metrics = {name: " and ".join(pair.score_metrics(name)) for name in tasks}
    main = {name: found.metric for name, found in tasks.items()}
    rows = (
        f"Rows: means over the compared languages of each task, {_named(tasks, main)}; gap and reduction "
        "without the source language, blank where it is not tested."
    )
    last = f"mean of {len(averaged)}: {_named(averaged, metrics)}"
    if pair.comparison.suite is None or pair.comparison.suite.gap_reduction is None:
        last += "; no mean reduction, since no task has a gap"
    elif list(with_gap) != list(averaged):
        last += f"; its reduction: {_named(with_gap, metrics)}"
    return [rows, f"{last}."]


def source_loss_note(pair: Pair) -> str | None:
    """Return one line on the tasks whose source language became worse, or None."""
    lost = [task for task in pair.comparison.tasks if pair.lost_source(task)]
    if not lost:
        return None
    return (
        f"Source loss: the source language became worse in {', '.join(lost)} (p <= {pair.settings.alpha:g}, "
        "not adjusted); reductions there hold that loss."
    )


def left_out_tasks_note(pair: Pair) -> str | None:
    """Return which tasks are left out altogether and why, or None."""
    parts = []
    for task in dict.fromkeys(task for _, side in pair.named_sides for task in side.record.tasks):
        if task in pair.comparison.tasks:
            continue
        holders = [name for name, side in pair.named_sides if any(cell[0] == task for cell in side.held)]
        why = "no language that both hold" if len(holders) > 1 else "no score on either side"
        parts.append(f"{task} ({f'held by {holders[0]} alone' if len(holders) == 1 else why})")
    return f"Tasks left out on both sides: {'; '.join(parts)}." if parts else None


def identical_note(pair: Pair, task: str | None = None) -> str | None:
    """Return one line on cells that are the same on both sides, or None."""
    same = "the predictions are identical, so every difference is 0 and p = 1"
    if any(_lacks_p(found) for found in pair.comparison.tasks.values()):
        same += " where there is a p"
    if pair.itself:
        return f"{pair.comparison.candidate} is compared with itself: {same}."
    if pair.identical:
        return f"Both sides were scored the same in every example: {same.replace('predictions', 'scores')}."
    if task is None:
        return None
    codes = [code for code in pair.languages(task) if (task, code) in pair.alike]
    so = "difference 0" if _lacks_p(pair.comparison.tasks[task]) else "difference 0 and p = 1"
    return f"Scored the same in every example, so {so}: {', '.join(codes)}." if codes else None


def _lacks_p(task: TaskComparison) -> bool:
    """Whether a difference has no p: tuned on its test rows, or of a single unit."""
    return any(found.difference.p is None for found in task.languages.values())


def tuned_note(pair: Pair) -> str | None:
    """Return which tasks have no p, and are in no mean of tasks, or None."""
    tuned = [task for task in pair.comparison.tasks if pair.is_tuned(task)]
    if not tuned:
        return None
    return f"Tuned on their own test rows, so without p, in no family and in no mean: {', '.join(tuned)}."


def stamp_notes(pair: Pair) -> list[str]:
    """Return one line per side whose numbers must not be compared with published ones, or flatter."""
    notes = []
    for name, side in pair.named_sides:
        notes += [f"{name}: {'; '.join(side.record.stamps)}."] if side.record.stamps else []
        notes += [f"{name}: {note}" for note in (selection_note(side.record),) if note]
    return notes


def p_text(p: float | None, alpha: float) -> str:
    """Return a p value with three decimals, more where they would put it on the other side of alpha."""
    if p is None:
        return "—"
    if p < 0.001:
        return "<0.001"
    digits = next((d for d in range(3, 10) if (float(f"{p:.{d}f}") <= alpha) == (p <= alpha)), 10)
    return f"{p:.{digits}f}"


def sizes_note(settings: Comparisons, sizes: Mapping[str, int]) -> str:
    """Return what p was adjusted for; `sizes` are those of the families, by their names."""
    families = ", ".join(f"{size} ({name})" for name, size in sizes.items() if size)
    if not families:
        return "p: none here, hence no family of tests."
    if settings.correction == "none":
        adjusted = f"p: not adjusted (--correction none); tested together: {families}"
    else:
        adjusted = f"p: adjusted by {CORRECTIONS[settings.correction]}, family sizes {families}"
    several = ", over all candidates" if len(settings.comparisons) > 1 else ""
    return f"{adjusted}{several}; alpha {settings.alpha:g}. {MARK}: {_condition(settings)}."


def rows_note(numbers: Iterable[int], of: str) -> str | None:
    """Return how many rows there are, of what; None where nothing was counted."""
    found = list(numbers)
    return f"n {of}: {_span(found)} rows." if found else None


def _named(tasks: Iterable[str], metrics: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({metrics[name]})" for name in tasks)


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
