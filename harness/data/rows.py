"""Tables of Parquet and JSON files as one `datasets.Dataset`: columns, label names, rows with their place."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.text import TextFile, read_bytes, text_of
from harness.errors import DataError, did_you_mean
from harness.records import SourceFile

if TYPE_CHECKING:
    from datasets import Dataset

PARQUET = (".parquet",)
JSON = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one or more files, in order.

    `parts` holds each file's name and number of rows. `label_names` maps a column of class labels, or of
    lists of them, to the names in index order, where the files say them.
    """

    dataset: Dataset
    parts: tuple[tuple[str, int], ...]
    sources: tuple[SourceFile, ...]
    label_names: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """The files by name, for messages."""
        return ", ".join(name for name, _ in self.parts)

    def __len__(self) -> int:
        return sum(count for _, count in self.parts)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (`file: row n`, row) with rows counted from 1 within their file."""
        wheres = (f"{name}: row {n}" for name, count in self.parts for n in range(1, count + 1))
        batches = self.dataset.data.to_batches(max_chunksize=_BATCH)
        return zip(wheres, (row for batch in batches for row in batch.to_pylist()), strict=True)

    def require_columns(self, columns: Iterable[str]) -> None:
        """Refuse a table that lacks a column.

        Raises:
            DataError: naming the column, and those that are there.
        """
        there = self.dataset.column_names
        for column in columns:
            if column not in there:
                raise DataError(
                    f"{self.name}: there is no column {column!r}{did_you_mean(column, there)}; "
                    f"there are {', '.join(there)}"
                )


def read_rows(paths: Sequence[Path], *, root: Path) -> Rows:
    """Read Parquet files, or JSON files of objects (a list, or one a line; also gzipped), into memory.

    Names in messages and records are relative to `root`. Nothing is copied into a cache, so what is
    read is what is hashed.

    Raises:
        DataError: a file is unreadable, empty or of another format, or two have different columns.
    """
    from datasets import concatenate_datasets

    tables: list[Dataset] = []
    parts: list[tuple[str, int]] = []
    sources: list[SourceFile] = []
    for path in paths:
        data, source = read_bytes(path, root=root)
        table = _table(path.name, source.path, data, source.sha256)
        if not len(table):
            raise DataError(f"{source.path}: the file holds no rows; get it again")
        tables.append(table)
        parts.append((source.path, len(table)))
        sources.append(source)
    try:
        # Their columns must agree, in name and in kind.
        dataset = tables[0] if len(tables) == 1 else concatenate_datasets(tables)
    except ValueError as error:
        names = ", ".join(name for name, _ in parts)
        raise DataError(f"{names}: the files differ in their columns: {_first_line(error)}") from None
    return Rows(dataset, tuple(parts), tuple(sources), _label_names(dataset))


def _table(file_name: str, name: str, data: bytes, digest: str) -> Dataset:
    if file_name.endswith(PARQUET):
        return _parquet(name, data, digest)
    if file_name.endswith(JSON):
        return _json(name, data, digest)
    raise DataError(f"{name}: cannot be read as a table; allowed are {', '.join((*PARQUET, *JSON))}")


def _parquet(name: str, data: bytes, digest: str) -> Dataset:
    import pyarrow
    from datasets import Dataset
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(pyarrow.BufferReader(data)).read()
        # With a fingerprint of its own, or the library hashes the whole table to find one.
        return Dataset(table, fingerprint=digest[:16])
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{name}: cannot be read as Parquet ({len(data):,} bytes): {_first_line(error)}; "
            "the file may be cut off: get it again"
        ) from None


def _json(name: str, data: bytes, digest: str) -> Dataset:
    import pyarrow
    from datasets import Dataset

    if name.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(
                f"{name}: cannot be unpacked: {error}; the file may be cut off: get it again"
            ) from None
    rows = _objects(text_of(data, SourceFile(name, digest)))
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    try:
        table = pyarrow.table({column: [row.get(column) for row in rows] for column in columns})
        return Dataset(table, fingerprint=digest[:16])
    except (pyarrow.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise DataError(f"{name}: its rows do not make a table: {_first_line(error)}") from None


def _objects(file: TextFile) -> list[dict[str, Any]]:
    if not file.text.lstrip().startswith("["):
        return [row for _, row in file.json_lines()]
    rows = file.json()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"{file.name}: element {number} is {json.dumps(row):.60}; expected an object")
    return list(rows)


def _label_names(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    names = {}
    for column, feature in dataset.features.items():
        # Lists of labels: `feature` is the kind of what is inside.
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
        if getattr(inner, "names", None):
            names[column] = tuple(inner.names)
    return names


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
