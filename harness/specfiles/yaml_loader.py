"""YAML without its traps: every value remembers its line, and nothing becomes what it does not look like.

Parsing is PyYAML's; which Python value a scalar becomes is decided here, because YAML 1.1 turns the
language code `no` into False, the key `on` into True, `12:30` into 750 and a date into an object,
and reads `2e-5` as text. The rules: `true` and `false` are booleans, `null`, `~` and nothing are null,
decimal numbers are numbers, everything else is text. Keys are always text. A number keeps the text
it was written with, so that the version `1.10` can be had back where text is wanted.

Refused: tags of any kind, duplicate keys, merge keys, more than one document, and files, nestings or
expansions of aliases that are larger than any specification.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 50_000  # counted after aliases are expanded

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Scalar = str | int | float | bool | None
Key = tuple[str | int, ...]


@dataclass(slots=True)
class Node:
    """A value in a file and where it stands.

    `value` is a scalar, a dict of nodes or a list of nodes. `text` is a plain scalar as written.
    `key_lines` gives the line of each key of a mapping. `size` counts nodes, this one included, and
    `height` the levels from this one down to the deepest.
    """

    line: int
    value: Scalar | dict[str, Node] | list[Node]
    text: str | None = None
    key_lines: dict[str, int] = field(default_factory=dict)
    size: int = 1
    height: int = 1

    def child(self, step: str | int) -> Node | None:
        """Return the node under a key or an index, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def plain(self, as_text: frozenset[Key] = frozenset(), at: Key = ()) -> Any:
        """Return the value without marks; numbers at the keys in `as_text` as they were written."""
        if isinstance(self.value, dict):
            return {k: node.plain(as_text, (*at, k)) for k, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain(as_text, (*at, i)) for i, node in enumerate(self.value)]
        return self.text if at in as_text else self.value

    def walk(self, at: Key = ()) -> Iterator[tuple[Key, Node]]:
        """Yield every node below this one with its key, in file order, this one first."""
        yield at, self
        children = (
            self.value.items()
            if isinstance(self.value, dict)
            else enumerate(self.value)
            if isinstance(self.value, list)
            else ()
        )
        for step, node in children:
            yield from node.walk((*at, step))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: where it lies, the SHA-256 of its bytes, and its content with marks."""

    path: Path
    sha256: str
    root: Node

    def line_of(self, key: Key) -> int:
        """Return the line of a key, or of the nearest node above it that exists."""
        node, line = self.root, self.root.line
        for step in key:
            found = node.child(step)
            if found is None:
                break
            line = node.key_lines.get(str(step), found.line)
            node = found
        return line


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the current folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def key_text(key: Key) -> str:
    """Write a key as `languages.no.tag` or `metrics[0].name`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in key]
    return "".join(parts).removeprefix(".")


def read_yaml(path: Path) -> tuple[Document | None, list[str]]:
    """Read a YAML file whose content is one mapping.

    Returns the document, or None and the problems as `file:line: key: message`: all that the
    parser can get past.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        return None, [f"{shown(path)}: cannot be read: {error.strerror or error}"]
    if len(data) > MAX_BYTES:
        return None, [f"{shown(path)}: {len(data):,} bytes; a specification has at most {MAX_BYTES:,}"]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = (
            f"invalid UTF-8, byte 0x{data[error.start]:02x} at offset {error.start}; save the file as UTF-8"
        )
        return None, [f"{shown(path)}:{line}: {wrong}"]
    composer = _Composer(path)
    root = composer.compose(text)
    if root is None or composer.problems:
        return None, composer.problems
    return Document(path, hashlib.sha256(data).hexdigest(), root), []


def resolve_scalar(text: str) -> Scalar:
    """Return the value of a plain (unquoted) scalar.

    Numbers with leading zeros, digit groups, other bases, infinities and integers of more than 18
    digits stay text: identifiers and hashes look like that, settings do not.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.lstrip("+-").isdigit() and math.isfinite(float(text)):
        return float(text)
    return text


