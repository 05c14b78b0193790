"""Accuracy of sentence-pair tasks against scikit-learn's accuracy_score."""

from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from harness.metrics.table import metric_named

LABELS = ("contradiction", "entailment", "neutral")


@st.composite
def judged(draw):
    labels = draw(st.sampled_from([LABELS, ("0", "1")]))
    count = draw(st.integers(1, 60))
    column = st.lists(st.sampled_from(labels), min_size=count, max_size=count)
    return draw(column), draw(column), draw(st.permutations(range(count)))


@given(judged())
def test_equals_scikit_learn_in_any_order(case):
    golds, outputs, order = case
    metric = metric_named("accuracy")

    def score(golds, outputs):
        return float(metric.value(metric.per_example(golds, outputs, "de").sum(axis=0)))

    expected = 100 * accuracy_score(golds, outputs)
    assert abs(score(golds, outputs) - expected) <= 1e-9
    assert score([golds[i] for i in order], [outputs[i] for i in order]) == score(golds, outputs)


def test_a_known_value():
    golds, outputs = ["neutral", "entailment", "neutral"], ["neutral", "neutral", "neutral"]
    metric = metric_named("accuracy")
    value = float(metric.value(metric.per_example(golds, outputs, "en").sum(axis=0)))
    assert abs(value - 200 / 3) <= 1e-12 and abs(accuracy_score(golds, outputs) - 2 / 3) <= 1e-12
