"""No label can be guessed from one word, a position or half of an item; the gold follows from the meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from harness.windtunnel.articles import SENTENCES, answers_to, draw_article
from harness.windtunnel.choices import Item, draw_item
from harness.windtunnel.concepts import QUESTIONS
from harness.windtunnel.dice import Dice
from harness.windtunnel.grammar import Grammar
from harness.windtunnel.inference import LABELS, Pair, draw_pairs
from harness.windtunnel.languages import SOURCE
from harness.windtunnel.meanings import Clause

TELL = Grammar(SOURCE).text
Rows = Sequence[tuple[frozenset[str], str]]


def naive_bayes(train: Rows, test: Rows) -> float:
    """Return the accuracy of a Bernoulli model of words, smoothed by one."""
    labels = sorted({label for _, label in train})
    vocabulary = sorted({word for words, _ in train for word in words})
    size = Counter(label for _, label in train)
    held = {label: Counter(w for words, own in train for w in words if own == label) for label in labels}
    yes = {(w, k): math.log((held[k][w] + 1) / (size[k] + 2)) for w in vocabulary for k in labels}
    no = {(w, k): math.log1p(-(held[k][w] + 1) / (size[k] + 2)) for w in vocabulary for k in labels}
    empty = {k: math.log(size[k]) + sum(no[w, k] for w in vocabulary) for k in labels}

    def score(words: frozenset[str], label: str) -> float:
        return empty[label] + sum(yes[w, label] - no[w, label] for w in words if (w, label) in yes)

    right = sum(max(labels, key=lambda k: score(words, k)) == label for words, label in test)
    return right / len(test)


def bag(text: str, mark: str = "") -> frozenset[str]:
    words = text.split()
    return frozenset({*(mark + word for word in words), f"{mark}length {len(words)}"})


def test_inference_needs_both_sentences_and_more_than_their_words() -> None:
    train, test = draw_pairs(Dice("train"), 3000), draw_pairs(Dice("test"), 1500)
    assert Counter(p.label for p in test) == dict.fromkeys(LABELS, 500)

    def accuracy(of: str) -> float:
        sides = {
            "hypothesis": lambda p: bag(TELL(p.hypothesis)),
            "premise": lambda p: bag(TELL(p.premise)),
            "both": lambda p: bag(TELL(p.premise), "p ") | bag(TELL(p.hypothesis), "h "),
        }
        rows = [[(sides[of](pair), pair.label) for pair in pairs] for pairs in (train, test)]
        return naive_bayes(*rows)

    # 3.5 standard errors of 1,500 guesses are 4.3 points.
    assert abs(accuracy("hypothesis") - 1 / 3) < 0.043
    assert accuracy("premise") < 0.39
    assert accuracy("both") < 0.39


def test_the_label_of_a_pair_follows_from_its_meanings() -> None:
    for pair in draw_pairs(Dice("logic"), 900):
        assert label_of(pair) == pair.label


def label_of(pair: Pair) -> str:
    """Decide by the meaning: existential nouns, negation of the whole."""
    one, other = pair.premise, pair.hypothesis
    if not one.negated and not other.negated:
        return "entailment" if says_all(one, other) else "neutral"
    if one.negated and other.negated:
        return "entailment" if says_all(other, one) else "neutral"
    positive, denied = (other, one) if one.negated else (one, other)
    return "contradiction" if says_all(positive, denied) else "neutral"


def says_all(more: Clause, less: Clause) -> bool:
    """Whether a statement holds whenever another, that says more, does."""
    core = [(c.subject.head, c.subject.second, c.subject.owner, c.verb, c.object.head, c.object.second,
             c.object.owner, c.tense) for c in (more, less)]  # fmt: skip
    said = [(less.subject.quality, more.subject.quality), (less.object.quality, more.object.quality),
            (less.place, more.place), (less.time, more.time)]  # fmt: skip
    return core[0] == core[1] and all(a is None or a == b for a, b in said)


def test_choices_need_the_premise() -> None:
    dice = Dice("choices")
    items = [draw_item(dice, first=number % 2 == 0) for number in range(3000)]

    def rows(part: Sequence[Item]) -> Rows:
        return [
            (bag(TELL(choice)), label)
            for item in part
            for choice, label in ((item.right, "right"), (item.wrong, "wrong"))
        ]

    assert abs(naive_bayes(rows(items[:2000]), rows(items[2000:])) - 0.5) < 0.045
    assert Counter(item.first for item in items) == {True: 1500, False: 1500}
    assert {item.question for item in items} == {"cause", "effect"}
    # Words shared with the premise do not tell right from wrong, unless there is someone else in it.
    better = 0.0
    for item in items:
        told = set(TELL(item.premise).split())
        shared = [len(told & set(TELL(choice).split())) for choice in (item.right, item.wrong)]
        better += (shared[0] > shared[1]) + 0.5 * (shared[0] == shared[1])
    assert better / len(items) < 0.68


def test_questions_have_one_answer_wherever_it_stands() -> None:
    dice = Dice("articles")
    articles = [draw_article(dice) for _ in range(400)]
    asked = [(q, a.clauses) for a in articles for q in a.questions]
    assert all(answers_to(question, clauses) == [question.sentence] for question, clauses in asked)
    parts = Counter(question.asked for question, _ in asked)
    assert set(parts) == set(QUESTIONS) and max(parts.values()) < 0.29 * len(asked)
    # Neither a sentence's place nor a part of it is right more often than by chance.
    assert Counter(q.sentence for q, _ in asked) == dict.fromkeys(range(SENTENCES), 400)
    others_share_the_verb = sum(
        any(c.verb == q.said.verb for n, c in enumerate(clauses) if n != q.sentence) for q, clauses in asked
    )
    assert others_share_the_verb > 0.4 * len(asked)