class _Stop(Exception):
    """Reading cannot go on."""


class _Composer:
    """Builds marked nodes from the parser's events."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self._anchors: dict[str, Node | None] = {}  # None while the anchored node is being built
        self._depth = 0
        self._events: Iterator[yaml.Event] = iter(())

    def compose(self, text: str) -> Node | None:
        # The C parser reads the same language about ten times faster; PyYAML may be built without it.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            self._events = yaml.parse(text, Loader=loader)
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            self.problems.append(f"{self._at(line)}: not valid YAML: {error.problem or error.context}")
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            code = error.character if isinstance(error.character, int) else ord(error.character)
            self.problems.append(f"{self._at(line)}: a character that YAML does not allow (U+{code:04X})")
        except _Stop as stop:
            self.problems.append(str(stop))
        return None

    def _document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._fail(_line(event), "a second document; write one per file")
                root = self._node(next(self._events), ())
        if root is None:
            self._fail(1, "the file is empty; a specification is a mapping of keys to values")
        if not isinstance(root.value, dict):
            self._fail(root.line, "a specification is a mapping of keys to values, at the top level")
        return root

    def _node(self, event: yaml.Event, at: Key) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent), "BUG: no value begins here"
        if event.tag is not None:
            self.problems.append(
                f"{self._at(line)}: {key_text(at)}: tag {_short_tag(event.tag)!r} is not allowed; "
                "specifications are plain data (quote a value to make it text)"
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(line, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.ScalarEvent):
            if _SURROGATE.search(event.value):  # the C parser refuses such an escape in these words
                self._fail(line, "not valid YAML: found invalid Unicode character escape code")
            is_plain = event.style in (None, "")
            node = Node(line, resolve_scalar(event.value) if is_plain else event.value, text=event.value)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(line, at)
        else:
            node = self._sequence(line, at)
        self._depth -= 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str | None, line: int) -> Node:
        if name is None or name not in self._anchors:
            self._fail(line, f"alias *{name} names an anchor that was not set before")
        node = self._anchors[name]
        if node is None:
            self._fail(line, f"alias *{name} stands inside what it names")
        # What stands here is as deep as what is named, although the parser met neither.
        if self._depth + node.height > MAX_DEPTH:
            self._fail(line, f"alias *{name} nests more than {MAX_DEPTH} levels deep")
        return node

    def _sequence(self, line: int, at: Key) -> Node:
        items: list[Node] = []
        size = 1
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*at, len(items))))
            size = self._grown(size, items[-1], line)
        return Node(line, items, size=size, height=1 + max((n.height for n in items), default=0))

    def _mapping(self, line: int, at: Key) -> Node:
        children: dict[str, Node] = {}
        key_lines: dict[str, int] = {}
        size = 1
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key_node = self._node(event, at)
            key_line = _line(event)
            key = key_node.text or ""
            value = self._node(next(self._events), (*at, key))
            size = self._grown(size, value, line)
            where = f"{self._at(key_line)}: {key_text((*at, key))}"
            if not key:
                self.problems.append(f"{self._at(key_line)}: a key must be a text that is not empty")
            elif key == "<<":
                self.problems.append(f"{where}: merge keys are not supported; write the keys out")
            elif key in children:
                self.problems.append(f"{where}: duplicate key, first written in line {key_lines[key]}")
            else:
                children[key] = value
                key_lines[key] = key_line
        height = 1 + max((n.height for n in children.values()), default=0)
        return Node(line, children, key_lines=key_lines, size=size, height=height)

    def _grown(self, size: int, node: Node, line: int) -> int:
        size += node.size
        if size > MAX_NODES:
            self._fail(line, f"aliases expand to more than {MAX_NODES:,} values")
        return size

    def _at(self, line: int) -> str:
        return f"{shown(self.path)}:{line}"

    def _fail(self, line: int, message: str) -> NoReturn:
        raise _Stop(f"{self._at(line)}: {message}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)
