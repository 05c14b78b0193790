from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.records import Cell
from harness.stats.contrasts import Contrast, contrast, detectable, gap_interval, t_test
from harness.stats.estimate import Draws, combine, draw_cells, mean_of
from harness.stats.families import adjust
from harness.stats.resampling import bca_test, flip_test, percentile_test, resamples_needed


def accuracy(sums):
    return 100 * sums[..., 0] / sums[..., 1]


def cell(language, correct, *, parallel=True):
    """`correct` [S, n]: one row per run."""
    rows = np.asarray(correct, dtype=np.float64)
    n = rows.shape[1]
    ids = tuple(map(str, range(n)))
    return Cell(
        task="t",
        language=language,
        seeds=tuple(range(len(rows))),
        example_ids=ids,
        parallel_ids=ids if parallel else (None,) * n,
        cluster_ids=(None,) * n,
        golds=("gold",) * n,
        statistics={"m": np.stack([rows, np.ones_like(rows)], axis=2)},
    )


def drawn(cells, resamples=500, seed=0):
    found = draw_cells(cells, space="s", values={"t": {"m": accuracy}}, seed=seed, resamples=resamples)
    return {language: number for (_, language, _), number in found.items()}


def rows(seed, runs, n, share=0.6):
    return np.random.default_rng(seed).random((runs, n)) < share


def made(value, draws, units=50):
    draws = np.asarray(draws, dtype=np.float64)
    return Contrast(value, float(draws.var(ddof=1)) + 0.01, units - 1, draws, 100, units)


def test_one_run_each_is_the_paired_t_test_with_two_pseudo_rows():
    base, cand = rows(1, 1, 400), rows(2, 1, 400)
    found = contrast(drawn([cell("de", cand)])["de"], drawn([cell("de", base)])["de"], scope="checkpoints")
    changes = 100 * (cand[0].astype(float) - base[0])
    assert found.value == pytest.approx(changes.mean(), abs=1e-9)
    closed = changes.var(ddof=1) / 400 + 2 * (100 / 400) ** 2
    assert found.variance == pytest.approx(closed, rel=0.2)
    assert (found.df, found.n, found.units) == (399, 400, 400)
    t = t_test(found, alpha=0.05)
    assert t.p == pytest.approx(2 * stats.t.sf(abs(found.value) / math.sqrt(found.variance), 399))


def test_a_gap_reduction_is_the_difference_less_that_of_the_source_in_every_draw():
    base = drawn([cell("en", rows(1, 1, 200)), cell("de", rows(2, 1, 200))])
    cand = drawn([cell("en", rows(3, 1, 200)), cell("de", rows(4, 1, 200))])
    d = {code: contrast(cand[code], base[code], scope="checkpoints") for code in ("en", "de")}
    sides = [combine([side["de"], side["en"]], [1.0, -1.0]) for side in (cand, base)]
    r = contrast(*sides, scope="checkpoints")
    np.testing.assert_allclose(r.draws, d["de"].draws - d["en"].draws, atol=1e-9)
    assert r.value == pytest.approx(d["de"].value - d["en"].value)
    pseudo = 2 * (100 / 200) ** 2
    assert r.variance == pytest.approx(float(r.draws.var(ddof=1)) + 2 * pseudo)


def test_pseudo_rows_of_an_average_count_with_the_square_of_their_weight():
    cells = [cell(code, rows(i, 1, n)) for i, (code, n) in enumerate([("de", 100), ("fr", 400)])]
    mean = mean_of(list(drawn(cells).values()))
    found = contrast(mean, mean, scope="checkpoints")
    assert found.identical
    assert found.variance == pytest.approx(2 * (0.5 * 1.0) ** 2 + 2 * (0.5 * 0.25) ** 2)
    assert t_test(found, alpha=0.05).p == 1.0


def test_two_metrics_of_one_language_are_one_language_difference():
    number = drawn([cell("de", rows(1, 1, 100))])["de"]
    found = contrast(mean_of([number, number]), mean_of([number, number]), scope="checkpoints")
    assert found.variance == pytest.approx(2.0)


def test_recipes_add_the_spread_of_runs_and_take_the_interaction_once():
    base, cand = (drawn([cell("de", rows(seed, 3, 300))])["de"] for seed in (5, 6))
    found = contrast(cand, base, scope="recipes")
    means = [side.draws.mean(axis=0) for side in (cand, base)]
    star = (means[0] - means[1]).var(ddof=1)
    shared = sum(
        (side.draws - mean).var(axis=1, ddof=1).sum() / 6
        for side, mean in zip((cand, base), means, strict=True)
    )
    between = [side.value.var(ddof=1) / 3 for side in (cand, base)]
    items = max(0.0, star - shared) + 2 * (100 / 300) ** 2
    assert found.variance == pytest.approx(items + sum(between))
    df = found.variance**2 / (sum(b**2 / 2 for b in between) + items**2 / 299)
    assert found.df == pytest.approx(df)
    assert contrast(cand, base, scope="checkpoints").df == 299


