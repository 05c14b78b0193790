"""Checked reading of text files: hashes, UTF-8, lines, JSON; every complaint names file and line."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import DataError
from harness.records import SourceFile

T = TypeVar("T")

_BOM = "\ufeff"
# UTF-8 holds no surrogates; only an escape can bring one in.
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# As many as the widest records of the benchmarks have; a file of another kind may have thousands.
_KEYS_SHOWN = 12
_NAMES = {str: "text", int: "a whole number", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True)
class TextFile:
    """A decoded file. `name` is its path relative to the data folder; `had_bom` says what was cut."""

    name: str
    text: str
    source: SourceFile
    had_bom: bool = False

    @property
    def repairs(self) -> dict[str, int]:
        """The repairs of the file as a whole, by name."""
        return {"bom": 1} if self.had_bom else {}

    def lines(self) -> list[str]:
        """Return the lines without their ends (LF or CRLF); a final line end adds no empty line.

        Other characters that Unicode calls line separators stay inside their line: they occur
        within sentences, and splitting there would shift every line number that follows.
        """
        body = self.text.removesuffix("\n")
        return [line.removesuffix("\r") for line in body.split("\n")]

    def json(self, *, refuse_repeats: bool = False) -> Any:
        """Parse the file as one JSON value; of a key that an object repeats, the last counts.

        Raises:
            DataError: with line and column, if it is not JSON; with the place inside, if a text of it
                is broken; with `refuse_repeats`, if an object has a key twice.
        """
        try:
            return _parse(self.text, self.name, refuse_repeats=refuse_repeats)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{self.name}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}; "
                "the file may be cut off or may not be the one that the task names"
            ) from None

    def json_lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (`file:line`, object) for each line; blank lines are passed over.

        Raises:
            DataError: with file and line, if a line is not a JSON object or a text in it is broken.
        """
        for number, line in enumerate(self.lines(), 1):
            if line.strip():
                where = f"{self.name}:{number}"
                yield where, parse_object(line, where)


def parse_object(line: str, where: str) -> dict[str, Any]:
    """Parse one line as a JSON object.

    Raises:
        DataError: it is none, or a text in it is broken.
    """
    try:
        value = _parse(line, where)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}:{error.colno}: not valid JSON: {error.msg}") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a JSON object, found {_kind_of(value)}")
    return value


def _parse(text: str, where: str, *, refuse_repeats: bool = False) -> Any:
    """Parse JSON; syntax errors are left to the caller, who knows the lines."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise DataError(f"{where}: {twice!r:.80} occurs twice in one object; each key is due once")
        return found

    try:
        value = json.loads(text, object_pairs_hook=build if refuse_repeats else None)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise DataError(
            f"{where}: lists or objects are nested too deeply to be read; no data set looks like that, "
            "so get the file again"
        ) from None
    except ValueError as error:
        # Python limits how many digits it turns into a number.
        raise DataError(
            f"{where}: a number is too long to be read ({error}); write identifiers in quotes"
        ) from None
    if _SURROGATE_ESCAPE.search(text):
        _refuse_surrogates(value, where)
    return value


def _refuse_surrogates(value: Any, where: str) -> None:
    # A list of what is due, since a value may be nested as deeply as the parser allows.
    due = [("", value)]
    while due:
        at, found = due.pop()
        if isinstance(found, dict):
            for key, inner in found.items():
                due += [(f"{at} key", key), (f"{at}.{key}", inner)]
        elif isinstance(found, list):
            due += [(f"{at}[{i}]", inner) for i, inner in enumerate(found)]
        elif isinstance(found, str) and (match := _SURROGATE.search(found)):
            place = ascii(at.removeprefix(".").strip())[1:-1]
            raise DataError(
                f"{where}: {place or 'the value'}: {found!a:.60} holds the half of a character "
                f"(\\u{ord(match.group()):04x} without its other half), which no UTF-8 file can hold; "
                "get the file again, or mend the escape"
            )


def read_text(path: Path, *, root: Path) -> TextFile:
    """Read a UTF-8 file, hash its bytes, and cut a byte order mark.

    Raises:
        DataError: the file cannot be opened, is empty, or is not UTF-8 (with line and byte offset).
    """
    return text_of(*read_bytes(path, root=root))


def read_bytes(path: Path, *, root: Path) -> tuple[bytes, SourceFile]:
    """Read a file whole and hash it; its name is its path relative to `root`.

    Raises:
        DataError: the file cannot be opened.
    """
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read under {root}: {error.strerror or error}") from None
    return data, SourceFile(name, hashlib.sha256(data).hexdigest())


def text_of(data: bytes, source: SourceFile) -> TextFile:
    """Decode the bytes of a file, or what was packed in it.

    Raises:
        DataError: as `read_text`.
    """
    name = source.path
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}:{line}: byte {error.start} (0x{data[error.start]:02x}) is not valid UTF-8; "
            "get the original file again, or convert this one to UTF-8"
        ) from None
    had_bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    if not text.strip():
        raise DataError(f"{name}: the file is empty ({len(data)} bytes); get it again")
    return TextFile(name, text, source, had_bom)


def require(record: Any, key: str, kind: type[T], *, where: str) -> T:
    """Return `record[key]`, which must be of the given type; true and false are no numbers.

    Raises:
        DataError: the record is no object, lacks the key, or holds another type.
    """
    if not isinstance(record, dict):
        raise DataError(f"{where}: expected an object with {key!r}, found {_kind_of(record)}")
    if key not in record:
        keys = [f"{found!r:.40}" for found in record]
        there = ", ".join(keys[:_KEYS_SHOWN]) + (
            f" and {len(keys) - _KEYS_SHOWN:,} more" if len(keys) > _KEYS_SHOWN else ""
        )
        raise DataError(f"{where}: {key!r} is missing; there are {there or 'no keys'}")
    value = record[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise DataError(f"{where}: {key!r} must be {_NAMES[kind]}, found {_kind_of(value)}")
    return value


def _kind_of(value: Any) -> str:
    for kind, name in _NAMES.items():
        if isinstance(value, kind) and not isinstance(value, bool):
            return name if isinstance(value, list | dict) else f"{name} ({value!r:.60})"
    return json.dumps(value)
