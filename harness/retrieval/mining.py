"""Mining of translation pairs out of two sets of sentence vectors, by margin score.

Source: Artetxe and Schwenk (2019), Margin-based Parallel Corpus Mining with Multilingual Sentence
Embeddings, ACL, section 3; google-research/xtreme@838c13b third_party/utils_retrieve.py
(`mine_bitext` with retrieval "max", `bucc_optimize`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.progress import Advance
from harness.retrieval.search import Indices, Neighbours, Scores, Vectors, nearest
from harness.specs.run import Search

Margin = Literal["ratio", "distance", "absolute"]

_BLOCK = 8_192  # rows normalised at once
_UNUSABLE = -np.inf


@dataclass(frozen=True, slots=True)
class Mined:
    """Mined pairs, best first; no source row and no target row occurs twice.

    `sources`, `targets` int64 [p], rows counted from 0; `scores` float64 [p], never rising. `engine`
    says what searched and where; `recall` is the lower of the two directions' (0-1), None for exact
    engines.
    """

    sources: Indices
    targets: Indices
    scores: Scores
    engine: str
    recall: float | None

    def above(self, threshold: float) -> Mined:
        """Return the pairs whose score is at least the threshold."""
        return self.only(self.scores >= threshold)

    def only(self, kept: NDArray[np.bool_]) -> Mined:
        """Return the pairs that a mask bool [p] keeps."""
        return Mined(self.sources[kept], self.targets[kept], self.scores[kept], self.engine, self.recall)


def mine(
    source: NDArray[np.floating[Any]],
    target: NDArray[np.floating[Any]],
    *,
    neighbours: int = 4,
    margin: Margin = "ratio",
    engine: Search = "auto",
    device: str = "cpu",
    advance: Advance | None = None,
) -> Mined:
    """Mine one-to-one pairs of rows of `source` [n, d] and `target` [m, d], of any float type.

    With a the cosine of a pair and b the mean of two means, those over the cosines of the k nearest
    neighbours of either side, the score is a / b (`ratio`), a - b (`distance`) or a (`absolute`);
    k = min(neighbours, size of the other side). Candidates of a row are its k nearest. The best
    candidate of every row of both sides is a pair; pairs are taken by falling score, and a pair of
    which either row is taken already is passed over.

    Pairs of equal score are taken in the order of their source rows, then of their target rows; of a
    row's equally good candidates the nearest counts, and of equally near ones the lowest row. A
    pair whose cosine is not positive is never mined, whatever the margin, nor is one without a
    ratio (b not positive). For `ratio` that is the official rule, score > 0. The official
    code has the same rule for `distance`, where it means something else (nearer than the neighbourhood is):
    here a distance may be negative, and a threshold says what is good enough. A row of zeros has
    no cosine and is never mined. Rows that are equal are rows of their own: unify texts first.

    Memory: float32 copies of both sides, and arrays of n and m times `neighbours`. `advance` is
    called with the number of rows searched, n + m in all. Without rows on one side nothing is mined.

    Raises:
        ModelError: if a vector holds NaN or infinity, or the widths differ.
        RequestError: if the engine needs FAISS, which is not installed; if `neighbours` is below 1.
    """
    if not len(source) or not len(target):
        nothing = np.empty(0, dtype=np.int64)
        return Mined(nothing, nothing, np.empty(0), "nothing to search", None)
    left, right = normalised(source), normalised(target)
    forward = nearest(left, right, k=neighbours, engine=engine, device=device, advance=advance)
    backward = nearest(right, left, k=neighbours, engine=engine, device=device, advance=advance)
    around_left, around_right = forward.scores.mean(axis=1), backward.scores.mean(axis=1)
    best_right, forward_scores = _best(forward, around_left, around_right, margin)
    best_left, backward_scores = _best(backward, around_right, around_left, margin)
    sources = np.concatenate([np.arange(len(left)), best_left])
    targets = np.concatenate([best_right, np.arange(len(right))])
    scores = np.concatenate([forward_scores, backward_scores])
    usable = np.flatnonzero(scores != _UNUSABLE)
    order = usable[np.lexsort((targets[usable], sources[usable], -scores[usable]))]
    order = order[_one_to_one(sources[order], targets[order], len(left), len(right))]
    recalls = [found.recall for found in (forward, backward) if found.recall is not None]
    return Mined(sources[order], targets[order], scores[order], forward.engine, min(recalls, default=None))


def _best(found: Neighbours, around: Scores, around_other: Scores, margin: Margin) -> tuple[Indices, Scores]:
    """Return the best candidate of each row and its score; `_UNUSABLE` where it has none."""
    cosines = found.scores
    if margin == "absolute":
        scores, good = cosines, cosines > 0
    else:
        between = (around[:, None] + around_other[found.indices]) / 2
        if margin == "distance":
            scores, good = cosines - between, cosines > 0
        else:
            good = (cosines > 0) & (between > 0)
            scores = np.divide(cosines, between, out=np.zeros_like(cosines), where=good)
    scores = np.where(good, scores, _UNUSABLE)
    rows, best = np.arange(len(scores)), scores.argmax(axis=1)
    return found.indices[rows, best], scores[rows, best]


def _one_to_one(sources: Indices, targets: Indices, n: int, m: int) -> NDArray[np.bool_]:
    """Return which pairs are taken when each row is taken once, in the order given."""
    taken_left, taken_right = bytearray(n), bytearray(m)
    kept = np.zeros(len(sources), dtype=bool)
    for place, (left, right) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
        if not (taken_left[left] or taken_right[right]):
            taken_left[left] = taken_right[right] = 1
            kept[place] = True
    return kept


def normalised(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Return float32 [n, d] with rows of length 1; rows of zeros stay, NaN and infinity become NaN."""
    unit = np.empty(vectors.shape, dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start : start + _BLOCK], dtype=np.float64)
        # Divided by the largest value first, so that no square overflows or vanishes.
        peak = np.abs(block).max(axis=1, initial=0.0)[:, None]
        with np.errstate(invalid="ignore"):
            block = block / np.where(peak > 0, peak, 1.0)
            length = np.sqrt(np.einsum("nd,nd->n", block, block))[:, None]
            unit[start : start + _BLOCK] = block / np.where(length > 0, length, 1.0)
    return unit


