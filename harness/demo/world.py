"""A small world of generated languages: meanings, and their sentences in every language.

A meaning says who (with which property) did what to whom and where. Languages differ in word
order and in how many of their words they share with the source language. Sentences are parallel
by construction; tags, answers and translations follow from the meaning.

Nothing here is natural language: a score on it says that the machinery runs, not how good a
model is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
VOWELS = ("a", "e", "i", "o", "u")

CONCEPTS = {
    "NOUN": 40,
    "VERB": 16,
    "ADJ": 12,
    "ADP": 4,
    "ADV": 2,  # 0: who?  1: where?
}
PLACES = range(30, 40)  # nouns that name places
ACTORS = range(0, 30)


@dataclass(frozen=True, slots=True)
class ToyLanguage:
    """A generated language: its code (from the private range of ISO 639-3), order, and kinship.

    `cognates` is the share of concepts whose word is the source language's own.
    """

    code: str
    order: str  # a permutation of S, V, O
    adjective_first: bool
    cognates: float


LANGUAGES = (
    ToyLanguage("qaa", "SVO", adjective_first=True, cognates=1.0),
    ToyLanguage("qab", "SVO", adjective_first=True, cognates=0.7),
    ToyLanguage("qac", "SOV", adjective_first=True, cognates=0.4),
    ToyLanguage("qad", "VSO", adjective_first=False, cognates=0.1),
)
SOURCE = LANGUAGES[0]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Who did what to whom, where; all fields index concepts."""

    subject: int
    adjective: int
    verb: int
    object: int
    preposition: int
    place: int


Tagged = tuple[str, str]  # a word and its part of speech


class World:
    """The lexicons of all languages, drawn from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        taken: set[str] = set()
        own = {language.code: self._lexicon(taken) for language in LANGUAGES}
        self.words: dict[str, dict[tuple[str, int], str]] = {}
        for language in LANGUAGES:
            shared = {key: self.rng.random() < language.cognates for key in own[SOURCE.code]}
            self.words[language.code] = {
                key: own[SOURCE.code][key] if shared[key] else own[language.code][key] for key in shared
            }

    def _lexicon(self, taken: set[str]) -> dict[tuple[str, int], str]:
        lexicon: dict[tuple[str, int], str] = {}
        for tag, size in CONCEPTS.items():
            for concept in range(size):
                word = self._word(2 if tag in ("ADP", "ADV") else 3)
                while word in taken:
                    word = self._word(3)
                taken.add(word)
                lexicon[tag, concept] = word
        return lexicon

    def _word(self, syllables: int) -> str:
        return "".join(
            ONSETS[self.rng.integers(len(ONSETS))] + VOWELS[self.rng.integers(len(VOWELS))]
            for _ in range(syllables)
        )

    def meanings(self, count: int) -> list[Meaning]:
        """Draw distinct meanings."""
        seen: dict[Meaning, None] = {}
        while len(seen) < count:
            subject, other = self.rng.choice(len(ACTORS), size=2, replace=False)
            meaning = Meaning(
                subject=int(subject),
                adjective=int(self.rng.integers(CONCEPTS["ADJ"])),
                verb=int(self.rng.integers(CONCEPTS["VERB"])),
                object=int(other),
                preposition=int(self.rng.integers(CONCEPTS["ADP"])),
                place=int(PLACES[self.rng.integers(len(PLACES))]),
            )
            seen[meaning] = None
        return list(seen)

    def subject(self, meaning: Meaning, language: ToyLanguage) -> list[Tagged]:
        """Return the subject's noun phrase."""
        words = self.words[language.code]
        noun = (words["NOUN", meaning.subject], "NOUN")
        adjective = (words["ADJ", meaning.adjective], "ADJ")
        return [adjective, noun] if language.adjective_first else [noun, adjective]

    def sentence(self, meaning: Meaning, language: ToyLanguage) -> list[Tagged]:
        """Realise a meaning; the place comes last, then a full stop."""
        words = self.words[language.code]
        parts = {
            "S": self.subject(meaning, language),
            "V": [(words["VERB", meaning.verb], "VERB")],
            "O": [(words["NOUN", meaning.object], "NOUN")],
        }
        tagged = [word for slot in language.order for word in parts[slot]]
        tagged += [
            (words["ADP", meaning.preposition], "ADP"),
            (words["NOUN", meaning.place], "NOUN"),
            (".", "PUNCT"),
        ]
        return tagged

    def who(self, meaning: Meaning, language: ToyLanguage) -> list[str]:
        """Ask who did it: the question word, then the sentence without its subject."""
        words = self.words[language.code]
        rest = {"V": words["VERB", meaning.verb], "O": words["NOUN", meaning.object]}
        order = [rest[slot] for slot in language.order if slot != "S"]
        place = [words["ADP", meaning.preposition], words["NOUN", meaning.place]]
        return [words["ADV", 0], *order, *place]


def text_of(words: Sequence[str]) -> str:
    """Join words with spaces, the full stop and question mark unspaced."""
    pieces = [words[0]]
    for _, word in pairwise(words):
        pieces.append(word if word in (".", "?") else f" {word}")
    return "".join(pieces)
