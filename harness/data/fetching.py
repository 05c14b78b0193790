"""Downloads from the hub: one commit, only the files that are wanted, each checked against its hash."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from harness.data.hub import (
    RepositoryFile,
    Snapshot,
    cached_file,
    cached_snapshot,
    digest_of,
    listing_path,
)
from harness.data.repository import CARD
from harness.errors import DataError, HubUnreachable
from harness.hub_errors import failures, is_unreachable, reason
from harness.progress import Advance, Progress
from harness.specs.task import HubSource

T = TypeVar("T")

_TRIES = 5
# A hub that asks for more patience than this, in seconds, is not waited for.
_LONGEST_WAIT = 300


def resolve_commit(repo: str, progress: Progress) -> str:
    """Return the commit that the repository's default branch is at now.

    Raises:
        DataError: there is no such repository, or the hub cannot be asked.
    """
    from huggingface_hub import HfApi

    for left in reversed(range(_TRIES)):
        try:
            found = HfApi().dataset_info(repo, expand=["sha"])
            break
        except failures() as error:
            # Here the client does not wait by itself.
            seconds = _requested_wait(error)
            if not left or seconds is None:
                raise _failed(error, repo, None) from error
            progress.say(f"{repo}: the hub asks to wait {seconds} s")
            time.sleep(seconds)
    if not found.sha:
        raise DataError(f"{repo}: the hub does not say at which commit it is; try again")
    return str(found.sha)


def open_snapshot(repo: str, commit: str, progress: Progress) -> Snapshot:
    """Return a commit with the listing of its files and its card, which are fetched if need be.

    Raises:
        DataError: there is no such repository or commit, or the hub cannot be reached.
    """
    found = cached_snapshot(repo, commit)
    if found is None:
        bare = Snapshot(repo, commit, _list_files(repo, commit), {})
        _write_listing(bare)
        if CARD in bare.files:
            _complete(bare, [CARD], progress)
        found = cached_snapshot(repo, commit)
    assert found is not None, "BUG: a listing that was written cannot be read"
    return found


def _list_files(repo: str, commit: str) -> dict[str, RepositoryFile]:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    tree = _asked(
        lambda: list(HfApi().list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")),
        repo,
        commit,
    )
    files = {}
    for entry in tree:
        # Names are joined to the snapshot's folder: they must stay in it.
        if isinstance(entry, RepoFile) and ".." not in PurePosixPath(entry.path).parts:
            digest = entry.lfs.sha256 if entry.lfs is not None else entry.blob_id
            files[entry.path] = RepositoryFile(entry.size, digest)
    return files


def _write_listing(snapshot: Snapshot) -> None:
    path = listing_path(snapshot.repo, snapshot.commit)
    listed = {name: [file.size, file.digest] for name, file in snapshot.files.items()}
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(listed, sort_keys=True), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written: {error.strerror or error}; the cache of the hub must be writable "
            "to fetch (HF_HOME says where it is)"
        ) from error


def wanted_files(
    snapshot: Snapshot, hub: HubSource, codes: Iterable[str], values: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """Return the files that a source reads in these languages, each once.

    Raises:
        DataError: the commit lacks the configuration, split or files of a language.
    """
    names: dict[str, None] = {}
    for code in codes:
        for files in snapshot.role_files(hub, values[code]).values():
            names.update(dict.fromkeys(files))
    return tuple(names)


def fetch_files(snapshot: Snapshot, names: Iterable[str], progress: Progress) -> dict[str, str]:
    """Download what of these files is not in the cache yet, check all, and return their SHA-256.

    Files that are complete are kept, so a fetch that was cut short goes on. A file whose content is
    not the one that the hub lists is removed from the cache, whoever left it there, and fetched once.

    Raises:
        DataError: a file cannot be had, or does not have its hash; it is then not in the cache.
    """
    names = tuple(names)
    absent = _complete(snapshot, names, progress)
    if absent:
        size = sum(snapshot.files[name].size for name in absent)
        progress.say(f"fetched {len(absent)} files, {size:,} bytes: {snapshot.origin}")
    sha256 = "0" * 64
    return {name: digest_of(_there(snapshot, name), sha256) for name in names}


def _complete(snapshot: Snapshot, names: Sequence[str], progress: Progress) -> list[str]:
    """Download those of the files that are not there as they should be, check them, and return them."""
    good = {name for name in names if snapshot.path(name) is not None and _is_good(snapshot, name)}
    absent = [name for name in names if name not in good]
    for name in absent:
        _remove(snapshot, name)
    if absent:
        size = sum(snapshot.files[name].size for name in absent)
        with progress.phase(f"fetching {snapshot.repo}", size, "bytes") as advance:
            _download(snapshot.repo, snapshot.commit, absent, advance)
        for name in absent:
            _check(snapshot, name)
    return absent


def _check(snapshot: Snapshot, name: str) -> None:
    wanted = snapshot.files[name].digest
    found = digest_of(_there(snapshot, name), wanted)
    if found != wanted:
        _remove(snapshot, name)
        raise DataError(
            f"{snapshot.origin}/{name}: what came has the hash {found}, the hub lists {wanted}; it was "
            "damaged or exchanged on the way and has been removed. Try again, or through another network"
        )


def _is_good(snapshot: Snapshot, name: str) -> bool:
    wanted = snapshot.files[name].digest
    return digest_of(_there(snapshot, name), wanted) == wanted


def _there(snapshot: Snapshot, name: str) -> Path:
    path = snapshot.path(name)
    if path is None:
        part = cached_file(snapshot.repo, snapshot.commit, name)
        length = f"{part.stat().st_size:,} of " if part else "0 of "
        _remove(snapshot, name)
        raise DataError(
            f"{snapshot.origin}/{name}: only {length}{snapshot.files[name].size:,} bytes came; try again"
        )
    return path


def _remove(snapshot: Snapshot, name: str) -> None:
    """Take a file out of the cache: both its name in the snapshot and the content behind the name."""
    path = cached_file(snapshot.repo, snapshot.commit, name)
    if path is not None:
        # Links may lead to links: the client can share contents between repositories.
        linked = path.resolve() if path.is_symlink() else None
        blob = path.parent / path.readlink() if path.is_symlink() else None
        for place in (path, blob, linked):
            if place is not None:
                place.unlink(missing_ok=True)


def _download(repo: str, commit: str, names: Iterable[str], advance: Advance) -> None:
    from huggingface_hub import snapshot_download

    patterns = [_literally(name) for name in names]
    bars = _bars(advance)
    _asked(
        lambda: snapshot_download(
            repo, repo_type="dataset", revision=commit, allow_patterns=patterns, tqdm_class=bars
        ),
        repo,
        commit,
    )


def _literally(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _asked(call: Callable[[], T], repo: str, commit: str | None) -> T:
    """Return what the hub answers; its client waits by itself when the hub is busy, and tries again."""
    try:
        return call()
    except failures() as error:
        raise _failed(error, repo, commit) from error


def _failed(error: Exception, repo: str, commit: str | None) -> DataError:
    name = repo if commit is None else f"{repo}@{commit}"
    text = f"{name}: {reason(error, repo, commit, offline=False)}"
    return HubUnreachable(text) if is_unreachable(error) else DataError(text)


def _requested_wait(error: Exception) -> int | None:
    response: Any = getattr(error, "response", None)
    if response is None or response.status_code not in (429, 503):
        return None
    header = str(response.headers.get("Retry-After", ""))
    return int(header) if header.isdecimal() and int(header) <= _LONGEST_WAIT else None


def _bars(advance: Advance) -> type:
    """Return a silent progress bar for the client that passes the bytes on.

    The client shows bytes received and bytes written in two bars; the one that is ahead counts.
    """
    from huggingface_hub.utils.tqdm import tqdm

    base: Any = tqdm
    counts: dict[int, int] = {}
    told = 0

    class Bar(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.counts_bytes = kwargs.get("unit") == "B"
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal told
            if self.counts_bytes:
                counts[id(self)] = counts.get(id(self), 0) + int(n or 0)
                gained = max(counts.values()) - told
                if gained > 0:
                    told += gained
                    advance(gained)

    return Bar
