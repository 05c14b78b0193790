"""Test and training sets by task and language, what they lack, and what is held out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb

from harness.data.reading import Reading, expand, locate
from harness.data.table import TABLE, reader_named
from harness.errors import DataError, HarnessError, SpecError, did_you_mean
from harness.records import Candidate, DataSet
from harness.specs.task import LocalSource, TaskSpec, TrainingSet

# Their pool is made of all languages of the benchmark, whichever are asked for.
POOLED_KINDS = frozenset({"passage_retrieval"})


def load_test(task: TaskSpec, language: str, data_dir: Path) -> DataSet:
    """Read the test set of a task in one language.

    Raises:
        DataError: files are missing, empty or malformed, or example ids repeat.
        SpecError: the task has no such language, its source is wrong, or a user's own reader fails
            or returns no data set.
    """
    _check_language(task, language)
    return _read(task, task.data.local, language, data_dir, _task_values(task), "the test set")


def load_pool(task: TaskSpec, data_dir: Path) -> Mapping[str, tuple[Candidate, ...]]:
    """Return the candidates of every language of the benchmark, in the order of its languages.

    Only for kinds whose candidates span languages; for others the mapping is empty.

    Raises:
        DataError: as `load_test`, for any of the languages.
    """
    if task.kind not in POOLED_KINDS:
        return {}
    return {code: load_test(task, code, data_dir).candidates for code in task.languages}


def load_training(task: TaskSpec, training_set: str, data_dir: Path) -> tuple[DataSet, ...]:
    """Read a training set: one data set per language it names, in that order.

    `first_clusters` keeps the first so many clusters (articles) of each language, in file order.

    Raises:
        DataError: as `load_test`; or another number of examples than the specification says.
    """
    spec = _training_set(task, training_set)
    sets = []
    for code in spec.languages:
        data = _read(
            task, spec.train, code, data_dir, _training_values(task, spec), f"training set {training_set!r}"
        )
        if spec.first_clusters is not None:
            kept = frozenset(_first_clusters(data, spec.first_clusters, training_set))
            data = replace(data, examples=tuple(e for e in data.examples if e.cluster_id in kept))
        sets.append(data)
    total = sum(len(data.examples) for data in sets)
    if spec.rows is not None and total != spec.rows:
        raise DataError(
            f"training set {training_set!r} of task {task.name!r} has {total:,} examples, "
            f"expected {spec.rows:,}: the file is cut off or of another release. Get the one that the "
            "recipe names, or give other `rows` in a task of your own"
        )
    return tuple(sets)


def load_dev(task: TaskSpec, training_set: str, data_dir: Path) -> tuple[DataSet, ...] | None:
    """Read the development set of a training set, one data set per language; None if it has none.

    Raises:
        DataError: as `load_test`.
    """
    spec = _training_set(task, training_set)
    if spec.dev is None:
        return None
    values, what = _training_values(task, spec), f"development set of {training_set!r}"
    return tuple(_read(task, spec.dev, code, data_dir, values, what) for code in spec.languages)


def held_out_clusters(task: TaskSpec, training_set: str, data_dir: Path) -> frozenset[str]:
    """Return the clusters that a training set takes out of the test sets of every language.

    Empty unless the training set says `hold_out`.

    Raises:
        DataError: as `load_training`; or examples without clusters.
    """
    if not _training_set(task, training_set).hold_out:
        return frozenset()
    sets = load_training(task, training_set, data_dir)
    return frozenset(cluster for data in sets for cluster in _clusters(data, training_set))


def leave_out(data: DataSet, clusters: frozenset[str]) -> DataSet:
    """Return the data set without the examples of the given clusters; candidate pools stay.

    Raises:
        DataError: none of its examples belongs to them (so that the training data would be tested
            on under another name), or none would be left.
    """
    if not clusters:
        return data
    kept = tuple(example for example in data.examples if example.cluster_id not in clusters)
    if len(kept) == len(data.examples):
        raise DataError(
            f"task {data.task!r}, language {data.language!r}: none of the {len(clusters)} clusters that were "
            "trained on is in the test set, so they cannot be left out; the files must come from one "
            "release (the same titles)"
        )
    if not kept:
        raise DataError(
            f"task {data.task!r}, language {data.language!r}: every example was trained on, "
            "none is left to test"
        )
    return replace(data, examples=kept)


def apply_limit(data: DataSet, limit: int | None) -> DataSet:
    """Keep the first examples, at most `limit` (None: all); candidate pools are never cut."""
    return data if limit is None else replace(data, examples=data.examples[:limit])


def test_files_missing(task: TaskSpec, language: str, data_dir: Path) -> list[str]:
    """Return what a test set needs and the folder lacks, one line each; empty if it can be read.

    Kinds with one pool for all languages need the files of all of them.
    """
    _check_language(task, language)
    codes = list(task.languages) if task.kind in POOLED_KINDS else [language]
    return _missing(task.data.local, codes, _task_values(task), data_dir, f"task {task.name!r}")


# The name begins with `test_`, which pytest would otherwise take for a test where it is imported.
test_files_missing.__test__ = False  # type: ignore[attr-defined]


def training_files_missing(
    task: TaskSpec, training_set: str, data_dir: Path, *, with_dev: bool = True
) -> list[str]:
    """Return what a training set needs and the folder lacks, one line each.

    The development set counts unless `with_dev` is false (a phase without selection reads none).
    """
    spec = _training_set(task, training_set)
    values = _training_values(task, spec)
    what = f"training set {training_set!r} of task {task.name!r}"
    missing = _missing(spec.train, spec.languages, values, data_dir, what)
    if with_dev and spec.dev is not None:
        missing += _missing(
            spec.dev, spec.languages, values, data_dir, f"development set of {training_set!r}"
        )
    return missing


def available_languages(task: TaskSpec, data_dir: Path) -> tuple[str, ...]:
    """Return the task's languages whose test files are there, in the order of the specification."""
    return tuple(code for code in task.languages if not test_files_missing(task, code, data_dir))


