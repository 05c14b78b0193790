"""Chunk scores against seqeval: stored results of 0.0.12, and 1.2.2 where both define the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.table import metric_named

STORED = json.loads((Path(__file__).parent / "cases" / "seqeval-0.0.12.json").read_text(encoding="utf-8"))
IDS = ("chunk_f1_legacy", "chunk_precision_legacy", "chunk_recall_legacy")


def score(metric_id, golds, outputs):
    metric = metric_named(metric_id)
    return float(metric.value(metric.per_example(golds, outputs, "en").sum(axis=0)))


def test_stored_version_is_the_one_that_xtreme_used():
    assert STORED["made_by"]["version"] == "0.0.12"
    assert len(STORED["cases"]) == 60


@pytest.mark.parametrize("case", STORED["cases"], ids=range(len(STORED["cases"])))
def test_equals_seqeval_0_0_12(case):
    ours = [score(m, case["gold"], case["output"]) for m in IDS]
    assert ours == pytest.approx([100 * x for x in case["f1_precision_recall"]], abs=1e-9)


@st.composite
def iob2(draw, words):
    """A valid IOB2 sentence: an inside tag only follows a tag of its type."""
    tags = []
    for _ in range(words):
        allowed = ["O", "B-PER", "B-LOC"]
        if tags and tags[-1] != "O":
            allowed.append("I-" + tags[-1][2:])
        tags.append(draw(st.sampled_from(allowed)))
    return tags


@st.composite
def sentences(draw):
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    return [draw(iob2(n)) for n in lengths], [draw(iob2(n)) for n in lengths]


@given(sentences())
def test_equals_seqeval_1_2_2_on_iob2(pair):
    from seqeval.metrics import f1_score, precision_score, recall_score

    golds, outputs = pair
    functions = (f1_score, precision_score, recall_score)
    theirs = [100 * f(golds, outputs, zero_division=0) for f in functions]
    np.testing.assert_allclose([score(m, golds, outputs) for m in IDS], theirs, atol=1e-9)
