import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.intervals import Variance, score_interval, variance_of


@pytest.mark.parametrize("units", [2, 20, 48, 1000])
def test_ends_are_the_exact_binomial_bound(units):
    none = Variance(0.0, units - 1)
    assert score_interval(0.0, none, units=units, alpha=0.05) == (
        0.0, pytest.approx(100 * stats.beta.ppf(0.975, 1, units)),
    )  # fmt: skip
    assert score_interval(100.0, none, units=units, alpha=0.1) == (
        pytest.approx(100 * stats.beta.ppf(0.05, units, 1)), 100.0,
    )  # fmt: skip


def test_means_of_a_hundred_with_a_rounding_error_are_at_the_end():
    low, high = score_interval(100 - 1e-12, Variance(0.0, 9), units=10, alpha=0.05)
    assert low < 75
    assert high == 100.0


def test_a_single_unit_has_no_interval():
    assert score_interval(40.0, Variance(0.0, 0.0), units=1, alpha=0.05) == (None, None)
    assert score_interval(0.0, Variance(0.0, 0.0), units=1, alpha=0.05) == (None, None)
    assert variance_of(np.array([40.0]), np.full((1, 10), 40.0), 1) == Variance(0.0, 0.0)


def test_interval_is_the_t_interval_of_the_log_odds():
    low, high = score_interval(80.0, Variance(4.0, 30.0), units=31, alpha=0.05)
    reach = stats.t.ppf(0.975, 30) * 0.02 / (0.8 * 0.2)
    odds = np.exp(np.log(4) + np.array([-reach, reach]))
    np.testing.assert_allclose([low, high], 100 * odds / (1 + odds), rtol=1e-12)


@given(st.floats(0, 100), st.floats(0, 2500), st.floats(1, 1e5), st.integers(2, 10**5), st.floats(0.001, 0.5))
def test_interval_contains_the_value_and_stays_within_percent(value, total, df, units, alpha):
    low, high = score_interval(value, Variance(total, df), units=units, alpha=alpha)
    assert 0 <= low <= value <= high <= 100


def test_one_run():
    draws = np.array([[1.0, 2.0, 3.0, 6.0]])
    assert variance_of(np.array([3.0]), draws, 25) == Variance(pytest.approx(14 / 3), 24)


@pytest.mark.parametrize(("spread", "binds"), [(3.0, False), (0.1, True)])
def test_several_runs_as_the_definition_says(spread, binds):
    rng = np.random.default_rng(0)
    value, draws, units = 70 + spread * np.array([-1.0, 0.2, 1.0]), rng.normal(70, 2, (3, 500)), 40
    mean = draws.mean(axis=0)
    v_star = np.var(mean, ddof=1)
    v_x = sum(np.var(d - mean, ddof=1) for d in draws) / (3 * 2)
    between = np.var(value, ddof=1) / 3
    items = max(0, v_star - v_x)
    free = items + between
    assert (free <= v_star) == binds  # runs that are alike by chance are no surer than their items
    df = 39 if binds else free**2 / (between**2 / 2 + items**2 / 39)
    expected = Variance(pytest.approx(max(v_star, free)), pytest.approx(df))
    assert variance_of(value, draws, units) == expected


def test_identical_runs_are_as_one():
    draws = np.random.default_rng(0).normal(50, 3, (1, 200))
    one = variance_of(np.array([50.0]), draws, 30)
    three = variance_of(np.full(3, 50.0), np.repeat(draws, 3, axis=0), 30)
    assert three == Variance(pytest.approx(one.total), pytest.approx(one.df))


def test_constant_runs_without_variance():
    assert variance_of(np.full(3, 50.0), np.full((3, 10), 50.0), 30) == Variance(0.0, 29)


@given(st.integers(2, 5), st.integers(2, 200), st.floats(0, 10), st.integers(0, 1000))
def test_degrees_of_freedom_lie_between_their_parts_and_their_sum(runs, units, spread, seed):
    rng = np.random.default_rng(seed)
    common = rng.normal(60, 1, (1, 50))
    found = variance_of(rng.normal(60, spread, runs), common + rng.normal(0, 0.1, (runs, 50)), units)
    assert min(runs - 1, units - 1) - 1e-9 <= found.df <= runs + units - 2 + 1e-9
    assert found.total >= 0
