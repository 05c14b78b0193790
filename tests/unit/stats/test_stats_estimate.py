from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.metrics.table import metric_named
from harness.records import NO_GOLD, Cell, Estimate
from harness.stats.estimate import Draws, draw_cells, estimate, mean_of

VALUES = {
    "t": {
        "accuracy": metric_named("accuracy").value,
        "f1": metric_named("chunk_f1_legacy").value,
        "precision": metric_named("chunk_precision_legacy").value,
    }
}


def accuracy_cell(correct, language="de", *, parallel=None, clusters=None, task="t"):
    """Make a cell from 0/1 outcomes [S, n]."""
    correct = np.atleast_2d(np.asarray(correct, dtype=float))
    runs, n = correct.shape
    return Cell(
        task=task,
        language=language,
        seeds=tuple(range(runs)),
        example_ids=tuple(map(str, range(n))),
        parallel_ids=tuple(parallel) if parallel is not None else (None,) * n,
        cluster_ids=tuple(clusters) if clusters is not None else (None,) * n,
        golds=("gold",) * n,
        statistics={"accuracy": np.stack([correct, np.ones_like(correct)], axis=-1)},
    )


def draw(*cells, resamples=500, seed=0, space="t"):
    return draw_cells(cells, space=space, values=VALUES, seed=seed, resamples=resamples)


def outcomes(n, p=0.7, seed=0, runs=1):
    return (np.random.default_rng(seed).random((runs, n)) < p).astype(float)


def test_value_interval_and_counts():
    cell = accuracy_cell(outcomes(400))
    found = estimate(draw(cell)["t", "de", "accuracy"])
    assert isinstance(found, Estimate)
    assert found.value == 100 * cell.statistics["accuracy"][0, :, 0].mean()
    assert (found.n, found.units) == (400, 400)
    assert found.low < found.value < found.high
    # Wilson's interval is 9 points wide here.
    assert 8 < found.high - found.low < 10


def test_units_are_counted_not_rows():
    cell = accuracy_cell(outcomes(60), clusters=[f"a{i // 3}" for i in range(60)])
    found = estimate(draw(cell)["t", "de", "accuracy"])
    assert (found.n, found.units) == (60, 20)


def test_same_call_same_bytes_other_seed_other_draws():
    cell = accuracy_cell(outcomes(50))
    first, second, other = draw(cell), draw(cell), draw(cell, seed=1)
    key = ("t", "de", "accuracy")
    assert first[key].draws.tobytes() == second[key].draws.tobytes()
    assert abs(np.corrcoef(first[key].draws, other[key].draws)[0, 1]) < 0.2


def test_languages_that_share_units_are_drawn_jointly_others_are_not():
    same = outcomes(200)
    names = [f"p{i}" for i in range(200)]
    drawn = draw(
        accuracy_cell(same, "de", parallel=names),
        accuracy_cell(same, "fr", parallel=names),
        accuracy_cell(same, "th"),
    )
    de, fr, th = (drawn["t", language, "accuracy"].draws[0] for language in ("de", "fr", "th"))
    assert np.array_equal(de, fr)
    assert abs(np.corrcoef(de, th)[0, 1]) < 0.2


def test_another_unit_space_is_independent():
    cell = accuracy_cell(outcomes(200), parallel=[f"p{i}" for i in range(200)])
    one, two = (draw(cell, space=space)["t", "de", "accuracy"].draws[0] for space in ("t", "u"))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.2


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_order_of_rows_and_more_languages_change_no_bit(seed):
    rng = np.random.default_rng(seed)
    n = 30
    f1 = np.stack([rng.random((2, n)), np.ones((2, n))], axis=-1)
    names = [f"p{i}" if rng.random() < 0.5 else None for i in range(n)]
    clusters = [f"c{i // 4}" for i in range(n)]
    cell = replace(
        accuracy_cell(outcomes(n, runs=2), parallel=names, clusters=clusters), statistics={"accuracy": f1}
    )
    order = rng.permutation(n)
    mixed = replace(
        cell,
        example_ids=tuple(cell.example_ids[i] for i in order),
        parallel_ids=tuple(cell.parallel_ids[i] for i in order),
        cluster_ids=tuple(cell.cluster_ids[i] for i in order),
        statistics={"accuracy": f1[:, order]},
    )
    french = accuracy_cell(outcomes(n), "fr", parallel=[f"p{i}" for i in range(n)])
    key = ("t", "de", "accuracy")
    found = [draw(cell)[key], draw(mixed)[key], draw(french, cell)[key]]
    assert len({f.value.tobytes() for f in found}) == 1
    assert len({f.draws.tobytes() for f in found}) == 1
    assert estimate(found[0]) == estimate(found[1]) == estimate(found[2])


def test_more_draws_begin_with_the_same():
    cell = accuracy_cell(outcomes(50))
    few, many = draw(cell, resamples=300), draw(cell, resamples=700)
    key = ("t", "de", "accuracy")
    assert np.array_equal(few[key].draws, many[key].draws[:, :300])


def test_metrics_on_the_same_counts_are_drawn_from_the_same_sums():
    rng = np.random.default_rng(3)
    counts = np.sort(rng.integers(0, 9, (2, 40, 3)), axis=-1).astype(float)
    cell = replace(
        accuracy_cell(outcomes(40, runs=2)), statistics={"f1": counts, "precision": counts[..., :3]}
    )
    drawn = draw(cell)
    f1, precision = drawn["t", "de", "f1"], drawn["t", "de", "precision"]
    assert f1.draws.shape == precision.draws.shape == (2, 500)
    sums = counts.sum(axis=1)
    np.testing.assert_allclose(f1.value, 200 * sums[:, 0] / (sums[:, 1] + sums[:, 2]))
    np.testing.assert_allclose(precision.value, 100 * sums[:, 0] / sums[:, 1])


