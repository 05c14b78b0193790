"""Nearest neighbours by inner product, the same ranks whatever the engine.

An engine only screens: it picks a few more candidates than asked for, in float32. Those are scored
again in float64, always by the same arithmetic, and sorted by score and then index. A float32
rounding bound certifies that nothing outside the screened set could belong to the result; the
queries for which it cannot (duplicates beyond count, near-ties, zero vectors) are searched again
among all candidates that the bound leaves in doubt.
"""

from __future__ import annotations

import hashlib
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
_BLOCK = 65_536  # vectors looked at at once
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


class Index:
    """Candidates made ready once, for as many searches as follow: float32 [m, d].

    The engines `exact` and `faiss-flat` return equal indices and scores; `faiss-ivf` and `faiss-hnsw`
    are approximate and their recall is measured. The vectors are held, not copied, on the CPU as long
    as no two are equal (else the distinct ones are copied); FAISS and GPUs hold a copy of their own.

    Raises:
        ModelError: if a vector holds NaN or infinity, or the candidates are no matrix.
        RequestError: if the engine needs FAISS, which is not installed; if there are no candidates.
    """

    def __init__(self, candidates: Vectors, *, engine: Search = "auto", device: str = "cpu") -> None:
        candidates = np.ascontiguousarray(candidates, dtype=np.float32)
        if candidates.ndim != 2:
            raise ModelError(f"candidates of shape {candidates.shape} are no vectors of one length")
        if not len(candidates):
            raise RequestError("nothing to search: 0 candidates")
        _check_finite(candidates, "candidate")
        self._device = device
        self._engine = resolve_engine(engine, device)
        self._pool = _Pool.of(candidates)
        exact = self._engine in ("exact", "faiss-flat")
        # Approximate engines see every candidate, the exact ones the distinct rows.
        self._screen = screen_for(self._engine, self._pool.rows if exact else candidates, device)

    def nearest(self, queries: Vectors, *, k: int, advance: Advance | None = None) -> Neighbours:
        """Return the k candidates of highest inner product for each query; ties go to the lower index.

        `queries` float32 [n, d]. If k > m, all m are ranked.

        Raises:
            ModelError: if a vector holds NaN or infinity, or has another length than the candidates.
            RequestError: if k is below 1.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        pool, shape = self._pool, self._pool.vectors.shape
        if queries.ndim != 2 or queries.shape[1] != shape[1]:
            raise ModelError(f"vectors do not fit together: queries {queries.shape}, candidates {shape}")
        if k < 1:
            raise RequestError(f"nothing to search: {len(pool.vectors)} candidates, k = {k}")
        _check_finite(queries, "query")
        k, report = min(k, len(pool.vectors)), advance or (lambda done: None)
        if self._engine in ("exact", "faiss-flat"):
            indices, scores = _exact(queries, pool, k, self._screen, report)
            return Neighbours(indices, scores, f"{self._engine} on {self._device}", None)
        indices, scores, recall = _approximate(queries, pool, k, self._screen, self._device, report)
        return Neighbours(indices, scores, f"{self._engine} on cpu", recall)


def nearest(
    queries: Vectors,
    candidates: Vectors,
    *,
    k: int,
    engine: Search = "auto",
    device: str = "cpu",
    advance: Advance | None = None,
) -> Neighbours:
    """Search candidates float32 [m, d] once: `Index.nearest` of an index made for it.

    Raises:
        ModelError, RequestError: as `Index`.
    """
    return Index(candidates, engine=engine, device=device).nearest(queries, k=k, advance=advance)


@dataclass(frozen=True, slots=True)
class _Pool:
    """The candidates without repetition: equal vectors share a row, so they cannot crowd a search."""

    vectors: Vectors  # as given [m, d]
    rows: Vectors  # distinct, in order of first appearance [u, d]
    order: Indices  # the candidates by row, ascending within each [m]
    starts: Indices  # where a row's candidates begin in `order`, and the end [u + 1]
    norms: Scores  # of the rows

    @classmethod
    def of(cls, candidates: Vectors) -> _Pool:
        # A digest in place of the bytes: a million vectors would be held a second time by a dict.
        seen: dict[bytes, int] = {}
        firsts: list[int] = []
        row_of = np.empty(len(candidates), dtype=np.int64)
        for index, vector in enumerate(candidates):
            row = seen.setdefault(hashlib.blake2b(vector.data, digest_size=20).digest(), len(firsts))
            if row == len(firsts):
                firsts.append(index)
            row_of[index] = row
        rows = candidates[firsts] if len(firsts) < len(candidates) else candidates
        order = np.argsort(row_of, kind="stable")
        starts = np.searchsorted(row_of[order], np.arange(len(firsts) + 1))
        norms = np.sqrt(np.einsum("md,md->m", rows, rows, dtype=np.float64))
        return cls(candidates, rows, order, starts, norms)

    def members(self, row: int) -> Indices:
        """Return the candidates that a row stands for, ascending."""
        return self.order[self.starts[row] : self.starts[row + 1]]


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
    standing = [pool.members(int(rows[i])) for i in kept]
    members = np.concatenate(standing)
    spread = np.repeat(values[kept], [len(of_row) for of_row in standing])
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
    blocks = [
        start + np.flatnonzero(~np.isfinite(vectors[start : start + _BLOCK]).all(axis=1))
        for start in range(0, len(vectors), _BLOCK)
    ]
    bad = np.concatenate(blocks) if blocks else np.empty(0, dtype=np.int64)
    if len(bad):
        raise ModelError(
            f"{len(bad)} of {len(vectors)} {what} vectors hold NaN or infinity (first: row {bad[0]}, "
            "counted from 0). The model overflows in this number format: try --dtype float32."
        )
