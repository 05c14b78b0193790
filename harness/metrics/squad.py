"""Exact match and token F1 of answers, as SQuAD v1.1 defines them (XQuAD and TyDiQA-GoldP too).

The normaliser is English whatever the language of the answer: it drops ASCII punctuation and the
words a, an and the, and splits at whitespace. In Thai or Chinese an answer is therefore one token.
MLQA has a normaliser per language, which is another metric.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from harness.errors import ResultError
from harness.metrics.base import matrix, pairs, percent
from harness.records import Float

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def tokens(answer: str) -> list[str]:
    """Return the normalised tokens: lower case, no ASCII punctuation, no English articles."""
    return _ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split()


def token_f1(gold: str, answer: str) -> float:
    """Return the F1 of the two bags of tokens, 0 to 1.

    It is 0 without a common token, so also where both are empty (exact match is 1 there), as in
    the official script.
    """
    return overlap_f1(tokens(gold), tokens(answer))


def overlap_f1(expected: Sequence[str], given: Sequence[str]) -> float:
    """Return the F1 of two bags of tokens, 0 to 1; 0 without a common token."""
    common = (Counter(expected) & Counter(given)).total()
    return 2 * common / (len(expected) + len(given)) if common else 0.0


def best_scores(
    golds: Sequence[Sequence[str]], outputs: Sequence[str], score: Callable[[str, str], float]
) -> Float:
    """Return float64 [n, 2]: the best score of each output over its gold answers, and 1.

    Raises:
        ResultError: if a question has no gold answer, or an output is missing.
    """
    rows = []
    for position, answers, output in pairs(golds, outputs):
        if isinstance(answers, str) or not answers:
            raise ResultError(
                f"example {position} (counting from 0): gold is {answers!r}; "
                "a list of at least one answer text is needed"
            )
        rows.append((max(score(answer, output) for answer in answers), 1.0))
    return matrix(rows, ("score", "total"))


class SquadF1:
    """Mean token F1, in each question the best over its gold answers.

    Source: SQuAD v1.1 evaluation, as in google-research/xtreme@838c13b third_party/evaluate_squad.py.
    """

    columns: ClassVar[tuple[str, ...]] = ("score", "total")

    def per_example(self, golds: Sequence[Sequence[str]], outputs: Sequence[str], language: str) -> Float:
        """Return float64 [n, 2]: the score of each question, 0 to 1, and 1.

        Raises:
            ResultError: if a question has no gold answer, or an output is missing.
        """
        return best_scores(golds, outputs, self.score)

    def score(self, gold: str, answer: str) -> float:
        """Compare an answer with one gold answer: 0 to 1."""
        return token_f1(gold, answer)

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 2] to the mean score in percent, float64 [...]; 0 without questions."""
        return percent(sums[..., 0], sums[..., 1])


class SquadExactMatch(SquadF1):
    """Share of questions whose normalised answer equals a normalised gold answer; see `SquadF1`."""

    def score(self, gold: str, answer: str) -> float:
        """Return 1 if both are equal once normalised (also if both are then empty), else 0."""
        return float(tokens(gold) == tokens(answer))


class SquadV2F1(SquadF1):
    """Mean token F1 where questions may have no answer, whose gold is one empty text.

    Source: SQuAD v2.0 evaluation (compute_f1): where either is empty once normalised, it is 1 if both are.
    """

    def score(self, gold: str, answer: str) -> float:
        """Compare an answer with one gold answer: 0 to 1."""
        expected, given = tokens(gold), tokens(answer)
        return overlap_f1(expected, given) if expected and given else float(expected == given)
