"""What is simulated: every setting as one job, run by itself; returns plain rows of a table."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from populations import Float, Population, accuracy_items, articles, generated, recorded
from sampling import (
    ALPHA,
    DRAWN_UNITS,
    PEER_DRAWS,
    Analyser,
    Linear,
    Sample,
    Sampler,
    Setting,
    contrasted,
    draw_scores,
    holds,
)

# The last language is compared, the first is the source: d(l), and r(l) = d(l) - d(e).
PAIR = np.array([[0.0, 1.0], [-1.0, 1.0]])
# What the candidate's probability of the better outcome exceeds the baseline's by, where d is not 0.
EFFECT = 0.2
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Job:
    """One setting. `changed`: rows that differ between two runs, on average; None: all that may."""

    population: str
    units: int
    changed: int | None
    runs: int = 1
    seed_errors: float = 0.0  # sd between runs of a score, in item standard errors of a difference
    comparisons: int = 10_000
    folders: tuple[Path, ...] = ()

    @property
    def rng(self) -> np.random.Generator:
        text = f"{self.population}/{self.units}/{self.changed}/{self.runs}/{self.seed_errors}"
        return np.random.default_rng(zlib.crc32(text.encode("utf-8")))


@lru_cache(maxsize=1)
def populations(folders: tuple[Path, ...]) -> dict[str, Population]:
    rng = np.random.default_rng(2026)
    return {population.name: population for population in [*generated(rng), *recorded(folders, rng)]}


def contrast_row(job: Job) -> Row | None:
    """Simulate one setting with d = 0 and with d != 0 = r; None where so few rows may change."""
    rng, whole = job.rng, populations(job.folders)[job.population]
    most = whole.changed_at_most(job.units)
    if job.changed is not None and job.changed > most:
        return None
    population = whole if job.changed is None else whole.thinned(job.units, job.changed, rng)
    population = population.symmetric()
    spread = _spread(population, job, rng) if job.seed_errors else 0.0
    methods: dict[tuple[str, str], list[np.ndarray]] = {}
    for effect in (0.0, EFFECT):
        setting = Setting(job.units, job.runs, (effect, effect), spread)
        sampler = Sampler(population, setting, rng)
        scores = sampler.truths()
        truth = (scores[:, 0] - scores[:, 1]) @ PAIR.T
        # By construction; sums of 80,000 rows are rounded.
        truth[np.abs(truth) < 1e-9] = 0.0
        analyser = Analyser(PAIR, rng, drawn=job.units <= DRAWN_UNITS)
        peers = job.comparisons // (5 if job.units <= DRAWN_UNITS else 10)
        for sample in sampler.samples(job.comparisons):
            found, draws = analyser.analyse(sample)
            held = {
                "ours": found.p_values(truth, recipes=job.runs > 1) > ALPHA,
                "whole": found.p_values(truth, recipes=job.runs > 1, pseudo=found.whole) > ALPHA,
                "plain": found.p_values(truth, recipes=job.runs > 1, pseudo=0 * found.pseudo) > ALPHA,
                "items": found.p_values(truth, recipes=False) > ALPHA,
            }
            if peers > 0:
                draws = draw_scores(sample, rng, PEER_DRAWS) if draws is None else draws
                held |= _peers(draws[:peers], truth, rng)
                peers -= len(draws)
            for method, values in held.items():
                for k, quantity in enumerate(("d", "r")):
                    methods.setdefault((method, f"{quantity}{'+' if effect else '0'}"), []).append(
                        values[:, k]
                    )
    row: Row = {
        "population": whole.name,
        "metric": whole.metric,
        "clustered": whole.clustered,
        "units": job.units,
        "rows": round(job.units * whole.rows_per_unit),
        "changed": population.changed_at_most(job.units),
        "runs": job.runs,
        "seed_errors": job.seed_errors,
    }
    for (method, what), held in methods.items():
        row[f"{method} {what}"] = 100 * float(np.concatenate(held).mean())
    return row


def _spread(population: Population, job: Job, rng: np.random.Generator) -> float:
    """Return the sd of a run's probability that gives the sd of its score that the job asks for."""
    sampler = Sampler(population, Setting(job.units), rng)
    analyser = Analyser(PAIR, rng, drawn=False)
    items = np.concatenate([analyser.analyse(sample)[0].items[:, 0] for sample in sampler.samples(400)])
    step = 0.01
    low, high = population.scores([np.full(len(population.rows), 0.5 + x) for x in (-step, step)])[:, 0]
    return job.seed_errors * float(np.sqrt(items.mean())) / ((high - low) / (2 * step))