def test_what_trains_nothing_adds_no_spread_of_runs():
    one, three = drawn([cell("de", rows(1, 1, 100))])["de"], drawn([cell("de", rows(2, 3, 100))])["de"]
    both = contrast(one, one, scope="recipes")
    assert both.variance == pytest.approx(contrast(one, one, scope="checkpoints").variance)
    assert contrast(three, one, scope="recipes").df < 99


def test_a_recipe_is_never_surer_than_its_runs():
    """Two runs that differ in many items but score alike say nothing between runs, yet the items do."""
    halves = np.tile([[True, False], [False, True]], (1, 200))  # both runs score 50, of opposite items
    base, cand = (drawn([cell("de", side)])["de"] for side in (halves, rows(4, 2, 400)))
    free, runs = contrast(cand, base, scope="recipes"), contrast(cand, base, scope="checkpoints")
    assert free.variance >= runs.variance
    same = drawn([cell("de", np.concatenate([halves, halves]))])["de"]
    alike = contrast(same, base, scope="recipes")
    assert (alike.variance, alike.df) == (contrast(same, base, scope="checkpoints").variance, 399)
    # Runs of one score whose draws have nothing in common: taking Vx out would leave half of V*.
    sides = [
        Draws(
            np.full(2, 50.0),
            np.random.default_rng(seed).normal(50, 2, (2, 4000)),
            400,
            base.rows,
            base.weights,
        )
        for seed in (1, 2)
    ]
    free, runs = (contrast(*sides, scope=scope) for scope in ("recipes", "checkpoints"))
    assert (free.variance, free.df) == (runs.variance, 399)
    assert runs.variance == pytest.approx(4 + 2 * (100 / 400) ** 2, rel=0.1)


def test_pseudo_rows_are_of_the_size_of_the_changes():
    base, cand = (drawn([cell("de", rows(seed, 1, 400))])["de"] for seed in (1, 2))
    whole = contrast(cand, base, scope="checkpoints").variance
    sides = [replace(side, changes={("t", "de"): 0.25}) for side in (cand, base)]
    quarter = contrast(*sides, scope="checkpoints").variance
    assert whole - quarter == pytest.approx(0.75 * 2 * (100 / 400) ** 2)
    # Of an average over metrics the larger changes count.
    both = [combine([side, replace(side, changes={("t", "de"): 0.5})], [0.5, 0.5]) for side in sides]
    assert both[0].changes == {("t", "de"): 0.5}


@given(st.integers(0, 2**16), st.sampled_from(["checkpoints", "recipes"]))
@settings(max_examples=20, deadline=None)
def test_swapping_the_sides_flips_every_sign(seed, scope):
    runs = 2 if scope == "recipes" else 1
    base, cand = (drawn([cell("de", rows(seed + i, runs, 60))], 400)["de"] for i in (0, 1))
    there, back = contrast(cand, base, scope=scope), contrast(base, cand, scope=scope)
    assert there.value == -back.value
    assert (there.variance, there.df) == (back.variance, back.df)
    np.testing.assert_array_equal(there.draws, -back.draws)
    one, other = t_test(there, alpha=0.05), t_test(back, alpha=0.05)
    assert one.p == other.p
    assert (one.low, one.high) == (-other.high, -other.low)
    one, other = percentile_test(there, alpha=0.1), percentile_test(back, alpha=0.1)
    assert one.p == other.p
    assert (one.low, one.high) == (-other.high, -other.low)
    influence = np.linspace(-1, 2, 60)
    one, other = bca_test(there, influence, alpha=0.1), bca_test(back, -influence, alpha=0.1)
    assert one.p == pytest.approx(other.p)
    assert (one.low is None) == (other.low is None)
    if one.low is not None:
        assert (one.low, one.high) == (-other.high, -other.low)


def test_another_language_changes_no_number_of_the_first():
    alone = drawn([cell("de", rows(1, 1, 80))])["de"]
    beside = drawn([cell("fr", rows(2, 1, 80)), cell("de", rows(1, 1, 80))])["de"]
    np.testing.assert_array_equal(alone.draws, beside.draws)


whole = st.lists(st.integers(-3, 3), min_size=19, max_size=199)


@given(whole, st.floats(0.001, 0.999))
@settings(deadline=None, max_examples=200)
def test_percentile_p_and_interval_are_one_statement(values, alpha):
    found = percentile_test(made(float(np.mean(values)), values), alpha=alpha)
    if found.low is not None:
        outside = found.low > 0 or found.high < 0
        assert outside == (found.p <= alpha)


