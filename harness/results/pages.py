"""The templates of all pages, opened in one way: everything that came from a user is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.results.table import one_line

if TYPE_CHECKING:
    from jinja2 import Template


def page_template(name: str) -> Template:
    """Return a template of the folder `templates` by its file name; a value that is missing is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = one_line
    return environment.get_template(name)
