"""Whole random numbers from a seed, the same in every version of Python and on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


class Dice:
    """A stream of whole numbers, named by its labels: other labels, another stream.

    So a further language or task leaves the numbers of all others as they are. The generator is
    SplitMix64, begun from the SHA-256 of the labels.
    Source: Steele, Lea and Flood (2014), Fast Splittable Pseudorandom Number Generators, OOPSLA, figure 16.
    """

    def __init__(self, *labels: str | int) -> None:
        digest = hashlib.sha256("/".join(map(str, labels)).encode("utf-8")).digest()
        self._state = int.from_bytes(digest[:8], "big")

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound` - 1, all alike up to a bias of `bound` / 2^64."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) * bound) >> 64

    def holds(self, percent: int) -> bool:
        """Return True in so many of a hundred cases."""
        return self.below(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, which are at least one."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in a random order."""
        left = list(items)
        for last in range(len(left) - 1, 0, -1):
            other = self.below(last + 1)
            left[last], left[other] = left[other], left[last]
        return left
