from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.fingerprint import fingerprint, fingerprint_of, shared_rows
from harness.records import Answer, DataSet, Example, QueryInputs, SourceFile, SpanQAInputs, TaggingInputs

PAIRS = st.lists(st.tuples(st.text(), st.text()))


def data_set(pairs: list[tuple[str, str]], **changes: object) -> DataSet:
    examples = tuple(Example(i, TaggingInputs((f"word {n}",)), gold=g) for n, (i, g) in enumerate(pairs))
    return DataSet("t", "de", examples, **changes)  # type: ignore[arg-type]


def test_the_encoding_is_one_json_line_per_example() -> None:
    expected = hashlib.sha256('["1","ä"]\n["2","[\\"X\\"]"]\n'.encode()).hexdigest()
    assert fingerprint_of(["1", "2"], ["ä", '["X"]']) == expected


def test_inputs_and_sources_do_not_enter() -> None:
    pairs = [("1", "a"), ("2", "b")]
    changed = data_set(pairs, sources=(SourceFile("f", "0"),), repairs={"bom": 1})
    assert fingerprint(data_set(pairs)) == fingerprint(changed) == fingerprint_of(["1", "2"], ["a", "b"])


@given(PAIRS, PAIRS)
def test_equal_exactly_when_ids_and_golds_are(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    def of(pairs: list[tuple[str, str]]) -> str:
        return fingerprint_of([i for i, _ in pairs], [g for _, g in pairs])

    assert (of(one) == of(other)) == (one == other)


def test_moving_text_between_id_and_gold_changes_it() -> None:
    assert fingerprint_of(["1", "2"], ["a", "b"]) != fingerprint_of(["1a", "2"], ["", "b"])
    assert fingerprint_of(["1", "2"], ["a", "b"]) != fingerprint_of(["2", "1"], ["b", "a"])


def test_unequal_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        fingerprint_of(["1", "2"], ["a"])


def test_the_content_digest_sees_what_the_fingerprint_does_not() -> None:
    from harness.data.fingerprint import content_digest, fingerprint
    from harness.records import ChoiceInputs, DataSet, Example

    def build(premise: str, language: str) -> DataSet:
        return DataSet("t", language, (Example("0", ChoiceInputs(premise, ("a", "b")), gold="1"),))

    turkish, chinese = build("merhaba", "tr"), build("你好", "zh")
    assert fingerprint(turkish) == fingerprint(chinese)
    assert content_digest(turkish) != content_digest(chinese)
    assert content_digest(turkish) != content_digest(replace(turkish, language="az"))
    assert content_digest(turkish) == content_digest(build("merhaba", "tr"))


def question(number: int, text: str, context: str = "A text.") -> Example:
    return Example(f"q{number}", SpanQAInputs(text, context, (Answer("A", 0),)), gold='["A"]')


def test_shared_rows_have_the_same_id_and_the_same_texts() -> None:
    test = DataSet("t", "en", tuple(question(n, f"What is {n}?") for n in range(5)))
    assert shared_rows(test, test.examples) == 5
    assert shared_rows(test, test.examples[3:]) == 2
    assert shared_rows(test, ()) == 0
    # SQuAD has more answers than XQuAD kept, and other white space.
    other = Example("q1", SpanQAInputs("What  is 1? ", "A\ntext.", (Answer("A t", 0),)), gold='["A t"]')
    assert shared_rows(test, (other,)) == 1
    assert shared_rows(test, (question(7, "What is 1?"),)) == 0  # the text recurs under another id
    assert shared_rows(test, (question(1, "Was ist 1?"),)) == 0  # a translation, or a row of that number
    assert shared_rows(test, (question(1, "What is 1?", "Another text."),)) == 0


def test_shared_rows_are_found_in_development_data_of_several_languages_and_kinds() -> None:
    test = DataSet("t", "de", (Example("q0", QueryInputs("Wer?"), gold="[]"),))
    asked = question(0, "Wer?")
    assert shared_rows(test, (asked,)) == 1
    assert shared_rows(test, (replace(asked, example_id="de/q0"),)) == 1
    assert shared_rows(test, (replace(asked, example_id="fr/q0"),)) == 0
    words = DataSet("t", "en", (Example("0", TaggingInputs(("a", "b")), gold='["X","X"]'),))
    assert shared_rows(words, (Example("0", TaggingInputs(("a", "c")), gold='["X","X"]'),)) == 0
    assert shared_rows(words, words.examples) == 1
