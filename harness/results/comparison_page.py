"""`compare.html`: one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.results.comparison_figure_parts import Drawing
from harness.results.comparison_figures import MISSING_NOTE, can_draw
from harness.results.comparison_findings import Pair
from harness.results.pages import page_template
from harness.results.table import Table
from harness.results.table_writers import to_html


@dataclass(frozen=True, slots=True)
class Section:
    """One candidate on the page; `tasks` holds name, table, all numbers and figures of each."""

    pair: Pair
    heading: str
    sentences: Sequence[str]
    suite: Table | None
    typology: Sequence[Table]
    tasks: Sequence[tuple[str, Table, Table, Sequence[Drawing]]]


def to_comparison_page(
    sections: Sequence[Section], *, overview: Table | None, signatures: Sequence[str]
) -> str:
    """Return the page. The same findings give the same text; everything that came from a user is escaped."""
    scopes = dict.fromkeys(section.pair.scope for section in sections)
    return page_template("comparison.html.j2").render(
        baseline=sections[0].pair.comparison.baseline,
        candidates=[section.pair.comparison.candidate for section in sections],
        scope=" and ".join(scopes),
        overview=_markup(overview),
        sections=[_section(section) for section in sections],
        note=None if can_draw() else MISSING_NOTE,
        signatures=signatures,
    )


def _section(section: Section) -> dict[str, Any]:
    return {
        "heading": section.heading,
        "sentences": section.sentences,
        "suite": _markup(section.suite),
        "typology": [_markup(table) for table in section.typology],
        "tasks": [
            {
                "name": name,
                "title": section.pair.title(name),
                "table": _markup(table),
                "numbers": _markup(numbers),
                "figures": [{"svg": _inline(drawing), "caption": drawing.caption} for drawing in drawings],
            }
            for name, table, numbers, drawings in section.tasks
        ],
    }


def _markup(table: Table | None) -> Markup | None:
    return None if table is None else Markup(to_html(table))


def _inline(drawing: Drawing) -> Markup:
    """Return the drawing as an element of a page: without the prologue of a file of its own."""
    text = drawing.files["svg"].decode("utf-8")
    return Markup(text[text.index("<svg") :])
