"""A marked YAML document -> a validated spec, with every problem put where the user wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import did_you_mean
from harness.records import canonical_json
from harness.specfiles.yaml_loader import Document, Key, key_text, shown
from harness.specs.intermediate import IntermediateSpec
from harness.specs.settings import INTERMEDIATE_SETTINGS, SETTINGS

S = TypeVar("S", bound=BaseModel)

_WORDS = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "none_required": "must be null",
}


def validate(model: type[S], document: Document) -> tuple[S | None, list[str]]:
    """Validate a document; return the spec, or None and its problems as `file:line: key: message`.

    Where a text is due and the file holds a plain number, the number's own spelling is taken:
    `version: 1.10` is the text `1.10`. Nothing else is converted.
    """
    as_text: frozenset[Key] = frozenset()
    while True:
        try:
            # Validated as JSON because strict mode takes a list for a tuple there, and a
            # whole number for a number, but neither "3" for 3 nor 1 for true.
            spec = model.model_validate_json(canonical_json(document.root.plain(as_text)), strict=True)
            return spec, []
        except ValidationError as error:
            details = error.errors(include_url=False)
        numbers = _numbers_where_text_is_due(document, details) - as_text
        if not numbers:
            return None, _describe(model, document, details)
        as_text |= numbers


def _numbers_where_text_is_due(document: Document, details: list[ErrorDetails]) -> frozenset[Key]:
    found = set()
    for detail in details:
        key, _ = _locate(document, detail["loc"])
        node = document.root
        for step in key:
            child = node.child(step)
            assert child is not None, "BUG: _locate returned a key that does not exist"
            node = child
        is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if detail["type"] == "string_type" and is_number:
            found.add(key)
    return frozenset(found)


def _locate(document: Document, loc: tuple[str | int, ...]) -> tuple[Key, tuple[str | int, ...]]:
    """Split an error's location into the key that exists in the document and what follows.

    Steps that name a branch of a union (`BySize`, `constrained-float`) are in no document; they
    are left out where the walk can go on behind them.
    """
    node, key, rest = document.root, [], []
    for step in loc:
        child = node.child(step)
        if child is None:
            rest.append(step)
        else:
            rest.clear()
            key.append(step)
            node = child
    return tuple(key), tuple(rest)


def _describe(model: type[BaseModel], document: Document, details: list[ErrorDetails]) -> list[str]:
    """Return one problem per place in the file; the branches of a union are joined by `or`."""
    by_place: dict[Key, list[str]] = {}
    for detail in details:
        key, message = _message(model, document, detail)
        messages = by_place.setdefault(key, [])
        if message not in messages:
            messages.append(message)
    # Where one branch of a union took the value and complains about its inside, the other
    # branches' complaint that it is not theirs says nothing.
    inner = {key[:i] for key in by_place for i in range(1, len(key))}
    problems = []
    for key, messages in sorted(by_place.items(), key=lambda item: document.line_of(item[0])):
        if key in inner and messages == [m for m in messages if m.startswith("must be ")]:
            continue
        where = f"{shown(document.path)}:{document.line_of(key)}"
        text = " or ".join(messages)
        problems.append(f"{where}: {key_text(key)}: {text}" if key else f"{where}: {text}")
    return problems


def _message(model: type[BaseModel], document: Document, detail: ErrorDetails) -> tuple[Key, str]:
    key, rest = _locate(document, detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if not key and rest and str(rest[0]) not in model.model_fields:
        return _in_settings(model, document, detail)
    if kind == "extra_forbidden":
        fields = _fields(model, key[:-1])
        known = f"; known here: {', '.join(fields)}" if fields else ""
        return key, f"unknown key{did_you_mean(str(key[-1]), fields)}{known}"
    if kind == "missing":
        return (*key, str(rest[-1])), "is missing; it must be given"
    if kind == "value_error":
        message = str(context["error"])
        # A rule over several keys begins with the key it is about: its line is the one to show.
        first = message.split(maxsplit=1)[0].strip("':") if message else ""
        named = (*key, first)
        return (key if _locate(document, named)[1] else named), message
    return key, _plain_words(kind, context, detail["input"], detail["msg"])


def _in_settings(model: type[BaseModel], document: Document, detail: ErrorDetails) -> tuple[Key, str]:
    """Put an error of a kind's settings where it was written: in `settings` of the task or a recipe.

    A task checks them in a validator of its own, so that their location begins at the setting.
    """
    step, seen = str(detail["loc"][0]), detail["input"]
    written = {k: node for k, node in document.root.walk() if k[-2:] == ("settings", step)}
    # A task and its recipes may all give it; the one meant holds the value that was complained about.
    key = next(
        (k for k, node in written.items() if (type(node.value), node.value) == (type(seen), seen)),
        next(iter(written), ()),
    )
    if detail["type"] == "extra_forbidden":
        kind = document.root.child("kind")
        name = str(kind.value) if kind else ""
        table = INTERMEDIATE_SETTINGS if model is IntermediateSpec else SETTINGS
        known = list(table[name].model_fields) if name in table else []
        return key, f"unknown setting of {name}{did_you_mean(step, known)}; it has: {', '.join(known)}"
    return key, _plain_words(detail["type"], detail.get("ctx", {}), detail["input"], detail["msg"])


def _plain_words(kind: str, context: Mapping[str, Any], value: Any, message: str) -> str:
    seen = f", not {_short(value)}"
    if kind in _WORDS:
        return _WORDS[kind] + seen
    match kind:
        case "literal_error":
            allowed = str(context["expected"])
            names = [part.strip("' ") for part in allowed.replace(" or ", ",").split(",")]
            hint = did_you_mean(value, names) if isinstance(value, str) else ""
            return f"must be {allowed}{seen}{hint}"
        case "greater_than":
            return f"must be greater than {context['gt']:g}{seen}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}{seen}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}{seen}"
        case "less_than":
            return f"must be less than {context['lt']:g}{seen}"
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}{seen}"
        case "too_short" | "string_too_short":
            return "must not be empty"
    return message[:1].lower() + message[1:] + seen


def _short(value: Any) -> str:
    text = "null" if value is None else canonical_json(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _fields(model: type[BaseModel], key: Key) -> list[str]:
    """Return the fields of the models that can stand at a key, in the order they are declared."""
    at: list[Any] = [model]
    for step in key:
        at = [inner for annotation in at for inner in _inside(annotation, step)]
    return [name for annotation in at for part in _branches(annotation) for name in _field_names(part)]


def _branches(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _field_names(annotation: Any) -> list[str]:
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return list(annotation.model_fields) if is_model else []


def _inside(annotation: Any, step: str | int) -> list[Any]:
    """Return what may stand under a key or index of something annotated so."""
    inside = []
    for part in _branches(annotation):
        if str(step) in _field_names(part):
            inside.append(part.model_fields[str(step)].annotation)
        elif get_origin(part) is dict:
            inside.append(get_args(part)[1])
        elif get_origin(part) is tuple:
            inside.append(get_args(part)[0])
    return inside
