"""The report of a study: the answer first, then what was named in advance, then what is exploratory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from markupsafe import Markup

from harness.results.comparison import Comparisons
from harness.results.comparison_csv import to_comparison_csv
from harness.results.comparison_findings import Pair, read_pairs
from harness.results.comparison_report import comparison_tables, signatures, write_comparison
from harness.results.comparison_sentences import sentences
from harness.results.comparison_tables import candidates_table
from harness.results.folder import write_bytes
from harness.results.pages import page_template
from harness.results.study import StudyResults, encode_study
from harness.results.study_sentences import answer_sentence, exposed_sentence, headline, incomplete_text
from harness.results.study_tables import (
    answers_table,
    choices_table,
    dev_table,
    exposed_table,
    systems_table,
)
from harness.results.table import Table, one_line
from harness.results.table_writers import (
    csv_lines,
    latex_text,
    markdown_text,
    print_tables,
    to_html,
    to_latex,
    to_markdown,
)

JSON = "comparison.json"
_UNSEEN, _SEEN = "comparison", "comparison-seen"
_EXPLORATORY = "Exploratory"
_NOT_NAMED = "Nothing below was named before the study ran: read it as a source of questions, not of answers."


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything that a report is written from: the results, and the runs behind the comparisons."""

    found: StudyResults
    unseen: Sequence[Pair]
    seen: Sequence[Pair]


def read_report(found: StudyResults, systems: Path) -> StudyReport:
    """Read the records behind a study's results; `systems` is the folder of its run folders.

    Raises:
        ResultError: a run folder has no record that this version reads.
    """
    return StudyReport(found, *(_pairs(found, part, systems) for part in (found.unseen, found.seen)))


def _pairs(found: StudyResults, part: Comparisons | None, systems: Path) -> tuple[Pair, ...]:
    if part is None:
        return ()
    return read_pairs(part, [systems / name for name in (found.baseline, *_candidates(part))])


def _candidates(part: Comparisons) -> list[str]:
    return [comparison.candidate for comparison in part.comparisons]


def print_study(report: StudyReport, *, file: IO[str] | None = None) -> None:
    """Print the answer, then the tables (default: to stdout)."""
    found = report.found
    stream = file or sys.stdout
    for line in _top(found):
        stream.write(one_line(line) + "\n")
    stream.write("\n")
    tables = [answers_table(found)] if found.answers else []
    print_tables([*tables, systems_table(found)], file=file, notes=[exposed_sentence(found), ""])
    stream.write(f"{_EXPLORATORY}. {_NOT_NAMED}\n\n")
    print_tables([choices_table(found), *_overviews(report)], file=file)


def write_study(folder: Path, report: StudyReport) -> list[Path]:
    """Write `comparison.json`, `report.html|md|tex|csv` and the comparisons in full; return the reports.

    Raises:
        ResultError: the file system refuses.
    """
    # Killed from here on, neither the results that were kept nor their comparisons pass for this report's.
    with suppress(OSError):  # writing says why
        (folder / JSON).unlink()
    for name, pairs in ((_UNSEEN, report.unseen), (_SEEN, report.seen)):
        shutil.rmtree(folder / name, ignore_errors=True)
        if pairs:
            write_comparison(folder / name, pairs)
    written = []
    for suffix, text in (
        ("md", to_study_markdown(report)),
        ("tex", to_study_latex(report)),
        ("csv", to_study_csv(report)),
        ("html", to_study_html(report)),
    ):
        written.append(folder / f"report.{suffix}")
        write_bytes(written[-1], text.encode("utf-8"))
    # Last: with it the study counts as reported.
    write_bytes(folder / JSON, encode_study(report.found))
    return written


def is_written(folder: Path, found: StudyResults) -> bool:
    """Whether the pages of these results are all there; not whether they are still what was written."""
    pages = [folder / f"report.{suffix}" for suffix in ("md", "tex", "csv", "html")]
    parts = ((_UNSEEN, found.unseen), (_SEEN, found.seen))
    pages += [folder / name / "compare.html" for name, part in parts if part is not None]
    return all(page.is_file() for page in pages)


def to_study_markdown(report: StudyReport) -> str:
    """Return the report as Markdown."""
    found = report.found
    parts = [f"# {markdown_text(found.title)}\n", *(f"{markdown_text(line)}\n" for line in _top(found))]
    parts += [f"{markdown_text(line)}\n" for line in (found.notes, f"Source: {found.source}") if line]
    if found.answers:
        parts.append(to_markdown(answers_table(found)))
        others = [answer for answer in found.answers if answer.role != "primary"]
        parts.append("".join(f"- {markdown_text(answer_sentence(found, a))}\n" for a in others))
    parts += [to_markdown(systems_table(found)), f"{markdown_text(exposed_sentence(found))}\n"]
    parts += [f"## {_EXPLORATORY}\n", f"{_NOT_NAMED}\n"]
    parts += [to_markdown(table, level=3) for table in _choice_tables(found)]
    for title, pairs, _ in _comparisons(report):
        parts.append(f"### {title}\n")
        for pair in pairs:
            name = f"{pair.comparison.candidate} against {pair.comparison.baseline}"
            parts.append(f"{markdown_text(name)}:\n")
            parts.append("".join(f"- {markdown_text(sentence)}\n" for sentence in sentences(pair)))
        parts += [to_markdown(table, level=4) for table in comparison_tables(pairs, wide=True)]
    exposed = exposed_table(found)
    parts += [to_markdown(exposed, level=3)] if exposed else []
    parts += [f"{markdown_text(line)}\n" for line in _closing(report)]
    return "\n".join(parts)


