"""The data files of a study by their hashes, so that a step whose data changed is another step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.data.intermediate import part_values
from harness.data.places import Places, Values, find_places
from harness.data.reading import locate
from harness.data.wanted import parts_of, training_of
from harness.mixture.planning import MixturePlan
from harness.planning import Job
from harness.records import canonical_json
from harness.results.folder import write_bytes
from harness.specs.task import Source

CACHE = "data.json"
_BLOCK = 1 << 20
# Name of a file as records have it -> its hash.
Read = dict[str, str]


class Inventory:
    """The hashes of data files; one that has the size and the time of change it had is not read again.

    Files of a hub snapshot are known by the hashes of its commit.
    """

    def __init__(self, folder: Path, places: Places) -> None:
        self.places = places
        self._path = folder / CACHE
        self._known = _read_cache(self._path)
        self._changed = False

    def of_job(self, job: Job) -> Read:
        """Return the files that a job reads: test sets, what is beside them, and what it trains on."""
        found: Read = {}
        parts = list(parts_of(job.task, job.languages, {}))
        parts += parts_of(job.trained_as, (), training_of(job.phases_of))
        for part in parts:
            found |= self._files(part.source, part.codes, part.values, part.what)
        return found

    def of_mixture(self, plan: MixturePlan) -> Read:
        """Return the files that a mixture reads."""
        found: Read = {}
        for ingredient in plan.ingredients:
            for spec in ingredient.read:
                values = part_values(spec)
                sources = [spec.train, spec.dev if plan.mixture.selection is not None else None]
                for source in sources:
                    if source is not None:
                        found |= self._files(source, ingredient.languages, values, spec.name)
        return found

    def save(self) -> None:
        """Keep the hashes for the next time."""
        if self._changed:
            text = json.dumps({"schema_version": 1, "files": self._known}, indent=1, sort_keys=True)
            write_bytes(self._path, (text + "\n").encode("utf-8"))
            self._changed = False

    def _files(self, source: Source, codes: Iterable[str], values: Values, what: str) -> Read:
        places, _ = find_places(source, codes, values, self.places, what=what)
        found: Read = {}
        for code, place in places.items():
            if place.origin:
                found |= {f"{place.origin}/{name}": digest for name, digest in place.hashes.items()}
                continue
            for role in place.source.files:
                paths = locate(place.source, role, root=place.root, values=values[code])
                found |= dict(self._hashed(place.root, paths))
        return found

    def _hashed(self, root: Path, paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
        for path in paths:
            name, entry = path.relative_to(root).as_posix(), path.stat()
            known = self._known.get(name)
            if known is None or known[:2] != [entry.st_size, entry.st_mtime_ns]:
                known = [entry.st_size, entry.st_mtime_ns, _sha256(path)]
                self._known[name] = known
                self._changed = True
            yield name, str(known[2])


def digest_of(read: Mapping[str, str]) -> str:
    """Return one hash over names and contents of files, in the order of their names."""
    return hashlib.sha256(canonical_json(sorted(read.items())).encode("utf-8")).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read_cache(path: Path) -> dict[str, list[int | str]]:
    """Return what is kept; what cannot be read is worked out anew."""
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {
            str(name): [int(size), int(changed), str(digest)]
            for name, (size, changed, digest) in files.items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
