"""A small version of benchmarks/simulate_contrasts.py: the engine itself, few comparisons, wide limits."""

import numpy as np
import pytest
from scipy.special import stdtr

from harness.metrics.table import metric_named
from harness.records import Cell
from harness.stats.contrasts import contrast, t_test
from harness.stats.estimate import combine, draw_cells
from harness.stats.families import adjust

COMPARISONS, RESAMPLES = 150, 200
# With 150 comparisons the error of a coverage of 95% is 1.8 points; 200 draws add little.
LIMITS = (0.89, 0.995)


def accuracy(rng, shape, shift):
    """Right or wrong: [runs, rows, 2] of a system whose chance of being right is moved by `shift`."""
    right = rng.random(shape) < np.clip(0.6 + shift, 0, 1)
    return np.stack([right, np.ones(shape)], axis=-1).astype(float)


def chunks(rng, shape, shift):
    gold = np.broadcast_to(1 + np.arange(shape[1]) % 5, shape)
    hits = rng.binomial(gold, np.clip(0.6 + shift, 0, 1) * np.ones(shape))
    return np.stack([hits, hits + rng.binomial(2, 0.3, shape), gold], axis=-1).astype(float)


METRICS = {"accuracy": accuracy, "chunk_f1_legacy": chunks}


def cells_of(statistics, clusters):
    """Cells of the languages of one task; statistics by language and system."""
    return [
        Cell(
            task="t",
            language=code,
            seeds=tuple(range(sides[0].shape[0])),
            example_ids=tuple(map(str, range(sides[0].shape[1]))),
            parallel_ids=tuple(map(str, range(sides[0].shape[1]))),
            cluster_ids=(None,) * sides[0].shape[1] if clusters is None else tuple(map(str, clusters)),
            golds=("gold",) * sides[0].shape[1],
            statistics={str(system): side for system, side in enumerate(sides)},
        )
        for code, sides in statistics.items()
    ]


def contrasts_of(statistics, metric, *, scope, clusters=None, seed=0):
    """Return d(l) of every language, then r of every language but the first."""
    values = {"t": {str(system): metric_named(metric).value for system in (0, 1)}}
    drawn = draw_cells(
        cells_of(statistics, clusters), space="s", values=values, seed=seed, resamples=RESAMPLES
    )
    codes = list(statistics)
    terms = [{code: 1.0} for code in codes] + [{code: 1.0, codes[0]: -1.0} for code in codes[1:]]
    found = []
    for weights in terms:
        sides = [
            combine([drawn["t", code, side] for code in weights], list(weights.values())) for side in "01"
        ]
        found.append(contrast(sides[1], sides[0], scope=scope))
    return found


def simulate(metric, *, runs, spread, rows=120, clusters=None, seed):
    """Compare two alike recipes again and again; return values, variances and p of d and r."""
    rng = np.random.default_rng(seed)
    make, found = METRICS[metric], []
    for number in range(COMPARISONS):
        hard = 0.15 * rng.standard_normal(rows)
        if clusters is not None:
            hard = hard + 0.15 * rng.standard_normal(clusters.max() + 1)[clusters]
        shifts = spread * rng.standard_normal((2, runs, 1))
        of_article = np.zeros((2, rows))
        if clusters is not None:
            of_article = 0.2 * rng.standard_normal((2, clusters.max() + 1))[:, clusters]
        statistics = {
            code: [make(rng, (runs, rows), hard + shifts[side] + of_article[side]) for side in (0, 1)]
            for code in "el"
        }
        scope = "recipes" if runs > 1 else "checkpoints"
        d_source, _, r = contrasts_of(statistics, metric, scope=scope, clusters=clusters, seed=number)
        found.append([(c.value, c.variance, t_test(c, alpha=0.05).p) for c in (d_source, r)])
    return np.array(found)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_of_one_run_hold_no_difference(metric):
    found = simulate(metric, runs=1, spread=0.0, seed=1)
    for k in (0, 1):
        values, variances, p = found[:, k].T
        assert LIMITS[0] <= np.mean(p > 0.05) <= LIMITS[1]
        # What V says is what values do.
        assert 0.75 <= np.mean(variances) / values.var() <= 1.35


