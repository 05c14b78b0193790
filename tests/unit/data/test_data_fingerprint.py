from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.fingerprint import fingerprint, fingerprint_of
from harness.records import DataSet, Example, SourceFile, TaggingInputs

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
    from dataclasses import replace

    from harness.data.fingerprint import content_digest, fingerprint
    from harness.records import ChoiceInputs, DataSet, Example

    def build(premise: str, language: str) -> DataSet:
        return DataSet("t", language, (Example("0", ChoiceInputs(premise, ("a", "b")), gold="1"),))

    turkish, chinese = build("merhaba", "tr"), build("你好", "zh")
    assert fingerprint(turkish) == fingerprint(chinese)
    assert content_digest(turkish) != content_digest(chinese)
    assert content_digest(turkish) != content_digest(replace(turkish, language="az"))
    assert content_digest(turkish) == content_digest(build("merhaba", "tr"))
