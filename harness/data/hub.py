"""Snapshots of dataset repositories in the hub's cache: found by commit, checked by hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.lock import LOCK_NAME, Lock, read_lock
from harness.data.places import Place, Places, Values
from harness.data.repository import CARD, Card, parse_card, part_files
from harness.errors import DataError
from harness.specs.task import HubSource, LocalSource

UNCONFIRMED = "unconfirmed"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file of a commit as the hub lists it: size in bytes, and the hash its content must have.

    The hash is the SHA-256 of its bytes (64 hexadecimal digits) for files in large file storage, else
    the id of the Git blob (40).
    """

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit of a repository in the cache: all files that the commit has, present or not."""

    repo: str
    commit: str
    files: Mapping[str, RepositoryFile]
    card: Card

    @property
    def origin(self) -> str:
        """The commit as records and messages name it."""
        return f"{self.repo}@{self.commit}"

    def path(self, name: str) -> Path | None:
        """Return where a file lies, if it is there in full length."""
        path = cached_file(self.repo, self.commit, name)
        return path if path is not None and path.stat().st_size == self.files[name].size else None

    def role_files(self, hub: HubSource, values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Return the files of each role of a source for one language.

        Raises:
            DataError: the commit has no such configuration, split or files.
        """
        return {
            role: part_files(part, values, files=self.files, card=self.card, where=self.origin)
            for role, part in hub.roles.items()
        }


def find_snapshot(
    hub: HubSource, codes: Iterable[str], values: Values, places: Places, *, what: str
) -> tuple[dict[str, Place], list[str]]:
    """Return where each language is read in the repository's snapshot, and what is missing.

    Only the cache is looked at. Files are known to be there in full length; their hashes are checked
    when they are read (`verify`).

    Raises:
        DataError: the lock or the repository's card is malformed.
    """
    lock = read_lock(places.folder)
    commit = commit_of(hub, lock)
    if commit is None:
        return {}, [f"{what}: {unpinned(hub, places.folder)}"]
    snapshot = cached_snapshot(hub.repo, commit)
    if snapshot is None:
        return {}, [f"{what}: {hub.repo}@{commit} has not been fetched; `xharness data fetch` gets it"]
    root = _repository_folder(hub.repo) / "snapshots" / commit
    locked = lock.snapshots.get(snapshot.origin)
    found: dict[str, Place] = {}
    lines: dict[str, None] = {}
    absent: dict[str, None] = {}
    for code in codes:
        try:
            roles = snapshot.role_files(hub, values[code])
        except DataError as error:
            lines[f"{what}, language {code!r}: {error}"] = None
            continue
        names = [name for files in roles.values() for name in files]
        absent.update(dict.fromkeys(name for name in names if snapshot.path(name) is None))
        # The seal is what was pinned; the hub's own listing stands in where nothing was.
        hashes = {name: snapshot.files[name].digest for name in names}
        hashes |= {name: locked.files[name] for name in names if locked and name in locked.files}
        source = LocalSource(reader=hub.reader, files=dict(roles), options=hub.options)
        found[code] = Place(root, source, snapshot.origin, roles, hashes)
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        lines[
            f"{what}: {snapshot.origin} has not been fetched in full: {next(iter(absent))}{more} "
            "not in the cache; `xharness data fetch` gets the rest"
        ] = None
    return ({}, list(lines)) if lines else (found, [])


def commit_of(hub: HubSource, lock: Lock) -> str | None:
    """Return the commit that a source is read at: its own, else the locked one, else None."""
    return lock.pins.get(hub.repo) if hub.revision == UNCONFIRMED else hub.revision


def unpinned(hub: HubSource, folder: Path | None) -> str:
    """Return the words for a source whose revision is not confirmed and not locked either."""
    seen = f" ({hub.seen})" if hub.seen else ""
    where = f"{folder / LOCK_NAME} does not pin it" if folder else "no --data-dir holds a lock that pins it"
    return (
        f"the revision of {hub.repo} is unconfirmed{seen} and {where}; on a machine with a network, "
        "`xharness data pin TASK --data-dir DIR` resolves and checks it once"
    )


def verify(place: Place, where: str) -> None:
    """Check the files of a snapshot against the hashes that they must have; other places have none.

    Raises:
        DataError: a file is another; the message names it, both hashes, and what to do.
    """
    for name, wanted in place.hashes.items():
        found = digest_of(place.root / name, wanted)
        if found != wanted:
            raise DataError(
                f"{where}: {place.origin}/{name} has the hash {found}, but {wanted} was pinned; the copy "
                f"in the cache ({place.root / name}) was damaged or exchanged; "
                "`xharness data fetch` gets it again"
            )


def digest_of(path: Path, like: str) -> str:
    """Return the hash of a file's bytes, of the kind that `like` is (see `RepositoryFile`).

    Raises:
        DataError: the file cannot be read.
    """
    digest = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    try:
        if len(like) != 64:
            digest.update(b"blob %d\0" % path.stat().st_size)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()


def cached_snapshot(repo: str, commit: str) -> Snapshot | None:
    """Return a commit as the cache knows it; None where its listing or its card is not there in full.

    Without the listing nobody can tell a complete snapshot from the first half of one.

    Raises:
        DataError: the card is malformed.
    """
    files = _read_listing(listing_path(repo, commit))
    if files is None:
        return None
    snapshot = Snapshot(repo, commit, files, {})
    if CARD not in files:
        return snapshot
    path = snapshot.path(CARD)
    if path is None or digest_of(path, files[CARD].digest) != files[CARD].digest:
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    return replace(snapshot, card=parse_card(text, f"{snapshot.origin}/{CARD}"))


def listing_path(repo: str, commit: str) -> Path:
    """Return where the cache keeps our listing of a commit: file -> [size, digest]."""
    return _repository_folder(repo) / "xharness" / f"{commit}.json"


def _read_listing(path: Path) -> dict[str, RepositoryFile] | None:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return {name: RepositoryFile(int(size), str(digest)) for name, (size, digest) in listed.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        # Not there or not ours: it is fetched anew.
        return None


def cached_file(repo: str, commit: str, name: str) -> Path | None:
    """Return where the cache has a file of a commit, None where it has not."""
    from huggingface_hub import constants, try_to_load_from_cache

    found = try_to_load_from_cache(
        repo, name, cache_dir=constants.HF_HUB_CACHE, revision=commit, repo_type="dataset"
    )
    return Path(found) if isinstance(found, str) else None


def _repository_folder(repo: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=repo, repo_type="dataset")
    return Path(constants.HF_HUB_CACHE).expanduser().resolve() / folder
