"""Strict reading of prediction files: UTF-8, line feeds, JSON without repeats; complaints name lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import ResultError

BOM = "\ufeff"
# What Python's reader takes for a number and JSON has not, or Python refuses to read.
_NO_NUMBER = re.compile(r"[:\[,]\s*-?(?:NaN|Infinity|[0-9]{4000})")


def read_strictly(data: bytes, path: Path) -> str:
    """Decode a file.

    Raises:
        ResultError: it is not UTF-8, begins with a byte order mark, or holds carriage returns, with the
            line.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ResultError(
            f"{path}, line {line}: byte {data[error.start]:#04x} is not valid UTF-8; save the file as UTF-8"
        ) from None
    if text.startswith(BOM):
        raise ResultError(
            f"{path}, line 1: begins with a byte order mark; save the file as UTF-8 without one"
        )
    carriage = text.find("\r")
    if carriage >= 0:
        raise ResultError(
            f"{path}, line {_line_at(text, carriage)}: holds a carriage return (CRLF); save the file with "
            "line feeds alone"
        )
    return text


def split_lines(data: bytes, path: Path) -> list[str]:
    """Split as the official readers do: at line feeds alone; raises as `read_strictly`."""
    lines = read_strictly(data, path).split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def parse_json(text: str, path: Path, *, line: int = 1) -> Any:
    """Parse one JSON value; `line` is the line of the file in which the text begins.

    Raises:
        ResultError: it is no JSON, is nested too deeply, repeats a key, or holds NaN or a number of
            thousands of digits.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique(text, path, line), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ResultError(f"{path}, line {line + error.lineno - 1}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise ResultError(f"{path}: not a predictions file: JSON nested too deeply") from None
    except ValueError as error:
        place = _NO_NUMBER.search(text)
        at = line + _line_at(text, place.end()) - 1 if place else line
        raise ResultError(f"{path}, line {at}: not a predictions file: {error}") from None


def _unique(text: str, path: Path, line: int) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    where = _second_place(text, key, line)
                    raise ResultError(f"{path}{where}: {key!r} appears twice; each id is due once")
                seen.add(key)
        return mapping

    return build


def _second_place(text: str, key: str, line: int) -> str:
    """Return `, line N` of the second time that a text has a key, as far as it is written plainly."""
    written = re.escape(json.dumps(key, ensure_ascii=False))
    places = [match.start() for match in re.finditer(rf"{written}\s*:", text)]
    return f", line {line + _line_at(text, places[1]) - 1}" if len(places) > 1 else ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
