"""Short articles with questions whose answers are spans of them, as SQuAD and XQuAD-R are published.

The sentences of an article share verbs, places and people, so that one word of a question is found in several
of them. A question repeats as much of its sentence as it takes for one answer to be right: who counts shared
words finds the sentence, but not which of its four parts is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.records import canonical_json
from harness.windtunnel.concepts import QUESTIONS
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar, span_of, text_of
from harness.windtunnel.languages import SOURCE, TESTED
from harness.windtunnel.meanings import PARTS, Clause, Phrase, Style, draw_clause, parts_of

ARTICLES = {"train": 700, "test": 60}
SENTENCES = 4  # each is asked about once
STYLE = Style(places=100, times=100, negated=15, owners=5, qualities=25, counts=20)
_SLOTS = {"subject": "S", "object": "O", "place": "P", "time": "T"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one sentence of an article: the part asked for, and what of the meaning is said."""

    sentence: int
    asked: str
    said: Clause


@dataclass(frozen=True, slots=True)
class Article:
    """The meanings of an article's sentences in order, and its questions."""

    clauses: tuple[Clause, ...]
    questions: tuple[Question, ...]


def article_files(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of articles: the same in every tested language, for training in the source."""
    for split, count in ARTICLES.items():
        dice = Dice(seed, "articles", split)
        articles = [draw_article(dice) for _ in range(count)]
        for language in TESTED if split == "test" else (SOURCE,):
            grammar = Grammar(language, seed)
            data = [_written(grammar, a, f"{split} {number}") for number, a in enumerate(articles, 1)]
            tree = {"version": "wind tunnel", "data": data}
            yield f"wt-qa/{split}.{language.code}.json", canonical_json(tree) + "\n"


def draw_article(dice: Dice) -> Article:
    """Draw sentences that are alike in parts, shuffled, and one question about each."""
    first = draw_clause(dice, STYLE)
    drawn = [first]
    while len(drawn) < SENTENCES:
        other = draw_clause(dice, STYLE)
        same = dice.pick(drawn)
        # Either the same deed by another at the same place, or the same doer at the same time.
        shared = (
            replace(other, verb=same.verb, object=same.object, place=same.place)
            if dice.holds(50)
            else replace(other, subject=same.subject, time=same.time, tense=same.tense)
        )
        if all(_told_apart(shared, clause) for clause in drawn):
            drawn.append(shared)
    clauses = tuple(dice.shuffled(drawn))
    questions = tuple(_question(dice, clauses, number) for number in range(SENTENCES))
    return Article(clauses, questions)


def answers_to(question: Question, clauses: Sequence[Clause]) -> list[int]:
    """Return the numbers of all sentences that agree with what a question says."""
    return [n for n, clause in enumerate(clauses) if _agrees(question, clause)]


def _told_apart(one: Clause, other: Clause) -> bool:
    """Whether the rest of two sentences differs, whichever part is asked for."""
    return sum(_core(one, part) != _core(other, part) for part in PARTS) >= 2


def _core(clause: Clause, part: str) -> object:
    """Return what a part is of; "big dog" answers to "dog" too, so number and quality do not count."""
    value = getattr(clause, part)
    if isinstance(value, Phrase):
        return value.head, value.second
    return value


def _question(dice: Dice, clauses: Sequence[Clause], number: int) -> Question:
    clause, asked = clauses[number], dice.pick(QUESTIONS)
    core = replace(
        clause,
        place=clause.place if asked == "place" else None,
        time=clause.time if asked == "time" else None,
    )
    # First as short as can be, then with place or time, then with both.
    optional = dice.shuffled([part for part in ("place", "time") if part != asked])
    for count in range(len(optional) + 1):
        said = replace(core, **{part: getattr(clause, part) for part in optional[:count]})
        question = Question(number, asked, said)
        if answers_to(question, clauses) == [number]:
            return question
    raise AssertionError("BUG: two sentences of an article cannot be told apart")


def _agrees(question: Question, clause: Clause) -> bool:
    said = question.said
    if said.negated != clause.negated or said.tense != clause.tense:
        return False
    known = [part for part in parts_of(said) if part != question.asked]
    return all(_core(said, part) == _core(clause, part) for part in known)


def _written(grammar: Grammar, article: Article, title: str) -> dict[str, Any]:
    sentences = [grammar.sentence(clause) for clause in article.clauses]
    texts = [text_of(tokens) for tokens in sentences]
    breaks, start = [], 0
    for text in texts:
        breaks.append([start, start + len(text)])
        start += len(text) + 1
    asked = []
    for number, question in enumerate(article.questions, 1):
        at, answer = span_of(sentences[question.sentence], _SLOTS[question.asked])
        asked.append(
            {
                "id": f"{title} {number}".replace(" ", "-"),
                "question": text_of(grammar.question(question.said, question.asked)),
                "answers": [{"text": answer, "answer_start": breaks[question.sentence][0] + at}],
            }
        )
    paragraph = {"context": " ".join(texts), "qas": asked, "sentence_breaks": breaks, "sentences": texts}
    return {"title": title, "paragraphs": [paragraph]}
