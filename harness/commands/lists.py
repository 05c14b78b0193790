"""Comma-separated options, read strictly."""

from __future__ import annotations

from harness.errors import RequestError


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
        if not (item.isascii() and item.isdigit()):
            raise RequestError(f"{option} {text!r}: {item!r} is not a whole number from 0 on")
    numbers = tuple(int(item) for item in items)
    if len(set(numbers)) != len(numbers):
        raise RequestError(f"{option} {text!r}: a number is given more than once")
    return numbers
