from __future__ import annotations

import pytest

from harness.commands.lists import parse_integer, split_integers, split_list
from harness.errors import RequestError


def test_split() -> None:
    assert split_list("--tasks", "a,b , c") == ("a", "b", "c")
    assert split_integers("--seeds", "3,1,2") == (3, 1, 2)


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b", "a, ,b"])
def test_empty_items(text: str) -> None:
    with pytest.raises(RequestError, match="an item is empty"):
        split_list("--tasks", text)


def test_repetition() -> None:
    with pytest.raises(RequestError, match="--tasks 'a,b,a': a given more than once"):
        split_list("--tasks", "a,b,a")
    with pytest.raises(RequestError, match="more than once"):
        split_integers("--seeds", "1,01")


@pytest.mark.parametrize("text", ["1,x", "-1", "1.0", "1e3", "٣", "²", "1" * 5000])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(RequestError, match="is not a whole number from 0 on"):
        split_integers("--seeds", text)


def test_one_whole_number() -> None:
    assert [parse_integer("--limit", text) for text in ("7", " 7 ", "-7", "0")] == [7, 7, -7, 0]


@pytest.mark.parametrize("text", ["", "a", "1.0", "--1", "1_0", "٣", "9" * 5000])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(RequestError, match=r"--limit '.*': not a whole number") as caught:
        parse_integer("--limit", text)
    assert len(str(caught.value)) < 200
