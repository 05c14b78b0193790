"""Units: what is drawn. Rows that are not independent of each other belong to one unit.

Translations of one item share a `parallel_id` over languages; questions of one article share a
`cluster_id` within one language. Units are the connected components of these two relations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records import Cell, canonical_json

# ("parallel", id) is (0, id); a cluster is (1, language, id); a row alone is (2, language, example).
_Node = tuple[int, str] | tuple[int, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units of a unit space.

    `keys[u]` names unit u by itself, whatever else is in the space; `of[c]`: int64 [n], the unit
    of each row of cell c. Units are numbered by first appearance, cell after cell.
    """

    keys: tuple[str, ...]
    of: tuple[NDArray[np.int64], ...]


def join_units(cells: Sequence[Cell]) -> Units:
    """Find the units of cells that share one unit space (tasks on the same texts, all languages).

    Two rows are in one unit if they share a parallel id, or a cluster id of the same language, or
    if a chain of such rows connects them. A row with neither id is a unit alone; it is the same
    unit as the row of another task of the space with the same language and example id.

    The key of a unit is its smallest parallel id, else its language and cluster id, else its
    language and example id. So further languages or tasks leave the keys of the others as they
    are, unless they bring a smaller parallel id into a component that has clusters as well.
    """
    number: dict[_Node, int] = {}
    joins: set[tuple[int, int]] = set()
    rows: list[list[int]] = []
    for cell in cells:
        of_cell: list[int] = []
        language = cell.language
        for example, parallel, cluster in zip(
            cell.example_ids, cell.parallel_ids, cell.cluster_ids, strict=True
        ):
            node: _Node = (2, language, example)
            if parallel is not None:
                node = (0, parallel)
            elif cluster is not None:
                node = (1, language, cluster)
            of_cell.append(number.setdefault(node, len(number)))
            if parallel is not None and cluster is not None:
                joins.add((of_cell[-1], number.setdefault((1, language, cluster), len(number))))
        rows.append(of_cell)
    if not joins:
        # Every node is a component, numbered by first appearance already.
        return Units(tuple(map(_key, number)), tuple(np.array(of_cell, dtype=np.int64) for of_cell in rows))

    parent = list(range(len(number)))

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in joins:
        parent[find(other)] = find(one)
    smallest: dict[int, _Node] = {}
    for node, index in number.items():
        root = find(index)
        smallest[root] = min(smallest.get(root, node), node)
    roots = [find(index) for index in range(len(number))]
    unit: dict[int, int] = {}
    of = [[unit.setdefault(roots[index], len(unit)) for index in of_cell] for of_cell in rows]
    return Units(
        keys=tuple(_key(smallest[root]) for root in unit),
        of=tuple(np.array(of_cell, dtype=np.int64) for of_cell in of),
    )


def _key(node: _Node) -> str:
    """Write a node as canonical JSON; part by part, which is five times faster than as a whole."""
    kind, *names = node
    return f"[{kind},{','.join(map(canonical_json, names))}]"
