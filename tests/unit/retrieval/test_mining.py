"""Mining against a naive implementation of the same rules, on random, tied and repeated vectors."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.errors import ModelError, RequestError
from harness.retrieval.mining import Margin, Mined, best_threshold, first_rows, mine, normalised

MARGINS = get_args(Margin)
# Few values: many equal rows, equal scores, zeros and opposite vectors.
coarse = st.integers(1, 9).flatmap(
    lambda n: arrays(np.int8, (n, 3), elements=st.integers(-2, 2)).map(lambda a: a.astype(np.float32))
)


def normal(seed: int, n: int, d: int) -> Any:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def naive(source: Any, target: Any, k: int, margin: str) -> list[tuple[float, int, int]]:
    """The whole of mining with plain loops over the full matrix of cosines."""
    left, right = (normalised(side).astype(np.float64) for side in (source, target))
    cosine = [[float(np.sum(x * y)) for y in right] for x in left]
    n, m = len(left), len(right)

    def ranked(values: list[float]) -> list[int]:
        return sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]

    forward = [ranked(cosine[i]) for i in range(n)]
    backward = [ranked([cosine[i][j] for i in range(n)]) for j in range(m)]
    around_left = [float(np.mean([cosine[i][j] for j in forward[i]])) for i in range(n)]
    around_right = [float(np.mean([cosine[i][j] for i in backward[j]])) for j in range(m)]

    def score(i: int, j: int) -> float | None:
        a, b = cosine[i][j], (around_left[i] + around_right[j]) / 2
        if a <= 0 or (margin == "ratio" and b <= 0):
            return None
        return a if margin == "absolute" else a - b if margin == "distance" else a / b

    found = set()
    for i in range(n):
        scored = [(score(i, j), j) for j in forward[i]]
        usable = [(s, j) for s, j in scored if s is not None]
        if usable:
            best = max(s for s, _ in usable)
            found.add((best, i, next(j for s, j in usable if s == best)))
    for j in range(m):
        usable = [(s, i) for i in backward[j] if (s := score(i, j)) is not None]
        if usable:
            best = max(s for s, _ in usable)
            found.add((best, next(i for s, i in usable if s == best), j))
    taken_left, taken_right, pairs = set(), set(), []
    for s, i, j in sorted(found, key=lambda p: (-p[0], p[1], p[2])):
        if i not in taken_left and j not in taken_right:
            taken_left.add(i)
            taken_right.add(j)
            pairs.append((s, i, j))
    return pairs


def listed(mined: Mined) -> list[tuple[float, int, int]]:
    return list(zip(mined.scores.tolist(), mined.sources.tolist(), mined.targets.tolist(), strict=True))


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("engine", ["exact", "faiss-flat"])
def test_equals_the_naive_way_on_noisy_pairs(margin: Any, engine: Any) -> None:
    source = normal(0, 60, 8)
    target = np.concatenate([source[::2] + 0.3 * normal(1, 30, 8), normal(2, 25, 8)])
    found = mine(source, target, neighbours=4, margin=margin, engine=engine)
    due = naive(source, target, 4, margin)
    assert [(i, j) for _, i, j in listed(found)] == [(i, j) for _, i, j in due]
    assert found.scores == pytest.approx([s for s, _, _ in due], rel=1e-12)
    assert found.recall is None
    assert len(due) > 30


@settings(max_examples=150, deadline=None)
@given(source=coarse, target=coarse, k=st.integers(1, 5), margin=st.sampled_from(MARGINS))
def test_equals_the_naive_way_on_ties_repetitions_zeros_and_opposites(
    source: Any, target: Any, k: int, margin: Any
) -> None:
    found, due = mine(source, target, neighbours=k, margin=margin), naive(source, target, k, margin)
    assert listed(found) == due
    flat = mine(source, target, neighbours=k, margin=margin, engine="faiss-flat")
    assert listed(flat) == listed(found)
    assert (np.diff(found.scores) <= 0).all()
    assert len(set(found.sources.tolist())) == len(set(found.targets.tolist())) == len(found.scores)


@pytest.mark.parametrize("margin", MARGINS)
def test_the_order_of_rows_changes_no_pair(margin: Any) -> None:
    source = normal(3, 50, 12)
    target = source + 0.8 * normal(4, 50, 12)
    rng = np.random.default_rng(5)
    left, right = rng.permutation(50), rng.permutation(50)
    plain = mine(source, target, margin=margin)
    moved = mine(source[left], target[right], margin=margin)
    assert listed(plain) == [(s, int(left[i]), int(right[j])) for s, i, j in listed(moved)]
    turned = mine(target, source, margin=margin)
    assert listed(plain) == [(s, i, j) for s, j, i in listed(turned)]


def test_what_the_scores_are() -> None:
    # Cosines: row 0 with 0.8 and 0.6, row 1 with 0 and 0.8.
    source = np.array([[1, 0], [0, 2]], dtype=np.float32)
    target = np.array([[0.8, 0.6], [0.6, 0.8]], dtype=np.float64)
    around = {"source": [0.7, 0.7], "target": [0.7, 0.7]}
    for margin, score in (("ratio", 0.8 / 0.7), ("distance", 0.8 - 0.7), ("absolute", 0.8)):
        found = mine(source, target, margin=margin, neighbours=2)  # type: ignore[arg-type]
        assert listed(found)[0][1:] == (0, 0), around
        assert found.scores == pytest.approx([score, score], rel=1e-6)


def test_ties_are_taken_in_the_order_of_rows() -> None:
    same = np.ones((3, 4), dtype=np.float32)
    for engine in ("exact", "faiss-flat"):
        found = mine(same, same, engine=engine)  # type: ignore[arg-type]
        # All cosines are 1 and each row's nearest is row 0: only that one pair is anyone's best.
        assert listed(found) == [(1.0, 0, 0)]


def test_zero_and_opposite_rows_are_never_mined() -> None:
    source = np.array([[0, 0], [1, 0], [-1, 0]], dtype=np.float32)
    target = np.array([[1, 0], [0, 0]], dtype=np.float32)
    for margin in MARGINS:
        assert mine(source, target, neighbours=1, margin=margin).sources.tolist() == [1]
        assert len(mine(-target, target, neighbours=2, margin=margin).scores) == 0


def test_a_negative_cosine_is_never_mined_however_crowded_the_neighbourhood() -> None:
    # Row 1 has the cosines -0.3 and -0.05. The mean of target 1 is positive, and so is b of the pair (1, 1).
    target = np.array([[0.95, 0.3123, 0, 0], [0.5, 0, 0.866, 0]], dtype=np.float32)
    source = np.array([[1, 0, 0, 0], [0, -0.9606, -0.0577, 0.272]], dtype=np.float32)
    for margin in MARGINS:
        found = mine(source, target, neighbours=2, margin=margin)
        assert (found.sources.tolist(), found.targets.tolist()) == ([0], [0])


def test_a_distance_may_be_negative() -> None:
    source = np.array([[1.0, 0.0], [0.9, 0.436]], dtype=np.float32)
    target = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    found = mine(source, target, neighbours=1, margin="distance")
    assert found.scores == pytest.approx([0.0, 0.436 - (0.9 + 0.436) / 2], abs=1e-4)
    assert found.sources.tolist() == found.targets.tolist() == [0, 1]


def test_no_rows_no_pairs_and_wrong_input() -> None:
    assert len(mine(normal(0, 0, 4), normal(1, 3, 4)).scores) == 0
    assert len(mine(normal(0, 3, 4), normal(1, 0, 4)).scores) == 0
    broken = normal(0, 5, 4)
    broken[2, 1] = np.inf
    with pytest.raises(ModelError, match="row 2"):
        mine(broken, normal(1, 5, 4))
    with pytest.raises(ModelError, match="do not fit"):
        mine(normal(0, 5, 4), normal(1, 5, 3))
    with pytest.raises(RequestError, match="k = 0"):
        mine(normal(0, 5, 4), normal(1, 5, 4), neighbours=0)


def test_approximate_engines_say_their_recall_and_progress_counts_both_sides() -> None:
    done: list[int] = []
    source = normal(0, 300, 8)
    found = mine(source, source + 0.1 * normal(1, 300, 8), engine="faiss-hnsw", advance=done.append)
    assert found.recall is not None and 0.5 < found.recall <= 1
    assert sum(done) == 600
    assert "faiss-hnsw" in found.engine


def test_lengths_do_not_count_and_extremes_survive() -> None:
    source = normal(0, 40, 8).astype(np.float64)
    target = source + 0.2 * normal(1, 40, 8)
    scales = 10.0 ** np.linspace(-200, 200, 40)[:, None]
    assert np.array_equal(mine(source, target).targets, mine(source * scales, target).targets)
    lengths = np.linalg.norm(normalised(source * scales).astype(np.float64), axis=1)
    assert lengths == pytest.approx(np.ones(40), abs=1e-6)
    assert not normalised(np.zeros((2, 3))).any()
    assert normalised(np.ones((1, 2), dtype=np.float16)).dtype == np.float32


def test_first_rows_of_repeated_texts() -> None:
    assert first_rows(["b", "a", "b", "c", "a"]).tolist() == [0, 1, 3]
    assert first_rows([]).tolist() == []


# --- thresholds --------------------------------------------------------------------------------


def f1_at(scores: Any, correct: Any, gold: int, threshold: float) -> float:
    kept = [c for s, c in zip(scores, correct, strict=True) if s >= threshold]
    tp = sum(kept)
    return 2 * tp / (len(kept) + gold) if kept or gold else 0.0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8).map(lambda v: v / 4), st.booleans()), min_size=1, max_size=20),
    st.integers(0, 5),
)
def test_no_threshold_is_better(pairs: list[tuple[float, bool]], unfound: int) -> None:
    pairs = sorted(pairs, key=lambda p: -p[0])
    scores, correct = np.array([s for s, _ in pairs]), np.array([c for _, c in pairs])
    gold = int(correct.sum()) + unfound
    threshold, f1 = best_threshold(scores, correct, gold)
    assert f1 == f1_at(scores, correct, gold, threshold)
    # Every way to cut lies at a score.
    assert f1 >= max(f1_at(scores, correct, gold, s) for s in scores) - 1e-15
    if correct.any():
        higher = [s for s in scores if s > threshold]
        assert all(f1_at(scores, correct, gold, s) < f1 for s in sorted(set(higher))[1:])


def test_the_threshold_is_the_midpoint_below_the_last_pair_kept() -> None:
    scores, correct = np.array([3.0, 2.0, 1.0, 0.5]), np.array([True, True, False, False])
    assert best_threshold(scores, correct, 2) == (1.5, 1.0)


def test_keeping_all_is_best_where_the_official_code_fails() -> None:
    scores, correct = np.array([3.0, 2.0]), np.array([True, True])
    assert best_threshold(scores, correct, 2) == (2.0, 1.0)
    assert (scores >= 2.0).all()


def test_equal_scores_are_never_split() -> None:
    scores, correct = np.array([2.0, 1.0, 1.0, 0.5]), np.array([True, True, False, False])
    threshold, f1 = best_threshold(scores, correct, 2)
    assert (threshold, f1) == (0.75, 0.8)


def test_neighbouring_floats_have_no_midpoint() -> None:
    lower = 1.0
    higher = float(np.nextafter(lower, 2))
    threshold, f1 = best_threshold(np.array([higher, lower]), np.array([True, False]), 1)
    assert (threshold, f1) == (higher, 1.0)


def test_without_a_correct_pair_all_are_kept() -> None:
    assert best_threshold(np.array([1.0]), np.array([False]), 3) == (float("-inf"), 0.0)
    assert best_threshold(np.empty(0), np.empty(0, bool), 3) == (float("-inf"), 0.0)


def test_above_keeps_what_reaches_the_threshold() -> None:
    found = Mined(np.array([3, 1, 2]), np.array([0, 1, 2]), np.array([1.5, 1.0, 0.5]), "e", None)
    assert found.above(1.0).sources.tolist() == [3, 1]
    assert len(found.above(2.0).scores) == 0
