"""The report of a run: tables for the terminal, and `report.md|csv|tex|html` in its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO

from harness.results.findings import Findings, closing_notes
from harness.results.folder import RunFolder, write_bytes
from harness.results.summary import matrix_table, stamped, summary_table, task_table
from harness.results.table import Table
from harness.results.table_writers import (
    csv_lines,
    latex_text,
    markdown_text,
    print_tables,
    to_latex,
    to_markdown,
)
from harness.results.webpage import headlines, to_webpage


def report_tables(findings: Findings) -> list[Table]:
    """Return the tables of a run in reading order: per task, then all tasks, then the suite."""
    tables = [task_table(findings, task) for task in findings.tasks]
    if len(findings.tasks) > 1:
        tables.append(matrix_table(findings))
    if len(findings.tasks) != 1 or findings.scores.suite is not None:
        tables.append(summary_table(findings))
    return tables


def print_report(findings: Findings, *, file: IO[str] | None = None) -> None:
    """Print the tables and what stands under them (default: to stdout)."""
    print_tables(report_tables(findings), file=file, notes=closing_notes(findings))


def to_report_markdown(findings: Findings) -> str:
    """Return the report as Markdown."""
    title = stamped(findings, f"{findings.model_name}: scores by language")
    parts = [f"# {markdown_text(title)}\n", *(f"{markdown_text(line)}\n" for line in headlines(findings))]
    parts += [to_markdown(table) for table in report_tables(findings)]
    parts += [f"{markdown_text(line)}\n" for line in closing_notes(findings)]
    return "\n".join(parts)


def to_report_csv(findings: Findings) -> str:
    """Return every number of the run in long form: one row per task, metric and language.

    Averages have the language `average` (with n = their rows), groups and overall have no task
    of their own and stand under `group NAME` and `overall`. What is missing is not there. `stamp`
    says what keeps the numbers from being compared, and is empty otherwise.
    """
    rows: list[list[str | float | int | None]] = [
        ["task", "metric", "language", "value", "low", "high", "n", "stamp"]
    ]
    scores, stamp = findings.scores, "; ".join(findings.record.stamps)
    for task in findings.tasks:
        for metric in findings.metrics(task):
            found = scores.tasks[task].metrics[metric]
            named = [(code, found.languages[code]) for code in sorted(found.languages)]
            for code, score in [*named, *([("average", found.average)] if found.average else [])]:
                rows.append([task, metric, code, score.value, score.low, score.high, score.n, stamp])
    suite = [(f"group {name}", score) for name, score in scores.groups.items()]
    for name, mean in [*suite, ("overall", scores.overall)]:
        if mean is not None:
            rows.append([name, "", "average", mean.value, mean.low, mean.high, mean.n, stamp])
    return csv_lines(rows)


def to_report_latex(findings: Findings) -> str:
    """Return one `table` environment per table, for a paper to include."""
    head = ["% Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs} in the preamble."]
    head += [f"% {latex_text(note)}" for note in closing_notes(findings)]
    parts = [to_latex(table) for table in report_tables(findings)]
    return "\n".join(["\n".join(head) + "\n", *parts])


# Suffix of the file -> how it is written.
WRITERS: Mapping[str, Callable[[Findings], str]] = {
    "md": to_report_markdown,
    "csv": to_report_csv,
    "tex": to_report_latex,
    "html": to_webpage,
}


def write_report(folder: RunFolder, findings: Findings) -> None:
    """Write `report.md`, `report.csv`, `report.tex` and `report.html`, each atomically."""
    for suffix, write in WRITERS.items():
        write_bytes(folder.report(suffix), write(findings).encode("utf-8"))
