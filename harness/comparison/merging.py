"""Two or more systems on the same rows: their statistics side by side in one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.errors import ResultError
from harness.records import NO_GOLD, Cell, Float

# A column of ids, one per row of the test set; None where none is known.
Ids = tuple[str | None, ...]


def slim(cell: Cell, like: Cell | None = None) -> Cell:
    """Return a cell with what drawing needs: of gold, whether there is any; ids shared with `like`.

    The texts of hundreds of thousands of rows take more memory than their statistics.
    """
    golds = tuple(NO_GOLD if gold == NO_GOLD else "gold" for gold in cell.golds)
    if like is None:
        return replace(cell, golds=golds)
    columns: dict[str, Any] = {
        name: getattr(like, name)
        for name in ("example_ids", "parallel_ids", "cluster_ids")
        if getattr(like, name) == getattr(cell, name)
    }
    return replace(cell, golds=like.golds if like.golds == golds else golds, **columns)


def check_rows(baseline: Cell, candidate: Cell, names: tuple[str, str]) -> None:
    """Check that two systems were tested on the same rows, in the same order, with the same gold.

    Raises:
        ResultError: naming the first row in which they differ.
    """
    if (baseline.example_ids, baseline.golds) == (candidate.example_ids, candidate.golds):
        return
    sides = []
    for cell in (baseline, candidate):
        rows = zip(cell.example_ids, cell.golds, strict=True)
        sides.append([row for row in rows if row[1] != NO_GOLD])
    if sides[0] == sides[1]:
        return
    where = f"task {baseline.task!r}, language {baseline.language!r}"
    counts = f"{len(sides[0])} rows in {names[0]}, {len(sides[1])} in {names[1]}"
    for number, (one, other) in enumerate(zip(*sides, strict=False)):
        if one != other:
            what = f"id {one[0]!r} and {other[0]!r}"
            if one[0] == other[0]:
                what = f"of example {one[0]!r} the gold {one[1][:60]!r} and {other[1][:60]!r}"
            raise ResultError(
                f"{where}: the runs hold different examples ({counts}); in row {number}, counting "
                f"from 0: {what}"
            )
    raise ResultError(f"{where}: the runs hold different examples ({counts}); one is the other's beginning")


def known_ids(pairs: Sequence[tuple[Cell, Cell]]) -> list[tuple[Ids, Ids]]:
    """Return the parallel and cluster ids of each cell, with what either of two systems knows of them.

    The pairs are the cells of one unit space. A label file, for one, has no article titles. The ids
    are those of the system that knows more (fewer rows without id, then fewer different ids), in all
    cells alike, since two systems may name one and the same unit differently; those of the other
    stand in where it has none. Which system comes first does not matter.
    """
    parallel = _fuller([(_tested(a, a.parallel_ids), _tested(b, b.parallel_ids)) for a, b in pairs])
    cluster = _fuller([(_tested(a, a.cluster_ids), _tested(b, b.cluster_ids)) for a, b in pairs])
    return list(zip(parallel, cluster, strict=True))


def merge_cells(cells: Mapping[int, Cell], ids: tuple[Ids, Ids]) -> Cell:
    """Put the statistics of several systems on the same rows side by side, as `<system>:<metric>`.

    `ids` are the parallel and cluster ids of the tested rows. Rows beside the test set that only some
    systems have (predicted pairs that are not gold) come after them and count nothing for the others.
    """
    first = next(iter(cells.values()))
    if all(cell.example_ids == first.example_ids and NO_GOLD not in cell.golds for cell in cells.values()):
        # The same rows in the same order, as nearly always: nothing needs to be copied.
        return replace(
            first,
            parallel_ids=ids[0],
            cluster_ids=ids[1],
            statistics={
                f"{number}:{metric}": found
                for number, cell in cells.items()
                for metric, found in cell.statistics.items()
            },
        )
    tested = [name for name, gold in zip(first.example_ids, first.golds, strict=True) if gold != NO_GOLD]
    beside: dict[str, tuple[str | None, str | None]] = {}
    for cell in cells.values():
        rows = zip(cell.example_ids, cell.parallel_ids, cell.cluster_ids, cell.golds, strict=True)
        beside.update(
            {name: (parallel, cluster) for name, parallel, cluster, gold in rows if gold == NO_GOLD}
        )
    names = (*tested, *sorted(beside))
    place = {example: row for row, example in enumerate(names)}
    statistics: dict[str, Float] = {}
    for number, cell in cells.items():
        rows_of = np.array([place[example] for example in cell.example_ids])
        for metric, found in cell.statistics.items():
            wide = np.zeros((found.shape[0], len(names), found.shape[2]))
            wide[:, rows_of] = found
            statistics[f"{number}:{metric}"] = wide
    further = [beside[name] for name in sorted(beside)]
    return replace(
        first,
        example_ids=names,
        parallel_ids=(*ids[0], *(parallel for parallel, _ in further)),
        cluster_ids=(*ids[1], *(cluster for _, cluster in further)),
        golds=(*(gold for gold in first.golds if gold != NO_GOLD), *(NO_GOLD for _ in further)),
        statistics=statistics,
    )


def _tested(cell: Cell, column: tuple[str | None, ...]) -> Ids:
    if NO_GOLD not in cell.golds:
        return column
    return tuple(value for value, gold in zip(column, cell.golds, strict=True) if gold != NO_GOLD)


def _fuller(columns: Sequence[tuple[Ids, Ids]]) -> list[Ids]:
    """Return the ids of the side that knows more, filled up with those of the other."""
    if all(one == other for one, other in columns):
        return [one for one, _ in columns]

    def knowledge(side: int) -> tuple[int, int, list[str]]:
        values = [value for pair in columns for value in pair[side]]
        # The ids themselves decide between equals, so that swapping the systems changes nothing.
        return values.count(None), len(set(values)), [value or "" for value in values]

    best = min((0, 1), key=knowledge)
    return [
        tuple(a if a is not None else b for a, b in zip(pair[best], pair[1 - best], strict=True))
        for pair in columns
    ]
