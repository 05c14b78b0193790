"""The sign-flip check: what if the two systems were exchanged in a random half of the units?

If both systems are alike, either could have made either of two outputs of a unit, so every such
exchange gives a difference that could as well have been observed. It is the paired randomisation test,
by units: it needs neither a variance nor a distribution. A gap reduction is tested under the same
assumption, that the systems are alike; where both differ by the same amount in both languages, its
p errs on the safe side as far as the languages are independent.

Source: Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, section 3.2; Noreen (1989),
Computer-Intensive Methods for Testing Hypotheses (approximate randomisation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.records import Float, canonical_json
from harness.stats.units import Units


def flip_signs(keys: Sequence[str], *, space: str, seed: int, resamples: int) -> NDArray[np.int8]:
    """Return 1 (as observed) or -1 (exchanged) for each unit in each exchange, int8 [units, resamples].

    Each unit has its own stream, keyed like the draws and independent of them: Philox4x64-10 from
    counter 0, its key the first 128 bits of the SHA-256 of ("flip", seed, space, unit key). Exchange b
    reads bit b.
    """
    length = -(-resamples // 64)
    words = np.empty((len(keys), length), dtype="<u8")
    generator = np.random.Philox(0)
    fresh = generator.state
    for row, key in enumerate(keys):
        digest = hashlib.sha256(canonical_json(["flip", seed, space, key]).encode("utf-8")).digest()
        fresh["state"]["key"] = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
        generator.state = fresh
        words[row] = generator.random_raw(length)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little", count=resamples)
    return (1 - 2 * bits.astype(np.int8)).astype(np.int8)


def exchange_sums(
    columns: Sequence[tuple[Float, Float]],
    units: Units,
    *,
    space: str,
    seed: int,
    resamples: int,
    batch: int = 256,
) -> list[tuple[Float, Float]]:
    """Return the sums of statistics of two systems after each exchange, a pair of arrays per cell.

    `columns[c]`: the statistics of both systems in the n rows of cell c, float64 [k, n] each, whose
    units are `units.of[c]`. Returned are two arrays float64 [k, resamples] per cell:
    (A + B)/2 + D and (A + B)/2 - D, A and B the sums of the systems and D the sum over units of
    sign (a - b)/2. Next to them, memory holds the signs of `batch` units at a time.
    """
    places, halves, results = [], [], []
    for (one, other), of_row in zip(columns, units.of, strict=True):
        own, local = np.unique(of_row, return_inverse=True)
        places.append(own)
        halves.append(
            np.stack([np.bincount(local, weights=row, minlength=len(own)) for row in (one - other) / 2])
        )
        results.append(np.zeros((len(one), resamples)))
    for start in range(0, len(units.keys), batch):
        keys = units.keys[start : start + batch]
        signs = flip_signs(keys, space=space, seed=seed, resamples=resamples).astype(np.float64)
        for own, half, total in zip(places, halves, results, strict=True):
            low, high = np.searchsorted(own, (start, start + len(keys)))
            if low < high:
                total += half[:, low:high] @ signs[own[low:high] - start]
    means = [((one + other) / 2).sum(axis=1)[:, None] for one, other in columns]
    return [(mean + moved, mean - moved) for mean, moved in zip(means, results, strict=True)]
