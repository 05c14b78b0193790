"""Where data lie: which layout of the data folder, or which snapshot of a hub repository, is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.reading import expand, locate
from harness.errors import DataError, RequestError
from harness.specs.run import DataPlace
from harness.specs.task import LocalSource, Source

Values = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a run may take its data from: the data folder, the hub, or both, in this order.

    The folder also holds `xharness.lock`, which pins the hub's repositories.
    """

    folder: Path | None
    order: tuple[DataPlace, ...] = ("local", "hub")
    offline: bool = False

    def checked(self) -> Places:
        """Return the same with the folder's path in full.

        Raises:
            RequestError: a folder is named that does not exist.
        """
        if self.folder is None:
            return self
        folder = self.folder.expanduser()
        if not folder.is_dir():
            raise RequestError(f"--data-dir {self.folder}: there is no such folder")
        return Places(folder, self.order, self.offline)


@dataclass(frozen=True, slots=True)
class Place:
    """Files that can be read: patterns under a root.

    `origin` is empty for the data folder; for a snapshot it is `owner/name@revision`, which stands
    before the path of each file in records and messages. There `files` names the files of each role,
    relative to the root, and `hashes` what each must hash to: 64 hexadecimal digits are the SHA-256 of
    its bytes, 40 its id as a Git blob.
    """

    root: Path
    source: LocalSource
    origin: str = ""
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


def find_places(
    source: Source, codes: Iterable[str], values: Values, places: Places, *, what: str
) -> tuple[dict[str, Place], list[str]]:
    """Return where each language is read, and what is missing, one line per file; one of them is empty.

    All languages come from the data folder or all from the hub, whichever is first in order and has
    everything, so that no task mixes two copies. Within the folder each language has its own layout.
    Nothing is downloaded. `what` begins each message.
    """
    codes, missing = tuple(codes), []
    for kind in places.order:
        if kind == "local" and source.layouts:
            found, lines = _find_in_folder(source, codes, values, places.folder, what)
        elif kind == "hub" and source.hub is not None:
            from harness.data.hub import find_snapshot

            found, lines = find_snapshot(source.hub, codes, values, places, what=what)
        else:
            continue
        if not lines:
            return found, []
        missing += lines
    if not missing:
        wanted = " or ".join(places.order)
        missing = [f"{what}: has no source of the kind asked for (--sources {wanted})"]
    return {}, [*missing, *([f"{what}: {source.hint}"] if source.hint else [])]


def settle(source: Source, codes: Iterable[str], values: Values, places: Places, *, what: str) -> Places:
    """Return the one place that has all these languages, the first in order; all of them where none has.

    Who reads one language after the other must settle first, or the folder's share of them would be
    read there and the rest from the hub.
    """
    codes = tuple(codes)
    for kind in places.order:
        alone = Places(places.folder, (kind,), places.offline)
        if not find_places(source, codes, values, alone, what=what)[1]:
            return alone
    return places


def place_of(source: Source, code: str, values: Values, places: Places, *, what: str) -> Place:
    """Return where one language is read.

    Raises:
        DataError: it is nowhere; the message lists what was looked for.
    """
    found, missing = find_places(source, [code], values, places, what=what)
    if missing:
        raise DataError("; ".join(missing))
    return found[code]


def _find_in_folder(
    source: Source, codes: Iterable[str], values: Values, folder: Path | None, what: str
) -> tuple[dict[str, Place], list[str]]:
    if folder is None:
        wanted = " or ".join(p for layout in source.layouts for p in sum(layout.files.values(), ())[:1])
        return {}, [f"{what}: no --data-dir is given; under it {wanted} would be read"]
    found: dict[str, Place] = {}
    lines: dict[str, None] = {}
    for code in codes:
        lacking: list[str] = []
        for layout in source.layouts:
            roles = [r for r in layout.files if not locate(layout, r, root=folder, values=values[code])]
            if not roles:
                found[code] = Place(folder, layout)
                break
            lacking += expand(layout, roles[0], values[code])
        else:
            lines[f"{what}, language {code!r}: no {' or '.join(dict.fromkeys(lacking))} under {folder}"] = (
                None
            )
    return ({}, list(lines)) if lines else (found, [])
