"""One model of a table, filled once and written in every format by `table_writers`."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "right"]
Emphasis = Literal["plain", "strong", "muted"]

ABSENT = "—"
_ISOLATE, _POP = "\u2068", "\u2069"
# Marks and overrides that could turn the text of neighbouring cells around.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Text:
    """A cell of text."""

    text: str
    emphasis: Emphasis = "plain"


@dataclass(frozen=True, slots=True)
class Number:
    """A cell with a number and, where there is one, its interval. None is shown as a dash.

    `signed` writes a plus before what is above 0; `mark` (an asterisk) stands behind the number.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    digits: int = 1
    emphasis: Emphasis = "plain"
    signed: bool = False
    mark: str = ""

    def parts(self) -> tuple[str, str, str]:
        """Return value, low and high as text, empty where there is none."""
        if self.value is None:
            return ABSENT, "", ""
        value = self._text(self.value)
        if self.signed and self.value > 0 and value.strip("0."):
            value = f"+{value}"
        if self.low is None or self.high is None:
            return value, "", ""
        return value, self._text(self.low), self._text(self.high)

    def _text(self, number: float) -> str:
        text = f"{number:.{self.digits}f}"
        # What rounds to 0 has no sign.
        return text if text.strip("-0.") else text.lstrip("-")


TableCell = Text | Number


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header and the side its cells stand on.

    In a terminal a line feed breaks the header, so that it is no wider than the numbers below.
    """

    header: str
    align: Align = "right"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells, one per column; `rule` draws a line above it."""

    cells: tuple[TableCell, ...]
    rule: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title above and notes below; `dense` has less room between columns in a terminal."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    dense: bool = False

    def __post_init__(self) -> None:
        assert all(len(row.cells) == len(self.columns) for row in self.rows), (
            "BUG: a row is too long or short"
        )


def one_line(text: str) -> str:
    """Return text that stays in its cell: no line breaks, no terminal controls, no direction overrides."""
    out = []
    for char in text:
        if char in "\n\r\t\v\f\x85\u2028\u2029":
            out.append(" ")
        elif unicodedata.category(char) in ("Cc", "Cs"):
            out.append("\ufffd")
        elif char not in _BIDI_CONTROLS:
            out.append(char)
    return "".join(out)


def isolate(text: str) -> str:
    """Wrap text that holds right-to-left letters, so that it does not reorder what stands beside it."""
    right_to_left = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
    return f"{_ISOLATE}{text}{_POP}" if right_to_left else text


def aligned(table: Table, column: int, *, pad: str) -> list[str]:
    """Return the cells of a column as text, numbers padded on the left until their points are in line.

    `pad` is what stands for one digit's width: a space in a terminal, a figure space in HTML.
    """
    cells = [row.cells[column] for row in table.rows]
    numbers = [cell.parts() for cell in cells if isinstance(cell, Number)]
    widths = [max((len(parts[i]) for parts in numbers), default=0) for i in range(3)]
    interval = any(parts[1] for parts in numbers)
    marks = max((len(cell.mark) for cell in cells if isinstance(cell, Number)), default=0)
    texts = []
    for cell in cells:
        if isinstance(cell, Text):
            texts.append(one_line(cell.text))
            continue
        value, low, high = (p.rjust(w).replace(" ", pad) for p, w in zip(cell.parts(), widths, strict=True))
        value += cell.mark.ljust(marks).replace(" ", pad)
        if low.strip(pad):
            texts.append(f"{value} [{low}, {high}]")
        else:
            # As wide as ` [low, high]`, so that right-aligned values stay in line.
            texts.append(value + pad * (widths[1] + widths[2] + 5 if interval else 0))
    return texts
