"""Which of two sentences tells the cause, or the effect, of a third: items as XCOPA is published.

Deeds between persons come in pairs, the one side's doing and the other's: A sells to B, hence B buys from A.
The wrong choice has another verb, the same people in each other's place, or someone else; all words but the
wrong verb or person stand in both choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.records import canonical_json
from harness.windtunnel.concepts import converse
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar
from harness.windtunnel.languages import SOURCE, TESTED
from harness.windtunnel.meanings import Clause, Part, Phrase, Style, draw_clause, vary

ITEMS = {"train": 3000, "test": 300}
STYLE = Style(social=100, negated=0, qualities=20, counts=20, owners=5)
WRONG_VERB, WRONG_PERSON = 50, 25  # percent of the items; the rest turns the people round


@dataclass(frozen=True, slots=True)
class Item:
    """A premise, the right choice and the wrong one, and whether the right one stands first."""

    premise: Clause
    right: Clause
    wrong: Clause
    first: bool

    @property
    def question(self) -> str:
        """Of each pair of verbs the first is the cause and the second its effect."""
        return "cause" if self.premise.verb.number % 2 else "effect"


def choice_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of items: the same in every tested language, for training in the source."""
    for split, count in ITEMS.items():
        dice = Dice(seed, "choices", split)
        items = [draw_item(dice, first=number % 2 == 0) for number in range(count)]
        items = dice.shuffled(items)
        for language in TESTED if split == "test" else (SOURCE,):
            grammar = Grammar(language, seed)
            lines = [_line(grammar, item, number) for number, item in enumerate(items)]
            yield f"wt-choice/{language.code}/{split}.{language.code}.jsonl", "".join(lines)


def draw_item(dice: Dice, *, first: bool) -> Item:
    """Draw an item."""
    premise = draw_clause(dice, STYLE)
    while _who(premise.subject) == _who(premise.object):
        premise = draw_clause(dice, STYLE)
    right = Clause(premise.object, converse(premise.verb), premise.subject, tense=premise.tense)
    kind = dice.below(100)
    if kind < WRONG_VERB:
        wrong = right
        while wrong.verb in (right.verb, premise.verb):
            wrong = vary(dice, STYLE, right, "verb")
    elif kind < WRONG_VERB + WRONG_PERSON:
        part: Part = "subject" if dice.holds(50) else "object"
        wrong = right
        while _who(wrong.subject) == _who(wrong.object) or wrong == right:
            wrong = vary(dice, STYLE, right, part)
    else:
        wrong = replace(right, subject=right.object, object=right.subject)
    return Item(premise, right, wrong, first)


def _who(phrase: Phrase) -> tuple[object, object]:
    return phrase.head, phrase.second


def _line(grammar: Grammar, item: Item, number: int) -> str:
    texts = [grammar.text(item.right), grammar.text(item.wrong)]
    first, second = texts if item.first else texts[::-1]
    row = {
        "premise": grammar.text(item.premise),
        "choice1": first,
        "choice2": second,
        "question": item.question,
        "label": 0 if item.first else 1,
        "idx": number,
        "changed": False,
    }
    return canonical_json(row) + "\n"
