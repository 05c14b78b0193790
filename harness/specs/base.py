"""The base of all specification models."""

from __future__ import annotations

import re
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
    return value


Name = Annotated[str, AfterValidator(_name)]
MetricName = Annotated[str, AfterValidator(_metric_name)]
Revision = Annotated[str, AfterValidator(_revision)]
ClassPath = Annotated[str, AfterValidator(_class_path)]
