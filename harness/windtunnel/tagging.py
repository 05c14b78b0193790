"""Sentences with a label on every word: parts of speech as CoNLL-U, names as WikiANN is published."""

from __future__ import annotations

from collections.abc import Iterator

from harness.windtunnel.concepts import QUESTIONS
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar, Token
from harness.windtunnel.languages import SOURCE, TESTED, TRAINED, Language
from harness.windtunnel.meanings import Clause, Style, draw_clause

POS = {"train": 2000, "dev": 200, "test": 200}
ENTITIES = {"train": 2000, "test": 250}
STYLE = Style()
QUESTION = 10  # percent of the sentences
NAMED = Style(names=55, places=75)


def pos_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of treebanks: parallel test sets, and training sets of the training languages."""
    for split, count in POS.items():
        dice = Dice(seed, "pos", split)
        clauses = draw_distinct(dice, STYLE, count)
        # A few questions, or no question word would be tagged.
        asked = [dice.pick(QUESTIONS[:2]) if dice.holds(QUESTION) else None for _ in clauses]
        for language in TESTED if split == "test" else TRAINED:
            grammar = Grammar(language, seed)
            sentences = (
                grammar.question(clause, part) if part else grammar.sentence(clause)
                for clause, part in zip(clauses, asked, strict=True)
            )
            blocks = [_conllu(f"{split}-{number:04d}", tokens) for number, tokens in enumerate(sentences, 1)]
            name = f"{language.code}_pud-ud-{split}.conllu"
            yield f"wt-pos/UD_Wind-Tunnel_{language.code}/{name}", "".join(blocks)


def entity_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of sentences with names; every language has its own, as in the original."""
    for split, count in ENTITIES.items():
        for language in TESTED if split == "test" else (SOURCE,):
            yield f"wt-entities/{language.code}/{split}", _entities(language, split, count, seed)


def draw_distinct(dice: Dice, style: Style, count: int) -> list[Clause]:
    """Draw so many meanings, no two of them alike."""
    found: dict[Clause, None] = {}
    while len(found) < count:
        found[draw_clause(dice, style)] = None
    return list(found)


def _entities(language: Language, split: str, count: int, seed: int) -> str:
    grammar = Grammar(language, seed)
    clauses = draw_distinct(Dice(seed, "entities", split, language.code), NAMED, count)
    return "".join(
        "".join(f"{language.code}:{token.form}\t{token.entity}\n" for token in grammar.sentence(clause))
        + "\n"
        for clause in clauses
    )


def _conllu(sentence_id: str, tokens: list[Token]) -> str:
    root = next(number for number, token in enumerate(tokens, 1) if token.tag == "VERB")
    rows = [f"# sent_id = {sentence_id}"]
    for number, token in enumerate(tokens, 1):
        head, relation = (0, "root") if number == root else (root, "dep")
        rows.append(
            "\t".join([str(number), token.form, "_", token.tag, "_", "_", str(head), relation, "_", "_"])
        )
    return "\n".join(rows) + "\n\n"
