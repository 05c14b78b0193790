"""The tables of a run: one per task, one matrix of languages and tasks, one of the suite."""

from __future__ import annotations

from harness.results.findings import Findings, mean_label
from harness.results.scores import PartialMean, Score
from harness.results.scores import score as rounded
from harness.results.table import ABSENT, Column, Emphasis, Number, Row, Table, TableCell, Text

# Behind scores in languages that an intermediate phase trained on.
SEEN = "†"
_SEEN_NOTE = f"{SEEN} not zero-shot: an intermediate phase trained on this task in this language."


def stamped(findings: Findings, title: str) -> str:
    """Return a title that begins with what keeps its numbers from being compared."""
    record = findings.record
    marks = (["SMOKE"] if record.smoke else []) + (
        [f"LIMIT {record.limit}"] if record.limit is not None else []
    )
    return f"[{', '.join(marks)}: not comparable] {title}" if marks else title


def cell(score: Score | None, *, emphasis: Emphasis = "plain", mark: str = "") -> Number:
    """Return a score with its interval as a cell; without a score, a dash."""
    if score is None:
        return Number(None)
    return Number(score.value, score.low, score.high, emphasis=emphasis, mark=mark)


def bare(score: Score | None, *, emphasis: Emphasis = "plain", mark: str = "") -> Number:
    """Return a score without its interval as a cell."""
    return Number(score.value, emphasis=emphasis, mark=mark) if score else Number(None, emphasis=emphasis)


def seen_mark(findings: Findings, task: str, code: str) -> str:
    """Return what stands behind a score that is not zero-shot."""
    return SEEN if code in findings.record.tasks[task].seen else ""


def task_table(findings: Findings, task: str) -> Table:
    """Return the scores of a task: a row per language, a column per metric, the average last."""
    metrics = findings.metrics(task)
    main = findings.scores.tasks[task].main
    source = findings.scores.tasks[task].source_language
    rows: list[Row] = []
    for code in findings.languages(task):
        name = findings.language_name(code)
        scores = [findings.score(task, code, metric) for metric in metrics]
        n = scores[0].n if scores[0] else None
        mark = seen_mark(findings, task, code)
        rows.append(
            Row(
                (Text(name), Text(code), _count(n), *(cell(score, mark=mark) for score in scores)),
                rule=not rows,
            )
        )
    rows.append(_mean_row(findings, task, metrics))
    notes = []
    if source is not None:
        notes.append(f"{findings.language_name(source)} ({source}) is the source language.")
    if any(code in findings.record.tasks[task].seen for code in findings.languages(task)):
        notes.append(_SEEN_NOTE)
    notes += missing_notes(findings, task)
    if constant := findings.constant.get(task):
        notes.append(f"Constant: one and the same answer was predicted throughout in {', '.join(constant)}.")
    columns = (Column("language", "left"), Column("code", "left"), Column("n"), *map(Column, metrics))
    title = f"{findings.title(task)} · {task}, main metric {main}"
    return Table(stamped(findings, title), columns, tuple(rows), tuple(notes))


def missing_notes(findings: Findings, task: str) -> list[str]:
    """Return the line that names the missing languages of a task, if any."""
    missing = findings.scores.missing.get(task)
    if not missing:
        return []
    return [f"No average: {len(missing)} of the benchmark's languages not scored ({', '.join(missing)})."]