def test_articles_are_drawn_whole():
    clusters = np.arange(240) % 30
    found = simulate("accuracy", runs=1, spread=0.0, rows=240, clusters=clusters, seed=2)
    assert LIMITS[0] <= np.mean(found[:, 0, 2] > 0.05) <= LIMITS[1]
    alone = simulate_rows_as_units(clusters)
    assert alone < 0.88 < np.mean(found[:, 0, 2] > 0.05)


def simulate_rows_as_units(clusters):
    """The same differences tested as if rows did not belong to articles: what is claimed too often."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(400):
        effect = 0.2 * rng.standard_normal((2, 30))[:, clusters]
        one, other = (rng.random(240) < np.clip(0.6 + e, 0, 1) for e in effect)
        difference = one.astype(float) - other
        t = difference.mean() / (difference.std(ddof=1) / np.sqrt(240))
        held.append(2 * stdtr(239, -abs(t)) > 0.05)
    return np.mean(held)


@pytest.mark.parametrize("runs", [3, 5])
def test_recipes_count_the_spread_between_runs(runs):
    found = simulate("accuracy", runs=runs, spread=0.06, seed=3)
    values, _, p = found[:, 0].T
    assert LIMITS[0] <= np.mean(p > 0.05) <= LIMITS[1]
    # The spread common to the languages leaves the gap reduction; items alone would be too little.
    assert np.mean(p > 0.05) > np.mean(np.abs(values) < 1.96 * np.sqrt(0.24 * 2 / (120 * runs)) * 100) + 0.1
    assert found[:, 1, 0].var() < 2 * found[:, 0, 0].var()


def test_few_changed_rows_never_look_certain():
    rng = np.random.default_rng(4)
    wrong = []
    for number in range(COMPARISONS):
        base = (rng.random(200) < 0.6).astype(float)
        changed = rng.choice(200, rng.poisson(4), replace=False)
        cand = base.copy()
        cand[changed] = 1 - cand[changed]
        # Won and lost alike: the rows that change are exchanged between the systems at random.
        swap = rng.random(200) < 0.5
        one, other = np.where(swap, cand, base), np.where(swap, base, cand)
        sides = [np.stack([x, np.ones(200)], axis=-1)[None] for x in (one, other)]
        found = contrasts_of({"e": sides}, "accuracy", scope="checkpoints", seed=number)[0]
        wrong.append(t_test(found, alpha=0.05).p <= 0.05)
    assert np.mean(wrong) <= 0.05


def test_holm_keeps_the_family():
    rng = np.random.default_rng(5)
    found_any, unadjusted = [], []
    for number in range(COMPARISONS // 2):
        hard = 0.2 * rng.standard_normal(60)
        statistics = {f"l{code}": [accuracy(rng, (1, 60), hard) for _ in range(2)] for code in range(12)}
        contrasts = contrasts_of(statistics, "accuracy", scope="checkpoints", seed=number)
        p = [t_test(c, alpha=0.05).p for c in contrasts[:12]]
        found_any.append(min(adjust(p, correction="holm")) <= 0.05)
        unadjusted.append(min(p) <= 0.05)
    assert np.mean(found_any) <= 0.12
    assert np.mean(unadjusted) > 0.25


def test_drawing_translations_apart_misjudges_gaps_and_averages():
    rng = np.random.default_rng(6)
    rows, languages, values, joint, apart = 200, 5, [], [], []
    for _ in range(400):
        hard = rng.standard_normal((rows, 1))
        right = (hard + 0.5 * rng.standard_normal((rows, languages)) < 0.3).astype(float)
        gap, average = 100 * (right[:, 0] - right[:, 1]), 100 * right.mean(axis=1)
        values.append([gap.mean(), average.mean()])
        joint.append([x.var(ddof=1) / rows for x in (gap, average)])
        each = 1e4 * right.var(axis=0, ddof=1) / rows
        apart.append([each[0] + each[1], each.sum() / languages**2])
    truth = np.var(values, axis=0)
    np.testing.assert_allclose(np.mean(joint, axis=0) / truth, 1, atol=0.25)
    gap, average = np.mean(apart, axis=0) / truth
    assert gap > 1.8
    assert average < 0.5
