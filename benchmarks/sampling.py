"""Simulated comparisons of two systems, and what each way of testing says of them.

Everything is computed for many comparisons at once. The t test is that of `harness.stats.contrasts`, with
the same formulas; `simulate_contrasts.py` checks both against each other on the same samples before
anything is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from populations import Float, Population

from harness.stats.draws import POISSON_COUNTS

Small = NDArray[np.float32]

ALPHA = 0.05
PEER_DRAWS = 999
# Up to here V* is taken from draws, above from the linearised form, which by then is equal.
DRAWN_UNITS = 300
_NUMBERS = 2_000_000  # how many statistics are held at a time


@dataclass(frozen=True, slots=True)
class Setting:
    """What is compared: so many units, so many runs of either system.

    effect: what is added to the candidate's probability of the better outcome and taken from the
    baseline's, halved, by language; spread: the standard deviation of a run's own share in it. A run's
    share is one half common to all languages and one half of each language's own (variances).
    """

    units: int
    runs: int = 1
    effect: tuple[float, ...] = (0.0, 0.0)
    spread: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Statistics of comparisons: float32 [comparisons, languages, systems, runs, units].

    System 0 is the candidate. rows: [comparisons, languages], the rows of a language. `parallel`: unit u
    is the same in all languages. `fixed`: the denominators are the same for all systems and runs.
    """

    numerators: Small
    denominators: Small
    rows: Float
    parallel: bool
    fixed: bool


