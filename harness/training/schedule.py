"""Which examples every update of a mixture is made of: exact shares, in an order drawn by the seed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is trained on, update by update.

    `head_of`: int64 [steps], the number of the head that each update trains. `slots`: int64
    [steps, batch], the examples of the update, by their number among the features of that head.
    """

    head_of: Indices
    slots: Indices

    @property
    def steps(self) -> int:
        """The number of updates."""
        return len(self.head_of)


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Divide `total` in proportion to shares, by largest remainders; ties go to the first.

    The parts are whole, sum to `total`, and each is less than 1 away from its exact share.
    """
    exact = [total * share / sum(shares) for share in shares]
    parts = [int(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def make_schedule(
    sets: Sequence[Sequence[tuple[float, Indices]]],
    head_shares: Sequence[float],
    *,
    steps: int,
    batch_size: int,
    seed: int,
) -> Schedule:
    """Fill `steps` updates of `batch_size` examples each.

    `sets[h]` are the data sets that train head h: each with its share of the head's examples and its
    own examples, by number among the features of the head (none may be empty). Heads have `head_shares`
    of the updates. Every data set is gone through in an order of its own, each time anew, so that no
    example comes a second time before all others of its set have come once.

    Raises:
        ValueError: there is nothing to train on.
    """
    if steps < 1 or not any(len(numbers) for of_head in sets for _, numbers in of_head):
        raise ValueError("a mixture needs something to train on, and at least one step")
    updates = apportion(steps, head_shares)
    rng = np.random.default_rng([seed, 1])
    head_of = rng.permutation(np.repeat(np.arange(len(sets)), updates))
    slots = np.empty((steps, batch_size), dtype=np.int64)
    for head, of_head in enumerate(sets):
        if not updates[head]:
            continue
        own = np.random.default_rng([seed, 2, head])
        needed = apportion(updates[head] * batch_size, [share for share, _ in of_head])
        drawn = [_passes(numbers, count, own) for (_, numbers), count in zip(of_head, needed, strict=True)]
        # Mixed evenly over time, not only in sum: the k-th of n examples of a set stands near k/n.
        places = [(np.arange(count) + own.random(count)) / max(1, count) for count in needed]
        order = np.argsort(np.concatenate(places), kind="stable")
        slots[head_of == head] = np.concatenate(drawn)[order].reshape(-1, batch_size)
    return Schedule(head_of, slots)


def pick_examples(sizes: Mapping[str, int], examples: int, *, task: str, seed: int) -> dict[str, Indices]:
    """Share a number of examples out evenly among languages, and draw them by the seed.

    `sizes`: language -> how many there are. Languages that come first have one more where the number
    does not divide. Which are drawn depends on seed, task and language alone. Returned are ascending
    positions.

    Raises:
        ValueError: a language has fewer than its part; the message names all of them.
    """
    wanted = dict(zip(sizes, apportion(examples, [1.0] * len(sizes)), strict=True))
    short = [f"{code} has {sizes[code]:,}" for code in sizes if sizes[code] < wanted[code]]
    if short:
        raise ValueError(
            f"{examples:,} examples over {len(sizes)} languages are {max(wanted.values()):,} of each, "
            f"but {', '.join(short)}"
        )
    found = {}
    for code, count in wanted.items():
        rng = np.random.default_rng([seed, 3, zlib.crc32(f"{task}/{code}".encode())])
        found[code] = np.sort(rng.permutation(sizes[code])[:count])
    return found


def _passes(numbers: Indices, count: int, rng: np.random.Generator) -> Indices:
    """Return `count` of the numbers: all of them in a new order, again and again."""
    rounds = -(-count // max(1, len(numbers)))
    passes = [rng.permutation(numbers) for _ in range(rounds)]
    return np.concatenate(passes)[:count] if passes else np.empty(0, dtype=np.int64)
