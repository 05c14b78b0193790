"""F1, precision and recall of a set of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.base import matrix, pairs, percent
from harness.records import Float


class PairF1:
    """F1 of the predicted pairs against the gold pairs, both taken as sets.

    There is one row for each pair that is gold, predicted, or both. Counts add up over rows, and
    2 tp / (predicted + gold) is the harmonic mean of precision and recall.
    Source: google-research/xtreme@838c13b evaluate.py (`bucc_f1`).
    """

    columns: ClassVar[tuple[str, ...]] = ("true_positives", "predicted", "gold")

    def per_example(self, golds: Sequence[bool], outputs: Sequence[bool], language: str) -> Float:
        """Return float64 [n, 3], each 0 or 1: whether a pair is both, is predicted, is gold.

        Raises:
            ResultError: if there are not as many outputs as golds.
        """
        return matrix(
            [(gold and output, output, gold) for _, gold, output in pairs(golds, outputs)], self.columns
        )

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to F1 in percent, float64 [...]; 0 without any pair."""
        return percent(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


class PairPrecision(PairF1):
    """Share of predicted pairs that are gold; see `PairF1`."""

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to precision in percent, float64 [...]; 0 if nothing is predicted."""
        return percent(sums[..., 0], sums[..., 1])


class PairRecall(PairF1):
    """Share of gold pairs that are predicted; see `PairF1`."""

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 3] to recall in percent, float64 [...]; 0 without gold pairs."""
        return percent(sums[..., 0], sums[..., 2])