def _read(
    task: TaskSpec,
    source: LocalSource,
    language: str,
    data_dir: Path,
    values: Mapping[str, Mapping[str, str]],
    what: str,
) -> DataSet:
    if not data_dir.is_dir():
        raise DataError(f"the data folder {data_dir} does not exist; name an existing one with --data-dir")
    where = f"{what} of task {task.name!r}, language {language!r}"
    data = _data_set(Reading(task.name, language, source, data_dir, values, task.labels), where)
    if not data.examples:
        files = ", ".join(file.path for file in data.sources)
        raise DataError(f"{where}: no example is left of {files}")
    seen: set[str] = set()
    for example in data.examples:
        if example.example_id in seen:
            raise DataError(
                f"{where}: the example id {example.example_id!r} occurs twice "
                f"(in {', '.join(file.path for file in data.sources)}); ids must be unique"
            )
        seen.add(example.example_id)
    return data


def _data_set(reading: Reading, where: str) -> DataSet:
    name, wanted = reading.source.reader, "a reader takes a Reading and returns a harness.records.DataSet"
    reader = reader_named(name)
    try:
        data: object = reader(reading)
    except HarnessError:
        raise
    except Exception as error:
        if name in TABLE:
            raise
        at = extract_tb(error.__traceback__)[-1]
        raise SpecError(
            f"{where}: reader {name!r} failed with {type(error).__name__}: {error} "
            f"({at.filename}:{at.lineno}); {wanted}"
        ) from error
    if not isinstance(data, DataSet):
        raise SpecError(f"{where}: reader {name!r} returned {data!r:.60}; {wanted}")
    return data


def _missing(
    source: LocalSource,
    codes: Iterable[str],
    values: Mapping[str, Mapping[str, str]],
    data_dir: Path,
    what: str,
) -> list[str]:
    lines: dict[str, None] = {}
    for code in codes:
        for role in source.files:
            if not locate(source, role, root=data_dir, values=values[code]):
                wanted = " or ".join(expand(source, role, values[code]))
                lines[f"{what}, language {code!r}: no {wanted} under {data_dir}"] = None
    return list(lines)


def _check_language(task: TaskSpec, language: str) -> None:
    if language not in task.languages:
        raise SpecError(
            f"task {task.name!r} has no language {language!r}{did_you_mean(language, task.languages)}; "
            f"it has {', '.join(task.languages)}"
        )


def _training_set(task: TaskSpec, name: str) -> TrainingSet:
    if name not in task.training_sets:
        raise SpecError(
            f"task {task.name!r} has no training set {name!r}{did_you_mean(name, task.training_sets)}; "
            f"it has {', '.join(task.training_sets) or 'none'}"
        )
    return task.training_sets[name]


def _task_values(task: TaskSpec) -> dict[str, dict[str, str]]:
    return {code: {"code": code, **language.values} for code, language in task.languages.items()}


def _training_values(task: TaskSpec, spec: TrainingSet) -> dict[str, dict[str, str]]:
    known = _task_values(task)
    return {code: known.get(code, {"code": code}) for code in spec.languages}


def _clusters(data: DataSet, training_set: str) -> list[str]:
    clusters: dict[str, None] = {}
    for example in data.examples:
        if example.cluster_id is None:
            raise DataError(
                f"training set {training_set!r}, language {data.language!r}: example {example.example_id!r} "
                "belongs to no cluster, so none can be counted or held out"
            )
        clusters[example.cluster_id] = None
    return list(clusters)


def _first_clusters(data: DataSet, count: int, training_set: str) -> list[str]:
    clusters = _clusters(data, training_set)
    if len(clusters) < count:
        raise DataError(
            f"training set {training_set!r}, language {data.language!r}: {len(clusters)} clusters, "
            f"but the first {count} are to be kept; is the file complete?"
        )
    return clusters[:count]
