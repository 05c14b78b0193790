"""Training and development data of intermediate tasks, by language; and what they lack."""

from __future__ import annotations

from collections.abc import Iterable

from harness.data.loading import load_language
from harness.data.places import Places, find_places, settle
from harness.data.reading import locate
from harness.data.tagged_sentences import labels_of
from harness.data.text import read_text
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import DataSet
from harness.specs.intermediate import IntermediateSpec
from harness.specs.task import LocalSource, Source


def load_training_part(spec: IntermediateSpec, code: str, places: Places) -> DataSet:
    """Read the training data of an intermediate task in one language.

    The labels are checked against the task's, or those of the file that it names. Who reads several
    languages takes the places from `training_places`, so that no task mixes two copies.

    Raises:
        DataError: files are missing, empty or malformed, ids repeat, or labels are hidden or unknown.
        SpecError: the task has no such language, has no data of its own, or its source is wrong.
    """
    return _load(spec, _training(spec), code, places, what=_what(spec))


def load_dev_part(spec: IntermediateSpec, code: str, places: Places) -> DataSet | None:
    """Read the development data in one language; None where the task has none.

    Raises:
        DataError, SpecError: as `load_training_part`.
    """
    if spec.dev is None:
        return None
    return _load(spec, spec.dev, code, places, what=_what(spec, dev=True))


def training_places(spec: IntermediateSpec, codes: Iterable[str], places: Places) -> Places:
    """Return the one place that has the training data of all these languages; all places where none has."""
    return settle(_training(spec), codes, part_values(spec), places, what=_what(spec))


def dev_places(spec: IntermediateSpec, codes: Iterable[str], places: Places) -> Places:
    """Return the same for the development data; all places where there is none."""
    if spec.dev is None:
        return places
    return settle(spec.dev, codes, part_values(spec), places, what=_what(spec, dev=True))


def part_problems(
    spec: IntermediateSpec, codes: Iterable[str], places: Places, *, with_dev: bool
) -> list[str]:
    """Return what a task needs in these languages and no place has, one line each, with what to do.

    Raises:
        SpecError: the task has no such language, or no data of its own.
    """
    codes, values = tuple(codes), part_values(spec)
    for code in codes:
        _check_language(spec, code)
    missing = find_places(_training(spec), codes, values, places, what=_what(spec))[1]
    if with_dev and spec.dev is not None:
        missing += find_places(spec.dev, codes, values, places, what=_what(spec, dev=True))[1]
    try:
        task_labels(spec, places)
    except DataError as error:
        missing.append(str(error))
    return list(dict.fromkeys(missing))


def task_labels(spec: IntermediateSpec, places: Places) -> tuple[str, ...]:
    """Return the labels of a task: its own, or those of the file that it names, in the data folder.

    Raises:
        DataError: the file is not there or malformed, or has another number of labels.
    """
    wanted = spec.labels_file
    if wanted is None:
        return spec.labels
    folder, names = places.checked().folder, " or ".join(wanted.files)
    hint = f"; {spec.train.hint}" if spec.train is not None and spec.train.hint else ""
    if folder is None:
        raise DataError(
            f"{_what(spec)}: no --data-dir is given; under it {names} would be read for its labels{hint}"
        )
    place = LocalSource(reader="labels", files={"labels": wanted.files})
    found = locate(place, "labels", root=folder, values={})
    if not found:
        raise DataError(f"{_what(spec)}: no {names} under {folder}, from which its labels are read{hint}")
    labels = labels_of(read_text(found[0], root=folder))
    if wanted.count is not None and len(labels) != wanted.count:
        raise DataError(
            f"{_what(spec)}: {found[0].relative_to(folder)} has {len(labels):,} labels, expected "
            f"{wanted.count:,}; it was made in another way. Make it again, or give the other count in a task "
            "of your own"
        )
    return labels


def with_labels(spec: IntermediateSpec, places: Places) -> IntermediateSpec:
    """Return the task with its labels in it, wherever they come from; raises as `task_labels`."""
    if spec.labels_file is None:
        return spec
    return spec.model_copy(update={"labels": task_labels(spec, places), "labels_file": None})


def part_values(spec: IntermediateSpec) -> dict[str, dict[str, str]]:
    """Return what the file patterns of each of the task's languages may use, `code` included."""
    return {code: {"code": code, **language.values} for code, language in spec.languages.items()}


def _load(spec: IntermediateSpec, source: Source, code: str, places: Places, *, what: str) -> DataSet:
    _check_language(spec, code)
    labels = task_labels(spec, places)
    return load_language(spec.name, source, code, places, part_values(spec), what=what, labels=labels)


def _training(spec: IntermediateSpec) -> Source:
    if spec.train is None:
        raise SpecError(f"{_what(spec)} has no data of its own: it joins {', '.join(spec.joins)}; read these")
    return spec.train


def _what(spec: IntermediateSpec, *, dev: bool = False) -> str:
    return f"intermediate task {spec.name!r}" + (", development set" if dev else "")


def _check_language(spec: IntermediateSpec, code: str) -> None:
    if code not in spec.languages:
        raise SpecError(
            f"{_what(spec)} has no language {code!r}{did_you_mean(code, spec.languages)}; "
            f"it has {', '.join(spec.languages)}"
        )
