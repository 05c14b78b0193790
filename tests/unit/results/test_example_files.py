"""Parquet files of gold and statistics: round trip, same bytes, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.records import Cell
from harness.results.examples import encode_examples, read_examples, write_examples

COLUMNS = {"f1": ("tp", "predicted", "gold"), "map@20": ("ap",)}


def make_cell(seeds: tuple[int, ...] = (1, 7), n: int = 3, *, scored: bool = True) -> Cell:
    rng = np.random.default_rng(0)
    statistics = {m: rng.random((len(seeds), n, len(c))) for m, c in COLUMNS.items()} if scored else {}
    return Cell(
        task="xquad",
        language="th",
        seeds=seeds,
        example_ids=tuple(f"q{i}" for i in range(n)),
        parallel_ids=tuple(f"p{i}" if i else None for i in range(n)),
        cluster_ids=(None,) * n,
        golds=tuple(f'["ไทย {i}"]' for i in range(n)),
        statistics=statistics,
    )


def assert_same(left: Cell, right: Cell) -> None:
    for field in ("task", "language", "seeds", "example_ids", "parallel_ids", "cluster_ids", "golds"):
        assert getattr(left, field) == getattr(right, field)
    assert list(left.statistics) == list(right.statistics)
    for metric, statistics in left.statistics.items():
        assert statistics.dtype == np.float64
        np.testing.assert_array_equal(statistics, right.statistics[metric])


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("seeds", [(1,), (3, 1, 2)])
def test_round_trip(tmp_path: Path, scored: bool, seeds: tuple[int, ...]) -> None:
    cell = make_cell(seeds, scored=scored)
    path = tmp_path / "examples" / "th.parquet"
    write_examples(path, cell, COLUMNS)
    assert_same(read_examples(path, task="xquad", language="th"), cell)


@settings(max_examples=25)
@given(
    golds=st.lists(st.text(max_size=9), max_size=6),
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
)
def test_any_gold_survives(
    tmp_path_factory: pytest.TempPathFactory, golds: list[str], seeds: list[int]
) -> None:
    n = len(golds)
    cell = Cell(
        task="t",
        language="l",
        seeds=tuple(seeds) if n else (),
        example_ids=tuple(map(str, range(n))),
        parallel_ids=(None,) * n,
        cluster_ids=tuple(golds),
        golds=tuple(golds),
        statistics={"accuracy": np.zeros((len(seeds) if n else 0, n, 1))},
    )
    path = tmp_path_factory.mktemp("gold") / "l.parquet"
    write_examples(path, cell, {"accuracy": ("correct",)})
    assert_same(read_examples(path, task="t", language="l"), cell)


def test_columns_are_named_for_people(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "th.parquet"
    write_examples(path, make_cell(), COLUMNS)
    file = pq.ParquetFile(path)
    assert file.schema_arrow.names == [
        *("seed", "example_id", "parallel_id", "cluster_id", "gold"),
        *("f1/tp", "f1/predicted", "f1/gold", "map@20/ap"),
    ]
    assert file.schema_arrow.metadata is None


def test_same_cell_same_bytes() -> None:
    assert encode_examples(make_cell(), COLUMNS) == encode_examples(make_cell(), COLUMNS)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="is missing"):
        read_examples(tmp_path / "th.parquet", task="xquad", language="th")


def test_every_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "th.parquet"
    data = encode_examples(make_cell(n=40), COLUMNS)
    for cut in (0, 3, 50, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(ResultError, match=r"th\.parquet"):
            read_examples(path, task="xquad", language="th")
    flipped = bytearray(data)
    flipped[data.find(b"\x28\xb5\x2f\xfd") + 6] ^= 0xFF  # inside the first zstd frame
    path.write_bytes(bytes(flipped))
    with pytest.raises(ResultError, match="damaged"):
        read_examples(path, task="xquad", language="th")


def test_foreign_columns_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "th.parquet"
    pq.write_table(pa.table({"question": ["?"]}), path)
    with pytest.raises(ResultError, match="columns question"):
        read_examples(path, task="xquad", language="th")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("seed", [1, 1, 2], "seeds"),
        ("example_id", ["a", "b", "a", "c"], "differs between seeds"),
        ("gold", ["x", None, "x", None], "'gold' has an empty cell"),
        ("f1/tp", [0.0, 1.0, float("nan"), 1.0], "not a finite number"),
        ("f1/tp", [0, 1, 0, 1], "holds int64, not double"),
        ("tp", [0.0, 1.0, 0.0, 1.0], "not of the form"),
    ],
)
def test_edited_files_are_refused(tmp_path: Path, column: str, values: list[object], message: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, list[object]] = {
        "seed": [1, 1, 2, 2],
        "example_id": ["a", "b", "a", "b"],
        "parallel_id": ["a", "b", "a", "b"],
        "cluster_id": ["a", "b", "a", "b"],
        "gold": ["x", "y", "x", "y"],
    }
    rows[column] = values
    length = len(values)
    path = tmp_path / "th.parquet"
    pq.write_table(pa.table({k: v[:length] for k, v in rows.items()}), path, store_schema=False)
    with pytest.raises(ResultError, match=message):
        read_examples(path, task="xquad", language="th")


def test_statistics_must_be_finite() -> None:
    cell = make_cell(n=1)
    cell.statistics["map@20"][0, 0, 0] = np.nan
    with pytest.raises(ResultError, match=r"xquad/th: a statistic of map@20"):
        encode_examples(cell, COLUMNS)
