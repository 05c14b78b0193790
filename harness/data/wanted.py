"""The data of a task part by part: test sets, development sets, pool, training sets, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.data import intermediate, sources
from harness.data.fetching import fetch_files, open_snapshot, wanted_files
from harness.data.hub import commit_of
from harness.data.lock import LockedSnapshot, extend_lock, read_lock
from harness.data.places import Places, Values, find_places
from harness.errors import DataError, HubUnreachable
from harness.progress import Progress
from harness.records import DataSet
from harness.specs.intermediate import IntermediateSpec
from harness.specs.recipe import Recipe
from harness.specs.task import Source, TaskSpec

Role = Literal["test", "dev", "pool", "training", "training dev", "intermediate", "intermediate dev"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a task's data: where it may lie, and the languages that are wanted of it.

    `name` is the training set's, empty for others. `rows` are the numbers of examples that the
    specification expects, by language; those of a training set are checked over all its languages.
    """

    task: TaskSpec | IntermediateSpec
    role: Role
    name: str
    source: Source
    codes: tuple[str, ...]
    values: Values
    rows: Mapping[str, int]

    @property
    def what(self) -> str:
        """The part in words, as messages begin."""
        names = {
            "test": "the test set",
            "dev": "the development set",
            "pool": "the pool",
            "training": f"training set {self.name!r}",
            "training dev": f"the development set of {self.name!r}",
            "intermediate": "the training data",
            "intermediate dev": "the development set",
        }
        if isinstance(self.task, IntermediateSpec):
            return f"{names[self.role]} of intermediate task {self.task.name!r}"
        return f"{names[self.role]} of task {self.task.name!r}"

    def read(self, code: str, places: Places) -> tuple[DataSet, ...]:
        """Read one language; a training set is always read whole.

        Raises:
            DataError: as `harness.data.sources`.
        """
        if isinstance(self.task, IntermediateSpec):
            if self.role == "intermediate":
                return (intermediate.load_training_part(self.task, code, places),)
            found = intermediate.load_dev_part(self.task, code, places)
            return () if found is None else (found,)
        if self.role == "test":
            return (sources.load_test(self.task, code, places),)
        if self.role == "dev":
            tuning = sources.load_tuning(self.task, code, places)
            return () if tuning is None else (tuning,)
        if self.role == "training":
            return sources.load_training(self.task, self.name, places)
        if self.role == "training dev":
            return sources.load_dev(self.task, self.name, places) or ()
        return (sources.load_pool(self.task, places)[sources.POOL],)


def training_of(recipe: Recipe) -> dict[str, bool]:
    """Return the training sets of a recipe, and whether their development sets are read too."""
    with_dev: dict[str, bool] = {}
    for phase in recipe.phases:
        name = phase.training_set
        with_dev[name] = with_dev.get(name, False) or phase.selection is not None
    return with_dev


def parts_of(
    task: TaskSpec, languages: Iterable[str] | None, training: Mapping[str, bool]
) -> tuple[Part, ...]:
    """Return the parts of a task in these languages (None: all), with these training sets.

    `training` says of each training set whether its development set is wanted too. No languages at
    all: training sets alone. A pool that is made of all the test sets wants all of them.
    """
    codes = tuple(task.languages) if languages is None else tuple(languages)
    parts = _tested(task, codes) if codes else []
    for name, with_dev in training.items():
        spec = task.training_sets[name]
        known = sources.training_values(task, spec)
        parts.append(Part(task, "training", name, spec.train, spec.languages, known, {}))
        if with_dev and spec.dev is not None:
            parts.append(Part(task, "training dev", name, spec.dev, spec.languages, known, {}))
    return tuple(parts)


def _tested(task: TaskSpec, codes: tuple[str, ...]) -> list[Part]:
    values = sources.task_values(task)
    rows = {code: task.languages[code].rows for code in codes}
    expected = {code: count for code, count in rows.items() if count is not None}
    whole = task.pooled and task.data.pool is None
    tested = tuple(task.languages) if whole else codes
    parts = [Part(task, "test", "", task.data, tested, values, expected)]
    if task.data.dev is not None:
        parts.append(Part(task, "dev", "", task.data.dev, codes, values, {}))
    if task.data.pool is not None:
        pool = sources.POOL
        parts.append(Part(task, "pool", "", task.data.pool, (pool,), {pool: {"code": pool}}, {}))
    return parts


