"""Exact match and token F1 of answers, as MLQA defines them: with a normaliser per language.

Case, punctuation of any script, the language's articles and spacing do not count. The order matters:
punctuation goes before articles do, so that `l'` and `d'` stay glued to their words, and before
Chinese is cut into characters, so that no punctuation mark is ever a token there.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from harness.errors import SpecError, did_you_mean
from harness.metrics.base import percent
from harness.metrics.squad import best_scores, overlap_f1
from harness.records import Float


def _whole_words(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words.split())})\b")


# What stands for a space once punctuation is gone; None: the language has no articles.
_ARTICLES: dict[str, re.Pattern[str] | None] = {
    # The official pattern names the article at the beginning of a word, but its first half can never
    # match, and its second half takes these two letters out of the middle of words too.
    "ar": re.compile("ال"),
    "de": _whole_words("ein eine einen einem eines einer der die das den dem des"),
    "en": _whole_words("a an the"),
    "es": _whole_words("un una unos unas el la los las"),
    "hi": None,
    "vi": _whole_words("của là cái chiếc những"),
    "zh": None,
}
LANGUAGES = tuple(_ARTICLES)
# Each ideograph of this block is a token; others, and all other text, are cut at white space.
_CHINESE = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5]+")


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def tokens(answer: str, language: str) -> list[str]:
    """Return the normalised tokens of an answer in a language of `LANGUAGES`."""
    text = "".join(character for character in answer.lower() if not _is_punctuation(character))
    if articles := _ARTICLES[language]:
        text = articles.sub(" ", text)
    return _CHINESE.findall(text) if language == "zh" else text.split()


class MlqaF1:
    """Mean token F1, in each question the best over its gold answers.

    Source: facebookresearch/MLQA@24bf470 mlqa_evaluation_v1.py, which google-research/xtreme@838c13b
    carries as third_party/evaluate_mlqa.py.
    """

    columns: ClassVar[tuple[str, ...]] = ("score", "total")

    def per_example(self, golds: Sequence[Sequence[str]], outputs: Sequence[str], language: str) -> Float:
        """Return float64 [n, 2]: the score of each question, 0 to 1, and 1.

        `language` is that of context and answers.

        Raises:
            SpecError: if MLQA has no normaliser for the language.
            ResultError: if a question has no gold answer, or an output is missing.
        """
        if language not in _ARTICLES:
            raise SpecError(
                f"MLQA's metrics have no rules for the language {language!r}"
                f"{did_you_mean(language, LANGUAGES)}; they have them for {', '.join(LANGUAGES)}. "
                "For others take squad_f1 and squad_exact_match"
            )
        return best_scores(golds, outputs, lambda gold, answer: self.score(gold, answer, language))

    def score(self, gold: str, answer: str, language: str) -> float:
        """Compare an answer with one gold answer: 0 to 1; 0 if both are empty once normalised."""
        return overlap_f1(tokens(gold, language), tokens(answer, language))

    def value(self, sums: Float) -> Float:
        """Map float64 [..., 2] to the mean score in percent, float64 [...]; 0 without questions."""
        return percent(sums[..., 0], sums[..., 1])


class MlqaExactMatch(MlqaF1):
    """Share of questions whose normalised answer equals a normalised gold answer; see `MlqaF1`."""

    def score(self, gold: str, answer: str, language: str) -> float:
        """Return 1 if both are equal once normalised (also if both are then empty), else 0."""
        return float(tokens(gold, language) == tokens(answer, language))