def matrix_table(findings: Findings) -> Table:
    """Return the main metrics of all tasks: a row per language, a column per task."""
    tasks = findings.tasks
    rows: list[Row] = []
    for code in findings.all_languages():
        values: list[TableCell] = []
        for task in tasks:
            score = findings.score(task, code)
            if score is None and findings.expects(task, code):
                values.append(Text("missing", "muted"))
            else:
                mark = seen_mark(findings, task, code)
                values.append(Text("") if score is None else bare(score, mark=mark))
        rows.append(Row((Text(findings.language_name(code)), Text(code), *values), rule=not rows))
    averages, partly = [], False
    for task in tasks:
        average, partial = findings.mean(task)
        partly = partly or partial is not None
        averages.append(bare(_either(average, partial), emphasis="strong" if average else "muted"))
    label = "average" if not partly else "mean of what is there"
    rows.append(Row((Text(label, "strong"), Text(""), *averages), rule=True))
    headers = (f"{task} {findings.scores.tasks[task].main}" for task in tasks)
    columns = (Column("language", "left"), Column("code", "left"), *map(Column, headers))
    notes = ["Empty: the benchmark does not test the language there."]
    if any(task.seen for task in findings.record.tasks.values()):
        notes.append(_SEEN_NOTE)
    return Table(
        stamped(findings, f"{findings.model_name}: all languages"), columns, tuple(rows), tuple(notes)
    )


def summary_table(findings: Findings) -> Table:
    """Return a row per task, then per group of the suite, then overall, and what each lacks."""
    rows = [_task_row(findings, task) for task in findings.tasks]
    scores = findings.scores
    for name in sorted(set(scores.missing) - set(scores.tasks)):
        rows.append(Row((Text(name), Text(""), Number(None), Text("not scored", "muted"))))
    for position, (name, score) in enumerate(scores.groups.items()):
        rows.append(_suite_row(f"group {name}", score, rule=position == 0))
    if scores.suite is not None:
        rows.append(_suite_row("overall", scores.overall, rule=True))
    columns = (
        Column("task", "left"),
        Column("metric", "left"),
        Column("score"),
        Column("averaged over", "left"),
    )
    title = f"{findings.model_name} on {scores.suite}" if scores.suite else findings.model_name
    return Table(stamped(findings, title), columns, tuple(rows), _suite_notes(findings))


def _task_row(findings: Findings, task: str) -> Row:
    average, partial = findings.mean(task)
    over = f"{len(findings.languages(task))} languages" if average else ABSENT
    if partial is not None:
        over = f"{mean_label(partial)} only".removeprefix("mean of ")
    missing = findings.scores.missing.get(task, ())
    if missing:
        over += f", {len(missing)} missing"
    emphasis: Emphasis = "strong" if average else "muted"
    score = cell(_either(average, partial), emphasis=emphasis)
    return Row((Text(task), Text(findings.scores.tasks[task].main), score, Text(over)))


def _suite_row(name: str, score: Score | None, *, rule: bool) -> Row:
    why = Text("") if score else Text("a member is missing", "muted")
    return Row((Text(name, "strong"), Text(""), cell(score, emphasis="strong"), why), rule=rule)


def _suite_notes(findings: Findings) -> tuple[str, ...]:
    """Say what a suite's overall score is where that needs saying, and which tasks count in it otherwise.

    A task counts in groups and overall with its main metric, unless its specification says otherwise.
    """
    notes = []
    suite = findings.record.spec("suite", findings.scores.suite) if findings.scores.suite else None
    if suite and suite.content.get("overall_note"):
        notes.append(str(suite.content["overall_note"]))
    if not findings.scores.groups and findings.scores.overall is None:
        return tuple(notes)
    for task in findings.tasks:
        spec = findings.record.spec("task", task)
        members = [str(m) for m in spec.content.get("benchmark_score") or ()] if spec else []
        if len(members) > 1:
            notes.append(f"In groups and overall {task} counts as the mean of {' and '.join(members)}.")
    return tuple(notes)


def _mean_row(findings: Findings, task: str, metrics: tuple[str, ...]) -> Row:
    label, cells, n = "average", [], None
    for metric in metrics:
        average, partial = findings.mean(task, metric)
        shown = _either(average, partial)
        cells.append(cell(shown, emphasis="strong" if shown else "muted"))
        if metric == metrics[0]:
            n = shown.n if shown else None
            label = mean_label(partial) if partial else label
    return Row((Text(label, "strong"), Text(""), _count(n), *cells), rule=True)


def _either(average: Score | None, partial: PartialMean | None) -> Score | None:
    return average or (rounded(partial.estimate) if partial else None)


def _count(n: int | None) -> Number:
    return Number(n, digits=0)
