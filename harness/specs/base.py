"""The base of all specification models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen; unknown keys are errors; nothing is coerced from a neighbouring type silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", value):
        raise ValueError(
            f"{value!r} is not a name: use lower-case letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    return value


def _metric_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._@-]*", value):
        raise ValueError(
            f"{value!r} is not the name of a metric: use lower-case letters, digits, '.', '_', '-' and '@' "
            "(map@20)"
        )
    return value


def _revision(value: str) -> str:
    if value != "unconfirmed" and not re.fullmatch(r"[0-9a-f]{40}", value):
        raise ValueError(
            f"{value!r} is not a revision: give the 40 hexadecimal digits of a commit, or 'unconfirmed'; "
            "branches and tags move, so they are not accepted"
        )
    return value


def _class_path(value: str) -> str:
    if value.endswith(".py") or "/" in value:
        raise ValueError(f"{value!r} is a path: name importable code as 'package.module:Class'")
    if not is_class_path(value):
        raise ValueError(f"{value!r} is not importable code: name it as 'package.module:Class'")
    return value


def _language_code(value: str) -> str:
    # Codes are part of file names, both in the data folder and in run folders.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9@._+-]*", value):
        raise ValueError(
            f"{value!r} is not a language code: use letters a to z, digits, '.', '_', '-', '+' and '@', "
            "beginning with a letter or digit"
        )
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    try:
        # What was asked goes into run.json.
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{value!a} is not UTF-8; rename the file or folder") from None
    return value


def is_class_path(value: str) -> bool:
    """Whether a text has the form `package.module:name`; whether it can be imported is another matter."""
    module, colon, attribute = value.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), attribute))


def refuse_repeats(what: str, values: Iterable[str]) -> None:
    """Raise where a value occurs twice; `what` is the key that holds them.

    Raises:
        ValueError: naming every value that is repeated.
    """
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{what} names {', '.join(map(repr, twice))} more than once; name each once")


Name = Annotated[str, AfterValidator(_name)]
MetricName = Annotated[str, AfterValidator(_metric_name)]
Revision = Annotated[str, AfterValidator(_revision)]
ClassPath = Annotated[str, AfterValidator(_class_path)]
LanguageCode = Annotated[str, AfterValidator(_language_code)]
Text = Annotated[str, AfterValidator(_not_blank)]
