"""V* against closed forms and scipy.stats.bootstrap (1.17), and the coverage of the intervals."""

import numpy as np
import pytest
from scipy import stats

from harness.metrics.table import metric_named
from harness.records import Cell
from harness.stats.estimate import draw_cells, estimate, mean_of
from harness.stats.intervals import variance_of

ACCURACY, F1 = metric_named("accuracy"), metric_named("chunk_f1_legacy")
VALUES = {"t": {"accuracy": ACCURACY.value, "f1": F1.value}}


def cell(statistics, metric, clusters=None, language="de"):
    """Make a cell from statistics [S, n, k]."""
    runs, n, _ = statistics.shape
    return Cell(
        task="t",
        language=language,
        seeds=tuple(range(runs)),
        example_ids=tuple(map(str, range(n))),
        parallel_ids=(None,) * n,
        cluster_ids=(None,) * n if clusters is None else tuple(map(str, clusters)),
        golds=("gold",) * n,
        statistics={metric: statistics},
    )


def draw(one, metric, *, resamples=10_000, space="t"):
    return draw_cells([one], space=space, values=VALUES, seed=0, resamples=resamples)[
        "t", one.language, metric
    ]


def as_accuracy(correct):
    return np.stack([correct, np.ones_like(correct)], axis=-1).astype(float)


def chunk_counts(rng, n):
    gold = rng.integers(1, 30, n)
    predicted = np.maximum(1, gold + rng.integers(-3, 4, n))
    return np.stack([rng.binomial(np.minimum(gold, predicted), 0.8), predicted, gold], axis=-1).astype(float)


def linearised(numerator, denominator):
    """Return the variance of 100 * sum / sum from unit sums, with U/(U-1) (Cochran 1977, ratio estimator)."""
    ratio = numerator.sum() / denominator.sum()
    units = len(numerator)
    scaled = (numerator - ratio * denominator) / denominator.sum()
    return 100**2 * units / (units - 1) * (scaled**2).sum()


@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_accuracy_agrees_with_the_closed_form(n, p):
    correct = np.arange(n) < n * p
    number = draw(cell(as_accuracy(correct[None]), "accuracy"), "accuracy")
    exact = 100**2 * p * (1 - p) / (n - 1)
    assert variance_of(number.value, number.draws, number.units).total == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("n", [200, 2000])
def test_f1_agrees_with_the_linearised_form(n):
    counts = chunk_counts(np.random.default_rng(n), n)
    number = draw(cell(counts[None], "f1"), "f1")
    exact = linearised(2 * counts[:, 0], counts[:, 1] + counts[:, 2])
    assert variance_of(number.value, number.draws, number.units).total == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("articles", [48, 240])
def test_clusters_of_unequal_size_agree_with_the_linearised_form(articles):
    rng = np.random.default_rng(articles)
    sizes = rng.integers(15, 35, articles)
    clusters = np.repeat(np.arange(articles), sizes)
    correct = rng.random(len(clusters)) < np.repeat(rng.beta(7, 3, articles), sizes)
    number = draw(cell(as_accuracy(correct[None]), "accuracy", clusters), "accuracy")
    assert number.units == articles
    right = np.bincount(clusters, weights=correct)
    exact = linearised(right, sizes.astype(float))
    assert variance_of(number.value, number.draws, articles).total == pytest.approx(exact, rel=0.05)
    # Drawing questions one by one would claim far too much.
    assert exact > 2 * linearised(correct.astype(float), np.ones(len(correct)))


@pytest.mark.parametrize("units", [5, 10, 20, 50])
def test_few_units_need_no_further_factor(units):
    values = np.random.default_rng(units).random(units)
    number = draw(cell(as_accuracy(values[None]), "accuracy"), "accuracy", resamples=40_000)
    found = variance_of(number.value, number.draws, units).total
    # 1/U (1 + 1/U + 2/U^2 + ..) against 1/(U - 1): equal up to 1/U^2, besides the draws' own error.
    assert found / (100**2 * values.var(ddof=1) / units) == pytest.approx(1, abs=0.03 + 2 / units**2)


def test_agrees_with_scipy_bootstrap():
    counts = chunk_counts(np.random.default_rng(0), 300)
    number = draw(cell(counts[None], "f1"), "f1")

    def f1(rows, axis=-1):
        tp, predicted, gold = (np.sum(counts[rows, k], axis=axis) for k in range(3))
        return 200 * tp / (predicted + gold)

    theirs = stats.bootstrap(
        (np.arange(300),), f1, n_resamples=10_000, batch=500, method="percentile",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    ours = variance_of(number.value, number.draws, 300).total ** 0.5
    # Both are simulated with 10,000 draws: each has an error of 0.7%.
    assert ours == pytest.approx(theirs.standard_error * np.sqrt(300 / 299), rel=0.035)


def covered(truth, intervals):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize(("n", "p"), [(200, 0.7), (200, 0.95), (60, 0.5)])
def test_intervals_of_accuracy_cover(n, p):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(400):
        number = draw(cell(as_accuracy((rng.random(n) < p)[None]), "accuracy"), "accuracy", resamples=400)
        found.append(estimate(number))
    # 400 sets: the error is 1.1 points, and 400 draws give the variance to 7%.
    assert 0.92 <= covered(100 * p, [(e.low, e.high) for e in found]) <= 0.985


def test_intervals_of_clusters_and_several_runs_cover():
    rng = np.random.default_rng(8)
    clusters, runs = np.repeat(np.arange(60), 8), 3
    found = []
    for _ in range(300):
        logit = 0.8 + 0.8 * rng.normal(size=60)[clusters] + 0.15 * rng.normal(size=(runs, 1))
        own = logit + 0.5 * rng.normal(size=(runs, 480))
        correct = rng.random((runs, 480)) < 1 / (1 + np.exp(-own))
        number = draw(cell(as_accuracy(correct), "accuracy", clusters), "accuracy", resamples=300)
        found.append(estimate(number))
    grid = 0.8 + np.sqrt(0.8**2 + 0.15**2 + 0.5**2) * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    truth = 100 * np.mean(1 / (1 + np.exp(-grid)))
    assert 0.92 <= covered(truth, [(e.low, e.high) for e in found]) <= 0.985


def test_mean_of_independent_languages_has_the_sum_of_variances():
    rng = np.random.default_rng(9)
    cells = [
        cell(as_accuracy(rng.random((1, 300)) < p), "accuracy", language=f"l{i}")
        for i, p in enumerate((0.3, 0.6, 0.8))
    ]
    drawn = draw_cells(cells, space="t", values=VALUES, seed=0, resamples=10_000)
    parts = list(drawn.values())
    each = [variance_of(p.value, p.draws, p.units).total for p in parts]
    mean = mean_of(parts)
    assert variance_of(mean.value, mean.draws, mean.units).total == pytest.approx(sum(each) / 9, rel=0.05)