def intermediate_parts(
    task: IntermediateSpec, languages: Iterable[str] | None, *, with_dev: bool = True
) -> tuple[Part, ...]:
    """Return the parts of an intermediate task in these languages (None: all).

    A task that joins others has none: theirs are wanted.
    """
    codes = tuple(task.languages) if languages is None else tuple(languages)
    values, known = intermediate.part_values(task), task.languages
    parts = []
    if task.train is not None:
        rows = {code: count for code in codes if (count := known[code].rows) is not None}
        parts.append(Part(task, "intermediate", "", task.train, codes, values, rows))
    if with_dev and task.dev is not None:
        rows = {code: count for code in codes if (count := known[code].dev_rows) is not None}
        parts.append(Part(task, "intermediate dev", "", task.dev, codes, values, rows))
    return tuple(parts)


def all_parts(task: TaskSpec | IntermediateSpec) -> tuple[Part, ...]:
    """Return all parts of a task, in all languages, training sets and development sets included."""
    if isinstance(task, IntermediateSpec):
        return intermediate_parts(task, None)
    return parts_of(task, None, dict.fromkeys(task.training_sets, True))


def fetch_or_warn(groups: Iterable[Sequence[Part]], places: Places, progress: Progress) -> None:
    """Fetch what is missing, group by group, where the hub's copy is pinned; not offline.

    What cannot be had is warned of: what is then missing is said before anything is read.
    """
    if places.offline:
        return
    for parts in groups:
        try:
            fetch_missing(parts, places, progress)
        except HubUnreachable as error:
            progress.warn(str(error))
            return
        except DataError as error:
            progress.warn(str(error))


def fetch_missing(
    parts: Sequence[Part], places: Places, progress: Progress, *, thorough: bool = False
) -> list[str]:
    """Fetch from the hub what no earlier place has; return what is still missing, one line each.

    The places are tried in their order, as `find_places` does. Sources that are not pinned are not
    fetched, and say so. `thorough` also hashes what the cache has already, mends it, and writes all
    hashes to the lock of the data folder.

    Raises:
        DataError: a repository, commit or file cannot be had, or is not what the hub says.
    """
    missing: list[str] = []
    for part in parts:
        for kind in places.order:
            alone = Places(places.folder, (kind,), places.offline)
            lines = find_places(part.source, part.codes, part.values, alone, what=part.what)[1]
            if kind == "hub" and part.source.hub is not None and not places.offline and (lines or thorough):
                fetch_part(part, places, progress, thorough=thorough)
                lines = find_places(part.source, part.codes, part.values, alone, what=part.what)[1]
            if not lines:
                break
        else:
            missing += find_places(part.source, part.codes, part.values, places, what=part.what)[1]
    return list(dict.fromkeys(missing))


def fetch_part(part: Part, places: Places, progress: Progress, *, thorough: bool) -> None:
    """Fetch one part from its repository, if it has one that is pinned; see `fetch_missing`.

    Raises:
        DataError: as `fetch_missing`.
    """
    hub = part.source.hub
    commit = commit_of(hub, read_lock(places.folder)) if hub is not None else None
    if hub is None or commit is None:
        return
    snapshot = open_snapshot(hub.repo, commit, progress)
    names = wanted_files(snapshot, hub, part.codes, part.values)
    digests = fetch_files(snapshot, names, progress)
    if thorough and places.folder is not None:
        extend_lock(places.folder, snapshots={snapshot.origin: LockedSnapshot(files=digests)})


def ask_hub(part: Part, places: Places, progress: Progress) -> str:
    """Return what the hub offers for a part that is not here; only a listing is fetched.

    Raises:
        DataError: there is no such repository or commit, it lacks what the part reads, or the hub
            cannot be asked.
    """
    hub = part.source.hub
    commit = commit_of(hub, read_lock(places.folder)) if hub is not None else None
    if hub is None or commit is None:
        return f"{part.what}: the hub has no pinned copy"
    snapshot = open_snapshot(hub.repo, commit, progress)
    names = wanted_files(snapshot, hub, part.codes, part.values)
    size = sum(snapshot.files[name].size for name in names)
    return f"{part.what}: the hub has {len(names)} files, {size:,} bytes: {snapshot.origin}"
