"""The tables of a study's report."""

from __future__ import annotations

from harness.results.comparison_notes import p_text
from harness.results.study import Answer, Choice, StudyResults
from harness.results.study_sentences import trained_text
from harness.results.table import ABSENT, Column, Number, Row, Table, TableCell, Text

_QUANTITY = {"gap_reduction": "gap reduction", "difference": "difference"}


def answers_table(found: StudyResults) -> Table:
    """Return the contrasts that were named in advance."""
    columns = (
        Column("contrast", "left"),
        Column("", "left"),
        Column("quantity", "left"),
        Column("points"),
        Column("p"),
        Column("detectable"),
        Column("targets", "left"),
    )
    rows = [_answer_row(found, answer) for answer in found.answers]
    second = [a.effect.family for a in found.answers if a.role == "secondary" and a.effect is not None]
    notes = [
        f"p: the primary contrast's own; of secondary ones adjusted over {max(second)} (Holm)."
        if second and max(second) > 1
        else "p: not adjusted, each contrast stands alone.",
        "detectable: the smallest effect that would have been found with a probability of 80%.",
    ]
    notes += [
        f"{answer.candidate} − {answer.baseline}: no answer, since {answer.why}."
        for answer in found.answers
        if answer.why
    ]
    return Table("Named in advance", columns, tuple(rows), tuple(notes))


def _answer_row(found: StudyResults, answer: Answer) -> Row:
    effect = answer.effect
    cells: list[TableCell] = [
        Text(answer.role),
        Text(f"{answer.candidate} − {answer.baseline}"),
        Text(_QUANTITY[answer.quantity]),
        Number(effect.value, effect.low, effect.high, digits=2, signed=True) if effect else Number(None),
        Text(p_text(effect.p_adjusted, found.alpha) if effect else ABSENT),
        Number(effect.detectable if effect else None, digits=2),
        Text(", ".join(answer.languages) or ABSENT),
    ]
    return Row(tuple(cells))


def systems_table(found: StudyResults) -> Table:
    """Return the arms: what each was trained on, and in how many intermediate phases."""
    columns = (
        Column("system", "left"),
        Column("parent", "left"),
        Column("trained on", "left"),
        Column("phases"),
    )
    rows = [
        Row((Text(name), Text(system.parent), Text(trained_text(system)), Number(system.phases, digits=0)))
        for name, system in found.systems.items()
    ]
    seeds = ", ".join(map(str, found.seeds))
    notes = [f"Seeds: {seeds}. phases: intermediate phases, one per seed unless the study says `once`."]
    return Table("Systems", columns, tuple(rows), tuple(notes))


def choices_table(found: StudyResults) -> Table:
    """Return the best system of every target, chosen on development data and reported on test."""
    columns = (
        Column("target", "left"),
        Column("chosen on dev", "left"),
        Column("dev"),
        Column("its test score"),
        Column(f"test score of\n{found.baseline}"),
        Column("change"),
    )
    rows = [_choice_row(found, choice) for choice in found.choices]
    without = [choice.target for choice in found.choices if choice.chosen is None]
    notes = [
        "dev: the best score of the traces that selected heads on development data of the source language, "
        "mean over the seeds. Test scores played no part in the choice, and are means over all languages."
    ]
    notes += [
        f"Not so for {choice.target}: rows of its development data are tested "
        f"({', '.join(choice.dev_in_test)}), so its choice is not independent of the test score, "
        "which flatters."
        for choice in found.choices
        if choice.chosen is not None and choice.dev_in_test
    ]
    if without:
        notes.append(
            f"Nothing is chosen for {', '.join(without)}: the recipe selects nothing on development data, or "
            "cells are missing, so there is no score to choose by."
        )
    return Table("Best system per target", columns, tuple(rows), tuple(notes))


def _choice_row(found: StudyResults, choice: Choice) -> Row:
    base = choice.test.get(found.baseline)
    best = choice.test.get(choice.chosen) if choice.chosen else None
    change = best.value - base.value if best and base else None
    cells: list[TableCell] = [
        Text(choice.target),
        Text(choice.chosen or ABSENT, "strong" if choice.chosen else "muted"),
        Number(choice.dev.get(choice.chosen or "")),
        Number(best.value, best.low, best.high) if best else Number(None),
        Number(base.value, base.low, base.high) if base else Number(None),
        Number(change, signed=True),
    ]
    return Row(tuple(cells))


def dev_table(found: StudyResults) -> Table | None:
    """Return the scores on development data that the choice was made by; None where there are none."""
    if not any(choice.dev for choice in found.choices):
        return None
    chosen = [choice for choice in found.choices if choice.dev]
    columns = (Column("system", "left"), *(Column(choice.target) for choice in chosen))
    rows = []
    for name in found.systems:
        cells: list[TableCell] = [Text(name)]
        for choice in chosen:
            strong = "strong" if choice.chosen == name else "plain"
            cells.append(Number(choice.dev.get(name), emphasis="strong" if strong == "strong" else "plain"))
        rows.append(Row(tuple(cells)))
    by = "; ".join(f"{choice.target}: {choice.dev_by}" for choice in chosen)
    return Table("Development scores", columns, tuple(rows), (f"Scored by: {by}.",))


def exposed_table(found: StudyResults) -> Table | None:
    """Return the cells that are no longer unseen, and why; None where there are none."""
    if not found.exposed:
        return None
    columns = (Column("target", "left"), Column("language", "left"), Column("why", "left"))
    rows = [
        Row((Text(task), Text(code), Text("; ".join(why))))
        for task, codes in found.exposed.items()
        for code, why in codes.items()
    ]
    return Table("No longer unseen", columns, tuple(rows))
