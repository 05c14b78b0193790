"""What the generated languages can speak of: a fixed inventory of concepts, each with one word a language."""

from __future__ import annotations

from typing import NamedTuple


class Concept(NamedTuple):
    """A thing that has a word: its kind, and its number within the kind."""

    kind: str
    number: int


class Kind(NamedTuple):
    """A class of concepts: how many there are, their part of speech (UPOS), syllables of their words.

    0 syllables stand for one closed by a consonant, which no other word is: such a word can be a suffix.
    """

    size: int
    tag: str
    syllables: tuple[int, ...]


KINDS = {
    "person": Kind(30, "NOUN", (2, 3)),
    "thing": Kind(30, "NOUN", (2, 3)),
    "place": Kind(16, "NOUN", (2, 3)),
    "body": Kind(8, "NOUN", (2, 3)),  # guilds, schools: with the name of a town they are organisations
    "given": Kind(24, "PROPN", (2, 3)),
    "family": Kind(16, "PROPN", (3,)),
    "town": Kind(20, "PROPN", (2, 3)),
    "social": Kind(16, "VERB", (2, 3)),  # done to persons; 2i and 2i + 1 are converses (sell to, buy from)
    "manual": Kind(12, "VERB", (2, 3)),  # done to things
    "quality": Kind(14, "ADJ", (2, 3)),
    "numeral": Kind(5, "NUM", (2,)),
    "past": Kind(4, "ADV", (2, 3)),  # yesterday ..
    "future": Kind(4, "ADV", (2, 3)),  # tomorrow ..
    "relation": Kind(5, "ADP", (2,)),  # in, under, near ..
    "question": Kind(4, "PRON", (2,)),  # who, whom or what, where, when
    "link": Kind(1, "ADP", (2,)),  # of
    "plural": Kind(1, "PART", (0,)),
    "tense": Kind(2, "AUX", (0,)),  # past, future
    "negation": Kind(1, "PART", (0,)),
    "accusative": Kind(1, "PART", (0,)),
    "genitive": Kind(1, "PART", (0,)),
}
CONCEPTS = tuple(Concept(name, number) for name, kind in KINDS.items() for number in range(kind.size))
QUESTIONS = ("subject", "object", "place", "time")  # what the question words ask for, in their order
LINK, PLURAL, NEGATION = Concept("link", 0), Concept("plural", 0), Concept("negation", 0)
ACCUSATIVE, GENITIVE = Concept("accusative", 0), Concept("genitive", 0)
TENSES = {"past": Concept("tense", 0), "future": Concept("tense", 1)}
ENTITIES = ("PER", "LOC", "ORG")


def converse(verb: Concept) -> Concept:
    """Return the verb of the same deed seen from the other side: A sells to B, B buys from A."""
    assert verb.kind == "social", "BUG: only deeds between persons have a converse"
    return Concept(verb.kind, verb.number ^ 1)


def tag_of(concept: Concept) -> str:
    """Return the universal part-of-speech tag of a concept's word."""
    if concept.kind == "question" and concept.number >= QUESTIONS.index("place"):
        return "ADV"
    return KINDS[concept.kind].tag