def first_rows(texts: Sequence[str]) -> Indices:
    """Return the row of the first occurrence of each distinct text, rising."""
    seen: dict[str, int] = {}
    for row, text in enumerate(texts):
        seen.setdefault(text, row)
    return np.fromiter(seen.values(), dtype=np.int64, count=len(seen))


def best_threshold(scores: Scores, correct: NDArray[np.bool_], gold: int) -> tuple[float, float]:
    """Return the threshold under which pairs of score >= threshold have the highest F1, and that F1 (0-1).

    `scores` float64 [p], best first, `correct` bool [p], `gold` the number of pairs that are to be
    found. The threshold is the midpoint between the score of the last pair kept and the next lower
    one. A cut never falls between equal scores, which no threshold could tell apart. Of equally
    good thresholds the highest is taken. Where keeping all is best, the threshold is the lowest
    score itself (the official code fails there). No correct pair: F1 is 0 under every threshold, and
    minus infinity, which keeps all, is returned (the official 0 keeps all as well).
    """
    if not correct.any():
        return float("-inf"), 0.0
    kept = np.arange(1, len(scores) + 1)
    f1 = 2 * np.cumsum(correct) / (kept + gold)
    ends = np.append(scores[1:] < scores[:-1], True)
    last = int(np.where(ends, f1, -1.0).argmax())
    threshold = float(scores[last])
    if last + 1 < len(scores):
        below = float(scores[last + 1])
        middle = (threshold + below) / 2
        # Between two neighbouring floats there is none: the midpoint may be the lower one.
        threshold = middle if middle > below else threshold
    return threshold, float(f1[last])
