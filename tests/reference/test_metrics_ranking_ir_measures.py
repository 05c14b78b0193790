"""Average precision and MRR against trec_eval (pytrec-eval-terrier 0.5.11) and ir_measures 0.4.3."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
import pytrec_eval

from harness.metrics.table import metric_named

POOL = [f"Q{i}" for i in range(60)]


def rankings(seed: int, *, most_relevant: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return 200 queries: relevant ids, and rankings of up to 30 candidates."""
    rng = np.random.default_rng(seed)
    relevant, ranked = [], []
    for _ in range(200):
        relevant.append(
            rng.choice(POOL, size=int(rng.integers(1, most_relevant + 1)), replace=False).tolist()
        )
        ranked.append(rng.choice(POOL, size=int(rng.integers(1, 31)), replace=False).tolist())
    return relevant, ranked


def qrels(relevant: list[list[str]]) -> dict[str, dict[str, int]]:
    return {str(i): dict.fromkeys(ids, 1) for i, ids in enumerate(relevant)}


def scores(ranked: list[list[str]]) -> dict[str, dict[str, float]]:
    return {str(i): {c: float(-rank) for rank, c in enumerate(ids)} for i, ids in enumerate(ranked)}


@pytest.mark.parametrize("most_relevant", [1, 11, 40])
def test_equals_trec_eval_up_to_the_divisor(most_relevant: int) -> None:
    relevant, ranked = rankings(most_relevant, most_relevant=most_relevant)
    found = pytrec_eval.RelevanceEvaluator(qrels(relevant), {"map_cut.20"}).evaluate(scores(ranked))
    theirs = np.array([found[str(i)]["map_cut_20"] for i in range(len(ranked))])
    # trec_eval divides by all relevant candidates; the benchmark by those that fit into the list.
    divisors = np.array([len(ids) / min(len(ids), 20) for ids in relevant])
    ours = metric_named("average_precision@20").per_example(relevant, ranked, "en")
    np.testing.assert_allclose(ours[:, 0], theirs * divisors, atol=1e-9)
    assert 0 < ours[:, 0].mean() < 1


def test_with_one_relevant_candidate_it_is_the_reciprocal_rank_of_ir_measures() -> None:
    relevant, ranked = rankings(7, most_relevant=1)
    measure = ir_measures.RR @ 20
    found = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels(relevant), scores(ranked))}
    metric = metric_named("average_precision@20")
    ours = metric.per_example(relevant, ranked, "en")
    np.testing.assert_allclose(ours[:, 0], [found[str(i)] for i in range(len(ranked))], atol=1e-9)
    mean = ir_measures.calc_aggregate([measure], qrels(relevant), scores(ranked))[measure]
    assert metric.value(ours.sum(axis=0)) == pytest.approx(100 * mean, abs=1e-9)
