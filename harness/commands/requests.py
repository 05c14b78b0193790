"""Options of a command as a validated request; what is wrong with them, in their own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import RequestError, did_you_mean, raise_all

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound="BaseModel")
_PATHS = ("model", "base_model", "merge_cache", "data_dir", "out")


def build_request(model: type[M], fields: Mapping[str, Any]) -> M:
    """Return the validated request; `fields` are the options by name.

    Raises:
        RequestError: all that is wrong with the options, in their own words.
    """
    from pydantic import ValidationError

    problems = [problem for name in _PATHS if (problem := _homeless(name, fields.get(name)))]
    try:
        request = model.model_validate(fields)
    except ValidationError as error:
        problems += [_in_words(detail) for detail in error.errors(include_url=False)]
        raise_all(RequestError, problems)
        raise AssertionError("BUG: a validation error without details") from error
    raise_all(RequestError, problems)
    return request


def _homeless(name: str, path: str | None) -> str | None:
    """Return what is wrong with a path that begins at the home of a user whom the machine lacks."""
    from pathlib import Path

    try:
        Path(path or "").expanduser()
    except RuntimeError as error:
        return f"{_option(name)}: {path!r}: {error} For a folder of that very name write ./{path}"
    return None


def _in_words(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if not detail["loc"]:
        return str(context["error"])
    option = _option(str(detail["loc"][0]))
    if detail["type"] == "literal_error":
        allowed = str(context["expected"]).replace("'", "")
        names = allowed.replace(" or ", ", ").split(", ")
        return f"{option}: {detail['input']!r} is not {allowed}{did_you_mean(str(detail['input']), names)}"
    if detail["type"] == "value_error":
        return f"{option}: {context['error']}"
    if "le" in context:
        return f"{option}: must be at most {context['le']}, not {detail['input']}"
    if "ge" in context:
        return f"{option}: must be at least {context['ge']}, not {detail['input']}"
    if "gt" in context:
        return f"{option}: must be greater than {context['gt']}, not {detail['input']}"
    return f"{option}: {detail['msg'][:1].lower()}{detail['msg'][1:]}, seen {detail['input']!r}"


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"
