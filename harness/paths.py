"""Where the built-in YAML lives: the only file that knows a wheel from a checkout."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def builtin(kind: str) -> Path:
    """Return the built-in folder `tasks`, `adapters` or `leaderboards`.

    In a checkout that is the top-level folder, so that an edited YAML counts at once; in an
    installed wheel it is `harness/_data/<kind>`. The checkout is asked first because an editable
    install may leave a stale `_data` snapshot behind.
    """
    root = _PACKAGE.parent
    if (root / "pyproject.toml").is_file() and (root / kind).is_dir():
        return root / kind
    return _PACKAGE / "_data" / kind


def search_path(kind: str) -> list[Path]:
    """Return the folders that hold specs of a kind: those under `XHARNESS_PATH`, then the built-in.

    Each entry of `XHARNESS_PATH` (separated as `PATH` is) may hold `tasks/` and `adapters/`.
    """
    extra = [Path(p) for p in os.environ.get("XHARNESS_PATH", "").split(os.pathsep) if p]
    return [p / kind for p in extra if (p / kind).is_dir()] + [builtin(kind)]
