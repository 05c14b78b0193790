"""One language of one part of a task: found, verified, read, and checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from traceback import extract_tb

from harness.data.hub import verify
from harness.data.places import Places, Values, place_of
from harness.data.reading import Reading
from harness.data.table import TABLE, reader_named
from harness.errors import DataError, HarnessError, SpecError
from harness.records import DataSet, SourceFile
from harness.specs.task import Source


def load_language(
    task: str,
    source: Source,
    language: str,
    places: Places,
    values: Values,
    *,
    what: str,
    labels: tuple[str, ...] = (),
    candidates: bool = False,
) -> DataSet:
    """Read one language of a source under the name of a task.

    `what` says in words what is read; messages begin with it. `candidates`: a pool is wanted, without
    examples. The files of a snapshot are recorded with where they are from.

    Raises:
        DataError: files are missing, empty, malformed or not the pinned ones, or ids repeat.
        SpecError: the source is wrong, or a user's own reader fails or returns no data set.
    """
    where = f"{what}, language {language!r}"
    place = place_of(source, language, values, places.checked(), what=where)
    verify(place, where)
    reading = Reading(task, language, place.source, place.root, values, labels, place.origin, place.files)
    data = _data_set(reading, where)
    if place.origin:
        files = tuple(SourceFile(f"{place.origin}/{f.path}", f.sha256) for f in data.sources)
        data = replace(data, sources=files)
    if not (data.candidates if candidates else data.examples):
        names = ", ".join(file.path for file in data.sources)
        raise DataError(f"{where}: no {'candidate' if candidates else 'example'} is left of {names}")
    _refuse_repeated_ids(data, where)
    return data


def _refuse_repeated_ids(data: DataSet, where: str) -> None:
    pools = {"example": [e.example_id for e in data.examples]}
    pools["candidate"] = [c.candidate_id for c in data.candidates]
    pools["English candidate"] = [c.candidate_id for c in data.counterpart]
    for what, ids in pools.items():
        if len(set(ids)) == len(ids):
            continue
        twice = next(i for i, count in Counter(ids).items() if count > 1)
        names = ", ".join(file.path for file in data.sources)
        raise DataError(f"{where}: the {what} id {twice!r} occurs twice (in {names}); ids must be unique")


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
