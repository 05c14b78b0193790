"""What every metric of the table must hold to, whatever it computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.table import AT_K, TABLE, metric_named
from harness.records import Float

LABELS = st.sampled_from(["NOUN", "SYM", "SCONJ", "B-PER", "I-PER", "O"])
ANSWERS = st.text("the un la ab.北京ال。 ", max_size=8)
CANDIDATES = st.sampled_from("abcdef")


@st.composite
def tagged(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    words = draw(st.integers(0, 6))
    sentence = st.lists(LABELS, min_size=words, max_size=words)
    return draw(sentence), draw(sentence)


ROWS = {
    "accuracy": st.tuples(LABELS, LABELS),
    "token": tagged(),
    "chunk": tagged(),
    "squad": st.tuples(st.lists(ANSWERS, min_size=1, max_size=3), ANSWERS),
    "mlqa": st.tuples(st.lists(ANSWERS, min_size=1, max_size=3), ANSWERS),
    "pair": st.sampled_from([(True, True), (True, False), (False, True)]),
    "average": st.tuples(
        st.lists(CANDIDATES, min_size=1, unique=True), st.lists(CANDIDATES, max_size=6, unique=True)
    ),
}


@pytest.mark.parametrize("name", [*TABLE, *(f"{name}@3" for name in AT_K)])
@settings(max_examples=40)
@given(data=st.data())
def test_neither_the_order_of_examples_nor_how_they_are_cut_changes_a_score(
    name: str, data: st.DataObject
) -> None:
    metric = metric_named(name)
    rows = data.draw(st.lists(ROWS[name.partition("_")[0]], min_size=1, max_size=12))
    order = data.draw(st.permutations(range(len(rows))))
    size = data.draw(st.integers(1, len(rows)))

    def statistics(chosen: list[tuple[object, object]]) -> Float:
        return metric.per_example([gold for gold, _ in chosen], [output for _, output in chosen], "zh")

    whole = statistics(rows)
    assert np.array_equal(statistics([rows[i] for i in order]), whole[list(order)])
    pieces = [statistics(rows[start : start + size]) for start in range(0, len(rows), size)]
    assert np.array_equal(np.concatenate(pieces), whole)
    score = float(metric.value(whole.sum(axis=0)))
    assert 0 <= score <= 100
    assert float(metric.value(whole[list(order)].sum(axis=0))) == pytest.approx(score, abs=1e-9)
    assert float(metric.value(np.sum([piece.sum(axis=0) for piece in pieces], axis=0))) == pytest.approx(
        score, abs=1e-9
    )
