from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.slopes import MIN_FAMILIES, family_slope, slope_weights

numbers = st.floats(-100, 100, allow_nan=False, width=32)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=12))
def test_weights_give_the_least_squares_slope_and_ignore_a_common_shift(points):
    x, y = np.array(points, dtype=np.float64).T
    weights = slope_weights(x.tolist())
    if np.ptp(x) < 1e-3:
        return
    assert weights is not None
    expected = stats.linregress(x, y).slope
    scale = np.abs(weights).sum() * (1 + np.abs(y).max())
    assert float(weights @ y) == pytest.approx(expected, abs=1e-9 * scale)
    assert float(weights @ (y + 7)) == pytest.approx(expected, abs=1e-9 * scale)
    assert float(weights @ x) == pytest.approx(1.0)


@pytest.mark.parametrize("x", [[], [1.0], [0.0, 1.0], [0.5] * 9, [0.1 + 0.2, 0.3, 0.3]])
def test_there_is_no_slope_of_two_points_or_of_one_distance(x):
    assert slope_weights(x) is None


def closed_form(x, y):
    """Slope, classical and HC2 standard error by matrices."""
    x, y = np.asarray(x), np.asarray(y)
    design = np.stack([np.ones(len(x)), x], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    residual = y - design @ beta
    hat = np.einsum("ij,jk,ik->i", design, inverse, design)
    meat = design.T @ ((residual**2 / (1 - hat))[:, None] * design)
    classical = residual @ residual / (len(x) - 2) * inverse[1, 1]
    return beta[1], np.sqrt(classical), np.sqrt((inverse @ meat @ inverse)[1, 1])


@pytest.mark.parametrize("seed", range(6))
def test_one_point_per_family_is_the_regression_of_family_means(seed):
    rng = np.random.default_rng(seed)
    families = [f"f{min(i, 6)}" for i in range(30)]
    x, y = rng.random(30), rng.normal(size=30)
    found = family_slope(x.tolist(), y.tolist(), families, alpha=0.1)
    own = [np.array(families) == name for name in dict.fromkeys(families)]
    slope, *errors = closed_form([x[rows].mean() for rows in own], [y[rows].mean() for rows in own])
    assert (found.families, found.df) == (7, 5)
    assert found.value == pytest.approx(slope)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(slope) / max(errors), 5))
    reach = stats.t.ppf(0.95, 5) * max(errors)
    assert (found.low, found.high) == pytest.approx((slope - reach, slope + reach))


def test_a_point_that_alone_has_its_distance_lies_on_the_line():
    found = family_slope([0, 0, 0, 0, 0, 1], [1.0, 2.0, 3.0, 4.0, 5.0, 9.0], range(6), alpha=0.05)
    assert found.value == pytest.approx(6.0)
    error = np.sqrt(10 / 4 * (1 + 1 / 5))
    assert found.p == pytest.approx(2 * stats.t.sf(6 / error, 4))


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 0.5))
def test_p_is_at_most_alpha_exactly_where_the_interval_leaves_out_0(seed, alpha):
    rng = np.random.default_rng(seed)
    x = rng.random(8)
    found = family_slope(x.tolist(), (2 * x + rng.normal(size=8)).tolist(), range(8), alpha=alpha)
    assert (found.p <= alpha) == (not found.low <= 0 <= found.high)


def test_a_copied_language_changes_nothing():
    x, y = [0.1, 0.4, 0.5, 0.7, 1.0], [1.0, 0.0, 2.0, 1.5, 3.0]
    one = family_slope(x, y, range(5), alpha=0.05)
    many = family_slope(x + [1.0] * 20, y + [3.0] * 20, [*range(5), *[4] * 20], alpha=0.05)
    assert (many.value, many.p) == pytest.approx((one.value, one.p))


def test_fewer_than_five_families_and_one_distance_say_nothing():
    four = family_slope([1, 2, 3, 4] * 5, list(range(20)), list("abcd") * 5, alpha=0.05)
    assert (four.families, four.value, four.low, four.p) == (4, None, None, None)
    flat = family_slope([1.0] * 6, list(range(6)), range(6), alpha=0.05)
    assert (flat.families, flat.value, flat.p) == (6, None, None)
    assert MIN_FAMILIES == 5


def test_points_on_a_line_and_points_without_difference():
    x = [0.0, 0.25, 0.5, 0.75, 1.0]
    assert family_slope(x, [4 * v for v in x], range(5), alpha=0.05).p == pytest.approx(0.0, abs=1e-9)
    still = family_slope(x, [0.0] * 5, range(5), alpha=0.05)
    assert (still.value, still.low, still.high, still.p) == (0.0, 0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def simulation(repository):
    spec = importlib.util.spec_from_file_location(
        "simulate_typology", repository / "benchmarks" / "simulate_typology.py"
    )
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_simulation_tests_what_the_library_does(simulation):
    rng = np.random.default_rng(0)
    sizes = simulation.SIZES["benchmark"]
    x, y = (simulation.evolve(sizes, 0.5, 5, rng) for _ in range(2))
    families = np.repeat(np.arange(len(sizes)), sizes).tolist()
    means = [simulation.family_means(values, sizes) for values in (x, y)]
    ours = [family_slope(*rows, families, alpha=0.05).p for rows in zip(x, y, strict=True)]
    assert simulation.p_values(*means) == pytest.approx(ours)


@pytest.mark.parametrize("name", ["5 x 4", "benchmark"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_related_languages_mislead_a_regression_of_languages_and_not_of_families(simulation, name, share):
    rates = simulation.false_positives(simulation.SIZES[name], share=share, simulations=10_000, seed=2)
    assert 0.025 < rates.families <= 0.06
    assert rates.languages > (0.065 if share == 0.3 else 0.2)
