"""Accuracy over examples and over the tokens of tagged sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness.errors import ResultError
from harness.metrics.base import matrix, pairs, percent
from harness.records import Float


class Accuracy:
    """Share of examples whose output equals the gold label.

    Both are compared as text, so that a choice or row number (3) equals the gold "3".
    Source: google-research/xtreme@838c13b evaluate.py.
    """

    columns: ClassVar[tuple[str, ...]] = ("correct", "total")

    def per_example(self, golds: Sequence[str], outputs: Sequence[str | int], language: str) -> Float:
        """Return float64 [n, 2]: 1 or 0 for correct, and 1.

        Raises:
            ResultError: if there are not as many outputs as golds.
        """
        return matrix([(str(gold) == str(out), 1) for _, gold, out in pairs(golds, outputs)], self.columns)

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 2] to accuracy in percent, float64 [...]; 0 without examples."""
        return percent(sums[..., 0], sums[..., 1])


class TokenAccuracy:
    """Share of tokens whose tag equals the gold tag, over all tokens of a test set.

    Each example is a list of tags, one per word.
    """

    columns: ClassVar[tuple[str, ...]] = ("correct", "total")

    def per_example(
        self, golds: Sequence[Sequence[str]], outputs: Sequence[Sequence[str]], language: str
    ) -> Float:
        """Return float64 [n, 2]: correct tags and tags of each sentence.

        Raises:
            ResultError: if a sentence has not as many predicted as gold tags, or a sentence is missing.
        """
        rows = []
        for position, gold, output in pairs(golds, outputs):
            check_tags(position, gold, output)
            rows.append((sum(g == o for g, o in zip(gold, output, strict=True)), len(gold)))
        return matrix(rows, self.columns)

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 2] to accuracy in percent, float64 [...]; 0 without tokens."""
        return percent(sums[..., 0], sums[..., 1])


def check_tags(position: int, gold: Sequence[str], output: Sequence[str]) -> None:
    """Check that a sentence has one predicted tag per word.

    Raises:
        ResultError: if it has not; `position` counts the examples from 0.
    """
    if isinstance(output, str) or len(gold) != len(output):
        seen = f"the text {output!r}" if isinstance(output, str) else f"{len(output)} tags"
        raise ResultError(
            f"example {position} (counting from 0): {seen} for {len(gold)} words; "
            "exactly one tag per word is needed"
        )