def _peers(draws: np.ndarray, truth: Float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Percentile intervals over items of the mean over runs; and over items and runs drawn anew."""
    runs = draws.shape[3]
    sides = contrasted(draws, PAIR.astype(np.float32))
    one_level = sides.mean(axis=3)
    found = {"percentile": holds(one_level[:, :, 0] - one_level[:, :, 1], truth)}
    if runs > 1:
        times = rng.multinomial(runs, np.full(runs, 1 / runs), size=(2, draws.shape[-1]))
        two_level = np.einsum("ckmsb,mbs->ckmb", sides, times.astype(np.float32) / runs)
        found["two-level"] = holds(two_level[:, :, 0] - two_level[:, :, 1], truth)
    return found


@dataclass(frozen=True, slots=True)
class FamilyJob:
    """A family of tests: the differences, and the gap reductions, of all languages of a task."""

    kind: str  # "items" or "articles"
    languages: int
    units: int
    parallel: bool
    affected: float  # share of the languages with a true effect
    runs: int = 1
    comparisons: int = 10_000


def family_row(job: FamilyJob) -> Row:
    """Return how often Holm's method finds any effect where there is none, in percent of the families."""
    from harness.stats.families import adjust

    rng = np.random.default_rng(zlib.crc32(str(job).encode("utf-8")))
    make = accuracy_items if job.kind == "items" else articles
    population = replace(make(rng, languages=job.languages), parallel=job.parallel)
    # The systems exchanged, but not the languages, which are more than two.
    population = replace(
        population,
        worse=np.tile(population.worse, (1, 2, 1, 1)),
        better=np.tile(population.better, (1, 2, 1, 1)),
        rows=np.tile(population.rows, 2),
        tilt=np.concatenate([population.tilt, -population.tilt]),
    )
    affected = np.zeros(job.languages, dtype=bool)
    affected[job.languages - round(job.affected * job.languages) :] = job.affected > 0
    setting = Setting(job.units, job.runs, tuple(np.where(affected, EFFECT, 0.0)))
    sampler = Sampler(population, setting, rng)
    reductions = np.eye(job.languages)[1:]
    reductions[:, 0] = -1
    weights = np.concatenate([np.eye(job.languages), reductions])
    analyser = Analyser(weights, rng, drawn=False)
    wrong: dict[str, int] = {"d": 0, "r": 0, "d unadjusted": 0, "r unadjusted": 0}
    checked = False
    for sample in sampler.samples(job.comparisons):
        p = analyser.analyse(sample)[0].p_values(0.0, recipes=job.runs > 1)
        parts = {"d": (p[:, : job.languages], ~affected), "r": (p[:, job.languages :], ~affected[1:])}
        for quantity, (of_family, null) in parts.items():
            adjusted = _holm(of_family)
            if not checked:
                again = [adjust(row.tolist(), correction="holm") for row in of_family[:20]]
                assert np.allclose(adjusted[:20], np.array(again, dtype=float), atol=1e-12)
            wrong[quantity] += int((adjusted[:, null] <= ALPHA).any(axis=1).sum())
            wrong[f"{quantity} unadjusted"] += int((of_family[:, null] <= ALPHA).any(axis=1).sum())
        checked = True
    row: Row = {
        "kind": job.kind,
        "languages": job.languages,
        "units": job.units,
        "parallel": job.parallel,
        "affected": int(affected.sum()),
        "runs": job.runs,
    }
    return row | {what: 100 * count / job.comparisons for what, count in wrong.items()}


def _holm(p: Float) -> Float:
    """Adjust each row, as `harness.stats.families.adjust`."""
    order = np.argsort(p, axis=1, kind="stable")
    size = p.shape[1]
    steps = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * np.arange(size, 0, -1), axis=1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(steps, 1.0), axis=1)
    return adjusted


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """Intervals of single scores. `level`: see `populations.accuracy_items`; None: a known population."""

    population: str
    units: int
    level: float | None = None
    comparisons: int = 10_000
    folders: tuple[Path, ...] = ()


