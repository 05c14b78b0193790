"""Reading the JSON files of a run folder: whatever they hold, what is wrong is said in one error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import ResultError

# Far more than our own files need, far less than what walking a tree recursively can bear.
_DEEPEST = 64


def decode_tree(data: bytes, path: Path, way_out: str) -> dict[str, Any]:
    """Read a JSON object of schema version 1; `path` and `way_out` are for messages only.

    Raises:
        ResultError: if it is not JSON, nested too deeply, holds numbers that JSON or Python does
            not have, or is of another schema version.
    """
    try:
        tree = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise ResultError(f"{path}: nested more than {_DEEPEST} levels deep; {way_out}") from None
    except ValueError as error:  # not JSON, not UTF-8, or a number of thousands of digits
        raise ResultError(f"{path}: not valid JSON ({error}); {way_out}") from None
    if _is_too_deep(tree):
        raise ResultError(f"{path}: nested more than {_DEEPEST} levels deep; {way_out}")
    version = tree.get("schema_version") if isinstance(tree, dict) else None
    # True and 1.0 are equal to 1.
    if type(version) is not int or version != 1:
        shown = repr(version)[:80]
        raise ResultError(
            f"{path}: schema_version is {shown}; this version of xharness reads 1; "
            f"use the version that wrote it, or {way_out}"
        )
    return dict(tree)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _is_too_deep(tree: Any) -> bool:
    level = [tree]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                inner += node.values()
            elif isinstance(node, list):
                inner += node
        if not inner:
            return False
        level = inner
    return True
