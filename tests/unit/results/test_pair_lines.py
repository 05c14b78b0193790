"""Files of mined pairs and of thresholds: round trip, layout, and errors that name the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.results.formats import format_named

PATH = Path("run/predictions/bucc2018/test-de.tsv")
PAIRS, THRESHOLDS = format_named("pairs_tsv"), format_named("thresholds_tsv")
sentence_ids = st.text(min_size=1, max_size=6).filter(
    lambda s: s == s.strip() and not set(s) & set("\t\n\r") and not s.startswith("\ufeff")
)


@given(st.lists(st.tuples(sentence_ids, sentence_ids), unique=True, max_size=6))
def test_pairs_round_trip_whatever_the_examples(pairs: list[tuple[str, str]]) -> None:
    written = PAIRS.encode(["one example"], pairs)
    assert PAIRS.decode(written, ["one example"], PATH) == pairs


def test_layout_of_the_official_submission() -> None:
    assert PAIRS.suffix == "tsv"
    assert PAIRS.encode([], [("de-2", "en-7"), ["de-1", "en-1"]]) == b"de-2\ten-7\nde-1\ten-1\n"
    assert PAIRS.decode(b"de-2\ten-7\nde-1\ten-1", [], PATH) == [("de-2", "en-7"), ("de-1", "en-1")]
    assert PAIRS.decode(b"", ["x"], PATH) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"de-1\ten-1\nde-2\n", r"line 2: 1 fields where two are due"),
        (b"de-1\ten-1\t0.9\n", r"line 1: 3 fields"),
        (b"de-1\t\n", r"line 1: '' cannot be the id"),
        (b"de-1\t en-1\n", r"line 1: ' en-1' cannot be the id"),
        (b"de-1\ten-1\n\n", r"line 2: 1 fields"),
        (b"de-1\ten-1\nde-2\ten-2\nde-1\ten-1\n", r"line 3: the pair 'de-1', 'en-1' stands in line 1"),
        (b"de-1\ten-1\r\n", r"line 1: holds a carriage return"),
        (b"\xff\ten-1\n", r"line 1: byte 0xff"),
        (b"\xef\xbb\xbfde-1\ten-1\n", r"line 1: begins with a byte order mark"),
    ],
)
def test_errors_name_file_and_line(data: bytes, message: str) -> None:
    with pytest.raises(ResultError, match=message) as caught:
        PAIRS.decode(data, [], PATH)
    assert str(PATH) in str(caught.value)


@pytest.mark.parametrize(
    "outputs", [[("a",)], [("a", 3)], [("a\tb", "c")], [("a", "b\n")], [("a", "b"), ("a", "b")]]
)
def test_pairs_that_no_line_can_hold(outputs: list[Any]) -> None:
    with pytest.raises(ResultError):
        PAIRS.encode([], outputs)


def test_thresholds_round_trip_exactly() -> None:
    rows = [
        ("prediction", 1.0634765625000002, "dev", 77.7),
        ("best_on_test", float("-inf"), "test", 0.0),
        ("other", 1.05, "fixed", None),
    ]
    written = THRESHOLDS.encode(["x"], rows)
    assert written.decode().splitlines()[0] == "prediction\t1.0634765625000002\tdev\t77.7"
    assert written.decode().splitlines()[2] == "other\t1.05\tfixed\t-"
    assert THRESHOLDS.decode(written, [], PATH) == rows


@pytest.mark.parametrize(
    "line",
    ["prediction\t1.0\tdev", "prediction\tx\tdev\t1", "p\tnan\tdev\t1", "p\t1\tguess\t1", "\t1\tdev\t1"],
)
def test_broken_thresholds(line: str) -> None:
    with pytest.raises(ResultError, match=r"line 1: .* is no threshold"):
        THRESHOLDS.decode(f"{line}\n".encode(), [], PATH)
