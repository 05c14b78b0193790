"""Average precision of ranked lists, cut off at k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.errors import ResultError
from harness.metrics.base import matrix, pairs, percent
from harness.records import Float


class AveragePrecision:
    """Mean over queries of the average precision among the first k results (mAP@k).

    The precision at the rank of each relevant result is summed and divided by min(relevant, k), so
    that a perfect list scores 1 even where more than k candidates are relevant. With one relevant
    candidate it is the reciprocal rank.
    Source: google-research/xtreme@838c13b (LAReQA and Mewsli-X, mAP@20).
    """

    columns: ClassVar[tuple[str, ...]] = ("score", "total")

    def __init__(self, k: int) -> None:
        self.k = k

    def per_example(
        self, golds: Sequence[Sequence[str]], outputs: Sequence[Sequence[str]], language: str
    ) -> Float:
        """Return float64 [n, 2]: the average precision of each query, 0 to 1, and 1.

        Golds are relevant ids in any order; outputs are ranked ids, best first, of which those past
        k are ignored. A list shorter than k finds nothing at the ranks it lacks.

        Raises:
            ResultError: if a query has no relevant candidate, or ranks one twice, or is missing.
        """
        return matrix(
            [(self._score(position, gold, output), 1.0) for position, gold, output in pairs(golds, outputs)],
            self.columns,
        )

    def _score(self, position: int, gold: Sequence[str], output: Sequence[str]) -> float:
        if isinstance(gold, str) or not gold:
            raise ResultError(
                f"example {position} (counting from 0): gold is {gold!r}; "
                "a list of at least one relevant id is needed"
            )
        if isinstance(output, str):
            raise ResultError(
                f"example {position} (counting from 0): the output is {output!r}; a list of ids is needed"
            )
        ranked = output[: self.k]
        if len(set(ranked)) != len(ranked):
            twice = next(c for i, c in enumerate(ranked) if c in ranked[:i])
            raise ResultError(
                f"example {position} (counting from 0): {twice!r} is ranked more than once among the first "
                f"{self.k}; each candidate may be ranked once"
            )
        relevant = set(gold)
        hits, total = 0, 0.0
        for rank, candidate in enumerate(ranked, 1):
            if candidate in relevant:
                hits += 1
                total += hits / rank
        return total / min(len(relevant), self.k)

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 2] to mAP in percent, float64 [...]; 0 without queries."""
        return percent(sums[..., 0], sums[..., 1])