def score_row(job: ScoreJob) -> Row:
    """Return how often the interval of a score holds the true score, in percent."""
    from harness.stats.intervals import Variance, score_interval

    rng = np.random.default_rng(zlib.crc32(f"{job.population}/{job.units}/{job.level}".encode()))
    if job.level is None:
        population = populations(job.folders)[job.population]
    else:
        population = accuracy_items(rng, level=job.level)
    sampler = Sampler(population, Setting(job.units), rng)
    # The score of the second language alone is the contrast of its draws with nothing.
    truth, covered = float(sampler.truths()[1, 0]), 0
    for sample in sampler.samples(job.comparisons):
        if job.units <= DRAWN_UNITS:
            draws = draw_scores(sample, rng, PEER_DRAWS)[:, 1, 0, 0]
            variances = draws.var(axis=-1, ddof=1, dtype=np.float64)
        else:
            variances = _linear_variances(sample)
        for value, variance in zip(_scores(sample), variances, strict=True):
            low, high = score_interval(
                float(value), Variance(float(variance), job.units - 1), units=job.units, alpha=ALPHA
            )
            assert low is not None and high is not None
            covered += low <= truth <= high
    return {
        "population": population.name,
        "metric": population.metric,
        "units": job.units,
        "rows": round(job.units * population.rows_per_unit),
        "score": truth,
        "coverage": 100 * covered / job.comparisons,
    }


def _scores(sample: Sample) -> Float:
    sums = (x[:, 1, 0, 0].sum(axis=-1, dtype=np.float64) for x in (sample.numerators, sample.denominators))
    above, below = sums
    return 100 * above / below


def _linear_variances(sample: Sample) -> Float:
    units = sample.numerators.shape[-1]
    influence = Linear.of(sample).influence[:, 1, 0, 0].astype(np.float64)
    return (influence**2).sum(axis=-1) * units / (units - 1)


def contrast_jobs(comparisons: int, folders: tuple[Path, ...]) -> list[Job]:
    """All settings of one run, and of three and five runs."""
    jobs: list[Job] = []
    for name, population in populations(folders).items():
        sizes = (20, 48, 240) if population.clustered else (100, 300, 1000, 10_000)
        for units in sizes:
            most = population.changed_at_most(units)
            changes: list[int | None] = [c for c in (5, 20, 200) if c <= most]
            # All rows that may change, where that is another number.
            if most > 1.5 * max([5, *[c for c in changes if c]]):
                changes.append(None)
            jobs += [Job(name, units, c, comparisons=comparisons, folders=folders) for c in changes]
    for name, population in populations(folders).items():
        sizes = (48,) if population.clustered else (1000,)
        sizes += {"accuracy": (100,), "articles": (20, 240)}.get(name, ())
        for units in sizes:
            changed = 200 if population.changed_at_most(units) >= 200 else None
            jobs += [
                Job(name, units, changed, runs, errors, comparisons, folders)
                for runs in (3, 5)
                for errors in (0.0, 0.3, 1.0, 3.0)
            ]
    return jobs


def family_jobs(comparisons: int) -> list[FamilyJob]:
    shapes: Sequence[tuple[str, int, int, bool, int]] = (
        ("items", 15, 1000, True, 1),
        ("items", 50, 300, True, 1),
        ("items", 50, 300, False, 1),
        ("articles", 11, 48, True, 1),
        ("items", 15, 1000, True, 3),
    )
    return [
        FamilyJob(kind, languages, units, parallel, affected, runs, comparisons)
        for kind, languages, units, parallel, runs in shapes
        for affected in (0.0, 0.5)
    ]


def score_jobs(comparisons: int, folders: tuple[Path, ...]) -> list[ScoreJob]:
    jobs = [
        ScoreJob("accuracy", units, level, comparisons) for level in (0.0, 1.0, 1.7) for units in (100, 1000)
    ]
    for name, population in populations(folders).items():
        if name != "accuracy":
            sizes = (20, 48, 240) if population.clustered else (100, 1000)
            jobs += [ScoreJob(name, units, None, comparisons, folders) for units in sizes]
    return jobs
