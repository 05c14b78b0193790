"""Chunk F1 as XTREME's scripts compute it: with the rules of seqeval 0.0.5 to 0.0.12.

XTREME scores UDPOS with a named-entity scorer although its tags carry no scheme prefix. The tag is
then read twice: its first letter as the prefix (B, I, E, S or O), and what follows its last hyphen,
here the whole tag, as the type. Hence neighbours with equal tags count as one chunk, except SYM and
SCONJ, whose first letter says "single"; INTJ reads as an inside tag; and F1 lies below accuracy.
Later seqeval versions read the type differently and give other numbers (CCONJ would equal SCONJ).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from harness.metrics.accuracy import check_tags
from harness.metrics.base import matrix, pairs, percent
from harness.records import Float

Chunk = tuple[str, int, int]


@lru_cache(maxsize=65_536)
def _boundary(previous: str, current: str) -> tuple[bool, bool]:
    """Say whether a chunk ends, and whether one starts, between two neighbouring tags."""
    before, after = previous[:1], current[:1]
    other_type = previous.rpartition("-")[2] != current.rpartition("-")[2]
    ends = (
        before in ("E", "S")
        or (before in ("B", "I") and after in ("B", "S", "O"))
        or (before not in ("O", ".") and other_type)
    )
    starts = (
        after in ("B", "S")
        or (before in ("E", "S", "O") and after in ("E", "I"))
        or (after not in ("O", ".") and other_type)
    )
    return ends, starts


def chunks(tags: Sequence[str]) -> set[Chunk]:
    """Return the chunks of one sentence as (type, first word, last word), counted from 0."""
    found: set[Chunk] = set()
    previous, start = "O", 0
    for position, tag in enumerate([*tags, "O"]):
        ends, starts = _boundary(previous, tag)
        if ends:
            found.add((previous.rpartition("-")[2], start, position - 1))
        if starts:
            start = position
        previous = tag
    return found


class LegacyChunkF1:
    """Micro-averaged F1 over chunks, as seqeval 0.0.5 to 0.0.12 finds them.

    The official script joins all sentences with an "O" in between, so counts per sentence add up
    exactly to its counts. (Only types that are empty or called "O" would leak from one sentence
    into the next; no tag set of the benchmarks has them.)
    Source: seqeval 0.0.12, as called by google-research/xtreme@838c13b evaluate.py.
    """

    columns: ClassVar[tuple[str, ...]] = ("true_positives", "predicted", "gold")

    def per_example(
        self, golds: Sequence[Sequence[str]], outputs: Sequence[Sequence[str]], language: str
    ) -> Float:
        """Return float64 [n, 3]: chunks found in both, predicted chunks, gold chunks.

        Raises:
            ResultError: if a sentence has not as many predicted as gold tags, or a sentence is missing.
        """
        rows = []
        for position, gold, output in pairs(golds, outputs):
            check_tags(position, gold, output)
            true, predicted = chunks(gold), chunks(output)
            rows.append((len(true & predicted), len(predicted), len(true)))
        return matrix(rows, self.columns)

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to F1 in percent, float64 [...]; 0 without any chunk."""
        return percent(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


class LegacyChunkPrecision(LegacyChunkF1):
    """Share of predicted chunks that are gold chunks; see `LegacyChunkF1`."""

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to precision in percent, float64 [...]; 0 if nothing is predicted."""
        return percent(sums[..., 0], sums[..., 1])


class LegacyChunkRecall(LegacyChunkF1):
    """Share of gold chunks that are predicted; see `LegacyChunkF1`."""

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to recall in percent, float64 [...]; 0 without gold chunks."""
        return percent(sums[..., 0], sums[..., 2])
