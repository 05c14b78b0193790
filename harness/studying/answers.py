"""The contrasts of a study: those named in advance, and the comparison of all systems with the baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from harness.compare import compare
from harness.progress import Progress
from harness.results.comparison import Comparison, Comparisons, Effect, TaskComparison
from harness.results.study import Answer, Role
from harness.specs.study import ContrastSpec
from harness.stats.families import adjust
from harness.studying.exposure import Exposed, without_exposed, without_unseen
from harness.studying.planning import StudyPlan

ALPHA = 0.05


def answer_contrasts(
    plan: StudyPlan,
    folders: Mapping[str, Path],
    incomplete: Collection[str],
    exposed: Exposed,
    progress: Progress,
) -> tuple[Answer, ...]:
    """Return what was named in advance, the primary contrast first.

    `incomplete` are the systems of which a cell is missing: what a contrast would then be over was not
    named in advance, so it has no answer yet.

    Raises:
        HarnessError: run folders cannot be compared.
    """
    study = plan.spec
    leave_out = without_exposed(plan.evaluation.selected, exposed)
    # A gap needs the source language. A mean difference over unseen languages must not hold it: recipes
    # train in it.
    without_sources = {
        entry.task.spec.name: (*leave_out[entry.task.spec.name], entry.task.spec.source_language or "")
        for entry in plan.evaluation.selected
    }
    none_left = not any(
        set(entry.languages) - set(without_sources[entry.task.spec.name])
        for entry in plan.evaluation.selected
    )
    primary = [_begun("primary", study.primary, incomplete)] if study.primary is not None else []
    secondary = [_begun("secondary", contrast, incomplete) for contrast in study.secondary]
    if none_left:
        why = "some arm was trained on every language of the targets"
        primary, secondary = (
            [a.model_copy(update={"why": why}) for a in part] for part in (primary, secondary)
        )

    def answered(answers: Sequence[Answer]) -> list[Answer]:
        if not answers:
            return []
        found = compare(
            folders[answers[0].baseline],
            [folders[answer.candidate] for answer in answers],
            resamples=plan.request.resamples,
            alpha=ALPHA,
            leave_out=leave_out if answers[0].quantity == "gap_reduction" else without_sources,
            progress=progress,
        )
        return [_answered(a, one) for a, one in zip(answers, found.comparisons, strict=True)]

    # What shares a baseline is one family of `compare`, with the power that it has as such.
    groups: dict[tuple[str, str], list[Answer]] = {}
    for answer in secondary:
        if not answer.why:
            groups.setdefault((answer.baseline, answer.quantity), []).append(answer)
    done = [answer for group in groups.values() for answer in answered(group)]
    unanswered = [answer for answer in secondary if answer.why]
    first = primary if any(a.why for a in primary) else answered(primary)
    return (*first, *(done if len(groups) < 2 else _adjusted(done)), *unanswered)


def _begun(role: Role, contrast: ContrastSpec, incomplete: Collection[str]) -> Answer:
    lacking = [name for name in (contrast.candidate, contrast.baseline) if name in incomplete]
    return Answer(
        role=role,
        candidate=contrast.candidate,
        baseline=contrast.baseline,
        quantity=contrast.quantity,
        why=f"cells of {' and '.join(lacking)} are missing" if lacking else "",
    )


def compare_all(
    plan: StudyPlan,
    folders: Mapping[str, Path],
    complete: Mapping[str, Collection[str]],
    exposed: Exposed,
    progress: Progress,
) -> tuple[Comparisons | None, Comparisons | None]:
    """Compare every system with the baseline: over the cells that no arm was trained on, and over the others.

    `complete` are the targets of each system that are finished. Systems that share none with the baseline
    are left out; None where there is nothing to compare.

    Raises:
        HarnessError: run folders cannot be compared.
    """
    baseline = folders.get(plan.spec.baseline)
    if baseline is None:
        return None, None
    selected = plan.evaluation.selected
    found: list[Comparisons | None] = []
    for leave_out in (without_exposed(selected, exposed), without_unseen(selected, exposed)):
        left = {
            entry.task.spec.name
            for entry in selected
            if set(entry.languages) - set(leave_out[entry.task.spec.name])
        }
        others = [
            folder
            for name, folder in folders.items()
            if name != plan.spec.baseline and left & set(complete[name]) & set(complete[plan.spec.baseline])
        ]
        found.append(
            compare(
                baseline,
                others,
                resamples=plan.request.resamples,
                alpha=ALPHA,
                leave_out=leave_out,
                progress=progress,
            )
            if others
            else None
        )
    return found[0], found[1]


def _answered(answer: Answer, found: Comparison) -> Answer:
    """Fill in the number of a contrast: the suite's, or that of the one target that has it.

    Targets whose head was selected on rows that are tested are not in the suite's number; one of them
    speaks, without a p, only where there is no other.
    """
    reduces = answer.quantity == "gap_reduction"
    with_number = {
        name: task
        for name, task in found.tasks.items()
        if not reduces or task.average.gap_reduction is not None
    }
    untuned = {name: task for name, task in with_number.items() if not _is_tuned(task)}
    with_number = untuned or with_number
    languages = {
        name: tuple(code for code in task.languages if code != task.source_language)
        for name, task in with_number.items()
    }
    effect: Effect | None = None
    if found.suite is not None:
        effect = found.suite.gap_reduction if reduces else found.suite.difference
    if effect is None and len(with_number) == 1:
        (task,) = with_number.values()
        effect = task.average.gap_reduction if reduces else task.average.difference
    if effect is not None:
        why = ""
    elif with_number:
        why = f"heads of all targets ({', '.join(with_number)}) were selected on rows that are tested"
        languages = {}
    else:
        why = "no target has a gap: none tests its source language"
    return answer.model_copy(
        update={"scope": found.scope, "languages": languages, "effect": effect, "why": why}
    )


def _is_tuned(task: TaskComparison) -> bool:
    return any("tuned" in language.flags for language in task.languages.values())


def _adjusted(answers: Sequence[Answer]) -> list[Answer]:
    """Adjust answers of several families for each other, as one.

    What the first step over all of them would find is not what was worked out for a few.
    """
    adjusted = adjust([a.effect.p if a.effect else None for a in answers], correction="holm")
    size = sum(p is not None for p in adjusted)
    out = []
    for answer, p in zip(answers, adjusted, strict=True):
        if answer.effect is not None and p is not None:
            changes = {"p_adjusted": p, "family": size, "detectable": None}
            answer = answer.model_copy(update={"effect": answer.effect.model_copy(update=changes)})
        out.append(answer)
    return out
