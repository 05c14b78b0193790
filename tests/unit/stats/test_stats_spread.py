from __future__ import annotations

import numpy as np
import pytest

from harness.records import Cell
from harness.stats.contrasts import contrast
from harness.stats.estimate import draw_cells
from harness.stats.spread import spread_sides

N = 200


def drawn(shares, *, seed, runs=1, resamples=2_000):
    rng = np.random.default_rng(seed)
    ids = tuple(map(str, range(N)))
    cells = [
        Cell(
            task="t",
            language=f"l{i}",
            seeds=tuple(range(runs)),
            example_ids=ids,
            parallel_ids=ids,
            cluster_ids=(None,) * N,
            golds=("gold",) * N,
            statistics={"m": np.stack([rng.random((runs, N)) < share, np.ones((runs, N))], axis=2)},
        )
        for i, share in enumerate(shares)
    ]
    values = {"t": {"m": lambda sums: 100 * sums[..., 0] / sums[..., 1]}}
    return list(draw_cells(cells, space="s", values=values, seed=0, resamples=resamples).values())


SHARES = (0.9, 0.8, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2)


@pytest.mark.parametrize("measure", ["sd", "worst quartile"])
def test_measures_are_of_the_scores_of_each_run_and_draw(measure):
    sides = [drawn(SHARES, seed=s, runs=3) for s in (1, 2)]
    for made, parts in zip(spread_sides(measure, *sides), sides, strict=True):
        values = np.stack([part.value for part in parts])
        draws = np.stack([part.draws for part in parts])
        if measure == "sd":
            expected = values.std(axis=0, ddof=1), draws.std(axis=0, ddof=1)
        else:
            expected = np.sort(values, axis=0)[:3].mean(axis=0), np.sort(draws, axis=0)[:3].mean(axis=0)
        np.testing.assert_allclose(made.value, expected[0])
        np.testing.assert_allclose(made.draws, expected[1])
        assert made.draws.shape == (3, 2_000)


@pytest.mark.parametrize("measure", ["sd", "worst quartile"])
def test_weights_are_derivatives_shared_by_both_sides(measure):
    sides = [drawn(SHARES, seed=s) for s in (1, 2)]
    candidate, baseline = spread_sides(measure, *sides)
    assert candidate.weights == baseline.weights
    assert sum(candidate.weights.values()) == pytest.approx(0.0 if measure == "sd" else 1.0)

    def value(scores):
        return scores.std(ddof=1) if measure == "sd" else np.sort(scores)[:3].mean()

    for index, weight in enumerate(candidate.weights.values()):
        slopes = []
        for parts in sides:
            scores = np.array([part.value[0] for part in parts])
            moved = scores.copy()
            moved[index] += 1e-5
            slopes.append((value(moved) - value(scores)) / 1e-5)
        assert weight == pytest.approx(np.mean(slopes), abs=1e-4)


def test_v0_of_the_quartile_is_that_of_its_mean():
    """With the same three languages in both quartiles, V0 is 3 languages of 2 (100 / (3 n))^2."""
    sides = [drawn(SHARES, seed=s) for s in (1, 2)]
    made = spread_sides("worst quartile", *sides)
    found = contrast(*made, scope="checkpoints")
    difference = made[0].draws[0] - made[1].draws[0]
    assert found.variance - difference.var(ddof=1) == pytest.approx(3 * 2 * (100 / (3 * N)) ** 2)


def test_each_side_has_its_own_quartile():
    falling, rising = drawn(SHARES, seed=1), drawn(SHARES[::-1], seed=1)
    candidate, baseline = spread_sides("worst quartile", falling, rising)
    low = np.sort([part.value[0] for part in falling])[:3].mean()
    assert candidate.value[0] == pytest.approx(low)
    weights = list(candidate.weights.values())
    assert weights[:3] == pytest.approx([1 / 6] * 3)
    assert weights[-3:] == pytest.approx([1 / 6] * 3)
    assert baseline.value[0] == pytest.approx(np.sort([p.value[0] for p in rising])[:3].mean())


def test_the_variance_of_an_sd_agrees_with_the_delta_method():
    sides = [drawn(SHARES, seed=s) for s in (1, 2)]
    made = spread_sides("sd", *sides)
    draws = made[0].draws[0] - made[1].draws[0]

    def linear(parts):
        scores = np.array([part.value[0] for part in parts])
        weights = (scores - scores.mean()) / ((len(scores) - 1) * scores.std(ddof=1))
        return sum(w * part.draws[0] for w, part in zip(weights, parts, strict=True))

    expected = (linear(sides[0]) - linear(sides[1])).var(ddof=1)
    assert draws.var(ddof=1) == pytest.approx(expected, rel=0.1)


def test_equal_languages_have_no_spread_and_no_derivative():
    parts = drawn((0.5,), seed=1) * 4
    candidate, baseline = spread_sides("sd", parts, parts)
    assert candidate.value[0] == baseline.value[0] == 0.0
    assert set(candidate.weights.values()) == {0.0}
    assert contrast(candidate, baseline, scope="checkpoints").identical


@pytest.mark.parametrize(("measure", "count"), [("sd", 1), ("worst quartile", 3)])
def test_too_few_languages_are_refused(measure, count):
    parts = drawn(SHARES[:count], seed=1)
    with pytest.raises(ValueError, match=measure):
        spread_sides(measure, parts, parts)
