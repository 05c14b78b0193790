"""What a sentence says, apart from any language: who did what to whom, where and when, or did not.

Nouns are indefinite and negation is of the whole sentence: "a dog did not see a cat" says that no dog saw
any cat. What entails and what contradicts what follows from that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from harness.windtunnel.concepts import KINDS, Concept
from harness.windtunnel.dice import Dice

Part = Literal["subject", "verb", "object", "place", "time"]
PARTS: tuple[Part, ...] = ("subject", "verb", "object", "place", "time")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase.

    `count`: 0 is one of it, 1 several, from 2 on so many (the numeral `count` - 2). `second` makes a name of
    two words: of a given name its family name, of a body (guild, school) or a place its town.
    """

    head: Concept
    quality: Concept | None = None
    count: int = 0
    owner: Concept | None = None
    second: Concept | None = None

    @property
    def entity(self) -> str | None:
        """What it is the name of: PER, LOC, ORG, or None where it is no name."""
        if self.head.kind in ("body", "place") and self.second is None:
            return None
        return {"given": "PER", "town": "LOC", "place": "LOC", "body": "ORG"}.get(self.head.kind)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened: in, under, near .. something."""

    relation: Concept
    ground: Phrase


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence's meaning. The verb's tense is that of the time, else `tense`."""

    subject: Phrase
    verb: Concept
    object: Phrase
    place: Place | None = None
    time: Concept | None = None
    tense: str = "past"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How often, in percent, what is optional is there; the verb is social in `social` percent."""

    names: int = 20
    qualities: int = 35
    counts: int = 30
    owners: int = 12
    places: int = 60
    times: int = 50
    negated: int = 20
    social: int = 50


def draw_clause(dice: Dice, style: Style) -> Clause:
    """Draw a meaning."""
    verb = draw_verb(dice, style)
    tense = dice.pick(("past", "future"))
    return Clause(
        subject=draw_person(dice, style),
        verb=verb,
        object=draw_object(dice, style, verb),
        place=draw_place(dice, style) if dice.holds(style.places) else None,
        time=_any(dice, tense) if dice.holds(style.times) else None,
        tense=tense,
        negated=dice.holds(style.negated),
    )


def draw_verb(dice: Dice, style: Style) -> Concept:
    """Draw a verb."""
    return _any(dice, "social" if dice.holds(style.social) else "manual")


def draw_person(dice: Dice, style: Style) -> Phrase:
    """Draw someone who can do something: a person, a body, or one with a name."""
    if dice.holds(style.names):
        if dice.holds(60):
            return Phrase(_any(dice, "given"), second=_any(dice, "family") if dice.holds(50) else None)
        return Phrase(_any(dice, "body"), second=_any(dice, "town"))
    return _common(dice, style, "body" if dice.holds(10) else "person")


def draw_object(dice: Dice, style: Style, verb: Concept) -> Phrase:
    """Draw what a verb's deed can be done to."""
    return draw_person(dice, style) if verb.kind == "social" else _common(dice, style, "thing")


def draw_place(dice: Dice, style: Style) -> Place:
    """Draw a place."""
    relation, named = _any(dice, "relation"), dice.holds(style.names)
    if named and dice.holds(50):
        return Place(relation, Phrase(_any(dice, "town")))
    return Place(relation, Phrase(_any(dice, "place"), second=_any(dice, "town") if named else None))


def vary(dice: Dice, style: Style, clause: Clause, part: Part) -> Clause:
    """Return the meaning with one part drawn anew, until it is another; a verb stays of its kind.

    `part` must be there. A time keeps its tense.
    """
    while True:
        match part:
            case "subject":
                other = replace(clause, subject=draw_person(dice, style))
            case "verb":
                other = replace(clause, verb=_any(dice, clause.verb.kind))
            case "object":
                other = replace(clause, object=draw_object(dice, style, clause.verb))
            case "place":
                other = replace(clause, place=draw_place(dice, style))
            case "time":
                other = replace(clause, time=_any(dice, clause.tense))
        if other != clause and _heads(other) != _heads(clause):
            return other


def parts_of(clause: Clause) -> tuple[Part, ...]:
    """Return the parts that a meaning has."""
    return tuple(part for part in PARTS if getattr(clause, part) is not None)


def _heads(clause: Clause) -> tuple[object, ...]:
    """What makes two meanings differ by a whole word, and not by a mark of number alone."""
    return (
        (clause.subject.head, clause.subject.second),
        clause.verb,
        (clause.object.head, clause.object.second),
        clause.place,
        clause.time,
    )


def _common(dice: Dice, style: Style, kind: str) -> Phrase:
    return Phrase(
        _any(dice, kind),
        quality=_any(dice, "quality") if dice.holds(style.qualities) else None,
        count=1 + dice.below(1 + KINDS["numeral"].size) if dice.holds(style.counts) else 0,
        owner=_any(dice, "person") if dice.holds(style.owners) else None,
    )


def _any(dice: Dice, kind: str) -> Concept:
    return Concept(kind, dice.below(KINDS[kind].size))
