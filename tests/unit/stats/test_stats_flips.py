from __future__ import annotations

import itertools

import numpy as np
import pytest

from harness.metrics.table import metric_named
from harness.records import Cell
from harness.stats.draws import unit_weights
from harness.stats.flips import exchange_sums, flip_signs
from harness.stats.resampling import flip_test
from harness.stats.units import Units, join_units


def units_of(*rows):
    arrays = tuple(np.array(of) for of in rows)
    count = max(of.max() for of in arrays) + 1
    return Units(keys=tuple(f"unit {u}" for u in range(count)), of=arrays)


def test_signs_are_even_independent_and_keyed():
    keys = [f"u{i}" for i in range(50)]
    signs = flip_signs(keys, space="s", seed=0, resamples=2001)
    assert signs.shape == (50, 2001) and signs.dtype == np.int8
    assert set(np.unique(signs)) == {-1, 1}
    assert abs(signs.mean()) < 0.02
    assert np.abs(np.corrcoef(signs) - np.eye(50)).max() < 0.1
    np.testing.assert_array_equal(flip_signs(keys[7:9], space="s", seed=0, resamples=70), signs[7:9, :70])
    for changed in ({"space": "other", "seed": 0}, {"space": "s", "seed": 1}):
        assert (flip_signs(keys, resamples=2001, **changed) != signs).any()
    # What is flipped says nothing of how often it is drawn.
    weights = unit_weights(keys, space="s", seed=0, resamples=2001)
    assert abs(np.corrcoef(weights.ravel(), signs.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_sums_after_an_exchange_are_those_of_the_exchanged_rows(batch):
    rng = np.random.default_rng(0)
    columns = [tuple(rng.integers(0, 4, (2, n)).astype(float) for _ in range(2)) for n in (12, 9)]
    units = units_of(np.arange(12) // 2, rng.permutation(9) // 2 + 4)
    signs = flip_signs(units.keys, space="s", seed=3, resamples=40)
    found = exchange_sums(columns, units, space="s", seed=3, resamples=40, batch=batch)
    for (one, other), of_row, sums in zip(columns, units.of, found, strict=True):
        for b in range(40):
            kept = signs[of_row, b] == 1
            np.testing.assert_allclose(sums[0][:, b], np.where(kept, one, other).sum(axis=1))
            np.testing.assert_allclose(sums[1][:, b], np.where(kept, other, one).sum(axis=1))


def test_p_agrees_with_every_exchange_there_is():
    """12 rows have 4,096 exchanges: the share at least as far from 0 is what 20,000 of them estimate."""
    value = metric_named("pair_f1").value
    rng = np.random.default_rng(4)
    sides = [rng.integers(0, 2, (12, 3)) + np.array([0.0, 1.0, 1.0]) for _ in range(2)]
    sides[0][:, 0] = (rng.random(12) < 0.3).astype(float)
    observed = float(value(sides[0].sum(axis=0)) - value(sides[1].sum(axis=0)))
    exact = []
    for kept in itertools.product([True, False], repeat=12):
        mask = np.array(kept)[:, None]
        one, other = np.where(mask, *sides).sum(axis=0), np.where(mask, *sides[::-1]).sum(axis=0)
        exact.append(abs(float(value(one) - value(other))) >= abs(observed) - 1e-9)
    cell = Cell(
        task="t",
        language="de",
        seeds=(1,),
        example_ids=tuple(map(str, range(12))),
        parallel_ids=(None,) * 12,
        cluster_ids=(None,) * 12,
        golds=("g",) * 12,
        statistics={},
    )
    columns = [(sides[0].T, sides[1].T)]
    ((one, other),) = exchange_sums(columns, join_units([cell]), space="s", seed=0, resamples=20_000)
    p = flip_test(value(one.T), value(other.T), observed)
    assert p == pytest.approx(np.mean(exact), abs=0.015)


def test_systems_that_are_alike_have_p_1():
    rows = np.random.default_rng(0).random((2, 30))
    ((one, other),) = exchange_sums([(rows, rows)], units_of(np.arange(30)), space="s", seed=0, resamples=99)
    assert flip_test(one[0] / one[1], other[0] / other[1], 0.0) == 1.0
