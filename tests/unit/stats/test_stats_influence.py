from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.metrics.table import metric_named
from harness.stats.contrasts import contrast
from harness.stats.estimate import Draws
from harness.stats.influence import add_influences, influence_of, size_of_changes
from harness.stats.resampling import bca_test


def accuracy(sums):
    return metric_named("accuracy").value(sums)


def rows_of(correct):
    return np.stack([np.asarray(correct, dtype=float), np.ones(len(correct))], axis=1)


def test_the_influence_on_a_mean_is_the_jackknife_of_the_mean():
    correct = np.random.default_rng(0).random(50) < 0.7
    found = influence_of(rows_of(correct), np.arange(50), accuracy)
    expected = 100 * (correct - correct.mean()) / 49
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    np.testing.assert_array_equal(found.units, np.arange(50))


@pytest.mark.parametrize("metric", ["accuracy", "pair_f1"])
def test_units_of_several_rows_are_left_out_one_at_a_time(metric):
    rng = np.random.default_rng(1)
    value = metric_named(metric).value
    statistics = rng.integers(0, 3, (40, 3)) + np.array([0.0, 1.0, 1.0])
    if metric == "accuracy":
        statistics = rows_of(rng.random(40) < 0.5)
    unit = rng.permutation(np.arange(40) // 4) * 3 + 100
    found = influence_of(statistics, unit, value)
    for number, influence in zip(found.units, found.values, strict=True):
        left = value(statistics[unit != number].sum(axis=0))
        assert influence == pytest.approx(float(value(statistics.sum(axis=0)) - left))


def test_a_single_unit_and_a_unit_without_effect():
    found = influence_of(rows_of([1, 1, 0]), np.array([5, 5, 5]), accuracy)
    assert found.values == pytest.approx([100 * 2 / 3])
    beside = np.vstack([rows_of([1, 0, 1]), [[0.0, 0.0]]])
    assert influence_of(beside, np.arange(4), accuracy).values[3] == 0.0


def test_influences_add_up_unit_by_unit():
    one = influence_of(rows_of([1, 0, 1]), np.array([0, 1, 2]), accuracy)
    other = influence_of(rows_of([1, 1, 0]), np.array([2, 3, 4]), accuracy)
    found = add_influences([one, other], [2.0, -1.0])
    np.testing.assert_array_equal(found.units, [0, 1, 2, 3, 4])
    expected = np.array([*(2 * one.values[:2]), 2 * one.values[2] - other.values[0], *-other.values[1:]])
    np.testing.assert_allclose(found.values, expected)
    with pytest.raises(ValueError, match="no numbers"):
        add_influences([], [])


def test_the_size_of_changes_is_in_rows():
    n = 1000
    base = np.zeros((1, n, 2))
    base[..., 1] = 1.0
    right, half = base.copy(), base.copy()
    right[0, :40, 0], right[0, 40:80, 0] = 1.0, 0.0
    half[0, :40, 0] = 0.5
    lost = base.copy()
    lost[0, 40:80, 0] = 1.0  # as many the other way, so that the mean stays

    def size(one, other, units=None):
        return size_of_changes(one, other, np.arange(n) if units is None else units, accuracy, rows=n)

    assert size(lost, right) == pytest.approx(1.0, rel=0.01)
    assert size(base, half) == pytest.approx(0.25, rel=0.1)
    assert size(base, base) == 1.0
    # A unit of twenty rows changes more than one row; more than two pseudo-rows are never added.
    assert size(base, right, np.arange(n) // 20) == 1.0
    # Of two runs, one of which changes, half a row changes in the mean.
    assert size(np.stack([base[0], base[0]]), np.stack([base[0], right[0]])) == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize(("seed", "n", "gain"), [(0, 64, 0.1), (1, 256, 0.05), (2, 128, -0.2)])
def test_bca_of_an_accuracy_difference_agrees_with_scipy(seed, n, gain):
    # With a power of two of rows all means are exact; else scipy's share of ties hangs on the last bits.
    rng = np.random.default_rng(seed)
    base, cand = rng.random(n) < 0.9, rng.random(n) < min(0.97, 0.85 + gain)

    def difference(x, y, axis=-1):
        return 100 * (np.mean(y, axis=axis) - np.mean(x, axis=axis))

    theirs = stats.bootstrap(
        (base.astype(float), cand.astype(float)),
        difference,
        n_resamples=9999,
        method="BCa",
        paired=True,
        vectorized=True,
        rng=np.random.default_rng(5),
    )
    # On their draws, so that only the formula is compared.
    draws = theirs.bootstrap_distribution
    cells, weights = {("t", "de"): n}, {("t", "de"): 1.0}
    sides = [
        Draws(np.array([100 * side.mean()]), kept[None], n, cells, weights)
        for side, kept in ((cand, draws), (base, np.zeros_like(draws)))
    ]
    found = contrast(*sides, scope="checkpoints")
    influences = [influence_of(rows_of(side), np.arange(n), accuracy) for side in (cand, base)]
    ours = bca_test(found, add_influences(influences, [1.0, -1.0]).values, alpha=0.05)
    ordered = np.sort(draws)
    for mine, their in zip((ours.low, ours.high), theirs.confidence_interval, strict=True):
        # Ties make a value cover many order statistics; scipy interpolates between two of them.
        first, last = np.searchsorted(ordered, mine - 1e-6), np.searchsorted(ordered, mine + 1e-6, "right")
        place = np.searchsorted(ordered, their - 1e-6), np.searchsorted(ordered, their + 1e-6, "right")
        assert place[0] <= last + 2 and place[1] >= first - 2