def to_study_latex(report: StudyReport) -> str:
    """Return one `table` environment per table, the answer as a comment before them."""
    found = report.found
    head = ["% Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs} in the preamble."]
    head += [f"% {latex_text(line)}" for line in (*_top(found), exposed_sentence(found), *_closing(report))]
    tables = [answers_table(found)] if found.answers else []
    tables += [systems_table(found)]
    later = _choice_tables(found)
    for _, pairs, _ in _comparisons(report):
        later += comparison_tables(pairs)
    parts = [to_latex(table) for table in tables]
    parts += [f"% {_EXPLORATORY}: {_NOT_NAMED}\n", *(to_latex(table) for table in later)]
    return "\n".join(["\n".join(head) + "\n", *parts])


def to_study_csv(report: StudyReport) -> str:
    """Return the contrasts named in advance, a row each; then every number of the exploratory comparisons.

    The second part has the columns of `xharness compare`, and before them which comparison it is:
    `exploratory` (languages that no arm was trained on) or `exploratory, trained on`.
    """
    found = report.found
    rows: list[list[str | float | int | None]] = [
        list(
            "part candidate baseline scope quantity value low high p p_adjusted family detectable why".split()
        )
    ]
    for a in found.answers:
        e = a.effect
        numbers: list[str | float | int | None] = (
            [None] * 7 if e is None else [e.value, e.low, e.high, e.p, e.p_adjusted, e.family, e.detectable]
        )
        rows.append([a.role, a.candidate, a.baseline, a.scope, a.quantity, *numbers, a.why])
    parts = [csv_lines(rows)]
    for number, (_, pairs, name) in enumerate(_comparisons(report)):
        header, *lines = to_comparison_csv(pairs).splitlines()
        parts += [f"\npart,{header}\n"] if number == 0 else []
        # No comma, so that the word needs no quotes.
        parts.append("".join(f"{name},{line}\n" for line in lines))
    return "".join(parts)


def to_study_html(report: StudyReport) -> str:
    """Return the page; everything that came from a user is escaped."""
    found = report.found
    exposed = exposed_table(found)
    return page_template("study.html.j2").render(
        title=found.title,
        headline=headline(found),
        remarks=_top(found)[1:],
        notes=found.notes,
        source=found.source,
        answers=_markup(answers_table(found)) if found.answers else None,
        sentences=[answer_sentence(found, answer) for answer in found.answers if answer.role != "primary"],
        systems=_markup(systems_table(found)),
        exposed_sentence=exposed_sentence(found),
        exploratory=_EXPLORATORY,
        not_named=_NOT_NAMED,
        choices=[_markup(table) for table in _choice_tables(found)],
        comparisons=[
            {
                "title": title,
                "page": f"{folder}/compare.html",
                "overview": _markup(candidates_table(pairs)) if len(pairs) > 1 else None,
                "pairs": [
                    {
                        "name": f"{pair.comparison.candidate} against {pair.comparison.baseline}",
                        "sentences": sentences(pair),
                    }
                    for pair in pairs
                ],
            }
            for (title, pairs, _), folder in zip(
                _comparisons(report),
                [f for f, p in ((_UNSEEN, report.unseen), (_SEEN, report.seen)) if p],
                strict=True,
            )
        ],
        exposed=_markup(exposed) if exposed else None,
        failures=found.failures,
        signatures=_signatures(report),
    )


def _top(found: StudyResults) -> list[str]:
    """Return what stands above everything: the answer, then what must be known of it."""
    lines = [headline(found)]
    incomplete = incomplete_text(found)
    lines += [incomplete] if incomplete else []
    return [*lines, *(f"Not comparable with published numbers: {stamp}." for stamp in found.stamps)]


def _closing(report: StudyReport) -> list[str]:
    failures = [f"No result: {line}" for line in report.found.failures]
    return [*failures, *_signatures(report)]


def _signatures(report: StudyReport) -> list[str]:
    pairs = report.unseen or report.seen
    return signatures(pairs) if pairs else []


def _choice_tables(found: StudyResults) -> list[Table]:
    dev = dev_table(found)
    return [choices_table(found), *([dev] if dev else [])]


def _comparisons(report: StudyReport) -> list[tuple[str, Sequence[Pair], str]]:
    """Return the comparisons that there are: title, pairs, and how rows of the CSV name them."""
    baseline = report.found.baseline
    parts = (
        (
            f"All systems against {baseline}, in languages that no arm was trained on (and the source)",
            report.unseen,
            "exploratory",
        ),
        (
            f"All systems against {baseline}, in languages that some arm was trained on (and the source)",
            report.seen,
            "exploratory (trained on)",
        ),
    )
    return [part for part in parts if part[1]]


def _overviews(report: StudyReport) -> list[Table]:
    """Return for each comparison the table of all candidates, else those of its one candidate."""
    tables = []
    for title, pairs, _ in _comparisons(report):
        found = [candidates_table(pairs)] if len(pairs) > 1 else comparison_tables(pairs)
        tables += [_titled(table, title) for table in found]
    return tables


def _titled(table: Table, title: str) -> Table:
    return Table(f"{title}: {table.title}", table.columns, table.rows, table.notes, table.dense)


def _markup(table: Table) -> Markup:
    return Markup(to_html(table))
