"""A study's answer in one sentence, and what else its report says in words."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.comparison_notes import p_text
from harness.results.study import Answer, StudyResults, System

_WHAT = {"gap_reduction": "mean gap reduction", "difference": "mean difference"}
_NAMED = 12


def headline(found: StudyResults) -> str:
    """Return the answer to the study's question in one sentence, or that it asked none."""
    if not found.named:
        return f"The study {found.name} names no contrast in advance, so all that it compares is exploratory."
    primary = next(answer for answer in found.answers if answer.role == "primary")
    return answer_sentence(found, primary)


def answer_sentence(found: StudyResults, answer: Answer) -> str:
    """Return one contrast in one sentence: value, interval, p, what it speaks of, what it could have seen."""
    name = f"{answer.role.capitalize()} contrast, {answer.candidate} − {answer.baseline}"
    if answer.effect is None:
        return f"{name}: no answer, since {answer.why}."
    effect = answer.effect
    parts = [f"{_WHAT[answer.quantity]} {effect.value:+.2f} points"]
    if effect.low is not None and effect.high is not None:
        parts[0] += f" [{effect.low:.2f}, {effect.high:.2f}]"
    if effect.p_adjusted is None:
        parts.append("without p (one unit, or tuned on test rows)")
    else:
        text = p_text(effect.p_adjusted, found.alpha)
        p = f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"
        adjusted = f", adjusted over {effect.family} contrasts (Holm)" if effect.family > 1 else ""
        verdict = "significant" if effect.p_adjusted <= found.alpha else "not significant"
        parts.append(f"{p}{adjusted}, {verdict} at {found.alpha:g}")
    parts.append(f"over {_over(answer)}")
    if effect.detectable is not None:
        parts.append(
            "the smallest effect that it would have found with a probability of 80% is "
            f"{effect.detectable:.2f} points"
        )
    speaks = "the recipes, trained anew" if answer.scope == "recipes" else "these checkpoints only"
    return f"{name}: {'; '.join(parts)}; it speaks of {speaks}."


def _over(answer: Answer) -> str:
    codes = sorted({code for own in answer.languages.values() for code in own})
    shown = ", ".join(codes) if len(codes) <= _NAMED else f"{len(codes)} languages"
    return f"{', '.join(answer.languages)} in languages that no arm was trained on ({shown})"


def exposed_sentence(found: StudyResults) -> str:
    """Return what is left out of the contrasts and reported apart."""
    if not found.exposed:
        return "No arm was trained on a language of the targets."
    cells = "; ".join(f"{task}: {', '.join(codes)}" for task, codes in found.exposed.items())
    return (
        f"No longer unseen, hence in no contrast above, and reported apart: {cells}. Some arm was trained on "
        "these languages, or on data that overlap with these test sets."
    )


def trained_text(system: System) -> str:
    """Return what a system was trained on, in a few words."""
    if not system.trained_on:
        return "nothing: the parent as it is"
    return "; ".join(f"{task} ({_short(codes)})" for task, codes in system.trained_on.items())


def _short(codes: Sequence[str]) -> str:
    return ", ".join(codes) if len(codes) <= _NAMED else f"{len(codes)} languages"


def incomplete_text(found: StudyResults) -> str | None:
    """Return how many steps have no result, or None."""
    if not found.failures:
        return None
    count = len(found.failures)
    return (
        f"Incomplete: {count} step{'s have' if count > 1 else ' has'} no result; targets of which a cell is "
        "missing are left out of the system."
    )
