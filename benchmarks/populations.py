"""Populations of test items with two outcomes each, from which simulated comparisons are sampled.

A score is a ratio of sums, 100 N / D: right answers over rows (accuracy), twice the true positives over
predicted and gold chunks (F1), F1 or average precision over rows. Every row holds two outcomes, a worse
and a better one, in every language. A simulated run of a system takes the better one with some
probability, so two systems of equal probabilities are alike by construction and every true score follows
from sums over the population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

GENERATED_UNITS = 20_000
ROWS_PER_ARTICLE = 25


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Units with the numerators and denominators of both outcomes.

    worse, better: float64 [2, units, rows, languages] (N and D; rows beyond a unit's own are 0); rows:
    int64 [units]; tilt: float64 [units], by how much the candidate is likelier, and the baseline less
    likely, to take the better outcome in this unit than elsewhere. `parallel`: a unit is the same item
    in all languages.
    """

    name: str
    metric: str
    worse: Float
    better: Float
    rows: NDArray[np.int64]
    tilt: Float
    parallel: bool

    @property
    def clustered(self) -> bool:
        return self.worse.shape[2] > 1

    @property
    def rows_per_unit(self) -> float:
        return float(self.rows.mean())

    @property
    def changeable(self) -> NDArray[np.bool_]:
        """Rows whose outcomes differ: bool [units, rows, languages]."""
        return (self.worse != self.better).any(axis=0)

    def changed_at_most(self, units: int) -> float:
        """How many rows of a language differ on average between two runs of equal probability."""
        each = self.changeable.sum(axis=(0, 1)).mean() / len(self.rows)
        return float(units * each / 2)

    def thinned(self, units: int, changed: float, rng: np.random.Generator) -> Population:
        """Give rows one outcome, so that on average `changed` rows differ among so many units."""
        share = changed / self.changed_at_most(units)
        if share >= 1:
            return self
        where = np.argwhere(self.changeable)
        keep = rng.permutation(len(where))[: round(share * len(where))]
        settled = np.ones(self.changeable.shape, dtype=bool)
        settled[tuple(where[keep].T)] = False
        first = rng.random(settled.shape) < 0.5
        worse = np.where(settled & first, self.better, self.worse)
        better = np.where(settled & ~first, self.worse, self.better)
        return replace(self, worse=worse, better=better)

    def symmetric(self) -> Population:
        """Add every unit with its languages exchanged, and all of them with the systems exchanged.

        All languages then have the same true scores, and so have systems of equal probability.
        """
        worse, better = (
            np.concatenate([x, x[..., ::-1], x, x[..., ::-1]], axis=1) for x in (self.worse, self.better)
        )
        tilt = np.concatenate([self.tilt, self.tilt, -self.tilt, -self.tilt])
        return replace(self, worse=worse, better=better, rows=np.tile(self.rows, 4), tilt=tilt)

    def scores(self, probabilities: Sequence[Float]) -> Float:
        """Return the true scores in percent, [probabilities, languages], of probabilities per unit."""
        worse, gain = (x.sum(axis=2) for x in (self.worse, self.better - self.worse))
        sums = worse.sum(axis=1) + np.einsum("pu,tul->ptl", np.stack(probabilities), gain, optimize=True)
        return 100 * sums[:, 0] / sums[:, 1]


def generated(rng: np.random.Generator, *, languages: int = 2) -> list[Population]:
    """Return one population per kind of metric; languages are parallel."""
    return [
        accuracy_items(rng, languages=languages),
        chunk_items(rng, languages=languages),
        precision_items(rng, languages=languages),
        articles(rng, languages=languages),
    ]


