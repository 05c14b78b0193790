from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ModelError, RequestError
from harness.retrieval import screening
from harness.retrieval.search import Index, nearest

ENGINES = ["exact", "faiss-flat"]


def reference(queries: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank by exact sums: Fractions of float32 products have no rounding at all."""
    from math import fsum

    left, right = queries.astype(np.float64), candidates.astype(np.float64)
    scores = np.array([[fsum(q * c) for c in right] for q in left]).reshape(len(left), len(right))
    order = np.lexsort((np.broadcast_to(np.arange(len(right)), scores.shape), -scores), axis=-1)[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


def check(queries: np.ndarray, candidates: np.ndarray, k: int, engine: Any) -> None:
    found = nearest(queries, candidates, k=k, engine=engine)
    order, scores = reference(queries, candidates, k)
    assert found.indices.dtype == np.int64 and found.scores.dtype == np.float64
    assert found.recall is None and found.engine == f"{engine} on cpu"
    np.testing.assert_allclose(found.scores, scores, rtol=1e-12, atol=1e-30)
    assert np.array_equal(found.indices, order)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("k", [1, 5, 50])
def test_random_vectors(engine: str, k: int) -> None:
    check(normal(0, 40, 24), normal(1, 200, 24), k, engine)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_small_integers_are_full_of_ties(engine: str, data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 3))
    vectors = st.lists(st.lists(st.integers(-2, 2), min_size=d, max_size=d), min_size=1, max_size=60)
    queries = np.array(data.draw(vectors), dtype=np.float32)
    candidates = np.array(data.draw(vectors), dtype=np.float32)
    check(queries, candidates, min(data.draw(st.integers(1, 70)), len(candidates)), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_more_duplicates_than_any_margin(engine: str) -> None:
    rows = normal(2, 7, 16)
    candidates = rows[np.random.default_rng(3).integers(0, 7, 400)]
    check(normal(4, 20, 16), candidates, 3, engine)
    check(rows, candidates, 150, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_near_ties_below_the_resolution_of_float32(engine: str) -> None:
    # 300 candidates whose inner products differ in the last bits only, best ones last.
    d = 64
    query = np.full((3, d), 1.0, dtype=np.float32)
    candidates = np.full((300, d), 0.7, dtype=np.float32)
    for i in range(300):
        candidates[i, : i % d] = np.nextafter(np.float32(0.7), np.float32(1))
        candidates[i, -1] -= np.float32(2**-24) * (i % 3)
    check(query, candidates, 1, engine)
    check(query, candidates, 10, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_cancellation_that_float32_gets_wrong(engine: str) -> None:
    # Large terms cancel: float32 sums are off by more than the true differences.
    rng = np.random.default_rng(5)
    half = rng.standard_normal((200, 32)).astype(np.float32) * 1e4
    candidates = np.concatenate([half, half, rng.standard_normal((200, 2)).astype(np.float32)], axis=1)
    ones = np.ones((1, 32), dtype=np.float32)
    check(np.concatenate([ones, -ones, np.ones((1, 2), np.float32)], axis=1), candidates, 5, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scale", [1e-25, 1e-38, 1e18])
def test_very_small_and_very_large_numbers(engine: str, scale: float) -> None:
    check(normal(6, 4, 8) * np.float32(scale), normal(7, 60, 8) * np.float32(scale), 5, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_sums_that_overflow_float32(engine: str) -> None:
    check(normal(8, 3, 8) * np.float32(1e20), normal(9, 60, 8) * np.float32(1e20), 5, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_zero_vectors_rank_by_index(engine: str) -> None:
    found = nearest(np.zeros((2, 4), np.float32), normal(10, 100, 4), k=4, engine=engine)  # type: ignore[arg-type]
    assert found.indices.tolist() == [[0, 1, 2, 3]] * 2
    assert not found.scores.any()


def test_more_neighbours_than_candidates() -> None:
    assert nearest(normal(0, 2, 4), normal(1, 3, 4), k=20).indices.shape == (2, 3)


def test_no_queries() -> None:
    for engine in ("exact", "faiss-flat", "faiss-hnsw"):
        assert nearest(normal(0, 0, 4), normal(1, 50, 4), k=2, engine=engine).indices.shape == (0, 2)  # type: ignore[arg-type]


def test_blocks_of_candidates_and_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_BLOCK", 40)
    monkeypatch.setattr(screening, "_SCORES", 100)
    monkeypatch.setattr("harness.retrieval.search._CHUNK", 2_000)
    check(normal(0, 30, 12), normal(1, 130, 12), 4, "exact")


def test_progress_counts_every_query() -> None:
    for engine in ("exact", "faiss-ivf"):
        done: list[int] = []
        nearest(normal(0, 90, 4), normal(1, 200, 4), k=2, engine=engine, advance=done.append)  # type: ignore[arg-type]
        assert sum(done) == 90


@pytest.mark.parametrize("engine", ["faiss-ivf", "faiss-hnsw"])
def test_approximate_engines_measure_their_recall(engine: Any) -> None:
    queries, candidates = normal(0, 50, 16), normal(1, 2_000, 16)
    found = nearest(queries, candidates, k=5, engine=engine)
    again = nearest(queries, candidates, k=5, engine=engine)
    assert np.array_equal(found.indices, again.indices)
    exact = nearest(queries, candidates, k=5).indices
    overlap = [len(set(a) & set(b)) for a, b in zip(found.indices, exact, strict=True)]
    assert found.recall == pytest.approx(sum(overlap) / 250)
    assert 0.5 < found.recall <= 1
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_an_index_that_finds_too_few_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = screening.screen_for

    def lossy(engine: Any, rows: Any, device: str) -> Any:
        inner = real("exact" if engine == "faiss-hnsw" else engine, rows, device)

        def screen(queries: Any, width: int) -> Any:
            found, scores = inner(queries, width)
            if engine == "faiss-hnsw":
                found[::2, -1] = -1
            return found, scores

        return screen

    monkeypatch.setattr("harness.retrieval.search.screen_for", lossy)
    found = nearest(normal(0, 9, 4), normal(1, 30, 4), k=3, engine="faiss-hnsw")
    assert np.array_equal(found.indices, nearest(normal(0, 9, 4), normal(1, 30, 4), k=3).indices)
    assert found.recall is not None and found.recall < 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite(bad: float) -> None:
    broken = normal(0, 5, 4)
    broken[3, 1] = bad
    with pytest.raises(ModelError, match=r"1 of 5 query vectors.*row 3"):
        nearest(broken, normal(1, 5, 4), k=1)
    with pytest.raises(ModelError, match="candidate vectors"):
        nearest(normal(1, 5, 4), broken, k=1)


def test_nothing_to_search() -> None:
    with pytest.raises(RequestError, match="0 candidates"):
        nearest(normal(0, 2, 4), normal(1, 0, 4), k=1)
    with pytest.raises(ModelError, match="do not fit"):
        nearest(normal(0, 2, 4), normal(1, 2, 5), k=1)


@pytest.mark.parametrize("engine", ["exact", "faiss-flat", "faiss-hnsw"])
def test_an_index_is_made_once_for_many_searches(engine: Any) -> None:
    candidates = np.concatenate([normal(0, 60, 4), normal(0, 60, 4)[:9]])
    index = Index(candidates, engine=engine)
    for seed in (1, 2):
        queries = normal(seed, 20, 4)
        found, once = index.nearest(queries, k=5), nearest(queries, candidates, k=5, engine=engine)
        assert np.array_equal(found.indices, once.indices) and found.engine == once.engine
    with pytest.raises(RequestError, match="k = 0"):
        index.nearest(normal(1, 2, 4), k=0)
    with pytest.raises(ModelError, match="no vectors of one length"):
        Index(np.zeros(3, np.float32))


def test_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(RequestError, match=r"xharness\[cpu\]"):
        nearest(normal(0, 2, 4), normal(1, 5, 4), k=1, engine="faiss-flat")
    assert nearest(normal(0, 2, 4), normal(1, 5, 4), k=1).engine == "exact on cpu"
    assert screening.resolve_engine("auto", "cuda") == "exact"


def test_auto_takes_faiss_on_a_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_faiss_gpus", lambda: 1)
    assert screening.resolve_engine("auto", "cuda") == "faiss-flat"
    assert screening.resolve_engine("auto", "cpu") == "exact"
    assert screening.resolve_engine("faiss-hnsw", "cpu") == "faiss-hnsw"