class Sampler:
    """Samples comparisons from a population, always with the same setting."""

    def __init__(self, population: Population, setting: Setting, rng: np.random.Generator) -> None:
        self.setting, self._rng, self._population = setting, rng, population
        # Rows with one outcome are summed beforehand, the others moved to the front of their unit.
        differs = population.changeable
        most = max(1, int(differs.sum(axis=1).max()))
        order = np.argsort(~differs, axis=1, kind="stable")[:, :most]
        base = np.moveaxis(population.worse.sum(axis=2), -1, 1)
        gain = np.where(differs, population.better - population.worse, 0.0)
        gain = np.stack([np.take_along_axis(part, order, axis=1) for part in gain])
        # [N and D, languages, units] and [N and D, languages, rows, units].
        self._base = np.ascontiguousarray(base, dtype=np.float32)
        self._gain = np.ascontiguousarray(np.moveaxis(gain, (3, 2), (1, 2)), dtype=np.float32)
        # A statistic that no outcome moves (the rows of an accuracy) is not sampled anew.
        self._moves = [bool(part.any()) for part in self._gain]

    def samples(self, comparisons: int) -> Iterator[Sample]:
        s = self.setting
        # Where there are few units, their draws are what takes memory.
        held = max(s.units, PEER_DRAWS) if s.units <= DRAWN_UNITS else s.units
        step = max(1, min(comparisons, _NUMBERS // (held * len(s.effect) * 2 * s.runs)))
        for start in range(0, comparisons, step):
            yield self._sample(min(step, comparisons - start))

    def truths(self) -> Float:
        """Return the true scores [languages, systems] in percent, means over runs to come."""
        s, pop = self.setting, self._population
        nodes = _normal_nodes(101 if s.spread else 1)
        effects = np.array(s.effect)
        scores = np.zeros((len(effects), 2))
        for effect in dict.fromkeys(s.effect):
            own = effects == effect
            for system, sign in enumerate((1, -1)):
                chances = [np.clip(0.5 + sign * (effect / 2 + pop.tilt) + s.spread * x, 0, 1) for x in nodes]
                scores[own, system] = pop.scores(chances).mean(axis=0)[own]
        return scores

    def _sample(self, count: int) -> Sample:
        s, rng, pop = self.setting, self._rng, self._population
        languages = len(s.effect)
        shape = (count, languages, 2, s.runs, s.units)
        unit = rng.integers(len(pop.rows), size=(count, 1 if pop.parallel else languages, s.units))
        unit = np.broadcast_to(unit, (count, languages, s.units))
        sides = np.array([1.0, -1.0])[:, None]
        effect = np.array(s.effect)[:, None, None] / 2 * sides
        # Half of the variance between runs is common to the languages.
        common = rng.standard_normal((count, 1, 2, s.runs)) * np.sqrt(0.5)
        own = rng.standard_normal((count, languages, 2, s.runs)) * np.sqrt(0.5)
        chance = (0.5 + effect + s.spread * (common + own))[..., None]
        if pop.tilt.any():
            chance = chance + pop.tilt[unit][:, :, None, None, :] * sides[..., None]
        limit = np.clip(chance * 65_536, 0, 65_535).astype(np.uint16)
        sums = [np.empty(shape, dtype=np.float32) for _ in self._base]
        for total, base in zip(sums, self._base, strict=True):
            for language in range(languages):
                total[:, language] = base[language, unit[:, language]][:, None, None, :]
        for row in range(self._gain.shape[2]):
            picked = _numbers(rng, int(np.prod(shape))).reshape(shape) < limit
            for total, gain, moves in zip(sums, self._gain, self._moves, strict=True):
                if moves:
                    for language in range(languages):
                        of_row = gain[language, row, unit[:, language]][:, None, None, :]
                        total[:, language] += picked[:, language] * of_row
        rows = pop.rows[unit].sum(axis=-1).astype(np.float64)
        return Sample(sums[0], sums[1], rows=rows, parallel=pop.parallel, fixed=not self._moves[1])


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What the engine says of each comparison and contrast: arrays [comparisons, contrasts].

    items: V* over the mean of runs; shared: Vx; pseudo: V0; between: s2/S by system, [.., 2]. whole: V0 if
    its pseudo-rows were whole ones in every score.
    """

    values: Float
    items: Float
    shared: Float
    pseudo: Float
    whole: Float
    between: Float
    units: int
    runs: int

    def variance(self, *, recipes: bool, pseudo: Float | None = None) -> tuple[Float, Float]:
        """Return V and its degrees of freedom, as `harness.stats.contrasts.contrast`.

        `pseudo` stands for V0 where another one is tried.
        """
        added = self.pseudo if pseudo is None else pseudo
        if not recipes:
            return self.items + added, np.full_like(added, self.units - 1)
        of_items = np.maximum(0.0, self.items - self.shared) + added
        total, least = of_items + self.between.sum(axis=-1), self.items + added
        safe = np.where(total > 0, total, 1.0)
        shares = (of_items / safe) ** 2 / (self.units - 1)
        shares += ((self.between / safe[..., None]) ** 2).sum(axis=-1) / (self.runs - 1)
        return np.maximum(total, least), 1 / np.where(total > least, shares, 1 / (self.units - 1))

    def p_values(self, truth: Float | float, *, recipes: bool, pseudo: Float | None = None) -> Float:
        """Return the p of the t test of `truth`; above alpha exactly where its interval holds it."""
        from scipy.special import stdtr

        variance, df = self.variance(recipes=recipes, pseudo=pseudo)
        moved = np.abs(self.values - truth)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stdtr(df, -moved / np.sqrt(variance))
        return np.where(moved == 0, 1.0, p)


class Analyser:
    """Computes contrasts of samples: weights [contrasts, languages], one row per contrast."""

    def __init__(self, weights: Float, rng: np.random.Generator, *, drawn: bool) -> None:
        self._weights, self._rng, self._drawn = weights.astype(np.float32), rng, drawn

    def analyse(self, sample: Sample) -> tuple[Analysis, Small | None]:
        """Return the analysis, and the draws of scores where V* was taken from them."""
        linear = Linear.of(sample)
        weights, (runs, units) = self._weights, sample.numerators.shape[3:]
        of_run = linear.scores[:, :, 0] - linear.scores[:, :, 1]
        values = of_run.mean(axis=-1) @ weights.T
        of_language, squared = 2 * (100 / sample.rows) ** 2, weights.T.astype(np.float64) ** 2
        whole = of_language @ squared
        pseudo = (of_language * linear.size_of_changes(sample)) @ squared
        sides = contrasted(linear.scores, self._weights)
        between = sides.var(axis=-1, ddof=1) / runs if runs > 1 else np.zeros((*values.shape, 2))
        draws = draw_scores(sample, self._rng, PEER_DRAWS) if self._drawn else None
        if draws is None:
            items, shared = linear.variances(weights, sample.parallel)
        else:
            items, shared = self._from_draws(draws)
        return Analysis(values, items, shared, pseudo, whole, between, units, runs), draws

    def _from_draws(self, draws: Small) -> tuple[Float, Float]:
        runs = draws.shape[3]
        sides = contrasted(draws, self._weights)
        mean = sides.mean(axis=3)
        items = (mean[:, :, 0] - mean[:, :, 1]).var(axis=-1, ddof=1)
        shared = np.zeros(items.shape)
        if runs > 1:
            for run in range(runs):
                apart = sides[:, :, :, run] - mean
                shared += apart.var(axis=-1, ddof=1).sum(axis=-1) / (runs * (runs - 1))
        return items.astype(np.float64), shared


def contrasted(scores: Float | Small, weights: Small) -> NDArray[np.floating]:
    """[comparisons, languages, ..] -> [comparisons, contrasts, ..]."""
    found = np.tensordot(weights, scores, axes=(1, 1))
    return np.moveaxis(found, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Scores [comparisons, languages, systems, runs] and the influence of every unit on them."""

    scores: Float
    influence: Small  # [comparisons, languages, systems, runs, units]

    @classmethod
    def of(cls, sample: Sample) -> Linear:
        above = sample.numerators.sum(axis=-1, dtype=np.float64)
        below = sample.denominators.sum(axis=-1, dtype=np.float64)
        scores = 100 * above / below
        influence = sample.numerators * (100 / below).astype(np.float32)[..., None]
        influence -= sample.denominators * (scores / below).astype(np.float32)[..., None]
        return cls(scores, influence)

    def size_of_changes(self, sample: Sample) -> Float:
        """Return the mean square of what a changed unit changes, in rows, at most 1; 1 where none is."""
        mean = _over_runs(self.influence)
        moved = ((mean[:, :, 0] - mean[:, :, 1]) * (sample.rows / 100)[..., None].astype(np.float32)) ** 2
        changed = np.zeros(moved.shape, dtype=bool)
        for x in (sample.numerators,) if sample.fixed else (sample.numerators, sample.denominators):
            sides = _over_runs(x)
            changed |= sides[:, :, 0] != sides[:, :, 1]
        count = changed.sum(axis=-1)
        square = (moved * changed).sum(axis=-1, dtype=np.float64) / np.maximum(count, 1)
        return np.where(count > 0, np.minimum(square, 1.0), 1.0)

    def variances(self, weights: Small, parallel: bool) -> tuple[Float, Float]:
        """Return V* and Vx of contrasts by the linearised form, times U/(U - 1)."""
        runs, units = self.influence.shape[3:]
        mean = _over_runs(self.influence)
        items = _squares(mean[:, :, 0] - mean[:, :, 1], weights, parallel)
        shared = np.zeros_like(items)
        if runs > 1:
            for run in range(runs):
                for system in range(2):
                    apart = self.influence[:, :, system, run] - mean[:, :, system]
                    shared += _squares(apart, weights, parallel) / (runs * (runs - 1))
        factor = units / (units - 1)
        return items * factor, shared * factor


def draw_scores(sample: Sample, rng: np.random.Generator, draws: int) -> Small:
    """Return scores in Poisson draws of units, float32 [comparisons, languages, systems, runs, draws]."""
    count, languages, systems, runs, units = sample.numerators.shape
    weights = poisson_weights(rng, (units, draws))
    found = np.empty((count, languages, systems, runs, draws), dtype=np.float32)
    for language in range(languages):
        if language and not sample.parallel:
            weights = poisson_weights(rng, (units, draws))
        below = sample.denominators[:, language, :1, :1] if sample.fixed else sample.denominators[:, language]
        found[:, language] = 100 * _weighted(sample.numerators[:, language], weights)
        found[:, language] /= _weighted(below, weights)
    return found


def _weighted(statistics: Small, weights: Small) -> Small:
    # One product of two matrices; numpy would make one per comparison, system and run.
    flat = statistics.reshape(-1, len(weights)) @ weights
    return np.asarray(flat.reshape(*statistics.shape[:-1], -1))


def poisson_weights(rng: np.random.Generator, shape: tuple[int, int]) -> Small:
    """Return Poisson(1) weights, as `harness.stats.draws` looks them up."""
    numbers = _numbers(rng, shape[0] * shape[1]).reshape(shape)
    weights = np.zeros(shape, dtype=np.uint8)
    for first in np.cumsum(POISSON_COUNTS)[:-1].astype(np.uint16):
        weights += numbers >= first
    return weights.astype(np.float32)


def _numbers(rng: np.random.Generator, count: int) -> NDArray[np.uint16]:
    return rng.bit_generator.random_raw(-(-count // 4)).view(np.uint16)[:count]


def _over_runs(values: Small) -> Small:
    """Return the mean over runs, [comparisons, languages, systems, runs, units] -> [.., units]."""
    return values[:, :, :, 0] if values.shape[3] == 1 else values.mean(axis=3)


def holds(draws: Small, truth: Float | float, *, slack: float = 2e-4) -> NDArray[np.bool_]:
    """Whether percentile intervals hold the truth, [.., draws] -> [..]; ties are within `slack`."""
    least = int((draws.shape[-1] + 1) * ALPHA / 2)
    apart = draws - np.asarray(truth)[..., None]
    return ((apart <= slack).sum(axis=-1) >= least) & ((apart >= -slack).sum(axis=-1) >= least)


def _squares(influence: Small, weights: Small, parallel: bool) -> Float:
    """Sum the squares over units of contrasts of influences [comparisons, languages, units]."""
    if parallel:
        combined = weights @ influence
        return np.einsum("cku,cku->ck", combined, combined).astype(np.float64)
    return np.einsum("clu,clu->cl", influence, influence).astype(np.float64) @ weights.T.astype(float) ** 2


def _normal_nodes(count: int) -> Float:
    """Return equally likely values of a standard normal variable."""
    from scipy.special import ndtri

    if count == 1:
        return np.zeros(1)
    nodes = ndtri((np.arange(count) + 0.5) / count)
    return np.asarray(nodes / nodes.std())
