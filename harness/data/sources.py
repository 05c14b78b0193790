"""Test and training sets by task and language, what they lack, and what is held out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.data.hidden import refuse_constant
from harness.data.loading import load_language
from harness.data.places import Places, Values, find_places, settle
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import DataSet
from harness.specs.task import Source, TaskSpec, TrainingSet

# What a pool that is not part of the test sets is filed under: it belongs to no language.
POOL = "*"


def load_test(task: TaskSpec, language: str, places: Places) -> DataSet:
    """Read the test set of a task in one language.

    Raises:
        DataError: files are missing, empty or malformed, example ids repeat, or the gold is hidden.
        SpecError: the task has no such language, its source is wrong, or a user's own reader fails
            or returns no data set.
    """
    _check_language(task, language)
    data = _load(task, task.data, language, places, task_values(task), "the test set")
    names = ", ".join(file.path for file in data.sources)
    refuse_constant([e.gold for e in data.examples], f"task {task.name!r}, language {language!r} ({names})")
    return data


def load_pool(task: TaskSpec, places: Places) -> Mapping[str, DataSet]:
    """Return the data sets whose candidates are the one pool of a pooled kind, empty for others.

    That is the task's own pool, under the key `*`, or else the candidates of every language of the
    benchmark, in the order of its languages.

    Raises:
        DataError: as `load_test`, for any of the languages.
    """
    if not task.pooled:
        return {}
    if task.data.pool is not None:
        values = {POOL: {"code": POOL}}
        found = _load(task, task.data.pool, POOL, places, values, "the pool", candidates=True)
        return {POOL: found}
    places = settle(task.data, task.languages, task_values(task), places, what="the test sets")
    return {code: load_test(task, code, places) for code in task.languages}


def load_tuning(task: TaskSpec, language: str, places: Places) -> DataSet | None:
    """Read the development data that decoding needs in one language; None where it needs none.

    Raises:
        DataError, SpecError: as `load_test`.
    """
    if task.data.dev is None:
        return None
    _check_language(task, language)
    return _load(task, task.data.dev, language, places, task_values(task), "the development set")


def load_training(task: TaskSpec, training_set: str, places: Places) -> tuple[DataSet, ...]:
    """Read a training set: one data set per language it names, in that order.

    `first_clusters` keeps the first so many clusters (articles) of each language, in file order.

    Raises:
        DataError: as `load_test`; or another number of examples than the specification says.
    """
    spec = _training_set(task, training_set)
    values, what = training_values(task, spec), f"training set {training_set!r}"
    places = settle(spec.train, spec.languages, values, places, what=what)
    sets = []
    for code in spec.languages:
        data = _load(task, spec.train, code, places, values, what)
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


def load_dev(task: TaskSpec, training_set: str, places: Places) -> tuple[DataSet, ...] | None:
    """Read the development set of a training set, one data set per language; None if it has none.

    Raises:
        DataError: as `load_test`.
    """
    spec = _training_set(task, training_set)
    if spec.dev is None:
        return None
    values, what = training_values(task, spec), f"development set of {training_set!r}"
    places = settle(spec.dev, spec.languages, values, places, what=what)
    return tuple(_load(task, spec.dev, code, places, values, what) for code in spec.languages)


def held_out_clusters(task: TaskSpec, training_set: str, places: Places) -> frozenset[str]:
    """Return the clusters that a training set takes out of the test sets of every language.

    Empty unless the training set says `hold_out`.

    Raises:
        DataError: as `load_training`; or examples without clusters.
    """
    if not _training_set(task, training_set).hold_out:
        return frozenset()
    sets = load_training(task, training_set, places)
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


def test_problems(task: TaskSpec, languages: Iterable[str], places: Places) -> list[str]:
    """Return what the test sets need and no place has, one line each; empty if they can be read.

    Kinds with one pool for all languages need the pool too, or the files of all languages.
    """
    codes = tuple(languages)
    for code in codes:
        _check_language(task, code)
    values, name = task_values(task), f"task {task.name!r}"
    missing: list[str] = []
    if task.pooled and task.data.pool is None:
        codes = tuple(task.languages)
    elif task.data.pool is not None:
        pool = {POOL: {"code": POOL}}
        missing += find_places(task.data.pool, [POOL], pool, places, what=f"{name}, the pool")[1]
    missing += find_places(task.data, codes, values, places, what=name)[1]
    if task.data.dev is not None:
        missing += find_places(task.data.dev, codes, values, places, what=f"{name}, development set")[1]
    return missing


# The name begins with `test_`, which pytest would otherwise take for a test where it is imported.
test_problems.__test__ = False  # type: ignore[attr-defined]


def training_problems(
    task: TaskSpec, training_set: str, places: Places, *, with_dev: bool = True
) -> list[str]:
    """Return what a training set needs and no place has, one line each.

    The development set counts unless `with_dev` is false (a phase without selection reads none).
    """
    spec = _training_set(task, training_set)
    values = training_values(task, spec)
    what = f"training set {training_set!r} of task {task.name!r}"
    missing = find_places(spec.train, spec.languages, values, places, what=what)[1]
    if with_dev and spec.dev is not None:
        what = f"development set of {training_set!r}"
        missing += find_places(spec.dev, spec.languages, values, places, what=what)[1]
    return missing


def available_languages(task: TaskSpec, places: Places) -> tuple[str, ...]:
    """Return the task's languages whose test files are there, in the order of the specification."""
    return tuple(code for code in task.languages if not test_problems(task, [code], places))


def _load(
    task: TaskSpec,
    source: Source,
    language: str,
    places: Places,
    values: Values,
    what: str,
    *,
    candidates: bool = False,
) -> DataSet:
    return load_language(
        task.name,
        source,
        language,
        places,
        values,
        what=f"{what} of task {task.name!r}",
        labels=task.labels,
        candidates=candidates,
    )


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


def task_values(task: TaskSpec) -> dict[str, dict[str, str]]:
    """Return what the file patterns of each of the task's languages may use, `code` included."""
    return {code: {"code": code, **language.values} for code, language in task.languages.items()}


def training_values(task: TaskSpec, spec: TrainingSet) -> dict[str, dict[str, str]]:
    """Return the same for the languages of a training set, which the task need not test."""
    known = task_values(task)
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
