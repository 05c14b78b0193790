"""Sentences that translate each other, among others that share words with them: two release formats."""

from __future__ import annotations

from collections.abc import Iterator

from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar
from harness.windtunnel.languages import SOURCE, TESTED, Language
from harness.windtunnel.meanings import Clause, Style, draw_clause, parts_of, vary

BITEXT_PAIRS = 300
MINING = {"test": 60, "dev": 40}  # gold pairs; either corpus has four times as many sentences
STYLE = Style()


def bitext_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of aligned sentences, as Tatoeba is published; the same meanings in every language.

    Of every three meanings two are the first with one part changed.
    """
    dice = Dice(seed, "bitext")
    meanings: dict[Clause, None] = {}
    while len(meanings) < BITEXT_PAIRS:
        base = draw_clause(dice, STYLE)
        for clause in (base, _near(dice, base), _near(dice, base)):
            meanings[clause] = None
    ordered = dice.shuffled(list(meanings)[:BITEXT_PAIRS])
    for language in TESTED[1:]:
        for side in (SOURCE, language):
            grammar = Grammar(side, seed)
            lines = [grammar.text(clause) for clause in ordered]
            yield f"wt-bitext/wt.{language.code}-{SOURCE.code}.{side.code}", "\n".join(lines) + "\n"


def mining_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of two corpora and the gold, as BUCC is published; other meanings per language.

    A quarter of a corpus translates a sentence of the other, a quarter is such a sentence with one part
    changed, the rest has nothing to do with the other corpus.
    """
    for language in TESTED[1:]:
        for split, count in MINING.items():
            yield from _mining(language, split, count, seed)


def _mining(language: Language, split: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    dice = Dice(seed, "mining", split, language.code)
    seen: set[Clause] = set()

    def fresh(base: Clause | None = None) -> Clause:
        while True:
            clause = draw_clause(dice, STYLE) if base is None else _near(dice, base)
            if clause not in seen:
                seen.add(clause)
                return clause

    gold = [fresh() for _ in range(count)]
    corpora = [
        dice.shuffled([*gold, *(fresh(clause) for clause in gold), *(fresh() for _ in range(2 * count))])
        for _ in range(2)
    ]
    folder = f"wt-mining/{language.code}-{SOURCE.code}/{language.code}-{SOURCE.code}.{split}"
    numbers = []
    for side, corpus in zip((language, SOURCE), corpora, strict=True):
        ids = {clause: f"{side.code}-{number:09d}" for number, clause in enumerate(corpus, 1)}
        grammar = Grammar(side, seed)
        yield (
            f"{folder}.{side.code}",
            "".join(f"{ids[clause]}\t{grammar.text(clause)}\n" for clause in corpus),
        )
        numbers.append(ids)
    foreign, source = numbers
    pairs = sorted(f"{foreign[clause]}\t{source[clause]}\n" for clause in gold)
    yield f"{folder}.gold", "".join(pairs)


def _near(dice: Dice, clause: Clause) -> Clause:
    return vary(dice, STYLE, clause, dice.pick(parts_of(clause)))
