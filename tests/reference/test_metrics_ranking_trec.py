"""Average precision against stored results of trec_eval (pytrec-eval-terrier 0.5.11) and scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from harness.metrics.table import metric_named

STORED = json.loads((Path(__file__).parent / "cases" / "map-trec_eval.json").read_text(encoding="utf-8"))
RELEVANT, RANKED, AT_5, AT_20 = (list(column) for column in zip(*STORED["cases"], strict=True))


@pytest.mark.parametrize(("k", "theirs"), [(5, AT_5), (20, AT_20)])
def test_equals_trec_eval_up_to_the_divisor(k, theirs):
    # trec_eval divides by all relevant candidates; the benchmark by those that fit into the list.
    divisors = np.array([len(r) / min(len(r), k) for r in RELEVANT])
    ours = metric_named(f"average_precision@{k}").per_example(RELEVANT, RANKED, "en")[:, 0]
    np.testing.assert_allclose(ours, np.array(theirs) * divisors, atol=1e-9)
    assert (divisors > 1).any()


def test_equals_scikit_learn_when_nothing_is_cut_off():
    ours = metric_named("average_precision@1000").per_example(RELEVANT, RANKED, "en")[:, 0]
    for mine, relevant, ranked in zip(ours, RELEVANT, RANKED, strict=True):
        truth = [candidate in relevant for candidate in ranked]
        assert mine == pytest.approx(average_precision_score(truth, -np.arange(len(ranked))), abs=1e-9)
