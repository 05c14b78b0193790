"""Windows over a context, the best span over all of them, and its text.

Token numbers count the context's own subwords unless a name says otherwise; spans of tokens
include both ends, spans of characters and windows exclude the stop.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]  # [tokens, 2]: start and stop of each token in code points
Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The part [start, stop) of a context that one sequence holds, from position `place` on.

    `owned` bool [stop - start]: the tokens for which no other window has more context.
    """

    start: int
    stop: int
    place: int
    owned: NDArray[np.bool_]


def cut(length: int, room: int, stride: int) -> list[tuple[int, int]]:
    """Return windows [start, stop) of at most `room` tokens over `length` of them.

    `stride` is the distance between the starts of two windows, as in the official scripts (the
    `stride` of Hugging Face tokenizers is the overlap instead); where a window holds less than
    that, they follow each other without a gap. The last window is the first one that reaches the
    end. A context without tokens has one empty window.
    """
    step = min(stride, room)
    windows = [(0, min(room, length))]
    while windows[-1][1] < length:
        start = windows[-1][0] + step
        windows.append((start, min(start + room, length)))
    return windows


def fullest(ranges: Sequence[tuple[int, int]], place: int) -> list[Window]:
    """Give every token to the window where it has the most context.

    The context of a token is the smaller of the numbers of tokens on its left and right in the
    window, plus 0.01 times the window's length; the earliest of equals gets it.
    Source: `_new_check_is_max_context` of transformers 2.8.
    """
    length = max(stop for _, stop in ranges)
    best = np.full(length, -1.0)
    owner = np.zeros(length, dtype=np.int64)
    for number, (start, stop) in enumerate(ranges):
        token = np.arange(stop - start)
        score = np.minimum(token, token[::-1]) + 0.01 * (stop - start)
        better = score > best[start:stop]
        best[start:stop][better] = score[better]
        owner[start:stop][better] = number
    return [Window(start, stop, place, owner[start:stop] == n) for n, (start, stop) in enumerate(ranges)]


def best_span(
    windows: Sequence[Window],
    logits: Sequence[tuple[Logits, Logits]],
    *,
    n_best: int,
    max_length: int,
    may_be_null: bool = False,
) -> tuple[int, int] | None:
    """Return the tokens (first, last) of the best span, or None where no span is allowed.

    `logits` holds the start and end logits of each window's whole sequence, special tokens and
    question included, padding not. Candidates are the `n_best` highest starts times the `n_best`
    highest ends of a window; a span begins at a token that the window owns, ends in the window, not
    before its start, and has at most `max_length` tokens. The score is the sum of the two logits. Ties:
    earlier window, higher-ranked start, higher-ranked end; equal logits rank by position. With
    `may_be_null` it is None too where no answer scores higher: the sum of the two logits of the first
    token, in the window where that is lowest.
    Source: `compute_predictions_logits` of transformers 2.8, its threshold for null answers at 0.
    """
    best, found = -np.inf, None
    for window, (start_logits, end_logits) in zip(windows, logits, strict=True):
        starts = np.argsort(-start_logits, kind="stable")[:n_best]
        ends = np.argsort(-end_logits, kind="stable")[:n_best]
        first, last = starts - window.place, ends - window.place
        size = window.stop - window.start
        may_start = np.zeros(len(first), dtype=bool)
        inside = (first >= 0) & (first < size)
        may_start[inside] = window.owned[first[inside]]
        may_end = (last >= 0) & (last < size)
        tokens = last[None, :] - first[:, None] + 1
        allowed = may_start[:, None] & may_end[None, :] & (tokens >= 1) & (tokens <= max_length)
        if not allowed.any():
            continue
        scores = (
            start_logits[starts].astype(np.float64)[:, None] + end_logits[ends].astype(np.float64)[None, :]
        )
        scores[~allowed] = -np.inf
        start, end = np.unravel_index(int(np.argmax(scores)), scores.shape)
        if scores[start, end] > best or found is None:
            best = scores[start, end]
            found = (int(first[start]) + window.start, int(last[end]) + window.start)
    if may_be_null and min(float(start[0]) + float(end[0]) for start, end in logits) > best:
        return None
    return found


def answer_tokens(offsets: Offsets, start: int, stop: int) -> tuple[int, int] | None:
    """Return the first and last token that overlap the characters [start, stop), if any does."""
    overlapping = np.flatnonzero(
        (offsets[:, 0] < stop) & (offsets[:, 1] > start) & (offsets[:, 1] > offsets[:, 0])
    )
    return (int(overlapping[0]), int(overlapping[-1])) if len(overlapping) else None


def span_text(context: str, offsets: Offsets, first: int, last: int) -> str:
    """Return the characters of a span of tokens, without white space around them.

    Tokenizers that strip accents leave combining marks out of their offsets: marks that follow the
    span and belong to no token are taken in, so that no syllable loses its vowel.
    """
    start, stop = int(offsets[first, 0]), int(offsets[last, 1])
    limit = int(offsets[last + 1, 0]) if last + 1 < len(offsets) else len(context)
    while stop < limit and unicodedata.category(context[stop]).startswith("M"):
        stop += 1
    return context[start:stop].strip()
