"""Nearest neighbours by inner product, the same ranks whatever the engine.

An engine only screens: it picks a few more candidates than asked for, in float32. Those are scored
again in float64, always by the same arithmetic, and sorted by score and then index. A float32
rounding bound certifies that nothing outside the screened set could belong to the result; the
queries for which it cannot (duplicates beyond count, near-ties, zero vectors) are searched again
among all candidates that the bound leaves in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, RequestError
from harness.progress import Advance
from harness.retrieval.screening import Screen, resolve_engine, screen_for
from harness.specs.run import Search

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]
Indices = NDArray[np.int64]

_UNIT = 2.0**-24  # rounding unit of float32
_HUGE = 2.0**127
_TINY = 2.0**-126  # below this a product may be flushed to zero
_CHUNK = 1 << 24  # float64 values held at once while rescoring (128 MB)
_RECALL_QUERIES = 1_000


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest candidates of each query, best first.

    `indices` int64 [n, k], `scores` float64 [n, k] (inner products), k never more than the number of
    candidates. `engine` says what searched and where; `recall` is the share of the true k nearest
    that an approximate engine found (0-1, over at most 1,000 queries), None for exact ones.
    """

    indices: Indices
    scores: Scores
    engine: str
    recall: float | None


def nearest(
    queries: Vectors,
    candidates: Vectors,
    *,
    k: int,
    engine: Search = "auto",
    device: str = "cpu",
    advance: Advance | None = None,
) -> Neighbours:
    """Return the k candidates of highest inner product for each query; ties go to the lower index.

    `queries` float32 [n, d], `candidates` float32 [m, d]. If k > m, all m are ranked. The engines
    `exact` and `faiss-flat` return equal indices and scores; `faiss-ivf` and `faiss-hnsw` are
    approximate and their recall is measured.

    Raises:
        ModelError: if a vector holds NaN or infinity.
        RequestError: if the engine needs FAISS, which is not installed; if there are no candidates.
    """
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    candidates = np.ascontiguousarray(candidates, dtype=np.float32)
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        raise ModelError(
            f"vectors do not fit together: queries {queries.shape}, candidates {candidates.shape}"
        )
    if not len(candidates) or k < 1:
        raise RequestError(f"nothing to search: {len(candidates)} candidates, k = {k}")
    _check_finite(queries, "query")
    _check_finite(candidates, "candidate")
    k = min(k, len(candidates))
    name = resolve_engine(engine, device)
    pool = _Pool.of(candidates)
    report = advance or (lambda done: None)
    if name in ("exact", "faiss-flat"):
        indices, scores = _exact(queries, pool, k, screen_for(name, pool.rows, device), report)
        return Neighbours(indices, scores, f"{name} on {device}", None)
    indices, scores, recall = _approximate(
        queries, pool, k, screen_for(name, candidates, device), device, report
    )
    return Neighbours(indices, scores, f"{name} on cpu", recall)


@dataclass(frozen=True, slots=True)
class _Pool:
    """The candidates without repetition: equal vectors share a row, so they cannot crowd a search."""

    vectors: Vectors  # as given [m, d]
    rows: Vectors  # distinct, in order of first appearance [u, d]
    members: list[Indices]  # the indices that each row stands for, ascending
    norms: Scores  # of the rows

    @classmethod
    def of(cls, candidates: Vectors) -> _Pool:
        seen: dict[bytes, int] = {}
        members: list[list[int]] = []
        for index, vector in enumerate(candidates):
            row = seen.setdefault(vector.tobytes(), len(members))
            if row == len(members):
                members.append([])
            members[row].append(index)
        rows = candidates[[m[0] for m in members]] if len(members) < len(candidates) else candidates
        norms = np.sqrt(np.einsum("md,md->m", rows, rows, dtype=np.float64))
        return cls(candidates, rows, [np.asarray(m, dtype=np.int64) for m in members], norms)