def accuracy_items(
    rng: np.random.Generator, *, languages: int = 2, level: float = 0.0, units: int = GENERATED_UNITS
) -> Population:
    """Right or wrong; 70% of an item's difficulty is common to all languages.

    `level` moves the share of right answers (0: 31% worse, 69% better outcomes).
    """
    skill = _common(rng, (units, languages))
    worse, better = (_rows((skill < level + shift).astype(float)) for shift in (-0.5, 0.5))
    return _single("accuracy", "accuracy", (worse, np.ones_like(worse)), (better, np.ones_like(worse)))


def chunk_items(rng: np.random.Generator, *, languages: int = 2) -> Population:
    """Sentences of 1 to about 12 gold chunks; true positives, predicted and gold chunks."""
    shape = (GENERATED_UNITS, languages)
    gold = 1 + rng.poisson(rng.gamma(2.0, 1.0, shape[0])[:, None] * np.ones(languages))
    chance = 1 / (1 + np.exp(_common(rng, shape)))
    found = rng.binomial(gold, chance)
    more = found + rng.binomial(gold - found, 0.3)
    wrong = rng.binomial(gold - found, 0.6), rng.binomial(gold - more, 0.5)
    worse, better = (
        (_rows(2.0 * hits), _rows(1.0 * hits + extra + gold))
        for hits, extra in zip((found, more), wrong, strict=True)
    )
    return _single("chunks", "F1 of chunks", worse, better)


def precision_items(rng: np.random.Generator, *, languages: int = 2) -> Population:
    """Queries with one right answer: 1/rank, 0 beyond rank 20."""
    skill = _common(rng, (GENERATED_UNITS, languages))

    def value(shift: float) -> Float:
        rank = np.ceil(np.exp(1.2 * (skill - shift) + 1.0))
        return _rows(np.where(rank <= 20, 1 / rank, 0.0))

    worse, better = value(-0.2), value(0.3)
    return _single("queries", "mAP@20", (worse, np.ones_like(worse)), (better, np.ones_like(worse)))


def articles(rng: np.random.Generator, *, languages: int = 2) -> Population:
    """Questions with answer F1 in articles of 10 to 40; articles differ in difficulty and in tilt."""
    units, most = 4_000, 40
    rows = rng.integers(10, most + 1, units)
    hard = 0.6 * rng.standard_normal((units, 1, 1))
    item = rng.standard_normal((units, most, 1))
    skill = hard + np.sqrt(0.5) * item + 0.4 * rng.standard_normal((units, most, languages))
    within = (np.arange(most) < rows[:, None])[:, :, None]
    partial = rng.choice([0.25, 0.4, 0.5, 0.67, 0.8], size=skill.shape)

    def value(shift: float) -> Float:
        return np.where(skill < shift, 1.0, np.where(skill < shift + 0.4, partial, 0.0)) * within

    ones = np.broadcast_to(within, skill.shape).astype(float)
    return Population(
        name="articles",
        metric="F1 of answers",
        worse=np.stack([value(-0.5), ones]),
        better=np.stack([value(0.4), ones]),
        rows=rows,
        tilt=0.15 * rng.standard_normal(units),
        parallel=True,
    )


def recorded(folders: Sequence[Path], rng: np.random.Generator) -> list[Population]:
    """Return the populations of real outputs that run folders hold, for the tasks known here.

    Tatoeba: the two directions of search are the two outcomes of a row, all languages together.
    udpos: the outcome of a sentence, and that of another of equally many gold chunks. xquad and lareqa:
    the outcomes of one question in two languages, as if two systems had given them, in articles.
    Languages of the first two are drawn apart, of the last two together.
    """
    makers = {"tatoeba": _tatoeba, "udpos": _udpos, "xquad": _in_articles, "lareqa": _in_articles}
    found = []
    for task, maker in makers.items():
        cells = {
            path.stem: table
            for folder in folders
            for path in sorted((folder / "examples" / task).glob("*.parquet"))
            if (table := _read(path)) is not None
        }
        if cells:
            found.append(maker(task, cells, rng))
    return found


_Cell = dict[str, NDArray[np.generic]]


