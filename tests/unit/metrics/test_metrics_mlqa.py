from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError, SpecError
from harness.metrics.mlqa import LANGUAGES, MlqaExactMatch, MlqaF1, tokens
from harness.metrics.table import metric_named

ANSWERS = st.text("the un der là ال中国ab.،。 ", max_size=10)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The  Eiffel-Tower!", ["eiffeltower"]),
        ("en", "the end of a Theatre", ["end", "of", "theatre"]),
        ("en", "la", ["la"]),
        ("es", "¿La Habana?", ["habana"]),
        ("es", "the l'el", ["the", "lel"]),
        ("de", "„Der“ dem Ende", ["ende"]),
        ("ar", "السؤال", ["سؤ"]),
        ("ar", "مقالة", ["مق", "ة"]),
        ("hi", "एक नदी।", ["एक", "नदी"]),
        ("vi", "Của những Huế", ["huế"]),
        ("zh", "在1949年，北京。", ["在", "1949", "年", "北", "京"]),
        ("zh", "New York龦龦 龥", ["new", "york龦龦", "龥"]),
        ("zh", "", []),
        ("en", "$5 <b>", ["5", "b"]),
    ],
)
def test_tokens_of_each_language(language: str, text: str, expected: list[str]) -> None:
    assert tokens(text, language) == expected


@pytest.mark.parametrize(
    ("language", "articles"),
    [
        ("ar", "ال"),
        ("de", "ein eine einen einem eines einer der die das den dem des"),
        ("en", "a an the"),
        ("es", "un una unos unas el la los las"),
        ("vi", "của là cái chiếc những"),
    ],
)
def test_every_article_goes(language: str, articles: str) -> None:
    for article in articles.split():
        assert tokens(f"x {article.capitalize()} y", language) == ["x", "y"]


def test_best_gold_counts() -> None:
    golds, outputs = [["in Paris, France", "Paris"], ["Rom"]], ["the Paris", "Rom und Mailand"]
    assert MlqaF1().per_example(golds, outputs, "en").tolist() == [[1.0, 1.0], [0.5, 1.0]]
    assert MlqaExactMatch().per_example(golds, outputs, "en").tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_both_empty_after_normalising_match_exactly_but_have_f1_zero() -> None:
    assert MlqaExactMatch().per_example([["。"]], ["！"], "zh")[0, 0] == 1.0
    assert MlqaF1().per_example([["。"]], ["！"], "zh")[0, 0] == 0.0


@pytest.mark.parametrize("metric", ["mlqa_f1", "mlqa_exact_match"])
def test_other_languages_are_refused_by_name(metric: str) -> None:
    with pytest.raises(
        SpecError, match=r"no rules for the language 'th'.*ar, de, en, es, hi, vi, zh.*squad_f1"
    ):
        metric_named(metric).per_example([["a"]], ["a"], "th")


@pytest.mark.parametrize(("golds", "outputs"), [([[]], ["a"]), (["a"], ["a"]), ([["a"]], [])])
def test_gold_must_be_a_list_and_no_output_may_lack(golds: list[list[str]], outputs: list[str]) -> None:
    with pytest.raises(ResultError):
        MlqaF1().per_example(golds, outputs, "en")


@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.tuples(st.lists(ANSWERS, min_size=1, max_size=3), ANSWERS), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_of_examples_never_changes_a_score(language, rows, random) -> None:
    shuffled = random.sample(rows, len(rows))
    for metric in (MlqaF1(), MlqaExactMatch()):
        values = []
        for order in (rows, shuffled):
            stats = metric.per_example([g for g, _ in order], [o for _, o in order], language)
            assert ((stats[:, 0] >= 0) & (stats[:, 0] <= 1)).all() and (stats[:, 1] == 1).all()
            values.append(float(metric.value(stats.sum(axis=0))))
        assert values[0] == pytest.approx(values[1], abs=1e-9)


@given(st.sampled_from(LANGUAGES), ANSWERS, ANSWERS)
def test_case_and_spacing_do_not_count_and_equality_bounds_f1(language, gold, answer) -> None:
    exact, f1 = MlqaExactMatch(), MlqaF1()
    assert exact.score(gold, answer, language) == exact.score(f" {gold}  ", answer.upper(), language)
    if tokens(gold, language):
        assert f1.score(gold, gold, language) == 1.0
        assert f1.score(gold, answer, language) >= exact.score(gold, answer, language)
    assert f1.score(gold, answer, language) == f1.score(answer, gold, language)


def test_no_question_is_zero() -> None:
    assert MlqaF1().value(np.zeros(2)) == 0.0
