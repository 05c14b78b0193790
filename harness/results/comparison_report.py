"""The report of a comparison: tables for the terminal, the same as Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from harness.errors import ResultError
from harness.results.comparison import Effect, IntervalName, encode_comparisons
from harness.results.comparison_csv import to_comparison_csv
from harness.results.comparison_figure_parts import Drawing
from harness.results.comparison_figures import can_draw, draw_task
from harness.results.comparison_findings import Pair
from harness.results.comparison_lines import overall_line
from harness.results.comparison_notes import CORRECTIONS, titled
from harness.results.comparison_page import Section, to_comparison_page
from harness.results.comparison_sentences import sentences
from harness.results.comparison_tables import (
    candidates_table,
    numbers_table,
    suite_table,
    task_table,
)
from harness.results.comparison_typology import typology_tables
from harness.results.folder import RunFolder, write_bytes
from harness.results.table import Table
from harness.results.table_writers import (
    latex_text,
    markdown_text,
    print_tables,
    to_latex,
    to_markdown,
)

FORMATS = ("rich", "md", "tex", "csv", "html")
_JSON, _FIGURES = "compare.json", "figures"
_SUFFIXES = ("svg", "png")
_TESTS = {"t": "t", "percentile": "percentile bootstrap", "bca": "BCa bootstrap"}


def comparison_tables(pairs: Sequence[Pair], *, wide: bool = False) -> list[Table]:
    """Return the tables in reading order: per candidate its tasks, then their means; last all candidates."""
    tables = []
    for pair in pairs:
        tables += [task_table(pair, task, names=wide, spelled=wide) for task in pair.comparison.tasks]
        tables += [table for table in (suite_table(pair),) if table is not None]
        tables += typology_tables(pair, wide=wide)
    return [*tables, candidates_table(pairs)] if len(pairs) > 1 else tables


def print_comparison(pairs: Sequence[Pair], *, file: IO[str] | None = None) -> None:
    """Print the tables and what they come to in sentences (default: to stdout)."""
    print_tables(comparison_tables(pairs), file=file, notes=closing_lines(pairs))


def closing_lines(pairs: Sequence[Pair]) -> list[str]:
    """Return what the tables come to, and where the numbers are from."""
    lines = []
    for pair in pairs:
        lines += [f"{_heading(pair)}: {sentence}" for sentence in sentences(pair)]
    return [*lines, *signatures(pairs)]


def signatures(pairs: Sequence[Pair]) -> list[str]:
    """Return the signature of every system, to be quoted with the numbers."""
    first = pairs[0]
    sides = [(first.comparison.baseline, first.baseline)]
    sides += [(pair.comparison.candidate, pair.candidate) for pair in pairs]
    return list(dict.fromkeys(f"Signature of {name}: {side.record.signature}" for name, side in sides))


def to_comparison_markdown(pairs: Sequence[Pair]) -> str:
    """Return the comparison as Markdown: sentences, tables, and behind them every number."""
    parts = ["# Did the gap close?\n"]
    for pair in pairs:
        parts.append(f"{markdown_text(titled(pair, 'in short'))}.\n")
        parts.append("".join(f"- {markdown_text(sentence)}\n" for sentence in sentences(pair)))
    parts += [to_markdown(table) for table in comparison_tables(pairs, wide=True)]
    for pair in pairs:
        parts += [to_markdown(numbers_table(pair, task)) for task in pair.comparison.tasks]
    parts += [f"{markdown_text(line)}\n" for line in signatures(pairs)]
    return "\n".join(parts)


def to_comparison_latex(pairs: Sequence[Pair]) -> str:
    """Return one `table` environment per table; captions name test, resamples, correction and n."""
    head = ["% Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs} in the preamble."]
    head += [f"% {latex_text(line)}" for line in signatures(pairs)]
    parts = []
    for pair in pairs:
        for task, found in pair.comparison.tasks.items():
            effects = [language.difference for language in found.languages.values()]
            reductions = [x.gap.reduction for x in found.languages.values() if x.gap is not None]
            tested = "gap reductions" if reductions else "differences"
            how = _how(pair, f"{tested} of {task}", reductions or effects, effects)
            parts.append(_captioned(task_table(pair, task, names=True), how))
        suite = suite_table(pair)
        if suite is not None:
            averages = [found.average for found in pair.comparison.tasks.values()]
            effects = [average.difference for average in averages]
            parts.append(_captioned(suite, _how(pair, "means of tasks", effects, effects)))
        rows = [x.difference.n for found in pair.comparison.tasks.values() for x in found.languages.values()]
        parts += [_captioned(table, _tested_by(pair, "t", rows)) for table in typology_tables(pair)]
    if len(pairs) > 1:
        means = [overall_line(pair)[0].difference.n for pair in pairs]
        parts.append(_captioned(candidates_table(pairs), _tested_by(pairs[0], None, means)))
    return "\n".join(["\n".join(head) + "\n", *(to_latex(table) for table in parts)])


def _captioned(table: Table, how: str) -> Table:
    return dataclasses.replace(table, title=f"{table.title}. {how}".rstrip())


def _how(pair: Pair, what: str, tested: Sequence[Effect], sized: Sequence[Effect]) -> str:
    """Say in a caption how was tested: test, resamples, correction with its family, alpha and n."""
    settings = pair.settings
    size = max(effect.family for effect in tested)
    family = f"{CORRECTIONS[settings.correction]} over {size} {what}"
    if settings.correction == "none":
        family = f"no correction of {size} {what}"
    if not size:
        family = "no p (tuned on test rows, or a single unit)"
    return _tested_by(pair, None, [effect.n for effect in sized], family)


def _tested_by(
    pair: Pair, interval: IntervalName | None, rows: Sequence[int], family: str | None = None
) -> str:
    """Say how was tested; the sizes of families are `family`, else they stand in the notes."""
    settings = pair.settings
    how = _TESTS[interval or settings.interval]
    family = family or f"correction: {CORRECTIONS[settings.correction]} (families: see below)"
    low, high = min(rows), max(rows)
    n = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return (
        f"Test: {how}, {settings.resamples:,} resamples, {family}; * at alpha {settings.alpha:g}; n = {n}; "
        f"{100 * (1 - settings.alpha):g}% intervals per cell."
    )


def to_comparison_html(pairs: Sequence[Pair]) -> str:
    """Return the page, with figures where matplotlib is installed."""
    return _page(pairs, _draw(pairs, ("svg",)))


# Format -> how it is written.
WRITERS: Mapping[str, Callable[[Sequence[Pair]], str]] = {
    "md": to_comparison_markdown,
    "tex": to_comparison_latex,
    "csv": to_comparison_csv,
    "html": to_comparison_html,
}


def check_report_folder(folder: Path) -> None:
    """Check that reports can be written to a folder: new, empty, or with those of an earlier comparison.

    Raises:
        ResultError: it is a file, a run folder or inside one, or holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ResultError(
            f"--out {folder} is a file; it takes a folder, new, empty or of an earlier comparison"
        )
    _check_place("--out", folder)
    if folder.is_dir() and not (folder / _JSON).is_file():
        names = sorted(path.name for path in folder.iterdir())
        if names:
            shown = ", ".join(names[:3]) + (", .." if len(names) > 3 else "")
            raise ResultError(
                f"--out {folder} holds no {_JSON} but {shown}; it takes a new or an empty folder, "
                "or one of an earlier comparison"
            )


