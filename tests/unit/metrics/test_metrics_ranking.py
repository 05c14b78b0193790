import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.metrics.ranking import AveragePrecision


def scores(golds, outputs, k=20):
    return AveragePrecision(k).per_example(golds, outputs, "en")[:, 0].tolist()


def test_hits_at_ranks_one_and_three():
    assert scores([["a", "b"]], [["a", "x", "b"]]) == [pytest.approx((1 + 2 / 3) / 2)]


def test_one_relevant_is_reciprocal_rank():
    assert scores([["a"]], [["x", "y", "z", "a"]]) == [0.25]


@given(st.lists(st.integers(0, 40), unique=True), st.integers(0, 40), st.integers(1, 25))
def test_with_one_relevant_it_is_the_reciprocal_rank_up_to_k(ranked, gold, k):
    rank = ranked.index(gold) + 1 if gold in ranked else k + 1
    found = scores([[str(gold)]], [[str(candidate) for candidate in ranked]], k=k)
    assert found == [1 / rank if rank <= k else 0.0]


def test_more_relevant_than_k_can_still_score_one():
    assert scores([[f"r{i}" for i in range(30)]], [[f"r{i}" for i in range(20)]]) == [1.0]


def test_past_k_nothing_counts():
    assert scores([["a"]], [["x", "y", "a"]], k=2) == [0.0]


def test_short_and_empty_lists():
    assert scores([["a", "b"], ["a"]], [["a"], []]) == [0.5, 0.0]


def test_value_is_the_mean_in_percent():
    metric = AveragePrecision(20)
    assert metric.value(np.array([1.5, 2.0])) == 75.0


@pytest.mark.parametrize(
    ("gold", "output", "message"),
    [
        ([], ["a"], "gold is"),
        ("a", ["a"], "gold is"),
        (["a"], "a", "a list of ids"),
        (["a"], ["a", "a"], "'a'"),
    ],
)
def test_bad_input_names_the_example(gold, output, message):
    with pytest.raises(ResultError, match=f"example 1 .*{message}"):
        scores([["a"], gold], [["a"], output])


def test_repetitions_past_k_are_not_looked_at():
    assert scores([["a"]], [["a", "b", "b"]], k=2) == [1.0]
