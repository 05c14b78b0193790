"""The words of every generated language, from one seed: the source's own, inherited ones, and others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from harness.windtunnel.concepts import CONCEPTS, KINDS, Concept
from harness.windtunnel.dice import Dice
from harness.windtunnel.languages import SOURCE, Language
from harness.windtunnel.scripts import ONSETS, VOWELS, write_in

Words = Mapping[Concept, str]


@cache
def lexicon(language: Language, seed: int = 0) -> Words:
    """Return the word of every concept, in the language's script; no two are equal.

    `language.cognates` percent of the words are the source's (rounded to whole words, spread evenly over
    the kinds of words), with the language's sound changes. A word that is not inherited equals no word of
    the source language: there are no false friends there.
    """
    own = _own_words(language, seed)
    inherited = _inherited(language, seed)
    source = _own_words(SOURCE, seed)
    shifts = _shifts(language)
    latin = {c: source[c].translate(shifts) if c in inherited else own[c] for c in CONCEPTS}
    assert len(set(latin.values())) == len(latin), "BUG: two concepts have one word"
    return MappingProxyType({c: write_in(language.typology.script, word) for c, word in latin.items()})


def inherited_concepts(language: Language, seed: int = 0) -> frozenset[Concept]:
    """Return the concepts whose words are the source language's."""
    return _inherited(language, seed)


@cache
def _own_words(language: Language, seed: int) -> Words:
    taken = set()
    if language is not SOURCE:
        words = _own_words(SOURCE, seed).values()
        taken = {*words, *(word.translate(_shifts(language)) for word in words)}
    dice = Dice(seed, "words", language.code)
    found: dict[Concept, str] = {}
    for concept in CONCEPTS:
        word = _word(dice, concept)
        while word in taken:
            word = _word(dice, concept)
        taken.add(word)
        found[concept] = word
    return found


def _word(dice: Dice, concept: Concept) -> str:
    syllables = dice.pick(KINDS[concept.kind].syllables)
    open_syllables = "".join(dice.pick(ONSETS) + dice.pick(VOWELS) for _ in range(syllables or 1))
    return open_syllables + ("" if syllables else dice.pick(ONSETS))


@cache
def _inherited(language: Language, seed: int) -> frozenset[Concept]:
    if language is SOURCE:
        return frozenset(CONCEPTS)
    dice = Dice(seed, "cognates", language.code)
    in_order = [
        concept for kind in KINDS for concept in dice.shuffled([c for c in CONCEPTS if c.kind == kind])
    ]
    # Every hundredth part of the list gives its share, so that no kind of word has all of them.
    start = dice.below(100)
    reached = [(start + place * language.cognates) // 100 for place in range(len(in_order) + 1)]
    return frozenset(
        concept
        for concept, before, after in zip(in_order, reached, reached[1:], strict=False)
        if after > before
    )


def _shifts(language: Language) -> dict[int, str]:
    return {ord(old): new for old, new in language.shifts}
