import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.metrics.accuracy import Accuracy, TokenAccuracy


def test_accuracy_compares_as_text():
    stats = Accuracy().per_example(["3", "entailment", "0", "à"], [3, "entailment", 1, "à"], "en")
    assert stats.tolist() == [[1, 1], [1, 1], [0, 1], [1, 1]]
    assert stats.dtype == np.float64
    assert Accuracy().value(stats.sum(axis=0)) == 75.0


def test_accuracy_counts_outputs():
    with pytest.raises(ResultError, match="1 outputs for 2 examples"):
        Accuracy().per_example(["a", "b"], ["a"], "en")


def test_no_examples_give_no_rows_and_value_zero():
    stats = Accuracy().per_example([], [], "en")
    assert stats.shape == (0, 2)
    assert Accuracy().value(stats.sum(axis=0)) == 0.0


def test_value_keeps_leading_dimensions():
    sums = np.array([[[1.0, 2.0], [3.0, 3.0]], [[0.0, 4.0], [0.0, 0.0]]])
    assert Accuracy().value(sums).tolist() == [[50.0, 100.0], [0.0, 0.0]]


def test_token_accuracy_counts_tokens_not_sentences():
    golds, outputs = [["DET", "NOUN", "VERB"], ["X"]], [["DET", "VERB", "VERB"], ["X"]]
    stats = TokenAccuracy().per_example(golds, outputs, "en")
    assert stats.tolist() == [[2, 3], [1, 1]]
    assert TokenAccuracy().value(stats.sum(axis=0)) == 75.0


@pytest.mark.parametrize(
    ("bad", "seen"), [(["DET"], "1 tags for 2 words"), ("DE", "the text 'DE' for 2 words")]
)
def test_wrong_number_of_tags_names_the_example(bad, seen):
    with pytest.raises(ResultError, match=f"example 1 .*{seen}"):
        TokenAccuracy().per_example([["X"], ["DET", "NOUN"]], [["X"], bad], "en")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1))
def test_accuracy_is_the_share_of_equal_pairs(pairs):
    golds, outputs = zip(*pairs, strict=True)
    value = Accuracy().value(Accuracy().per_example(golds, outputs, "en").sum(axis=0))
    assert value == pytest.approx(100 * np.mean([g == o for g, o in pairs]))
