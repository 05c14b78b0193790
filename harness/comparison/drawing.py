"""The draws of all systems, cell by cell: every number of a comparison is a sum of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.comparison.answers import answers_alike, chance_of
from harness.comparison.merging import Ids, check_rows, known_ids, merge_cells, slim
from harness.comparison.systems import System, compared_metrics
from harness.metrics.table import metric_named
from harness.progress import Progress
from harness.records import Cell, Float
from harness.results.comparison import Pairing
from harness.specs.task import TaskSpec
from harness.stats.estimate import Draws, draw_cells
from harness.stats.flips import exchange_sums
from harness.stats.influence import Influence, influence_of, size_of_changes
from harness.stats.units import Units, join_units

# Candidate (1, 2, ..), task, language and metric of a number; the baseline is system 0.
NumberKey = tuple[int, str, str, str]
CellKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What is known of one language of one task beside its numbers.

    `shared_with_source` is the share of its rows whose unit holds rows of the source language too, 0
    to 1; `chance` the score that guessing reaches, None where that is not known; `constant` whether a
    side gave one answer throughout.
    """

    shared_with_source: float
    chance: float | None
    constant: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """The numbers of each candidate and of the baseline beside it, all in pairs (baseline, candidate).

    `influences` and `exchanged` (the numbers after each exchange of the two systems, in the place of
    draws) are there where they were asked for.
    """

    sides: dict[NumberKey, tuple[Draws, Draws]] = field(default_factory=dict)
    influences: dict[NumberKey, tuple[Influence, Influence]] = field(default_factory=dict)
    exchanged: dict[NumberKey, tuple[Draws, Draws]] = field(default_factory=dict)
    facts: dict[tuple[int, str, str], CellFacts] = field(default_factory=dict)
    pairing: dict[tuple[int, str], Pairing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Group:
    """Candidates that share the same cells with the baseline, and know the same of their units."""

    numbers: tuple[int, ...]
    cells: tuple[Cell, ...]
    space: str
    tasks: Mapping[str, TaskSpec]


def draw_systems(
    systems: Sequence[System],
    *,
    seed: int,
    resamples: int,
    progress: Progress,
    influence: bool = False,
    exchange: bool = False,
) -> Drawn:
    """Draw every cell that the first system, the baseline, holds with another.

    Cells of one unit space are drawn together, so that translations and tasks on the same texts stay
    paired; a draw depends on the units alone, so that no system, task or language changes another's.
    What a further candidate brings (languages, or ids that join units) is kept from the others: they are
    drawn apart. One unit space is in memory at a time.

    `influence` also finds what each unit adds to every number, `exchange` the numbers after random
    exchanges of the systems; both take one run on either side.

    Raises:
        ResultError: two systems hold different examples of one cell, or a file is damaged.
    """
    found = Drawn()
    tasks = systems[0].tasks
    spaces = dict.fromkeys(task.space for task in tasks.values())
    first_unit = 0
    with progress.phase("resampling", len(spaces), "unit spaces") as advance:
        for space in spaces:
            together = {name: task for name, task in tasks.items() if task.space == space}
            for group in _groups(systems, together, space, found):
                first_unit += _draw_group(
                    group,
                    found,
                    seed=seed,
                    resamples=resamples,
                    first_unit=first_unit if influence else None,
                    exchange=exchange,
                )
            advance(1)
    return found


def _groups(
    systems: Sequence[System], tasks: Mapping[str, TaskSpec], space: str, found: Drawn
) -> list[_Group]:
    """Read the cells of a unit space and merge those of the candidates that can be drawn together."""
    read = _read_cells(systems, tasks, found)
    alike: dict[tuple[tuple[CellKey, tuple[Ids, Ids]], ...], list[int]] = {}
    for number in range(1, len(systems)):
        ids = known_ids([(read[0][key], cell) for key, cell in read[number].items()])
        alike.setdefault(tuple(zip(read[number], ids, strict=True)), []).append(number)
    return [
        _Group(
            numbers=tuple(numbers),
            cells=tuple(
                merge_cells({number: read[number][key] for number in (0, *numbers)}, ids)
                for key, ids in signature
            ),
            space=space,
            tasks=tasks,
        )
        for signature, numbers in alike.items()
        if signature
    ]


def _read_cells(
    systems: Sequence[System], tasks: Mapping[str, TaskSpec], found: Drawn
) -> dict[int, dict[CellKey, Cell]]:
    """Read the cells that each candidate shares with the baseline, and note what their texts say."""
    baseline = systems[0]
    read: dict[int, dict[CellKey, Cell]] = {number: {} for number in range(len(systems))}
    for name, task in tasks.items():
        for code in baseline.languages(name):
            numbers = [n for n, system in enumerate(systems) if code in system.languages(name)]
            if numbers == [0]:
                continue
            cell = baseline.cell(name, code)
            chance, constant = chance_of(task, cell), answers_alike(baseline, task, cell)
            read[0][name, code] = slim(cell)
            for number in numbers[1:]:
                other = systems[number].cell(name, code)
                check_rows(cell, other, (baseline.name, systems[number].name))
                alike = answers_alike(systems[number], task, other)
                read[number][name, code] = slim(other, read[0][name, code])
                found.facts[number, name, code] = CellFacts(0.0, chance, constant or alike)
    return read


def _split(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells that share units, each set of them to be drawn by itself, to save memory.

    Languages are joined by parallel ids alone, so those without any share no unit with another.
    """
    joined = {cell.language for cell in cells if any(i is not None for i in cell.parallel_ids)}
    sets: dict[str, list[Cell]] = {}
    for cell in cells:
        sets.setdefault("" if cell.language in joined else cell.language, []).append(cell)
    return list(sets.values())


def _draw_group(
    group: _Group, found: Drawn, *, seed: int, resamples: int, first_unit: int | None, exchange: bool
) -> int:
    """Draw a group into `found`; return the number of its units."""
    names = {name: tuple(compared_metrics(task)) for name, task in group.tasks.items()}
    value_of = {
        (name, metric): metric_named(computes).value
        for name, task in group.tasks.items()
        for metric, computes in compared_metrics(task).items()
    }
    labels = {
        name: {
            f"{number}:{metric}": value_of[name, metric]
            for number in (0, *group.numbers)
            for metric in metrics
        }
        for name, metrics in names.items()
    }
    count = 0
    of_cell: dict[CellKey, NDArray[np.int64]] = {}
    for cells in _split(group.cells):
        units = join_units(cells)
        drawn = draw_cells(
            cells, space=group.space, values=labels, seed=seed, resamples=resamples, units=units
        )
        for cell, of_row in zip(cells, units.of, strict=True):
            of_cell[cell.task, cell.language] = of_row[cell.in_test_set] + count
            for number, metric in product(group.numbers, names[cell.task]):
                key = (number, cell.task, cell.language, metric)
                both = [f"{side}:{metric}" for side in (0, number)]
                sides = [drawn[cell.task, cell.language, label] for label in both]
                sizes = {
                    (cell.task, cell.language): size_of_changes(
                        cell.statistics[both[0]],
                        cell.statistics[both[1]],
                        of_row,
                        value_of[cell.task, metric],
                        rows=cell.tested,
                    )
                }
                found.sides[key] = (replace(sides[0], changes=sizes), replace(sides[1], changes=sizes))
                if first_unit is not None:
                    one, other = (
                        influence_of(
                            cell.statistics[label][0],
                            of_row + (first_unit + count),
                            value_of[cell.task, metric],
                        )
                        for label in both
                    )
                    found.influences[key] = (one, other)
        if exchange:
            for number in group.numbers:
                _exchange(group, cells, number, units, found, names=names, seed=seed, resamples=resamples)
        count += len(units.keys)
    _note_pairing(group, of_cell, found)
    return count


def _exchange(
    group: _Group,
    cells: Sequence[Cell],
    number: int,
    units: Units,
    found: Drawn,
    *,
    names: Mapping[str, Sequence[str]],
    seed: int,
    resamples: int,
) -> None:
    """Exchange baseline and candidate at random and compute the numbers of both."""

    def columns(cell: Cell, system: int) -> Float:
        parts = [cell.statistics[f"{system}:{metric}"][0].T for metric in names[cell.task]]
        return np.concatenate(parts)

    sums = exchange_sums(
        [(columns(cell, 0), columns(cell, number)) for cell in cells],
        units,
        space=group.space,
        seed=seed,
        resamples=resamples,
    )
    for cell, both in zip(cells, sums, strict=True):
        start = 0
        for metric in names[cell.task]:
            key = (number, cell.task, cell.language, metric)
            computes = metric_named(compared_metrics(group.tasks[cell.task])[metric])
            end = start + cell.statistics[f"0:{metric}"].shape[2]
            values = [np.clip(computes.value(side[start:end].T), 0.0, 100.0) for side in both]
            one, other = (
                Draws(side.value, flipped[None, :], side.units, side.rows, side.weights)
                for side, flipped in zip(found.sides[key], values, strict=True)
            )
            found.exchanged[key] = (one, other)
            start = end


def _note_pairing(group: _Group, of_cell: Mapping[CellKey, NDArray[np.int64]], found: Drawn) -> None:
    """Say how the languages of each task share units, and each language's share with the source."""
    for name, task in group.tasks.items():
        rows = {code: units for (of_task, code), units in of_cell.items() if of_task == name}
        if not rows:
            continue
        sets = {code: set(units.tolist()) for code, units in rows.items()}
        source = rows.get(task.source_language or "", np.empty(0, dtype=np.int64))
        for number in group.numbers:
            found.pairing[number, name] = _pairing(list(sets.values()))
            for code, units in rows.items():
                known = found.facts[number, name, code]
                share = float(np.isin(units, source).mean())
                found.facts[number, name, code] = replace(known, shared_with_source=share)


def _pairing(sets: Sequence[set[int]]) -> Pairing:
    """Parallel: every unit in every language; independent: none in two."""
    if all(own == sets[0] for own in sets):
        return "parallel"
    distinct = len(set().union(*sets))
    return "independent" if distinct == sum(map(len, sets)) else "partial"
