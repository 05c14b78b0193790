"""`examples/<task>/<lang>.parquet`: gold and sufficient statistics, one row per seed and example.

First written with gold alone, next to the predictions; written again with the statistics once the
cell is scored. Everything after scoring reads these files and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ResultError
from harness.records import Cell, Float
from harness.results.folder import write_bytes

_FIXED = ("seed", "example_id", "parallel_id", "cluster_id", "gold")


def encode_examples(cell: Cell, columns: Mapping[str, Sequence[str]]) -> bytes:
    """Write a cell as Parquet: seed, ids, gold, then one float64 column per statistic.

    `columns[metric]` names the k statistics of a metric; the file calls them `<metric>/<column>`.
    No statistics: gold alone. The same cell gives the same bytes with the same version of pyarrow.

    Raises:
        ResultError: if a statistic is not finite.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rounds, n = len(cell.seeds), len(cell.example_ids)
    arrays: dict[str, Any] = {
        "seed": pa.array(np.repeat(np.asarray(cell.seeds, dtype=np.int64), n)),
        "example_id": pa.array(list(cell.example_ids) * rounds, pa.string()),
        "parallel_id": pa.array(list(cell.parallel_ids) * rounds, pa.string()),
        "cluster_id": pa.array(list(cell.cluster_ids) * rounds, pa.string()),
        "gold": pa.array(list(cell.golds) * rounds, pa.string()),
    }
    for metric, statistics in cell.statistics.items():
        assert statistics.shape == (rounds, n, len(columns[metric])), f"BUG: {metric} {statistics.shape}"
        if not np.isfinite(statistics).all():
            raise ResultError(f"{cell.task}/{cell.language}: a statistic of {metric} is not a finite number")
        for k, column in enumerate(columns[metric]):
            arrays[f"{metric}/{column}"] = pa.array(statistics[:, :, k].reshape(-1), pa.float64())
    stream = io.BytesIO()
    pq.write_table(
        pa.table(arrays),
        stream,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=list(_FIXED[1:]),
        write_statistics=False,
        write_page_checksum=True,
        # The Arrow schema would be stored as metadata that says nothing new.
        store_schema=False,
    )
    return stream.getvalue()


def write_examples(path: Path, cell: Cell, columns: Mapping[str, Sequence[str]]) -> None:
    """Write a cell atomically; see `encode_examples`."""
    write_bytes(path, encode_examples(cell, columns))


def read_examples(
    path: Path, *, task: str, language: str, columns: Mapping[str, Sequence[str]] | None = None
) -> Cell:
    """Read a cell back, with or without statistics.

    `columns[metric]` are the statistics that a metric must have, where the file holds any of it: sums
    would else be taken for others.

    Raises:
        ResultError: if the file is missing, damaged, or not laid out as this version writes it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # What pyarrow kept of the file before would add up to 30 MB over a whole suite.
    pa.default_memory_pool().release_unused()
    try:
        # Not `read_table`: it loads the parts of pyarrow that know remote file systems, and reads with
        # threads that each keep memory of their own; together 90 MB more over a whole suite.
        with pq.ParquetFile(pa.BufferReader(path.read_bytes()), page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
    except FileNotFoundError:
        raise ResultError(f"{path} is missing; run the same `xharness eval` again to write it") from None
    except (pa.ArrowException, OSError) as error:
        raise ResultError(f"{path} is damaged ({str(error).splitlines()[0]}); {_MEND}") from None
    _check_schema(table, path)
    seeds = _seeds(_numbers(table, "seed", path), path)
    n = table.num_rows // len(seeds) if seeds else 0
    ids = {
        name: _first_block(table.column(name).to_pylist(), len(seeds), n, name, path) for name in _FIXED[1:]
    }
    for name in ("example_id", "gold"):
        if None in ids[name]:
            raise ResultError(f"{path}: column {name!r} has an empty cell; {_MEND}")
    if len(set(ids["example_id"])) != n:
        raise ResultError(f"{path}: an example id appears twice; {_MEND}")
    return Cell(
        task=task,
        language=language,
        seeds=seeds,
        example_ids=ids["example_id"],
        parallel_ids=ids["parallel_id"],
        cluster_ids=ids["cluster_id"],
        golds=ids["gold"],
        statistics=_statistics(table, len(seeds), n, path, columns or {}),
    )


_MEND = "delete it and run the same `xharness eval` again"


def _check_schema(table: Any, path: Path) -> None:
    names = table.column_names
    if tuple(names[: len(_FIXED)]) != _FIXED:
        raise ResultError(f"{path}: columns {', '.join(names)}; the first must be {', '.join(_FIXED)}")
    for name, kind in zip(names, table.schema.types, strict=True):
        due = "int64" if name == "seed" else "string" if name in _FIXED else "double"
        if str(kind) != due:
            raise ResultError(f"{path}: column {name!r} holds {kind}, not {due}; {_MEND}")
        if name not in _FIXED and "/" not in name:
            raise ResultError(f"{path}: column {name!r} is not of the form metric/statistic; {_MEND}")


def _numbers(table: Any, name: str, path: Path) -> NDArray[Any]:
    column = table.column(name).combine_chunks()
    if column.null_count:
        raise ResultError(f"{path}: column {name!r} has an empty cell; {_MEND}")
    # Not `to_numpy`: it imports pandas where that is installed, which takes a second and 60 MB.
    return np.from_dlpack(column)


def _seeds(column: Any, path: Path) -> tuple[int, ...]:
    """Return the seeds in order; each must fill one block of equal length."""
    # Where the number changes a block begins; a seed that comes again fails the check below.
    starts = np.flatnonzero(np.diff(column, prepend=column[:1] - 1))
    seeds = tuple(dict.fromkeys(column[starts].tolist()))
    n = len(column) // len(seeds) if seeds else 0
    if seeds and not np.array_equal(column, np.repeat(np.asarray(seeds, dtype=np.int64), n)):
        raise ResultError(
            f"{path}: the seeds {list(seeds)} do not each have the same rows in one block; {_MEND}"
        )
    return seeds


def _first_block(values: list[Any], rounds: int, n: int, name: str, path: Path) -> tuple[Any, ...]:
    first = values[:n]
    if rounds != 1 and values != first * rounds:
        raise ResultError(f"{path}: column {name!r} differs between seeds; {_MEND}")
    return tuple(first)


def _statistics(
    table: Any, rounds: int, n: int, path: Path, due: Mapping[str, Sequence[str]]
) -> dict[str, Float]:
    grouped: dict[str, list[Float]] = {}
    held: dict[str, list[str]] = {}
    for name in table.column_names[len(_FIXED) :]:
        # A metric's name may not hold a slash (`map@20`), a statistic's may not either.
        metric, _, statistic = name.rpartition("/")
        held.setdefault(metric, []).append(statistic)
        column = _numbers(table, name, path)
        if not np.isfinite(column).all():
            raise ResultError(f"{path}: column {name!r} holds a value that is not a finite number; {_MEND}")
        grouped.setdefault(metric, []).append(column.reshape(rounds, n).astype(np.float64))
    for metric, names in held.items():
        if metric in due and names != list(due[metric]):
            raise ResultError(
                f"{path}: the statistics of {metric} are {', '.join(names)}, and must be "
                f"{', '.join(due[metric])}; {_MEND}"
            )
    return {metric: np.stack(parts, axis=2) for metric, parts in grouped.items()}