def _read(path: Path) -> _Cell | None:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    if len(table.column_names) <= 5:
        return None
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    first = columns["seed"] == columns["seed"][0]
    return {name: column[first] for name, column in columns.items()}


def _tatoeba(task: str, cells: dict[str, _Cell], rng: np.random.Generator) -> Population:
    sides = [
        np.concatenate([c[f"{m}/correct"] for c in cells.values()]) for m in ("accuracy", "accuracy_to_en")
    ]
    worse, better = (np.repeat(_rows(x[:, None]), 2, axis=2) for x in _sorted(sides[0], sides[1]))
    ones = np.ones_like(worse)
    return replace(_single(task, "accuracy", (worse, ones), (better, ones)), parallel=False)


def _udpos(task: str, cells: dict[str, _Cell], rng: np.random.Generator) -> Population:
    hits, predicted, gold = (
        np.concatenate([c[f"f1/{part}"] for c in cells.values()]).astype(float)
        for part in ("true_positives", "predicted", "gold")
    )
    other = np.arange(len(gold))
    for size in np.unique(gold):
        own = np.flatnonzero(gold == size)
        other[own] = rng.permutation(own)
    first_is_worse = hits <= hits[other]
    outcomes = [
        (np.where(pick, hits, hits[other]), np.where(pick, predicted, predicted[other]))
        for pick in (first_is_worse, ~first_is_worse)
    ]
    worse, better = (
        tuple(np.repeat(_rows(x[:, None]), 2, axis=2) for x in (2 * hit, made + gold))
        for hit, made in outcomes
    )
    return replace(_single(task, "F1 of chunks", worse, better), parallel=False)


def _in_articles(task: str, cells: dict[str, _Cell], rng: np.random.Generator) -> Population:
    metric = "map@20" if task == "lareqa" else "f1"
    values = {code: cell[f"{metric}/score"].astype(float) for code, cell in cells.items()}
    best = sorted(values, key=lambda code: -values[code].mean())[:4]
    clusters = cells[best[0]]["cluster_id"]
    for code in best[1:]:
        assert np.array_equal(cells[code]["parallel_id"], cells[best[0]]["parallel_id"]), code
    names = list(dict.fromkeys(clusters.tolist()))
    rows = np.array([int((clusters == name).sum()) for name in names])
    worse, better = (np.zeros((2, len(names), rows.max(), 2)) for _ in range(2))
    for language, (one, other) in enumerate(((best[0], best[3]), (best[1], best[2]))):
        low, high = _sorted(values[one], values[other])
        for unit, name in enumerate(names):
            own = clusters == name
            for outcome, of_rows in ((worse, low), (better, high)):
                outcome[0, unit, : rows[unit], language] = of_rows[own]
                outcome[1, unit, : rows[unit], language] = 1.0
    label = "mAP@20" if task == "lareqa" else "F1 of answers"
    tilt = 0.15 * rng.standard_normal(len(names))
    return Population(task, label, worse, better, rows, tilt, parallel=True)


def _common(rng: np.random.Generator, shape: tuple[int, int]) -> Float:
    """Standard normal numbers of which 70% of the variance is common to a row."""
    return np.sqrt(0.7) * rng.standard_normal((shape[0], 1)) + np.sqrt(0.3) * rng.standard_normal(shape)


def _rows(values: Float) -> Float:
    """[units, languages] -> [units, 1, languages]."""
    return np.asarray(values, dtype=np.float64)[:, None, :]


def _sorted(one: Float, other: Float) -> tuple[Float, Float]:
    return np.minimum(one, other), np.maximum(one, other)


def _single(name: str, metric: str, worse: tuple[Float, ...], better: tuple[Float, ...]) -> Population:
    units = worse[0].shape[0]
    return Population(
        name=name,
        metric=metric,
        worse=np.stack(worse),
        better=np.stack(better),
        rows=np.ones(units, dtype=np.int64),
        tilt=np.zeros(units),
        parallel=True,
    )
