"""A comparison in plain sentences: what happened to every task, and to how many of its languages."""

from __future__ import annotations

from collections import Counter

from harness.results.comparison import Effect
from harness.results.comparison_findings import Pair
from harness.results.comparison_lines import Line, average_line, language_lines, suite_line, verdict
from harness.results.comparison_notes import identical_note, p_text, source_note

_ORDER = ("closed", "narrowed", "source loss", "widened", "better", "worse")


def sentences(pair: Pair) -> tuple[str, ...]:
    """Return a sentence per task and one of their mean, or the one line that nothing differs."""
    same = identical_note(pair)
    if same is not None:
        return (same,)
    found = [_task_sentence(pair, task) for task in pair.comparison.tasks]
    mean = suite_line(pair)
    if mean is not None:
        found.append(f"Mean of tasks: {_change(pair, mean)}.")
    return tuple(found)


def _task_sentence(pair: Pair, task: str) -> str:
    lines = language_lines(pair, task)
    mean = average_line(pair, task)
    tested = [line for line in lines.values() if line.reduction is not None] or list(lines.values())
    counts = Counter(verdict(pair, line).partition(" (")[0] for line in tested)
    shown = [f"{word} in {counts[word]}" for word in _ORDER if counts[word]]
    rest = sum(count for word, count in counts.items() if word not in _ORDER)
    if rest:
        shown.append(f"not significant in {rest}" if counts["n.s."] == rest else f"without a test in {rest}")
    sentence = f"{task}: {_change(pair, mean)}. By language: {', '.join(shown)} of {len(tested)}."
    return f"{sentence} {source_note(pair, task)}" if pair.lost_source(task) else sentence


def _change(pair: Pair, line: Line) -> str:
    """Say how the gap changed, or where there is none, the score."""
    difference = f"difference {_effect(pair, line.difference)}"
    if line.reduction is None:
        return difference
    gaps = f" (gap {line.gaps[0]:.1f} to {line.gaps[1]:.1f})" if line.gaps else ""
    return f"gap reduction {_effect(pair, line.reduction)}{gaps}: {verdict(pair, line)}; {difference}"


def _effect(pair: Pair, effect: Effect) -> str:
    value = f"{effect.value:+.1f}"
    if effect.low is not None and effect.high is not None:
        value += f" [{effect.low:.1f}, {effect.high:.1f}]"
    if effect.p_adjusted is None:
        return value
    p = p_text(effect.p_adjusted, pair.settings.alpha)
    return f"{value}, adjusted p {p.replace('<', '< ') if p.startswith('<') else f'= {p}'}"
