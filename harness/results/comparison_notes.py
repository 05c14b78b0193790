"""What stands under the tables of a comparison: how it was tested, of what it speaks, what the words mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.results.comparison import Comparisons, Effect, Flag, TaskComparison
from harness.results.comparison_findings import Pair, gapped

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
    "tuned": ("t", "something was chosen on these test rows, so there is no p"),
    "few units": ("u", "fewer than 20 units, so intervals are rough"),
}
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


def test_note(settings: Comparisons) -> str:
    """Return how intervals and p were made."""
    level = f"{100 * (1 - settings.alpha):g}%"
    draws = f"{settings.resamples:,} joint draws of units (seed {settings.seed})"
    how = {
        "t": f"t, its variance from {draws}",
        "percentile": f"percentiles of {draws}, p by inverting them",
        "bca": f"bias-corrected and accelerated percentiles (BCa) of {draws}, p by inverting them",
    }[settings.interval]
    return f"Test: {how}. Intervals: {level}, per cell, not adjusted for their number."


def scope_note(pair: Pair, task: str | None = None) -> str:
    """Return of what the numbers speak, and of what they do not."""
    runs = (pair.baseline.runs, pair.candidate.runs)
    if pair.comparison.scope == "checkpoints":
        means = f" Values are means over the runs given ({runs[0]} and {runs[1]})." if max(runs) > 1 else ""
        return f"Scope: these checkpoints on items like these; says nothing about a retrained model.{means}"
    note = (
        "Scope: the recipes, trained anew, on items like these; the variance holds items and runs "
        f"({runs[0]} of the baseline, {runs[1]} of the candidate)."
    )
    if task is not None and pair.baseline.runs_of(task) == pair.candidate.runs_of(task) == 1:
        note += " Nothing was trained for this task: one set of predictions on either side."
    return note


def family_note(settings: Comparisons, quantities: Mapping[str, Iterable[Effect | None]]) -> str:
    """Return what p was adjusted for; `quantities` names those of a table, with their effects."""
    sizes = {name: max((e.family for e in found if e is not None), default=0) for name, found in quantities.items()}
    families = " and ".join(f"{size} ({name})" for name, size in sizes.items() if size) or "0"
    if settings.correction == "none":
        adjusted = f"p: not adjusted (--correction none); tested together: {families}"
    else:
        adjusted = f"p: adjusted by {CORRECTIONS[settings.correction]}, family sizes {families}"
    several = ", over all candidates" if len(settings.comparisons) > 1 else ""
    return f"{adjusted}{several}; alpha {settings.alpha:g}. {MARK}: {_condition(settings)}."


def _condition(settings: Comparisons) -> str:
    return "p <= alpha" if settings.correction == "none" else "adjusted p <= alpha"


def power_note() -> str:
    """Return what the number beside `n.s.` is."""
    return (
        "n.s. (x): not significant; a true effect of x points would be found with a probability of 80% "
        "at the first step of Holm's correction."
    )


def units_note(task: TaskComparison) -> str:
    """Return how many rows and units the languages have, and whether they share them."""
    effects = [found.difference for found in task.languages.values()]
    rows, units = _span([e.n for e in effects]), _span([e.units for e in effects])
    share = f"; {_PAIRINGS[task.pairing]}" if len(effects) > 1 else ""
    return f"n per language: {rows} rows in {units} units{share}."


def gap_note(pair: Pair, task: str) -> str:
    """Return what a gap is here, or why there is none."""
    found = pair.comparison.tasks[task]
    if found.source_language is None:
        return "No gap: the benchmark has no test in a source language here."
    name = pair.language_name(task, found.source_language)
    change = pair.source_change(task)
    if change is None:
        return f"No gap: {name} ({found.source_language}), the source language, is not held by both."
    lost = f", a loss (p = {p_text(change.p)}, not adjusted)" if pair.lost_source(task) else ""
    return (
        f"gap: score in {name} ({found.source_language}) less the language's; reduction: gap base less gap "
        f"cand. All reductions hold the one change of {name}, {change.value:+.1f}{lost}."
    )


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
    """Return what the flags that occur mean, or None."""
    seen = [flag for flag in FLAGS if flag in set(flags)]
    parts = [f"{FLAGS[flag][0]} {flag}: {FLAGS[flag][1]}" if letters else f"{flag}: {FLAGS[flag][1]}" for flag in seen]
    return f"Flags: {'; '.join(parts)}." if parts else None


def left_out_note(pair: Pair, task: str) -> str | None:
    """Return which languages of a task are left out on both sides and why, or None."""
    base, cand = pair.comparison.baseline, pair.comparison.candidate
    failed = {code for side in (pair.baseline, pair.candidate) for code in side.failed(task)}
    reasons = [
        (f"{name}'s run is unfinished there", side.failed(task))
        for name, side in ((base, pair.baseline), (cand, pair.candidate))
    ]
    for name, side in ((base, pair.baseline), (cand, pair.candidate)):
        lone = [c for c in pair.comparison.left_out.get(task, ()) if (task, c) in side.held and c not in failed]
        reasons.append((f"only {name} holds them" if len(lone) > 1 else f"only {name} holds it", tuple(lone)))
    parts = [f"{', '.join(sorted(codes))} ({why})" for why, codes in dict.fromkeys(reasons) if codes]
    return f"Left out on both sides, of averages too: {'; '.join(parts)}." if parts else None


def left_out_tasks_note(pair: Pair) -> str | None:
    """Return which tasks are left out altogether and why, or None."""
    names = dict.fromkeys([*pair.baseline.record.tasks, *pair.candidate.record.tasks])
    parts = []
    for name in names:
        if name in pair.comparison.tasks:
            continue
        holders = [
            label
            for label, side in (
                (pair.comparison.baseline, pair.baseline),
                (pair.comparison.candidate, pair.candidate),
            )
            if any(task == name for task, _ in side.held)
        ]
        why = {0: "neither holds a score", 1: f"only {holders[0]} holds it" if holders else ""}
        parts.append(f"{name} ({why.get(len(holders), 'no language that both hold')})")
    return f"Tasks left out on both sides: {'; '.join(parts)}." if parts else None


def identical_note(pair: Pair, task: str | None = None) -> str | None:
    """Return one line on cells that are the same on both sides, or None."""
    same = "the predictions are identical, so every difference is 0 and p = 1"
    if pair.itself:
        return f"{pair.comparison.candidate} is compared with itself: {same}."
    if pair.identical:
        return f"Both sides were scored the same in every example: {same.replace('predictions', 'scores')}."
    if task is None:
        return None
    codes = [code for code in pair.languages(task) if (task, code) in pair.alike]
    return f"Scored the same in every example, so difference 0 and p = 1: {', '.join(codes)}." if codes else None


def stamp_notes(pair: Pair) -> list[str]:
    """Return one line per side whose numbers must not be compared with published ones."""
    sides = ((pair.comparison.baseline, pair.baseline), (pair.comparison.candidate, pair.candidate))
    return [f"{name}: {'; '.join(side.record.stamps)}." for name, side in sides if side.record.stamps]


def p_text(p: float | None) -> str:
    """Return a p value with three decimals; a dash where there is none."""
    if p is None:
        return "—"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
