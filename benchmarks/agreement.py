"""Two checks before anything is counted: the closed form against real draws, and against the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from populations import Float, accuracy_items
from sampling import Analyser, Linear, Sample, Sampler, Setting
from settings import EFFECT, PAIR, Row, populations

from harness.records import Cell
from harness.stats.contrasts import contrast, t_test
from harness.stats.estimate import Draws, combine, draw_cells
from harness.stats.influence import size_of_changes

LANGUAGES = ("e", "l")


def agreement_rows(folders: tuple[Path, ...], *, comparisons: int = 30, resamples: int = 10_000) -> list[Row]:
    """Compare V of the simulations with that of `harness.stats` on the same data, B = 10,000."""
    rows: list[Row] = []
    for number, (name, population) in enumerate(populations(folders).items()):
        for units in (20, 48, 240) if population.clustered else (200, 1000):
            for runs in (1, 3):
                rng = np.random.default_rng([number, units, runs])
                spread = 0.02 if runs > 1 else 0.0
                sampler = Sampler(population.symmetric(), Setting(units, runs, (EFFECT, EFFECT), spread), rng)
                ratios, p_differences = [], []
                for sample in sampler.samples(comparisons):
                    found, _ = Analyser(PAIR, rng, drawn=False).analyse(sample)
                    variance, df = found.variance(recipes=runs > 1)
                    p = found.p_values(0.0, recipes=runs > 1)
                    for c in range(len(sample.rows)):
                        of_engine = _engine(sample, c, resamples)
                        for k, (v, d, p_engine, value) in enumerate(of_engine):
                            assert abs(value - found.values[c, k]) < 1e-3, (name, value, found.values[c, k])
                            if runs == 1:
                                assert d == df[c, k], (name, d, df[c, k])
                            ratios.append(v / variance[c, k])
                            p_differences.append(abs(p_engine - p[c, k]))
                rows.append(
                    {
                        "population": name,
                        "units": units,
                        "runs": runs,
                        "mean": float(np.mean(ratios)),
                        "least": float(np.min(ratios)),
                        "most": float(np.max(ratios)),
                        "p": float(np.mean(p_differences)),
                    }
                )
    return rows


def _engine(sample: Sample, number: int, resamples: int) -> list[tuple[float, float, float, float]]:
    """Return V, df, p and value of d and r from the engine's draws of one comparison."""
    draws = {}
    for system in range(2):
        cells = [_cell(sample, number, language, system) for language in range(2)]
        draws[system] = draw_cells(
            cells, space="s", values={"t": {"m": _percent}}, seed=number, resamples=resamples
        )
    found = []
    for weights in PAIR:
        sides = [
            combine(
                [draws[system]["t", code, "m"] for code, w in zip(LANGUAGES, weights, strict=True) if w],
                [float(w) for w in weights if w],
            )
            for system in range(2)
        ]
        result = contrast(
            *_sized(sides, sample, number), scope="recipes" if sides[0].runs > 1 else "checkpoints"
        )
        p = t_test(result, alpha=0.05).p
        assert p is not None
        found.append((result.variance, result.df, p, result.value))
    return found


def _sized(sides: list[Draws], sample: Sample, number: int) -> list[Draws]:
    """Say of both sides what a changed unit changes, as `harness.comparison.drawing` does."""
    sizes = {}
    for place, code in enumerate(LANGUAGES):
        cells = [_cell(sample, number, place, system) for system in range(2)]
        of_row = np.unique(np.array(cells[0].parallel_ids), return_inverse=True)[1]
        sizes["t", code] = size_of_changes(
            cells[0].statistics["m"], cells[1].statistics["m"], of_row, _percent, rows=cells[0].tested
        )
    return [replace(side, changes={cell: sizes[cell] for cell in side.weights}) for side in sides]


def _percent(sums: Float) -> Float:
    return np.asarray(100 * sums[..., 0] / sums[..., 1])


def _cell(sample: Sample, number: int, language: int, system: int) -> Cell:
    """Put the sums of a unit into its first row; the others hold nothing but belong to it."""
    sums = [x[number, language, system].astype(np.float64) for x in (sample.numerators, sample.denominators)]
    units, rows = sums[0].shape[1], int(sample.rows[number, language])
    unit_of = np.concatenate([np.arange(units), np.zeros(rows - units, dtype=np.int64)])
    statistics = np.zeros((sums[0].shape[0], rows, 2))
    statistics[:, :units] = np.stack(sums, axis=-1)
    keys = tuple(f"{unit}" if sample.parallel else f"{language}-{unit}" for unit in unit_of)
    return Cell(
        task="t",
        language=LANGUAGES[language],
        seeds=tuple(range(sums[0].shape[0])),
        example_ids=tuple(map(str, range(rows))),
        parallel_ids=keys,
        cluster_ids=(None,) * rows,
        golds=("gold",) * rows,
        statistics={"m": statistics},
    )


def pairing_rows(comparisons: int) -> list[Row]:
    """Return what joint and independent draws of ten parallel languages say of the error of numbers.

    `joint`, `apart`: root mean square of the standard error over the true standard deviation;
    coverage of 95% intervals.
    """
    from scipy.special import stdtrit

    languages, units = 10, 1000
    rng = np.random.default_rng(10)
    population = accuracy_items(rng, languages=languages)
    # The candidate is better in some items and worse in others, whatever the language.
    tilt = rng.choice([-0.4, 0.4], size=len(population.rows))
    population = replace(population, tilt=tilt)
    sampler = Sampler(population, Setting(units, effect=(EFFECT,) * languages), rng)
    mean, one, two = np.full(languages, 1 / languages), np.eye(languages)[1], np.eye(languages)[0]
    candidate, both = np.array([1.0, 0.0]), np.array([1.0, -1.0])
    numbers = {
        "gap of one language": np.outer(two - one, candidate),
        "gap reduction of one language": np.outer(one - two, both),
        "average score": np.outer(mean, candidate),
        "average difference": np.outer(mean, both),
    }
    truths, reach = sampler.truths(), float(stdtrit(units - 1, 0.975))
    values: dict[str, list[Float]] = {name: [] for name in numbers}
    variances: dict[str, list[Float]] = {
        f"{how} {name}": [] for name in numbers for how in ("joint", "apart")
    }
    for sample in sampler.samples(comparisons):
        linear = Linear.of(sample)
        for name, weights in numbers.items():
            of_language = np.einsum("clsu,ls->clu", linear.influence[:, :, :, 0], weights)
            values[name].append(np.einsum("cls,ls->c", linear.scores[..., 0], weights))
            factor = units / (units - 1)
            variances[f"joint {name}"].append(factor * (of_language.sum(axis=1) ** 2).sum(axis=-1))
            variances[f"apart {name}"].append(factor * (of_language**2).sum(axis=(1, 2)))
    rows: list[Row] = []
    for name, weights in numbers.items():
        found, truth = np.concatenate(values[name]), float((truths * weights).sum())
        row: Row = {"number": name, "sd": float(found.std(ddof=1))}
        for how in ("joint", "apart"):
            errors = np.sqrt(np.concatenate(variances[f"{how} {name}"]))
            row[how] = float(np.sqrt((errors**2).mean()) / found.std(ddof=1))
            row[f"{how} coverage"] = 100 * float((np.abs(found - truth) <= reach * errors).mean())
        rows.append(row)
    return rows