def test_draws_without_any_unit_keep_the_reported_value():
    drawn = draw(accuracy_cell([1.0, 0.0]), resamples=2000)["t", "de", "accuracy"]
    assert drawn.value == [50.0]
    # With two units: both absent with probability exp(-2), and as often equally often present.
    assert set(np.unique(drawn.draws)) >= {0.0, 50.0, 100.0}
    assert np.isfinite(drawn.draws).all()
    # A draw without any unit is no draw in which all answers were wrong.
    right = draw(accuracy_cell([1.0, 1.0]), resamples=2000)["t", "de", "accuracy"]
    assert set(np.unique(right.draws)) == {100.0}


def test_all_right_gets_the_binomial_bound():
    found = estimate(draw(accuracy_cell(np.ones(40)))["t", "de", "accuracy"])
    assert (found.value, found.high) == (100.0, 100.0)
    assert found.low == pytest.approx(100 * 0.025 ** (1 / 40))


def test_one_unit_has_no_interval():
    found = estimate(draw(accuracy_cell(outcomes(9), clusters=["a"] * 9))["t", "de", "accuracy"])
    assert (found.low, found.high, found.units, found.n) == (None, None, 1, 9)


def test_mean_over_languages_and_tasks():
    drawn = draw(accuracy_cell(outcomes(100), "de"), accuracy_cell(outcomes(60, 0.4, 1), "fr"))
    de, fr = drawn["t", "de", "accuracy"], drawn["t", "fr", "accuracy"]
    mean = mean_of([de, fr])
    assert mean.value == (de.value + fr.value) / 2
    np.testing.assert_allclose(mean.draws, (de.draws + fr.draws) / 2)
    assert (estimate(mean).n, estimate(mean).units) == (160, 60)
    again = mean_of([mean, de])
    np.testing.assert_allclose(again.draws, (3 * de.draws + fr.draws) / 4)
    assert estimate(again).n == 160


def test_mean_of_metrics_of_one_cell_counts_its_rows_once():
    cell = accuracy_cell(outcomes(100))
    cell = replace(cell, statistics={**cell.statistics, "f1": cell.statistics["accuracy"][..., [0, 1, 1]]})
    drawn = draw(cell)
    assert estimate(mean_of([drawn["t", "de", "accuracy"], drawn["t", "de", "f1"]])).n == 100


def test_parts_with_one_run_count_in_every_run():
    drawn = draw(accuracy_cell(outcomes(100), "de"), accuracy_cell(outcomes(100, 0.5, 1, runs=3), "fr"))
    de, fr = drawn["t", "de", "accuracy"], drawn["t", "fr", "accuracy"]
    mean = mean_of([de, fr])
    assert mean.draws.shape == (3, 500)
    np.testing.assert_allclose(mean.value, (de.value + fr.value) / 2)
    np.testing.assert_allclose(np.var(mean.value, ddof=1), np.var(fr.value, ddof=1) / 4)


def test_mean_refuses_what_does_not_fit():
    def number(runs, resamples):
        return Draws(np.zeros(runs), np.zeros((runs, resamples)), 5, {}, {})

    with pytest.raises(ValueError, match="no numbers"):
        mean_of([])
    with pytest.raises(ValueError, match=r"\[2, 3\] runs"):
        mean_of([number(2, 9), number(3, 9)])
    with pytest.raises(ValueError, match=r"\[8, 9\] draws"):
        mean_of([number(1, 9), number(1, 8)])


def test_bad_statistics_and_values_are_refused():
    with pytest.raises(ResultError, match=r"'t'.*'de'.*no examples"):
        draw(replace(accuracy_cell([1.0]), example_ids=(), parallel_ids=(), cluster_ids=()))
    with pytest.raises(ResultError, match=r"run 0, example '1': statistic 0 is nan"):
        draw(accuracy_cell([1.0, np.nan]))
    with pytest.raises(ResultError, match=r"metric 'accuracy': its value is 150"):
        draw(accuracy_cell([1.0, 2.0]))


def test_rows_beside_the_test_set_do_not_decide_which_draws_are_empty() -> None:
    """What another system predicted beside the gold changes no draw of this one."""

    def drawn(beside: int) -> Draws:
        n = 3 + beside
        pairs = Cell(
            task="mined",
            language="de",
            seeds=(1,),
            example_ids=tuple(map(str, range(n))),
            parallel_ids=(None,) * n,
            cluster_ids=(None,) * n,
            golds=("gold",) * 3 + (NO_GOLD,) * beside,
            statistics={"f1": np.array([[[1.0, 1, 1], [0, 0, 1], [1, 1, 1], *[[0.0, 0, 0]] * beside]])},
        )
        value = metric_named("pair_f1").value
        found = draw_cells([pairs], space="s", values={"mined": {"f1": value}}, seed=0, resamples=500)
        return found["mined", "de", "f1"]

    alone, beside = drawn(0), drawn(40)
    np.testing.assert_array_equal(alone.draws, beside.draws)
    assert (alone.units, beside.units) == (3, 3)
