"""Writers of a table: terminal, Markdown, CSV, LaTeX, HTML. Each returns text, or prints it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import IO, TYPE_CHECKING

from harness.results.table import Column, Number, Row, Table, TableCell, Text, aligned, isolate, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

_FIGURE_SPACE = "\u2007"
_MARKDOWN_SPECIAL = frozenset("\\`*_[]<>|~#&")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "—": "---",
    # A bracket that opens a row would be read as the option of the line break before it.
    "[": "{[}",
    "]": "{]}",
}


def print_tables(
    tables: Sequence[Table],
    *,
    file: IO[str] | None = None,
    notes: Iterable[str] = (),
    width: int | None = None,
) -> None:
    """Print tables to a terminal or a pipe (default: stdout), then notes, one a line.

    Into a pipe nothing is coloured, wrapped or cut; NO_COLOR is honoured in a terminal.
    """
    from rich.console import Console
    from rich.text import Text as RichText

    console = Console(file=file, highlight=False, markup=False, emoji=False, width=width)
    if width is None and not console.is_terminal:
        console.width = max([_natural_width(t) for t in tables], default=80)
    with console.capture() as captured:
        for table in tables:
            console.print(RichText(one_line(table.title), style="bold"), soft_wrap=True)
            # A dense table has no edges, so the lines above and below it are missing too.
            around = [""] if table.dense else []
            drawn, needed = _fitted(table, console)
            # What is too narrow for uncut numbers is left to the terminal to wrap.
            narrow, console.width = console.width, max(console.width, needed)
            console.print(*around, drawn, *around, sep="\n")
            console.width = narrow
            for note in table.notes:
                console.print(RichText(one_line(note), style="dim"), soft_wrap=not console.is_terminal)
            console.print()
        for note in notes:
            console.print(RichText(one_line(note)), soft_wrap=not console.is_terminal)
    # rich fills every line of a table with spaces to its full width.
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _fitted(table: Table, console: Console) -> tuple[RichTable, int]:
    """Return a table that fits as far as it can, and the width that cuts no number.

    Where it is too wide, first the room between columns goes, then intervals stand below their values.
    """
    from rich.measure import Measurement

    unbounded = console.options.update(width=10_000)
    drawn = _rich(table)
    for stacked in (False, True):
        if Measurement.get(console, unbounded, drawn).maximum > console.width:
            drawn = _rich(table, padding=0, stacked=stacked)
    return drawn, Measurement.get(console, unbounded, drawn).minimum


def _rich(table: Table, *, padding: int = 1, stacked: bool = False) -> RichTable:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    styles = {"plain": "", "strong": "bold", "muted": "dim"}
    out = RichTable(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, padding),
        collapse_padding=table.dense,
        show_edge=not table.dense,
    )
    headers = [_header_lines(column) for column in table.columns]
    tallest = max(map(len, headers), default=1)
    columns = [aligned(table, i, pad=" ") for i in range(len(table.columns))]
    if stacked:
        columns = [[re.sub(r" *\[", "\n[", text, count=1) for text in texts] for texts in columns]
    for i, (column, lines) in enumerate(zip(table.columns, headers, strict=True)):
        header = "\n".join([*([""] * (tallest - len(lines))), *lines])
        # Cut within a number it would be read as another.
        words = [word for line in lines for word in line.split()]
        for row, text in zip(table.rows, columns[i], strict=True):
            whole = stacked and isinstance(row.cells[i], Number)
            words += text.split("\n" if whole else None)
        width = max(map(cell_len, words), default=1)
        numbers = any(isinstance(row.cells[i], Number) for row in table.rows)
        out.add_column(
            RichText(header), justify=column.align, overflow="fold", min_width=width, no_wrap=numbers
        )
    for number, row in enumerate(table.rows):
        if row.rule and number:
            out.add_section()
        out.add_row(
            *(
                RichText(isolate(columns[i][number]), style=styles[c.emphasis])
                for i, c in enumerate(row.cells)
            )
        )
    return out


def _header_lines(column: Column) -> list[str]:
    return [one_line(line) for line in column.header.split("\n")]


def _natural_width(table: Table) -> int:
    from rich.cells import cell_len

    widths = [
        max(map(cell_len, [*_header_lines(column), *aligned(table, i, pad=" ")]))
        for i, column in enumerate(table.columns)
    ]
    return sum(widths) + 3 * len(widths) + 4


def to_markdown(table: Table, *, level: int = 2) -> str:
    """Return a heading, a pipe table and the notes; ends with a line feed."""
    columns = [aligned(table, i, pad=_FIGURE_SPACE) for i in range(len(table.columns))]
    head = [markdown_text(c.header) for c in table.columns]
    body = [
        [_markdown_cell(cell, columns[i][number]) for i, cell in enumerate(row.cells)]
        for number, row in enumerate(table.rows)
    ]
    widths = [max(3, len(head[i]), *(len(row[i]) for row in body)) for i in range(len(head))]
    lines = [f"{'#' * level} {markdown_text(table.title)}", "", _pipes(_padded(table, head, widths))]
    rules = [
        "-" * (w - 1) + (":" if c.align == "right" else "-")
        for c, w in zip(table.columns, widths, strict=True)
    ]
    lines += [_pipes(rules), *(_pipes(_padded(table, row, widths)) for row in body)]
    for note in table.notes:
        lines += ["", markdown_text(note)]
    return "\n".join(lines) + "\n"


def _padded(table: Table, texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        text.rjust(width) if column.align == "right" else text.ljust(width)
        for column, text, width in zip(table.columns, texts, widths, strict=True)
    ]


def _pipes(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _markdown_cell(cell: TableCell, text: str) -> str:
    text = isolate(markdown_text(text)) if isinstance(cell, Text) else text.replace("*", "\\*")
    return f"**{text.strip(_FIGURE_SPACE)}**" if cell.emphasis == "strong" and text else text


def markdown_text(text: str) -> str:
    """Return text with everything escaped that Markdown would act on."""
    return "".join(f"\\{char}" if char in _MARKDOWN_SPECIAL else char for char in one_line(text))


def to_csv(table: Table) -> str:
    """Return comma-separated text with a header; a column with intervals becomes three.

    Text that a spreadsheet would run as a formula gets an apostrophe before it. Numbers are written
    with six decimals at most and without padding; an absent number is an empty field.
    """
    intervals = [
        any(isinstance(row.cells[i], Number) and row.cells[i].parts()[1] for row in table.rows)  # type: ignore[union-attr]
        for i in range(len(table.columns))
    ]
    header: list[str] = []
    for column, interval in zip(table.columns, intervals, strict=True):
        header += [column.header, *([f"{column.header} low", f"{column.header} high"] if interval else [])]
    return csv_lines([header, *(_csv_row(row, intervals) for row in table.rows)])


def csv_lines(rows: Iterable[Sequence[str | float | int | None]]) -> str:
    """Return rows as CSV: text made harmless, numbers with six decimals at most, None empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in rows:
        writer.writerow([_csv_field(value) for value in row])
    return stream.getvalue()


