"""Sentences realised by hand, and what the declared parameters do to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from harness.windtunnel.concepts import CONCEPTS, KINDS, Concept, converse
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar, span_of, text_of
from harness.windtunnel.languages import LANGUAGES, SOURCE, Language, Typology
from harness.windtunnel.lexicon import inherited_concepts, lexicon
from harness.windtunnel.meanings import Clause, Phrase, Place, Style, draw_clause, parts_of, vary
from harness.windtunnel.scripts import write_in

DOG, CAT, BOY = Concept("person", 3), Concept("thing", 5), Concept("person", 7)
BIG, THREE, SEE = Concept("quality", 2), Concept("numeral", 1), Concept("manual", 4)
IN, HOUSE, YESTERDAY = Concept("relation", 0), Concept("place", 6), Concept("past", 1)
# "A big dog did not see three cats of a boy in a house yesterday."
MEANING = Clause(
    subject=Phrase(DOG, quality=BIG),
    verb=SEE,
    object=Phrase(CAT, count=3, owner=BOY),
    place=Place(IN, Phrase(HOUSE)),
    time=YESTERDAY,
    tense="past",
    negated=True,
)
STYLE = Style()


def written(code: str, *words: tuple[Concept, ...] | Concept) -> str:
    """Join words; a tuple is one word with its suffixes."""
    own = lexicon(LANGUAGES[code])
    return " ".join("".join(own[c] for c in ([w] if isinstance(w, Concept) else w)) for w in words)


LINK, NOT, PAST = Concept("link", 0), Concept("negation", 0), Concept("tense", 0)
ACC, GEN, PLURAL = Concept("accusative", 0), Concept("genitive", 0), Concept("plural", 0)


def test_the_source_language_by_hand() -> None:
    grammar = Grammar(SOURCE)
    told = written("qsa", BIG, DOG, NOT, PAST, SEE, THREE, CAT, LINK, BOY, IN, HOUSE, YESTERDAY)
    assert grammar.text(MEANING) == f"{told}."
    tags = [token.tag for token in grammar.sentence(MEANING)]
    assert tags == "ADJ NOUN PART AUX VERB NUM NOUN ADP NOUN ADP NOUN ADV PUNCT".split()
    assert [token.slot for token in grammar.sentence(MEANING)] == list("SSVVVOOOOPPT.")
    who = written("qsa", Concept("question", 0), NOT, PAST, SEE, THREE, CAT, LINK, BOY, IN, HOUSE, YESTERDAY)
    assert text_of(grammar.question(MEANING, "subject")) == f"{who}?"
    where = written("qsa", Concept("question", 2), BIG, DOG, NOT, PAST, SEE, THREE, CAT, LINK, BOY, YESTERDAY)
    assert text_of(grammar.question(MEANING, "place")) == f"{where}?"


def test_a_verb_final_language_with_suffixes_by_hand() -> None:
    grammar = Grammar(LANGUAGES["qlh"])
    words = (YESTERDAY, HOUSE, IN, DOG, BIG, (BOY, GEN), (CAT, ACC), THREE, (SEE, PAST, NOT))
    assert grammar.text(MEANING) == f"{written('qlh', *words)}."
    tags = [token.tag for token in grammar.sentence(MEANING)]
    assert tags == "ADV NOUN ADP NOUN ADJ NOUN NOUN NUM VERB PUNCT".split()
    what = (YESTERDAY, HOUSE, IN, DOG, BIG, Concept("question", 1), (SEE, PAST, NOT))
    assert text_of(grammar.question(MEANING, "object")) == f"{written('qlh', *what)}?"
    several = replace(MEANING, object=Phrase(CAT, count=1))
    assert written("qlh", (CAT, PLURAL, ACC)) in grammar.text(several).split()


def test_a_verb_first_language_by_hand() -> None:
    grammar = Grammar(LANGUAGES["qld"])
    words = ((SEE, PAST, NOT), DOG, BIG, CAT, THREE, LINK, BOY, IN, HOUSE, YESTERDAY)
    assert grammar.text(MEANING) == f"{written('qld', *words)}."
    when = (Concept("question", 3), (SEE, PAST, NOT), DOG, BIG, CAT, THREE, LINK, BOY, IN, HOUSE)
    assert text_of(grammar.question(MEANING, "time")) == f"{written('qld', *when)}?"


def test_names_by_hand() -> None:
    guild, town = Concept("body", 1), Concept("town", 2)
    ann, lee = Concept("given", 0), Concept("family", 3)
    clause = Clause(Phrase(guild, second=town), Concept("social", 1), Phrase(ann, second=lee))
    source = Grammar(SOURCE).sentence(clause)
    assert [t.entity for t in source] == ["B-ORG", "I-ORG", "O", "O", "B-PER", "I-PER", "O"]
    assert text_of(source[:2]) == written("qsa", guild, town)
    far = Grammar(LANGUAGES["qlh"]).sentence(clause)
    assert text_of(far[:2]) == written("qlh", town, guild)
    assert [t.entity for t in far[:2]] == ["B-ORG", "I-ORG"]
    assert text_of(far[2:4]) == written("qlh", ann, (lee, ACC))
    assert Phrase(guild).entity is None
    assert Phrase(HOUSE).entity is None
    river = replace(clause, place=Place(IN, Phrase(HOUSE, second=town)))
    assert [t.entity for t in Grammar(SOURCE).sentence(river)][-4:] == ["O", "B-LOC", "I-LOC", "O"]
    assert text_of(Grammar(LANGUAGES["qlh"]).sentence(river)[:3]) == written("qlh", town, HOUSE, IN)
    assert Phrase(town).entity == "LOC"


def test_words_are_unambiguous_and_as_many_are_shared_as_declared() -> None:
    source = lexicon(SOURCE)
    for language in LANGUAGES.values():
        own = lexicon(language)
        assert set(own) == set(CONCEPTS) and len(set(own.values())) == len(CONCEPTS)
        assert abs(len(inherited_concepts(language)) - len(CONCEPTS) * language.cognates / 100) < 1
        shifts = str.maketrans(dict(language.shifts))
        shared = {
            c for c in CONCEPTS if own[c] == write_in(language.typology.script, source[c].translate(shifts))
        }
        assert shared == inherited_concepts(language)
        # Suffixes alone end in a consonant, so that a word has one analysis.
        if language.typology.script == "Latn":
            closed = {c.kind for c, word in own.items() if word[-1] not in "aeiou"}
            assert closed == {name for name, kind in KINDS.items() if kind.syllables == (0,)}


def test_scripts_are_their_unicode_blocks() -> None:
    blocks = {"Latn": (0x61, 0x7A), "Cyrl": (0x430, 0x44F), "Grek": (0x3B1, 0x3C9), "Geor": (0x10D0, 0x10F0),
              "Deva": (0x900, 0x97F)}  # fmt: skip
    for language in LANGUAGES.values():
        low, high = blocks[language.typology.script]
        assert all(low <= ord(c) <= high for word in lexicon(language).values() for c in word)
    letters = "bdfgklmnprstvzaeiou"
    for script in blocks:
        assert len(set(write_in(script, letters))) == len(letters)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_different_meanings_are_different_sentences(language: Language) -> None:
    dice, grammar = Dice("injective"), Grammar(language)
    seen: dict[str, Clause] = {}
    for _ in range(200):
        base = draw_clause(dice, STYLE)
        base = base if base.time is None else replace(base, time=Concept(base.tense, base.time.number))
        for clause in (
            base,
            replace(base, negated=not base.negated),
            *(vary(dice, STYLE, base, part) for part in parts_of(base)),
            replace(base, subject=replace(base.subject, count=1)),
            replace(base, object=replace(base.object, count=4)),
        ):
            text = grammar.text(clause)
            assert seen.setdefault(text, clause) == clause


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_parameters_show_in_the_text(language: Language) -> None:
    typology = language.typology
    dice, grammar = Dice("shown"), Grammar(language)
    orders: Counter[str] = Counter()
    for _ in range(100):
        clause = draw_clause(dice, Style(places=100, times=100, qualities=60, owners=30))
        tokens = grammar.sentence(clause)
        slots = [token.slot for token in tokens]
        orders["".join(dict.fromkeys(s for s in slots if s in "SVO"))] += 1
        assert (slots.index("T") < slots.index("V")) == (typology.obliques == "first")
        place = [token.tag for token in tokens if token.slot == "P"]
        assert (place[0] == "ADP") == (typology.adposition == "before")
        assert any(t.tag == "AUX" for t in tokens) == (typology.morphology == "isolating")
        for slot, phrase in (("S", clause.subject), ("O", clause.object)):
            tags = [token.tag for token in tokens if token.slot == slot]
            # The owner is a noun too, and the farther one.
            head = tags.index("NOUN") if "NOUN" in tags else None
            if head is not None and phrase.owner and typology.genitive == "before":
                head = len(tags) - 1 - tags[::-1].index("NOUN")
            if head is not None and phrase.quality:
                assert (tags.index("ADJ") < head) == (typology.adjective == "before")
            if head is not None and phrase.count >= 2:
                assert (tags.index("NUM") < head) == (typology.numeral == "before")
            start, text = span_of(tokens, slot)
            assert text_of(tokens)[start : start + len(text)] == text
        question = grammar.question(clause, "object")
        asked = [token.slot for token in question].index("?")
        expected = slots.index("O") if typology.questions == "in place" else 0
        assert asked == expected
        has_case = text_of([t for t in tokens if t.slot == "O"]).count(grammar.words[ACC]) > 0
        assert has_case or typology.case == "none"
    assert orders == {typology.order: 100}


def test_converses_are_each_other_s() -> None:
    verbs = [c for c in CONCEPTS if c.kind == "social"]
    assert all(converse(converse(v)) == v != converse(v) for v in verbs)


def test_dice_are_those_of_splitmix64() -> None:
    """The first numbers of the reference implementation from the state 1234567."""
    dice = Dice("any")
    dice._state = 1234567
    assert [dice.below(1 << 64) for _ in range(3)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
    ]  # fmt: skip
    assert sorted(dice.shuffled(range(50))) == list(range(50))
    counts = Counter(dice.below(6) for _ in range(6000))
    assert set(counts) == set(range(6)) and all(850 < n < 1150 for n in counts.values())


def test_parameters_that_differ() -> None:
    assert Typology().differing(Typology()) == ()
    assert Typology(order="SOV", script="Grek").differing(Typology()) == ("order", "script")