@given(whole, st.floats(0.001, 0.999), st.floats(-3, 3), st.integers(0, 1000))
@settings(deadline=None, max_examples=300)
def test_bca_p_and_interval_are_one_statement(values, alpha, value, seed):
    influence = np.random.default_rng(seed).exponential(size=12) - 0.8
    contrasted = made(value, values)
    found = bca_test(contrasted, influence, alpha=alpha)
    if found.low is not None and not contrasted.identical:
        outside = found.low > 0 or found.high < 0
        assert outside == (found.p <= alpha)


@given(st.floats(-5, 5), st.floats(0.01, 10), st.floats(1, 500), st.floats(0.001, 0.999))
@settings(deadline=None, max_examples=200)
def test_t_p_and_interval_are_one_statement(value, variance, df, alpha):
    found = t_test(Contrast(value, variance, df, np.zeros(3), 9, 9), alpha=alpha)
    # Where the interval ends at 0 up to rounding both answers are right.
    if min(abs(found.low), abs(found.high)) > 1e-9:
        assert (found.low > 0 or found.high < 0) == (found.p <= alpha)


def test_bca_agrees_with_scipy_on_a_skewed_mean():
    data = np.random.default_rng(3).exponential(size=40)
    theirs = stats.bootstrap(
        (data,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(1), confidence_level=0.9
    )
    draws = theirs.bootstrap_distribution
    ours = bca_test(Contrast(float(data.mean()), 1.0, 39, draws, 40, 40), data - data.mean(), alpha=0.1)
    ordered = np.sort(draws)
    places = [np.searchsorted(ordered, end) for end in (*theirs.confidence_interval, ours.low, ours.high)]
    assert abs(places[0] - places[2]) <= 2
    assert abs(places[1] - places[3]) <= 2


def test_too_few_draws_give_no_interval():
    assert percentile_test(made(1.0, range(1, 19)), alpha=0.05).low is None
    assert resamples_needed(alpha=0.05, family=1) == 39
    assert percentile_test(made(1.0, range(1, 40)), alpha=0.05).p == pytest.approx(0.05)


def test_sign_flips_count_the_observed_exchange_too():
    assert flip_test(np.array([1.0, 0.0, 3.0]), np.zeros(3), 2.0) == 0.5
    assert flip_test(np.zeros(99), np.zeros(99), 2.0) == 0.01


def test_holm_and_benjamini_hochberg():
    p = [0.01, None, 0.04, 0.03, 0.005]
    assert adjust(p, correction="holm") == pytest.approx([0.03, None, 0.06, 0.06, 0.02])
    expected = stats.false_discovery_control([0.01, 0.04, 0.03, 0.005])
    bh = adjust(p, correction="bh")
    assert [x for x in bh if x is not None] == pytest.approx(list(expected))
    assert adjust(p, correction="none") == p
    assert adjust([None], correction="holm") == [None]
    assert adjust([0.9, 0.8], correction="holm") == [1.0, 1.0]


def test_detectable_follows_its_formula_and_grows_with_the_family():
    found = Contrast(0.0, 4.0, 30, np.zeros(2), 10, 31)
    expected = 2 * (stats.t.ppf(1 - 0.05 / 2, 30) + stats.t.ppf(0.8, 30))
    assert detectable(found, alpha=0.05, family=1) == pytest.approx(expected)
    assert detectable(found, alpha=0.05, family=50) > expected


def test_a_single_unit_says_nothing():
    number = Draws(np.array([50.0]), np.full((1, 9), 50.0), 1, {("t", "de"): 5}, {("t", "de"): 1.0})
    found = contrast(number, number, scope="checkpoints")
    assert t_test(found, alpha=0.05).p is None
    assert percentile_test(found, alpha=0.5).p is None
    assert detectable(found, alpha=0.05, family=1) is None


def test_different_sums_are_not_compared():
    numbers = drawn([cell("de", rows(1, 1, 20)), cell("fr", rows(2, 1, 20))])
    with pytest.raises(ValueError, match="same cells"):
        contrast(numbers["de"], numbers["fr"], scope="checkpoints")


def test_the_interval_of_a_gap_is_of_the_scope_of_the_comparison():
    """Runs that are far apart widen what is said of recipes, and nothing that is said of these runs."""
    value = np.array([10.0, 20.0, 30.0])
    draws = np.random.default_rng(0).normal(0, 1, (1, 4000)) + value[:, None]
    gap = Draws(value, draws, 50, {("t", "de"): 100}, {("t", "de"): 1.0})
    error = draws[0].std(ddof=1)
    low, high = gap_interval(gap, alpha=0.05, scope="checkpoints")
    assert (low + high) / 2 == pytest.approx(20.0)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 49) * error)
    low, high = gap_interval(gap, alpha=0.05, scope="recipes")
    total = error**2 + 100 / 3
    df = total**2 / ((100 / 3) ** 2 / 2 + error**4 / 49)
    assert (low + high) / 2 == pytest.approx(20.0)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, df) * math.sqrt(total))
    alone = Draws(value, draws, 1, gap.rows, gap.weights)
    assert gap_interval(alone, alpha=0.05, scope="checkpoints") == (None, None)
