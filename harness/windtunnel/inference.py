"""Pairs of sentences of which the first entails the second, contradicts it, or neither.

Nouns are indefinite and negation is of the whole sentence, so a statement entails itself with modifiers left
out, and a denial entails itself with modifiers added; modifiers are qualities, place and time. The second
sentence is drawn first, in the same way for every label, and the first is made to fit it: neither of them
alone tells the label. A contradiction differs from an entailment in one negation, a neutral pair in one
content word or in a modifier too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar
from harness.windtunnel.languages import TESTED, TRAINED
from harness.windtunnel.meanings import Clause, Part, Phrase, Style, draw_clause, vary

Label = Literal["contradiction", "entailment", "neutral"]
LABELS: tuple[Label, ...] = ("contradiction", "entailment", "neutral")
PAIRS = {"train": 3000, "dev": 300, "test": 300}
STYLE = Style(qualities=60, counts=0, places=100, times=100)
MODIFIERS = ("subject quality", "object quality", "place", "time")
KEPT = 50  # percent of the modifiers that a sentence has
SAME_CORE = 25  # percent of the neutral pairs: the second sentence says more than the first


@dataclass(frozen=True, slots=True)
class Pair:
    """Two meanings and how the first stands to the second."""

    premise: Clause
    hypothesis: Clause
    label: Label


def inference_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text): test and development sets as XNLI has them, training sets as its translations."""
    for split, count in PAIRS.items():
        pairs = draw_pairs(Dice(seed, "inference", split), count)
        languages = {"train": TRAINED, "dev": TRAINED, "test": TESTED}[split]
        grammars = {language.code: Grammar(language, seed) for language in languages}
        texts = {
            code: [(grammar.text(p.premise), grammar.text(p.hypothesis), p.label) for p in pairs]
            for code, grammar in grammars.items()
        }
        if split == "train":
            for code, rows in texts.items():
                lines = ["premise\thypo\tlabel", *("\t".join(row) for row in rows)]
                yield f"wt-inference/train.{code}.tsv", "\n".join(lines) + "\n"
            continue
        lines = ["language\tgold_label\tsentence1\tsentence2"]
        lines += ["\t".join((code, row[2], row[0], row[1])) for code, rows in texts.items() for row in rows]
        yield f"wt-inference/{split}.tsv", "\n".join(lines) + "\n"


def draw_pairs(dice: Dice, count: int) -> list[Pair]:
    """Draw so many pairs, a third of each label, in a random order."""
    pairs = [draw_pair(dice, LABELS[number % len(LABELS)]) for number in range(count)]
    return dice.shuffled(pairs)


def draw_pair(dice: Dice, label: Label) -> Pair:
    """Draw a pair of that label."""
    full = draw_clause(dice, STYLE)
    there = [modifier for modifier in MODIFIERS if _has(full, modifier)]
    said = frozenset(modifier for modifier in there if dice.holds(KEPT))
    denied = dice.holds(50)
    negated = {"entailment": denied, "contradiction": not denied}.get(label, dice.holds(50))
    hypothesis = replace(_with(full, said), negated=denied)
    rest = frozenset(there) - said
    if label == "neutral" and dice.holds(SAME_CORE):
        # The other way round: a statement that says less, a denial that says more.
        one = said if not negated else rest
        if one:
            extra = dice.pick(sorted(one))
            kept = said - {extra} if not negated else said | {extra}
            return Pair(replace(_with(full, kept), negated=negated), hypothesis, label)
    kept = frozenset(modifier for modifier in sorted(said if negated else rest) if dice.holds(KEPT))
    kept = kept if negated else kept | said
    if label == "neutral":
        parts: tuple[Part, ...] = ("subject", "verb", "object")
        full = _recast(dice, full, dice.pick(parts))
    return Pair(replace(_with(full, kept), negated=negated), hypothesis, label)


def _recast(dice: Dice, full: Clause, part: Part) -> Clause:
    """Replace the verb or the head of a noun phrase; what stands around it stays."""
    if part == "verb":
        return vary(dice, STYLE, full, part)
    old: Phrase = full.subject if part == "subject" else full.object
    # A name gives way to a name, or the kind of noun would tell the label.
    other = vary(dice, replace(STYLE, names=100 if old.entity else 0), full, part)
    new: Phrase = other.subject if part == "subject" else other.object
    new = replace(new, quality=old.quality, owner=old.owner)
    return replace(other, subject=new) if part == "subject" else replace(other, object=new)


def _has(clause: Clause, modifier: str) -> bool:
    return _value(clause, modifier) is not None


def _value(clause: Clause, modifier: str) -> object:
    part, _, quality = modifier.partition(" ")
    value = getattr(clause, part)
    return value.quality if quality else value


def _with(clause: Clause, modifiers: frozenset[str]) -> Clause:
    """Return the meaning with these modifiers alone."""
    return replace(
        clause,
        subject=clause.subject if "subject quality" in modifiers else replace(clause.subject, quality=None),
        object=clause.object if "object quality" in modifiers else replace(clause.object, quality=None),
        place=clause.place if "place" in modifiers else None,
        time=clause.time if "time" in modifiers else None,
    )
