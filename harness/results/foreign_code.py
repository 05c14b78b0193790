"""Code that a run folder names: data that people hand on must not make us import it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import ResultError, raise_all
from harness.results.record import RunRecord


def refuse_foreign_code(record: RunRecord) -> None:
    """Refuse a record whose task specifications name importable code (`package.module:name`).

    A run folder is data that people hand on. Reading one must not import what it names.

    Raises:
        ResultError: naming every such place.
    """
    found = [
        f"{spec.kind} {spec.name!r}: {place}: {value!r}"
        for spec in record.specs
        for place, value in _named_code(spec.content)
    ]
    raise_all(
        ResultError,
        [
            f"{what} names code outside xharness, which is not run on the word of a run folder; "
            "the same `xharness eval` scores it, by the code that your own YAML names"
            for what in found
        ],
    )


def _named_code(node: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            inner = f"{place}.{key}" if place else str(key)
            if key in ("computes", "reader") and isinstance(value, str) and ":" in value:
                yield inner, value
            yield from _named_code(value, inner)
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _named_code(value, f"{place}.{index}")
