import pytest

from harness.errors import ResultError
from harness.metrics.squad import SquadExactMatch, SquadF1, SquadV2F1, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Eiffel-Tower!", ["eiffeltower"]),
        ("an apple a day", ["apple", "day"]),
        ("theatre", ["theatre"]),
        ("“la” 50 %", ["“la”", "50"]),
        ("埃菲尔铁塔。", ["埃菲尔铁塔。"]),
        ("الـ", ["الـ"]),
        ("the", []),
        ("", []),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == expected


def test_best_gold_counts():
    golds, outputs = [["in Paris, France", "Paris"]], ["Paris"]
    assert SquadF1().per_example(golds, outputs, "en").tolist() == [[1.0, 1.0]]
    assert SquadExactMatch().per_example(golds, outputs, "en").tolist() == [[1.0, 1.0]]


def test_partial_overlap():
    stats = SquadF1().per_example([["cat cat dog"], ["bird"]], ["cat bird", "cat"], "en")
    assert stats[:, 0].tolist() == [2 * 1 / 5, 0.0]
    assert SquadF1().value(stats.sum(axis=0)) == pytest.approx(20.0)


def test_both_empty_after_normalising_match_exactly_but_have_f1_zero():
    assert SquadExactMatch().per_example([["the"]], ["a!"], "en")[0, 0] == 1.0
    assert SquadF1().per_example([["the"]], ["a!"], "en")[0, 0] == 0.0


@pytest.mark.parametrize("gold", [[], "Paris"])
def test_gold_must_be_a_list_of_answers(gold):
    with pytest.raises(ResultError, match="example 0"):
        SquadF1().per_example([gold], ["Paris"], "en")


def test_no_answer_is_an_answer_in_version_two():
    golds = [[""], [""], ["Paris"], ["Paris"], ["cat cat dog"], ["the"]]
    outputs = ["", "Paris", "", "in Paris", "cat bird", "a!"]
    scores = SquadV2F1().per_example(golds, outputs, "en")[:, 0].tolist()
    assert scores == [1.0, 0.0, 0.0, pytest.approx(2 / 3), 2 * 1 / 5, 1.0]
    exact = SquadExactMatch().per_example(golds, outputs, "en")[:, 0].tolist()
    assert exact == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
