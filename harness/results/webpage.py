"""`report.html`: one file that needs nothing else, built section by section from the findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.results.figures import axis, heat_step, heat_styles, interval_bar
from harness.results.findings import (
    Findings,
    confidence_note,
    constant_note,
    failure_notes,
    mean_label,
    release_note,
    repairs_note,
    selection_note,
    units_note,
)
from harness.results.pages import page_template
from harness.results.scores import Score
from harness.results.scores import score as rounded
from harness.results.summary import summary_table, task_table
from harness.results.table import Column, Number, Row, Table, Text
from harness.results.table_writers import to_html


def to_webpage(findings: Findings) -> str:
    """Return the page: headline, heat map, a section per task, provenance.

    The same findings give the same text. Everything that came from a user is escaped.
    """
    record = findings.record
    return page_template("report.html.j2").render(
        model=findings.model_name,
        suite=findings.scores.suite,
        stamps=record.stamps,
        headlines=headlines(findings),
        failures=failure_notes(record),
        tiles=[_tile(findings, task) for task in findings.tasks],
        heat=_heat_map(findings),
        summary=Markup(to_html(summary_table(findings))),
        tasks=[_task_section(findings, task) for task in findings.tasks],
        axis=axis(),
        provenance=[Markup(to_html(table)) for table in provenance_tables(findings)],
        repairs=repairs_note(record),
        confidence=" ".join(
            filter(
                None,
                (
                    confidence_note(record),
                    units_note(findings),
                    constant_note(findings),
                    selection_note(record),
                    release_note(record),
                ),
            )
        ),
        signature=record.signature,
        light_heat=heat_styles(dark=False),
        dark_heat=heat_styles(dark=True),
    )


# --- headline ----------------------------------------------------------------------------------


def headlines(findings: Findings) -> tuple[str, ...]:
    """Return what was measured and what came out, in plain sentences."""
    record = findings.record
    titles = [findings.title(task) for task in findings.tasks]
    languages = len(findings.all_languages())
    trained = sorted({run.recipe for runs in record.training.values() for run in runs})
    how = "used as it is, nothing was trained"
    if trained:
        seeds = f"seed{'s' if len(record.seeds) > 1 else ''} {_listed([str(s) for s in record.seeds])}"
        how = f"fine-tuned by recipe {_listed(trained)} on {seeds}"
    where = (
        f"{_listed(titles)} in {languages} language{'' if languages == 1 else 's'}"
        if titles
        else "nothing yet"
    )
    sentences = [f"{findings.model_name} was tested on {where}; it was {how}."]
    if record.submission is not None:
        sentences = [f"Predictions of another program, {findings.model_name}, were scored on {where}."]
    sentences += [_task_sentence(findings, task) for task in findings.tasks if findings.languages(task)]
    return tuple(sentences)


def _task_sentence(findings: Findings, task: str) -> str:
    """Say the mean and the span of a task; the span names its two ends."""
    main = findings.scores.tasks[task].main
    average, partial = findings.mean(task)
    ranked = _ranked(findings, task)
    (best, top), (worst, bottom) = ranked[0], ranked[-1]
    span = f"{top.value:.1f} in {findings.language_name(best)}"
    if len(ranked) > 1 and f"{top.value:.1f}" == f"{bottom.value:.1f}":
        span = f"{top.value:.1f} in every one"
    elif len(ranked) > 1:
        span = f"from {bottom.value:.1f} in {findings.language_name(worst)} to {span}"
    if average is not None:
        mean = f"{main} averages {_with_interval(average)} over {len(ranked)} languages, "
    elif partial is not None and len(partial.languages) > 1:
        mean = (
            f"{main} averages {_with_interval(rounded(partial.estimate))} over the {len(partial.languages)} "
            "languages tested (not the benchmark's average, which needs them all), "
        )
    else:
        mean = f"{main} "
    return f"{findings.title(task)}: {mean}{span}."


def _with_interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.1f}"
    return f"{score.value:.1f} (95% interval {score.low:.1f} to {score.high:.1f})"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _ranked(findings: Findings, task: str) -> list[tuple[str, Score]]:
    """Return the languages of a task by main score, best first; equal scores by name."""
    scored = [(code, findings.score(task, code)) for code in findings.languages(task)]
    present = [(code, score) for code, score in scored if score is not None]
    return sorted(present, key=lambda pair: -pair[1].value)


# --- sections ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """The headline number of one task."""

    task: str
    title: str
    metric: str
    value: str
    interval: str
    scope: str


def _tile(findings: Findings, task: str) -> Tile:
    average, partial = findings.mean(task)
    shown = average or (rounded(partial.estimate) if partial else None)
    value, low, high = Number(shown.value, shown.low, shown.high).parts() if shown else Number(None).parts()
    if average:
        scope = f"average of {len(findings.languages(task))} languages"
    elif partial:
        scope = f"{mean_label(partial)}; {len(findings.scores.missing.get(task, ()))} missing"
    else:
        scope = "no average: languages are missing"
    metric = findings.scores.tasks[task].main
    return Tile(task, findings.title(task), metric, value, f"{low} – {high}" if low else "", scope)


def _heat_map(findings: Findings) -> dict[str, Any]:
    """Return the heat map as blocks of rows, which stand beside each other where there is room."""
    tasks, codes = findings.tasks, findings.all_languages()
    blocks = 1
    if len(tasks) <= 2:
        blocks = min(4, math.ceil(len(codes) / 11))
    elif len(tasks) <= 5:
        blocks = min(2, math.ceil(len(codes) / 14))
    size = math.ceil(len(codes) / max(1, blocks)) or 1
    rows: list[dict[str, Any]] = [
        {
            "code": code,
            "name": findings.language_name(code),
            "cells": [_heat_cell(findings, task, code) for task in tasks],
        }
        for code in codes
    ]
    kinds = {c["kind"] for row in rows for c in row["cells"]}
    return {
        "heads": [{"task": task, "metric": findings.scores.tasks[task].main} for task in tasks],
        "blocks": [rows[i : i + size] for i in range(0, len(rows), size)],
        "missing": "missing" in kinds,
        "untested": "untested" in kinds,
    }


def _heat_cell(findings: Findings, task: str, code: str) -> dict[str, str]:
    score = findings.score(task, code)
    if score is not None:
        return {"kind": f"h{heat_step(score.value)}", "text": f"{score.value:.1f}"}
    if findings.expects(task, code):
        return {"kind": "missing", "text": "missing"}
    return {"kind": "untested", "text": ""}


def _task_section(findings: Findings, task: str) -> dict[str, Any]:
    found = findings.scores.tasks[task]
    average, partial = findings.mean(task)
    shown = average or (rounded(partial.estimate) if partial else None)
    ranked = _ranked(findings, task)
    bars = [
        {
            "name": findings.language_name(code),
            "code": code,
            "source": code == found.source_language,
            "bar": interval_bar(
                score.value,
                score.low,
                score.high,
                mean=shown.value if shown else None,
                source=code == found.source_language,
            ),
            "value": value,
            "interval": interval,
        }
        for (code, score), (value, interval) in zip(ranked, _padded(ranked), strict=True)
    ]
    return {
        "name": task,
        "title": findings.title(task),
        "main": found.main,
        "mean": f"{shown.value:.1f}" if shown else None,
        "mean_label": mean_label(partial) if partial else "average",
        "bars": bars,
        "table": Markup(to_html(task_table(findings, task))),
    }


def _padded(ranked: list[tuple[str, Score]]) -> list[tuple[str, str]]:
    """Return value and interval of each bar as text, padded so that the decimal points are in line."""
    parts = [Number(score.value, score.low, score.high).parts() for _, score in ranked]
    widths = [max((len(part[i]) for part in parts), default=0) for i in range(3)]
    padded = [
        [text.rjust(width, "\u2007") for text, width in zip(part, widths, strict=True)] for part in parts
    ]
    return [
        (value, f"[{low}, {high}]" if part[1] else "")
        for part, (value, low, high) in zip(parts, padded, strict=True)
    ]


# --- provenance --------------------------------------------------------------------------------


def provenance_tables(findings: Findings) -> list[Table]:
    """Return what the numbers were made of: model, run, data, versions."""
    return [_model_table(findings), _run_table(findings), _data_table(findings), _versions_table(findings)]


def _pairs(title: str, pairs: list[tuple[str, str | None]]) -> Table:
    rows = tuple(Row((Text(name), Text(value))) for name, value in pairs if value)
    return Table(title, (Column("what", "left"), Column("value", "left")), rows)


def _model_table(findings: Findings) -> Table:
    model, submission = findings.record.model, findings.record.submission
    if submission is not None:
        return _pairs(
            "Model",
            [
                ("predictions", submission.name),
                ("predictions SHA-256", submission.sha256),
                ("files", f"{submission.files:,}"),
                ("model", "unknown: predictions of another program were scored"),
            ],
        )
    assert model is not None, "BUG: a record has a model or a submission"
    return _pairs(
        "Model",
        [
            ("id", model.id),
            ("revision", model.revision or "a local folder"),
            ("weights SHA-256", model.weights_sha256),
            ("adapter", f"{model.adapter} {model.adapter_version}"),
            ("why this adapter", model.adapter_reason),
        ],
    )


def _run_table(findings: Findings) -> Table:
    record, environment = findings.record, findings.record.environment
    training = "; ".join(
        f"{task}: {', '.join(f'{run.key} (seed {run.seed}, {run.recipe})' for run in runs)}"
        for task, runs in sorted(record.training.items())
        if runs
    )
    pairs: list[tuple[str, str | None]] = [
        ("suite", record.suite),
        ("recipe", "unknown" if record.submission else record.recipe or "none"),
        ("seeds", None if record.submission else ", ".join(map(str, record.seeds))),
        ("training", training),
        ("resamples", f"{record.request.resamples:,}"),
        ("limit", None if record.limit is None else f"{record.limit} examples per language"),
    ]
    if environment is not None:
        pairs += [
            ("device", " · ".join(p for p in (environment.device, environment.hardware) if p)),
            ("dtype", environment.dtype),
            ("search", environment.search),
            ("threads", str(environment.threads)),
            ("repeatable", environment.deterministic),
        ]
    pairs += [("started", record.started), ("finished", record.finished or "not yet")]
    return _pairs("Run", pairs)


def _data_table(findings: Findings) -> Table:
    rows = []
    for task, languages in sorted(findings.record.data.items()):
        for code, found in sorted(languages.items()):
            repairs = ", ".join(f"{name} {count:,}" for name, count in sorted(found.repairs.items()) if count)
            files = ", ".join(source.path for source in found.sources)
            fingerprint = Text(found.fingerprint[:16])
            rows.append(
                Row(
                    (
                        Text(task),
                        Text(code),
                        Number(found.examples, digits=0),
                        fingerprint,
                        Text(files),
                        Text(repairs),
                    )
                )
            )
    columns = (
        Column("task", "left"),
        Column("code", "left"),
        Column("examples"),
        Column("fingerprint (first 16 digits)", "left"),
        Column("files", "left"),
        Column("repairs", "left"),
    )
    return Table("Data", columns, tuple(rows))


def _versions_table(findings: Findings) -> Table:
    record = findings.record
    pairs: list[tuple[str, str | None]] = [(name, version) for name, version in record.versions.items()]
    if record.git is not None:
        pairs.append(
            ("git commit", record.git.commit + (" with uncommitted changes" if record.git.dirty else ""))
        )
    pairs += [(f"{s.kind} {s.name} {s.version}", f"SHA-256 {s.sha256}") for s in record.specs]
    return _pairs("Versions and specifications", pairs)
