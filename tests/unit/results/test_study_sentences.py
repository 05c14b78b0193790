"""A study's answer in one sentence."""

from __future__ import annotations

from typing import Any

from harness.results.comparison import Effect
from harness.results.study import Answer, StudyResults
from harness.results.study_sentences import (
    answer_sentence,
    exposed_sentence,
    headline,
    incomplete_text,
)


def effect(**changes: Any) -> Effect:
    fields = {
        "value": 1.234,
        "low": 0.2,
        "high": 2.268,
        "p": 0.021,
        "p_adjusted": 0.021,
        "family": 1,
        "detectable": 1.5,
        "n": 100,
        "units": 50,
    }
    return Effect(**(fields | changes))


def answer(**changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "role": "primary",
        "candidate": "diverse",
        "baseline": "close",
        "quantity": "gap_reduction",
        "scope": "recipes",
        "languages": {"udpos": ("sw", "th"), "panx": ("th",)},
        "effect": effect(),
    }
    return Answer(**(fields | changes))


def results(*answers: Answer, **changes: Any) -> StudyResults:
    fields: dict[str, Any] = {
        "key": "k",
        "name": "study",
        "version": "1",
        "title": "A study",
        "notes": "",
        "source": "ours",
        "stamps": (),
        "baseline": "none",
        "seeds": (1, 2),
        "alpha": 0.05,
        "systems": {},
        "exposed": {},
        "answers": answers,
        "choices": (),
        "unseen": None,
        "seen": None,
    }
    return StudyResults(**(fields | changes))


def test_one_sentence_with_everything() -> None:
    assert headline(results(answer())) == (
        "Primary contrast, diverse − close: mean gap reduction +1.23 points [0.20, 2.27]; p = 0.021, "
        "significant at 0.05; over udpos, panx in languages that no arm was trained on (sw, th); the "
        "smallest effect that it would have found with a probability of 80% is 1.50 points; it speaks of "
        "the recipes, trained anew."
    )


def test_what_is_not_known_is_not_said() -> None:
    found = results(answer(effect=effect(p=None, p_adjusted=None, detectable=None, low=None, high=None)))
    text = headline(found)
    assert "[" not in text and "smallest" not in text and "without p" in text
    assert "these checkpoints only" in answer_sentence(found, answer(scope="checkpoints"))


def test_adjusted_p_names_its_family() -> None:
    second = answer(role="secondary", effect=effect(p=0.0001, p_adjusted=0.0002, family=2))
    text = answer_sentence(results(second), second)
    assert text.startswith("Secondary contrast") and "p < 0.001, adjusted over 2 contrasts (Holm)" in text


def test_no_answer_says_why() -> None:
    text = headline(results(answer(effect=None, why="cells of close are missing")))
    assert text == "Primary contrast, diverse − close: no answer, since cells of close are missing."


def test_a_study_without_a_primary_contrast_is_exploratory() -> None:
    assert "names no contrast in advance" in headline(results(answer(role="secondary")))


def test_exposed_and_incomplete() -> None:
    assert exposed_sentence(results()) == "No arm was trained on a language of the targets."
    found = results(exposed={"udpos": {"de": ("a",), "fr": ("b",)}}, failures=("one",))
    assert "udpos: de, fr" in exposed_sentence(found)
    assert incomplete_text(results()) is None
    assert str(incomplete_text(found)).startswith("Incomplete: 1 step has no result")