def _csv_row(row: Row, intervals: Sequence[bool]) -> list[str | float | None]:
    fields: list[str | float | None] = []
    for cell, interval in zip(row.cells, intervals, strict=True):
        if isinstance(cell, Number):
            fields += [cell.value, *([cell.low, cell.high] if interval else [])]
        else:
            fields += [cell.text, *(["", ""] if interval else [])]
    return fields


def _csv_field(value: str | float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    text = one_line(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text


def to_latex(table: Table, *, label: str | None = None) -> str:
    """Return a `table` environment in the style of booktabs; the preamble needs that package."""
    align = "".join("r" if c.align == "right" else "l" for c in table.columns)
    columns = [aligned(table, i, pad=_FIGURE_SPACE) for i in range(len(table.columns))]
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex_text(table.title)}}}",
    ]
    if label:
        lines.append(rf"\label{{{label}}}")
    lines += [rf"\begin{{tabular}}{{@{{}}{align}@{{}}}}", r"\toprule"]
    lines += [" & ".join(map(_latex_header, table.columns)) + r" \\", r"\midrule"]
    for number, row in enumerate(table.rows):
        if row.rule and number:
            lines.append(r"\midrule")
        cells = [_latex_cell(cell, columns[i][number]) for i, cell in enumerate(row.cells)]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        notes = r" \\ ".join(latex_text(note) for note in table.notes)
        lines.append(
            rf"\par\medskip{{\footnotesize\begin{{tabular}}{{@{{}}p{{\linewidth}}@{{}}}}{notes}\end{{tabular}}}}"
        )
    lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


def _latex_header(column: Column) -> str:
    lines = [latex_text(line) for line in _header_lines(column)]
    if len(lines) == 1:
        return lines[0]
    side = "r" if column.align == "right" else "l"
    return rf"\shortstack[{side}]{{" + r" \\ ".join(lines) + "}"


def latex_text(text: str) -> str:
    """Return text with everything escaped that LaTeX would act on."""
    return "".join(_LATEX.get(char, char) for char in one_line(text))


def _latex_cell(cell: TableCell, text: str) -> str:
    text = latex_text(text).replace(_FIGURE_SPACE, r"\phantom{0}")
    if isinstance(cell, Number):
        # A hyphen is no minus sign.
        text = re.sub("[-+](?=[0-9])", r"$\g<0>$", text)
    return rf"\textbf{{{text}}}" if cell.emphasis == "strong" and text else text


def to_html(table: Table) -> str:
    """Return a `<table>` without styles; classes `num`, `strong`, `muted` and `rule` are for the page.

    Cells of text are isolated from each other's writing direction.
    """
    columns = [aligned(table, i, pad=_FIGURE_SPACE) for i in range(len(table.columns))]
    lines = ["<table>", f"<caption><span>{_html(table.title)}</span></caption>", "<thead><tr>"]
    for column in table.columns:
        number = ' class="num"' if column.align == "right" else ""
        lines.append(f'<th scope="col"{number}>{_html(column.header)}</th>')
    lines.append("</tr></thead>")
    lines.append("<tbody>")
    for position, row in enumerate(table.rows):
        lines.append('<tr class="rule">' if row.rule else "<tr>")
        for i, cell in enumerate(row.cells):
            names = ["num"] if table.columns[i].align == "right" else []
            names += [cell.emphasis] if cell.emphasis != "plain" else []
            classes = f' class="{" ".join(names)}"' if names else ""
            tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
            lines.append(f"<{tag}{scope}{classes}>{_html_cell(cell, columns[i][position])}</{tag}>")
        lines.append("</tr>")
    lines += ["</tbody>", "</table>"]
    lines += [f'<p class="note">{_html(note)}</p>' for note in table.notes]
    return "\n".join(lines) + "\n"


def _html(text: str) -> str:
    return escape(one_line(text))


def _html_cell(cell: TableCell, text: str) -> str:
    return f"<bdi>{_html(text)}</bdi>" if isinstance(cell, Text) and text else _html(text)
