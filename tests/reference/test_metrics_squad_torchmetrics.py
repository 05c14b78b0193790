"""SQuAD scores against stored results of torchmetrics 1.9.0 (float32, hence the tolerance)."""

import json
from pathlib import Path

import pytest

from harness.metrics.squad import SquadExactMatch, SquadF1, tokens

STORED = json.loads((Path(__file__).parent / "cases" / "squad-torchmetrics.json").read_text(encoding="utf-8"))
GOLDS, OUTPUTS, EXACT, F1 = (list(column) for column in zip(*STORED["cases"], strict=True))


def test_exact_match_equals_torchmetrics():
    ours = 100 * SquadExactMatch().per_example(GOLDS, OUTPUTS, "en")[:, 0]
    assert ours.tolist() == EXACT
    assert 0 < ours.mean() < 50


def test_f1_equals_torchmetrics_except_without_any_token():
    ours = 100 * SquadF1().per_example(GOLDS, OUTPUTS, "en")[:, 0]
    differ = 0
    for golds, output, mine, theirs in zip(GOLDS, OUTPUTS, ours, F1, strict=True):
        if not tokens(output) and any(not tokens(gold) for gold in golds):
            # torchmetrics follows SQuAD v2, where an empty answer can be right.
            assert (mine, theirs) == (0.0, 100.0)
            differ += 1
        else:
            assert mine == pytest.approx(theirs, abs=2e-5)
    assert 0 < differ < 10
