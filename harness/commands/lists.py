"""Comma-separated options and whole numbers, read strictly."""

from __future__ import annotations

import re

from harness.errors import RequestError

_WHOLE = re.compile(r"[0-9]{1,18}")


def split_list(option: str, text: str) -> tuple[str, ...]:
    """Split `a,b,c`; blanks around an item do not count.

    Raises:
        RequestError: an empty item, or one given twice.
    """
    items = tuple(item.strip() for item in text.split(","))
    if "" in items:
        raise RequestError(f"{option} {text!r}: an item is empty; write the items with single commas between")
    twice = sorted({item for item in items if items.count(item) > 1})
    if twice:
        raise RequestError(f"{option} {text!r}: {', '.join(twice)} given more than once")
    return items


def split_integers(option: str, text: str) -> tuple[int, ...]:
    """Split `1,2,3` into whole numbers that are not negative.

    Raises:
        RequestError: as `split_list`; or an item that is no such number.
    """
    items = split_list(option, text)
    for item in items:
        if not _WHOLE.fullmatch(item):
            raise RequestError(
                f"{option} {shortened(text)}: {shortened(item)} is not a whole number from 0 on "
                "(digits, 18 at most)"
            )
    numbers = tuple(int(item) for item in items)
    if len(set(numbers)) != len(numbers):
        raise RequestError(f"{option} {text!r}: a number is given more than once")
    return numbers


def parse_integer(option: str, text: str) -> int:
    """Read a whole number with or without a sign; which ones make sense is for the request to say.

    Raises:
        RequestError: it is no such number.
    """
    if not _WHOLE.fullmatch(text.strip().removeprefix("-")):
        raise RequestError(f"{option} {shortened(text)}: not a whole number (digits, 18 at most)")
    return int(text)


def shortened(text: str) -> str:
    """Return what the user wrote, quoted, and cut where it would fill the screen."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
