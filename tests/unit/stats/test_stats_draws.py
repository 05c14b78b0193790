import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import draws
from harness.stats.draws import POISSON_COUNTS, draw_sums, unit_weights
from harness.stats.units import Units

KEYS = [f"unit {i}" for i in range(40)]


def weights(keys=KEYS, space="s", seed=0, resamples=1000):
    return unit_weights(keys, space=space, seed=seed, resamples=resamples)


def test_table_is_poisson_with_mean_and_variance_exactly_one():
    k = np.arange(len(POISSON_COUNTS))
    counts = np.array(POISSON_COUNTS)
    assert counts.sum() == 2**16
    assert (k * counts).sum() == 2**16
    assert (k**2 * counts).sum() == 2 * 2**16
    poisson = [math.exp(-1) / math.factorial(i) for i in k]
    np.testing.assert_allclose(counts / 2**16, poisson, atol=1.5 / 2**16)


def test_first_weights_are_these_on_every_machine():
    expected = [[3, 2, 2, 2, 0, 2, 1, 2], [0, 2, 1, 3, 1, 5, 0, 2]]
    assert weights(["a", "b"], "tatoeba", 0, 8).tolist() == expected


def sfc64(state, count):
    """Return the first numbers of the generator, as its author wrote it down."""
    mask = 2**64 - 1
    a, b, c, counter = state
    numbers = []
    for _ in range(count):
        numbers.append((a + b + counter) & mask)
        counter = (counter + 1) & mask
        a, b = b ^ (b >> 11), (c + (c << 3)) & mask
        c = (((c << 24) | (c >> 40)) + numbers[-1]) & mask
    return numbers


def test_streams_are_sfc64_begun_with_the_hash():
    digest = hashlib.sha256(b'[3,"tatoeba","a"]').digest()
    stream = sfc64([int.from_bytes(digest[i : i + 8], "little") for i in (0, 8, 16, 24)], 5)
    numbers = [(word >> shift) & 0xFFFF for word in stream for shift in (0, 16, 32, 48)]
    ends = np.cumsum(POISSON_COUNTS)
    assert weights(["a"], "tatoeba", 3, 20)[0].tolist() == [int(np.sum(ends <= n)) for n in numbers]


def test_same_seed_same_bytes_other_seed_or_space_other_draws():
    assert weights().tobytes() == weights().tobytes()
    for other in (weights(seed=1), weights(space="t")):
        assert abs(np.corrcoef(weights().ravel(), other.ravel())[0, 1]) < 0.02


def test_more_resamples_extend_the_draws():
    assert np.array_equal(weights(resamples=1000), weights(resamples=2001)[:, :1000])
    assert weights(resamples=2001).shape == (40, 2001)


def test_weights_of_a_unit_do_not_depend_on_the_others():
    assert np.array_equal(weights(KEYS[7:9]), weights()[7:9])


def test_units_and_draws_are_independent():
    w = weights(resamples=4000).astype(float)
    between = np.corrcoef(w)[np.triu_indices(len(KEYS), 1)]
    assert abs(between).max() < 5 / math.sqrt(4000)
    lagged = [np.corrcoef(row[:-lag], row[lag:])[0, 1] for row in w for lag in (1, 4)]
    assert abs(np.mean(lagged)) < 4 / math.sqrt(4000 * len(lagged))
    assert w.mean() == pytest.approx(1, abs=0.01)
    assert w.var() == pytest.approx(1, abs=0.02)


def plain_sums(columns, units, resamples):
    w = weights(units.keys, resamples=resamples).astype(float)
    return [c @ w[of] for c, of in zip(columns, units.of, strict=True)]


def some_cells(rng):
    units = Units(tuple(KEYS), (rng.integers(0, 40, 60), rng.integers(10, 20, 30), np.arange(40)))
    return units, [rng.random((2, 60)), rng.integers(0, 9, (3, 30)).astype(float), rng.random((1, 40))]


def test_sums_are_weights_times_statistics():
    units, columns = some_cells(np.random.default_rng(0))
    ours = draw_sums(columns, units, space="s", seed=0, resamples=100)
    for mine, plain in zip(ours, plain_sums(columns, units, 100), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-12)


@given(st.integers(1, 50), st.integers(0, 10**6))
def test_batch_order_and_other_cells_change_no_bit(batch, seed):
    rng = np.random.default_rng(seed)
    units, columns = some_cells(rng)
    whole = draw_sums(columns, units, space="s", seed=0, resamples=50)
    orders = [rng.permutation(len(of)) for of in units.of]
    renumbered = rng.permutation(40)
    mixed = Units(
        tuple(KEYS[i] for i in np.argsort(renumbered)),
        tuple(renumbered[of[order]] for of, order in zip(units.of, orders, strict=True)),
    )
    again = draw_sums(
        [c[:, order] for c, order in zip(columns, orders, strict=True)],
        mixed, space="s", seed=0, resamples=50, batch=batch,
    )  # fmt: skip
    alone = draw_sums(columns[:1], Units(units.keys, units.of[:1]), space="s", seed=0, resamples=50)
    assert [a.tobytes() for a in again] == [w.tobytes() for w in whole]
    assert alone[0].tobytes() == whole[0].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("largest", [9, 2**15, 2**40])
def test_threads_and_number_types_change_no_bit(threads, largest, monkeypatch):
    # Products are made in strips of draws; small whole numbers are added up in float32.
    monkeypatch.setattr(draws, "_PRODUCT", 4 * 3 * 100)
    rng = np.random.default_rng(largest)
    units = Units(tuple(KEYS), (np.arange(40), rng.permutation(np.arange(5, 35))))
    columns = [rng.integers(0, largest, (3, n)).astype(float) for n in (40, 30)]
    found = draw_sums(columns, units, space="s", seed=0, resamples=1100, batch=3, threads=threads)
    for mine, plain in zip(found, plain_sums(columns, units, 1100), strict=True):
        assert np.array_equal(mine, plain)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_rounding_to_the_grid_moves_statistics_by_nothing_that_shows(values):
    x = np.array(values)
    on_grid = draws._on_grid(x)
    assert np.abs(on_grid - x).max() <= 2**-50 * len(x) * 8 * np.abs(x).max()


def test_whole_numbers_stay_as_they_are():
    x = np.random.default_rng(0).integers(0, 500, 20_000).astype(float)
    assert np.array_equal(draws._on_grid(x), x)
