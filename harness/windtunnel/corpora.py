"""Plain text in every generated language, one sentence per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.windtunnel.concepts import QUESTIONS
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar, text_of
from harness.windtunnel.languages import LANGUAGES, Language
from harness.windtunnel.meanings import Style, draw_clause, parts_of

LINES = 2000
STYLE = Style()
QUESTION = 10  # percent of the lines


def corpus_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of texts; every language has its own."""
    for language in LANGUAGES.values():
        lines = sentences([language], LINES, seed=seed, label=f"text {language.code}")[language.code]
        yield f"wt-text/{language.code}.txt", "\n".join(lines) + "\n"


def sentences(languages: Sequence[Language], count: int, *, seed: int, label: str) -> dict[str, list[str]]:
    """Return so many sentences in each language, by code; line i of one translates line i of another.

    One label is one list of meanings; no task's data are drawn under a label of these.
    """
    dice = Dice(seed, "corpus", label)
    grammars = {language.code: Grammar(language, seed) for language in languages}
    lines: dict[str, list[str]] = {code: [] for code in grammars}
    for _ in range(count):
        clause = draw_clause(dice, STYLE)
        asked = dice.pick([part for part in parts_of(clause) if part in QUESTIONS])
        is_question = dice.holds(QUESTION)
        for code, grammar in grammars.items():
            tokens = grammar.question(clause, asked) if is_question else grammar.sentence(clause)
            lines[code].append(text_of(tokens))
    return lines
