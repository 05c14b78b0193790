"""Resolving unconfirmed repositories once: fetched, read, counted, and written to the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.fetching import fetch_files, open_snapshot, resolve_commit, wanted_files
from harness.data.hub import UNCONFIRMED
from harness.data.inspection import part_problems
from harness.data.lock import LockedSnapshot, extend_lock, read_lock
from harness.data.places import Places
from harness.data.reading import fill
from harness.data.repository import DEFAULT
from harness.data.rows import JSON, PARQUET, read_rows
from harness.data.wanted import Part, all_parts
from harness.errors import DataError, raise_all
from harness.progress import Progress
from harness.specs.intermediate import IntermediateSpec
from harness.specs.task import Source, TaskSpec


@dataclass(frozen=True, slots=True)
class Pinned:
    """A repository of a task: the commit it is read at, and what the default branch is at now.

    `newer` is None where nothing was asked (the specification names the commit), or where it is the
    same.
    """

    repo: str
    commit: str
    files: int
    newer: str | None


def pin_task(
    task: TaskSpec | IntermediateSpec, folder: Path, progress: Progress, *, update: bool
) -> tuple[Pinned, ...]:
    """Fetch, check and lock every repository that a task reads, and return them.

    An unconfirmed one is taken at the commit that the lock has, else (or with `update`) at the
    one its default branch is at now. All languages and training sets are read: columns, label names,
    answer offsets and the expected numbers of examples must be right, or nothing is written.

    Raises:
        DataError: a repository cannot be had, or is not what the specification expects; all problems.
    """
    parts = [part for part in all_parts(task) if part.source.hub is not None]
    if not parts:
        raise DataError(f"task {task.name!r} reads nothing from the hub, so there is nothing to pin")
    locked = read_lock(folder).pins
    commits: dict[str, str] = {}
    newer: dict[str, str] = {}
    for repo in dict.fromkeys(part.source.hub.repo for part in parts if part.source.hub is not None):
        if any(
            p.source.hub.repo == repo and p.source.hub.revision == UNCONFIRMED for p in parts if p.source.hub
        ):
            head = resolve_commit(repo, progress)
            commits[repo] = head if update else locked.get(repo, head)
            if commits[repo] != head:
                newer[repo] = head
    pinned = _at(task, commits)
    problems: list[str] = []
    snapshots: dict[str, LockedSnapshot] = {}
    for part in all_parts(pinned):
        if part.source.hub is None:
            continue
        origin, found = _fetched(part, progress)
        old = snapshots.get(origin, LockedSnapshot())
        snapshots[origin] = LockedSnapshot(
            files={**old.files, **found.files}, rows={**old.rows, **found.rows}
        )
        problems += part_problems(part, Places(folder, ("hub",)))
    raise_all(DataError, list(dict.fromkeys(problems)))
    extend_lock(folder, pins=commits, snapshots=snapshots)
    return tuple(
        Pinned(repo, commit, len(snapshots[origin].files), newer.get(repo))
        for origin in snapshots
        for repo, _, commit in [origin.rpartition("@")]
    )


def _fetched(part: Part, progress: Progress) -> tuple[str, LockedSnapshot]:
    """Fetch the files of a part, and count the rows of each configuration and split."""
    hub = part.source.hub
    assert hub is not None, "BUG: only parts with a repository are pinned"
    snapshot = open_snapshot(hub.repo, hub.revision, progress)
    files = fetch_files(snapshot, wanted_files(snapshot, hub, part.codes, part.values), progress)
    rows: dict[str, int] = {}
    for code in part.codes:
        values = part.values[code]
        for role, names in snapshot.role_files(hub, values).items():
            spec = hub.roles[role]
            config = DEFAULT if spec.config is None else fill(spec.config, values)
            key = f"{config}/{fill(spec.split, values)}"
            # Archives and the like are left to readers of their own, and their hashes.
            if key not in rows and all(name.endswith((*PARQUET, *JSON)) for name in names):
                paths = [path for name in names if (path := snapshot.path(name)) is not None]
                rows[key] = len(read_rows(paths, root=paths[0].parent))
    return snapshot.origin, LockedSnapshot(files=files, rows=rows)


def _at(task: TaskSpec | IntermediateSpec, commits: Mapping[str, str]) -> TaskSpec | IntermediateSpec:
    """Return the task with every unconfirmed repository at its commit."""

    def source(found: Any) -> Any:
        hub = found.hub if isinstance(found, Source) else None
        if hub is None or hub.revision != UNCONFIRMED:
            return found
        return found.model_copy(update={"hub": hub.model_copy(update={"revision": commits[hub.repo]})})

    if isinstance(task, IntermediateSpec):
        return task.model_copy(update={"train": source(task.train), "dev": source(task.dev)})
    data = source(task.data).model_copy(update={"dev": source(task.data.dev), "pool": source(task.data.pool)})
    training = {
        name: spec.model_copy(update={"train": source(spec.train), "dev": source(spec.dev)})
        for name, spec in task.training_sets.items()
    }
    return task.model_copy(update={"data": data, "training_sets": training})
