"""From a meaning to a sentence of a generated language: words in order, each with what it is.

Every choice is made by the language's declared parameters, or follows from the order of verb and object:
words for tense and negation stand before the verb where the verb precedes its object, else behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.windtunnel.concepts import (
    ACCUSATIVE,
    GENITIVE,
    LINK,
    NEGATION,
    PLURAL,
    QUESTIONS,
    TENSES,
    Concept,
    tag_of,
)
from harness.windtunnel.languages import Language
from harness.windtunnel.lexicon import Words, lexicon
from harness.windtunnel.meanings import Clause, Phrase, Place

_SLOTS = {"subject": "S", "object": "O", "place": "P", "time": "T"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a sentence: its form, its tag (UPOS), its entity label (IOB2), and its slot.

    Slots: S, V and O, P the place, T the time, `?` the question word, `.` what ends the sentence.
    """

    form: str
    tag: str
    entity: str
    slot: str


class Grammar:
    """The sentences of one language under one seed of its words."""

    def __init__(self, language: Language, seed: int = 0) -> None:
        self.language = language
        self.words: Words = lexicon(language, seed)

    def sentence(self, clause: Clause) -> list[Token]:
        """Realise a meaning as a statement."""
        return [*self._realised(clause, asked=None), Token(".", "PUNCT", "O", ".")]

    def question(self, clause: Clause, asked: str) -> list[Token]:
        """Ask for one part of a meaning: `subject`, `object`, `place` or `time`; all else is said."""
        return [*self._realised(clause, asked=asked), Token("?", "PUNCT", "O", ".")]

    def text(self, clause: Clause) -> str:
        """Return the statement as text."""
        return text_of(self.sentence(clause))

    def _realised(self, clause: Clause, *, asked: str | None) -> list[Token]:
        typology = self.language.typology
        parts = {
            "S": self._phrase(clause.subject, "S"),
            "V": self._verb(clause),
            "O": self._phrase(clause.object, "O", suffix=self._suffix(ACCUSATIVE)),
            "P": self._place(clause.place) if clause.place else [],
            "T": [self._token(clause.time, "T")] if clause.time else [],
        }
        fronted: list[Token] = []
        if asked is not None:
            word = self._token(Concept("question", QUESTIONS.index(asked)), "?")
            in_place = typology.questions == "in place"
            parts[_SLOTS[asked]] = [word] if in_place else []
            fronted = [] if in_place else [word]
        core = [token for slot in typology.order for token in parts[slot]]
        if typology.obliques == "first":
            return [*fronted, *parts["T"], *parts["P"], *core]
        return [*fronted, *core, *parts["P"], *parts["T"]]

    def _phrase(self, phrase: Phrase, slot: str, *, suffix: str = "") -> list[Token]:
        typology = self.language.typology
        before: list[Token] = []
        after: list[Token] = []

        def attach(tokens: list[Token], side: str) -> None:
            # From the noun outwards: what comes later stands farther away.
            if side == "before":
                before[:0] = tokens
            else:
                after.extend(tokens)

        plural = ""
        if phrase.count == 1 and typology.morphology == "agglutinative":
            plural = self.words[PLURAL]
        elif phrase.count == 1:
            attach([self._token(PLURAL, slot)], "before")
        if phrase.quality:
            attach([self._token(phrase.quality, slot)], typology.adjective)
        if phrase.count >= 2:
            attach([self._token(Concept("numeral", phrase.count - 2), slot)], typology.numeral)
        if phrase.owner:
            attach(self._owner(phrase.owner, slot), typology.genitive)
        return [*before, *self._noun(phrase, slot, plural + suffix), *after]

    def _noun(self, phrase: Phrase, slot: str, suffix: str) -> list[Token]:
        """Return the noun, or the words of a name, of which the last has the suffixes."""
        concepts = [phrase.head, *([phrase.second] if phrase.second else [])]
        if phrase.head.kind in ("body", "place") and self.language.typology.genitive == "before":
            concepts.reverse()
        forms = [self.words[concept] for concept in concepts]
        forms[-1] += suffix
        kind = phrase.entity
        labels = ["O"] * len(forms) if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (len(forms) - 1)]
        return [
            Token(form, tag_of(concept), label, slot)
            for form, concept, label in zip(forms, concepts, labels, strict=True)
        ]

    def _owner(self, owner: Concept, slot: str) -> list[Token]:
        if self.language.typology.case == "suffix":
            return [Token(self.words[owner] + self.words[GENITIVE], tag_of(owner), "O", slot)]
        both = [self._token(LINK, slot), self._token(owner, slot)]
        return both if self.language.typology.genitive == "after" else both[::-1]

    def _verb(self, clause: Clause) -> list[Token]:
        marks = [TENSES[clause.tense], *([NEGATION] if clause.negated else [])]
        if self.language.typology.morphology == "agglutinative":
            form = self.words[clause.verb] + "".join(self.words[mark] for mark in marks)
            return [Token(form, "VERB", "O", "V")]
        verb, words = self._token(clause.verb, "V"), [self._token(mark, "V") for mark in marks]
        verb_first = self.language.typology.order.index("V") < self.language.typology.order.index("O")
        return [*reversed(words), verb] if verb_first else [verb, *words]

    def _place(self, place: Place) -> list[Token]:
        relation, ground = [self._token(place.relation, "P")], self._phrase(place.ground, "P")
        return [*relation, *ground] if self.language.typology.adposition == "before" else [*ground, *relation]

    def _suffix(self, case: Concept) -> str:
        return self.words[case] if self.language.typology.case == "suffix" else ""

    def _token(self, concept: Concept, slot: str) -> Token:
        return Token(self.words[concept], tag_of(concept), "O", slot)


def text_of(tokens: Sequence[Token]) -> str:
    """Join words by spaces; a full stop or question mark follows its word at once."""
    return "".join(
        ("" if number == 0 or token.tag == "PUNCT" else " ") + token.form
        for number, token in enumerate(tokens)
    )


def span_of(tokens: Sequence[Token], slot: str) -> tuple[int, str]:
    """Return where the words of a slot begin in the text of a sentence, in code points, and their text.

    The words of a slot stand together in every language; there is at least one.
    """
    first = next(number for number, token in enumerate(tokens) if token.slot == slot)
    held = [token for token in tokens if token.slot == slot]
    start = len(text_of(tokens[:first])) + (first > 0)
    return start, text_of(held)