def _exact(queries: Vectors, pool: _Pool, k: int, screen: Screen, advance: Advance) -> tuple[Indices, Scores]:
    n, d = queries.shape
    wide = min(len(pool.rows), k + max(16, k))
    indices = np.empty((n, k), dtype=np.int64)
    scores = np.empty((n, k), dtype=np.float64)
    # Error of a float32 inner product in any order of summation (Higham 2002, section 3.1), and
    # twice the float64 one, which is what the certified scores themselves may be off by.
    relative = d * _UNIT / (1 - d * _UNIT) + 2 * d * 2.0**-53
    norms = np.sqrt(np.einsum("nd,nd->n", queries, queries, dtype=np.float64))
    reach = norms * pool.norms.max()
    # Where a float32 sum could overflow, nothing is certain.
    bounds = np.where(reach < _HUGE, relative * reach + d * _TINY, np.inf)
    step = max(1, min(4_096, _CHUNK // (wide * max(1, d))))
    for start in range(0, n, step):
        block = slice(start, min(n, start + step))
        screened, coarse = screen(queries[block], wide)
        fine = _rescore(queries[block], pool.rows, screened)
        # The rows of the k-th score: as many rows as k can never give fewer than k candidates.
        kth = -np.partition(-fine, min(k, wide) - 1, axis=1)[:, min(k, wide) - 1]
        certain = (kth - bounds[block] > coarse[:, -1]) if wide < len(pool.rows) else np.ones(len(fine), bool)
        for i in range(len(fine)):
            query = start + i
            if certain[i]:
                rows, values = screened[i], fine[i]
            else:
                rows, values = _in_doubt(queries[query], pool, float(kth[i]), float(bounds[query]))
            indices[query], scores[query] = _expand(rows, values, pool, k)
        advance(len(fine))
    return indices, scores


def _in_doubt(query: Vectors, pool: _Pool, kth: float, bound: float) -> tuple[Indices, Scores]:
    """Score in float64 all rows whose float32 score does not rule them out."""
    with np.errstate(over="ignore", invalid="ignore"):
        coarse = (pool.rows @ query).astype(np.float64)
        # Negated, so that the NaN of an overflow counts as doubt.
        rows = np.flatnonzero(~(coarse < kth - bound))
    values = np.empty(len(rows), dtype=np.float64)
    step = max(1, _CHUNK // max(1, query.shape[0]))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        values[start : start + step] = _rescore(query[None], pool.rows, part[None])[0]
    return rows.astype(np.int64), values


def _rescore(queries: Vectors, rows: Vectors, chosen: Indices) -> Scores:
    """Return float64 inner products [b, w] of each query with its chosen rows.

    Products of float32 numbers are exact in float64, and each sum runs over one contiguous vector
    in one fixed order: the value depends on the two vectors alone, not on their neighbours.
    """
    left = queries.astype(np.float64)
    right = rows[chosen].astype(np.float64)
    products: Scores = np.einsum("bd,bwd->bw", left, right, optimize=False)
    return products


def _expand(rows: Indices, values: Scores, pool: _Pool, k: int) -> tuple[Indices, Scores]:
    """Turn scored rows into the k best candidates: by score, then by index."""
    if len(pool.rows) == len(pool.vectors):
        order = np.lexsort((rows, -values))[:k]
        return rows[order], values[order]
    # Every row of at least the k-th best score: their members are all that can be wanted.
    enough = np.sort(values)[::-1][min(k, len(values)) - 1]
    kept = np.flatnonzero(values >= enough)
    members = np.concatenate([pool.members[rows[i]] for i in kept])
    spread = np.repeat(values[kept], [len(pool.members[rows[i]]) for i in kept])
    order = np.lexsort((members, -spread))[:k]
    return members[order], spread[order]


def _approximate(
    queries: Vectors, pool: _Pool, k: int, screen: Screen, device: str, advance: Advance
) -> tuple[Indices, Scores, float | None]:
    n = len(queries)
    found, _ = screen(queries, k)
    indices = np.empty((n, k), dtype=np.int64)
    scores = np.empty((n, k), dtype=np.float64)
    complete = np.flatnonzero((found >= 0).all(axis=1))
    step = max(1, _CHUNK // (k * max(1, queries.shape[1])))
    for start in range(0, len(complete), step):
        part = complete[start : start + step]
        values = _rescore(queries[part], pool.vectors, found[part])
        order = np.lexsort((found[part], -values), axis=-1)
        indices[part] = np.take_along_axis(found[part], order, axis=1)
        scores[part] = np.take_along_axis(values, order, axis=1)
        advance(len(part))
    # An index may return fewer than k; such a query is searched exactly, so that it has an answer.
    exact = screen_for("exact", pool.rows, device)
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        indices[short], scores[short] = _exact(queries[short], pool, k, exact, advance)
    if not n:
        return indices, scores, None
    sample = np.unique(np.linspace(0, n - 1, min(n, _RECALL_QUERIES)).astype(np.int64))
    truth, _ = _exact(queries[sample], pool, k, exact, lambda done: None)
    hits = sum(len(np.intersect1d(found[q], t)) for q, t in zip(sample, truth, strict=True))
    return indices, scores, hits / (len(sample) * k)


def _check_finite(vectors: Vectors, what: str) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ModelError(
            f"{len(bad)} of {len(vectors)} {what} vectors hold NaN or infinity (first: row {bad[0]}, "
            "counted from 0). The model overflows in this number format: try --dtype float32."
        )