def check_json_file(path: Path) -> None:
    """Check that a comparison can be written to a file, before anything is computed.

    Raises:
        ResultError: it is a folder, or lies inside a run folder.
    """
    if path.is_dir():
        raise ResultError(f"--json {path} is a folder; it takes a file, or - to print")
    _check_place("--json", path)


def _check_place(option: str, path: Path) -> None:
    for place in (path.resolve(), *path.resolve().parents):
        if place != path.resolve() and place.exists() and not place.is_dir():
            raise ResultError(f"{option} {path}: {place} is a file and no folder; choose another place")
        if RunFolder(place).is_run_folder():
            inside = "is" if place == path.resolve() else "lies inside"
            raise ResultError(f"{option} {path} {inside} a run folder ({place}); choose another place")


def write_comparison(folder: Path, pairs: Sequence[Pair]) -> list[Path]:
    """Write `compare.json|md|tex|csv|html` and, with matplotlib, `figures/`; return what was written.

    Each file is written atomically, `compare.json` first; figures of an earlier comparison are removed.

    Raises:
        ResultError: as `check_report_folder`, or the file system refuses.
    """
    check_report_folder(folder)
    written = [folder / _JSON]
    write_bytes(written[0], encode_comparisons(pairs[0].settings))
    for suffix in _SUFFIXES:
        for old in (folder / _FIGURES).glob(f"*-*.{suffix}"):
            old.unlink()
    drawn = _draw(pairs, _SUFFIXES)
    for suffix, write in WRITERS.items():
        text = _page(pairs, drawn) if suffix == "html" else write(pairs)
        written.append(folder / f"compare.{suffix}")
        write_bytes(written[-1], text.encode("utf-8"))
    for (number, task), drawings in drawn.items():
        # One candidate needs no number.
        stem = f"{number}-{task}" if len(pairs) > 1 else task
        for drawing in drawings:
            for suffix, data in drawing.files.items():
                written.append(folder / _FIGURES / f"{stem}-{drawing.name}.{suffix}")
                write_bytes(written[-1], data)
    return written


_Drawn = Mapping[tuple[int, str], Sequence[Drawing]]


def _draw(pairs: Sequence[Pair], suffixes: Sequence[str]) -> _Drawn:
    if not can_draw():
        return {}
    return {
        (number, task): draw_task(pair, task, suffixes)
        for number, pair in enumerate(pairs, 1)
        for task in pair.comparison.tasks
    }


def _page(pairs: Sequence[Pair], drawn: _Drawn) -> str:
    sections = [
        Section(
            pair=pair,
            heading=_heading(pair),
            sentences=sentences(pair),
            suite=suite_table(pair),
            typology=typology_tables(pair, wide=True),
            tasks=tuple(
                (
                    task,
                    task_table(pair, task, names=True, spelled=True),
                    numbers_table(pair, task),
                    drawn.get((number, task), ()),
                )
                for task in pair.comparison.tasks
            ),
        )
        for number, pair in enumerate(pairs, 1)
    ]
    overview = candidates_table(pairs) if len(pairs) > 1 else None
    return to_comparison_page(sections, overview=overview, signatures=signatures(pairs))


def _heading(pair: Pair) -> str:
    return f"{pair.comparison.candidate} against {pair.comparison.baseline}, {pair.scope}"
