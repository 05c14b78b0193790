"""`xharness.lock` in the data folder: which commit each hub repository is read at, and its files' hashes."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock
from pydantic import Field, ValidationError

from harness.errors import DataError, RequestError
from harness.specs.base import Spec

LOCK_NAME = "xharness.lock"
# Beside it while it is written, so that no two processes lose each other's entries.
_GUARD = ".xharness.lock.guard"

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LockedSnapshot(Spec):
    """A repository at one commit: SHA-256 by file, number of rows by `configuration/split`."""

    files: dict[str, Sha256] = Field(default_factory=dict)
    rows: dict[str, int] = Field(default_factory=dict)


class Lock(Spec):
    """The content of the file.

    `pins` maps a repository to the commit that stands for it where a specification says `unconfirmed`;
    `snapshots` maps `owner/name@commit` to what was found there, confirmed or not.
    """

    schema_version: Literal[1] = 1
    pins: dict[str, Commit] = Field(default_factory=dict)
    snapshots: dict[str, LockedSnapshot] = Field(default_factory=dict)


def read_lock(folder: Path | None) -> Lock:
    """Return the lock of a data folder; an empty one where there is no file, or no folder.

    Raises:
        DataError: the file is unreadable or malformed.
    """
    path = None if folder is None else folder / LOCK_NAME
    if path is None or not path.exists():
        return Lock()
    again = "restore it, or delete it and run `xharness data pin` again"
    try:
        return Lock.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not valid UTF-8; {again}") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}; {again}"
        ) from None
    except (ValidationError, RecursionError, ValueError) as error:
        # A plain ValueError: Python limits how many digits it turns into a number.
        raise DataError(f"{path}: {_in_words(error)}; {again}") from None


def _in_words(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the file"
    return f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}, seen {first['input']!r:.60}"


def extend_lock(
    folder: Path, *, pins: Mapping[str, str] | None = None, snapshots: Mapping[str, LockedSnapshot]
) -> None:
    """Add pins and snapshots to the lock of a data folder; entries of the same name are extended.

    Many processes may do so at once. The file is sorted, and replaced whole.

    Raises:
        DataError: the present file is malformed, or has another hash for a file; it is left as it is.
        RequestError: the folder cannot be written to.
    """
    try:
        with FileLock(folder / _GUARD):
            before = read_lock(folder)
            merged = dict(before.snapshots)
            for name, found in snapshots.items():
                old = merged.get(name, LockedSnapshot())
                _refuse_change(folder / LOCK_NAME, name, old, found)
                merged[name] = LockedSnapshot(
                    files={**old.files, **found.files}, rows={**old.rows, **found.rows}
                )
            lock = Lock(pins={**before.pins, **(pins or {})}, snapshots=merged)
            if lock != before:
                text = json.dumps(lock.model_dump(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
                _replace(folder / LOCK_NAME, text)
    except OSError as error:
        raise RequestError(
            f"{folder / LOCK_NAME}: cannot be written: {error.strerror or error}; "
            "give a --data-dir that can be written to"
        ) from error


def _refuse_change(path: Path, name: str, old: LockedSnapshot, new: LockedSnapshot) -> None:
    for file, digest in new.files.items():
        if old.files.get(file, digest) != digest:
            raise DataError(
                f"{path}: {name}/{file} was locked with SHA-256 {old.files[file]}, but is {digest} now; "
                "a commit never changes, so one of the two was damaged or tampered with. If it was the lock, "
                "delete the entry and fetch again"
            )


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
