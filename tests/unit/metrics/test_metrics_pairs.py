from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.metrics.pairs import PairF1, PairPrecision, PairRecall
from harness.metrics.table import metric_named

pairs = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def by_sets(gold: set, predicted: set) -> tuple[float, float, float]:
    """F1, precision and recall of two sets of pairs, as the official scorer defines them, in percent."""
    both = len(gold & predicted)
    if not both:
        return 0.0, 0.0, 0.0
    precision, recall = both / len(predicted), both / len(gold)
    return 200 * precision * recall / (precision + recall), 100 * precision, 100 * recall


@given(gold=pairs, predicted=pairs)
def test_equals_the_sets(gold, predicted):
    rows = sorted(gold | predicted)
    golds, outputs = [row in gold for row in rows], [row in predicted for row in rows]
    statistics = PairF1().per_example(golds, outputs, "de")
    assert statistics.shape == (len(rows), 3)
    sums = statistics.sum(axis=0)
    values = [float(metric.value(sums)) for metric in (PairF1(), PairPrecision(), PairRecall())]
    assert values == pytest.approx(by_sets(gold, predicted), abs=1e-10)


def test_rows_and_columns():
    statistics = PairF1().per_example([True, True, False], [True, False, True], "de")
    assert PairF1.columns == ("true_positives", "predicted", "gold")
    assert statistics.tolist() == [[1, 1, 1], [0, 0, 1], [0, 1, 0]]
    assert PairF1().value(np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])).tolist() == [50.0, 0.0]


def test_names_and_counts():
    assert isinstance(metric_named("pair_f1"), PairF1)
    assert isinstance(metric_named("pair_precision"), PairPrecision)
    assert isinstance(metric_named("pair_recall"), PairRecall)
    with pytest.raises(ResultError, match="1 outputs for 2 examples"):
        PairF1().per_example([True, False], [True], "de")
