"""Keyed draws: every unit has its own stream of Poisson(1) weights.

The weight of a unit in draw b depends on (seed, unit space, unit key, b) alone: not on the number of
draws, the order of rows, the size of batches, or on which other languages, tasks and systems are
there. Languages that share units are thereby drawn jointly, all others independently.

A multinomial draw of U units is U Poisson draws given their total, and scores are ratios of weighted
sums, in which the total cancels. With N ~ Poisson(U) units drawn, the variance of a mean is
s2 E[1/N] = s2/U (1 + 1/U + 2/U^2 + ...), s2 with divisor U: up to O(1/U^2) that is s2/(U - 1), so
the factor U/(U - 1) that multinomial draws need is contained already.

Source: Hanley & MacGibbon (2006), Computer Methods and Programs in Biomedicine 83, 57-62 (Poisson
weights); Salmon et al. (2011), SC11, "Parallel random numbers: as easy as 1, 2, 3" (Philox).
See docs/decisions/0004-keyed-poisson-draws.md.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.records import Float, canonical_json
from harness.stats.units import Units

# How many of the 65,536 16-bit numbers mean a weight of 0, 1, 2, ...: the Poisson(1) probabilities,
# rounded so that mean and variance are exactly 1 (and the third factorial moment 1 + 3e-5).
POISSON_COUNTS = (24_109, 24_110, 12_055, 4_017, 1_005, 201, 34, 4, 1)
MAX_WEIGHT = len(POISSON_COUNTS) - 1
_WEIGHT_OF = np.repeat(np.arange(MAX_WEIGHT + 1, dtype=np.uint8), POISSON_COUNTS)


def unit_weights(keys: Sequence[str], *, space: str, seed: int, resamples: int) -> NDArray[np.uint8]:
    """Return the weights of units in draws 0, 1, ..., uint8 [units, resamples].

    Each unit's stream is Philox4x64-10 from counter 0, keyed with the first 128 bits of the SHA-256
    of (seed, space, unit key); draw b reads the b-th 16-bit number. So more resamples extend the
    draws and change none of the first.
    """
    # Four 16-bit draws come out of one 64-bit number.
    length = -(-resamples // 4)
    bits = np.empty((len(keys), length), dtype=np.uint64)
    generator = np.random.Philox(0)
    fresh = generator.state
    for row, key in enumerate(keys):
        digest = hashlib.sha256(canonical_json([seed, space, key]).encode("utf-8")).digest()
        fresh["state"]["key"] = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
        # One generator is set anew for each unit: making 30,000 of them takes longer than drawing.
        generator.state = fresh
        bits[row] = generator.random_raw(length)
    if sys.byteorder == "big":
        bits.byteswap(inplace=True)
    numbers = bits.view("<u2")[:, :resamples]
    # "clip" never clips (there are 65,536 entries); it spares a pass that checks bounds.
    return np.take(_WEIGHT_OF, numbers, mode="clip")


def draw_sums(
    columns: Sequence[Float],
    units: Units,
    *,
    space: str,
    seed: int,
    resamples: int,
    batch: int = 256,
) -> list[Float]:
    """Return the weighted sums of statistics in every draw, one array per cell.

    `columns[c]`: float64 [k, n], k statistics of the n rows of cell c, whose units are
    `units.of[c]`. Returns float64 [k, resamples] per cell. Next to the results, memory holds
    the weights of `batch` units at a time.

    All sums are exact (see `_on_grid`), hence the same bits in whatever order rows and units come and
    however many threads add them.
    """
    places: list[NDArray[np.int64]] = []
    per_unit: list[Float] = []
    for cell, of_row in zip(columns, units.of, strict=True):
        own, local = np.unique(of_row, return_inverse=True)
        places.append(own)
        per_unit.append(
            np.stack([np.bincount(local, weights=_on_grid(row), minlength=len(own)) for row in cell])
        )
    sums = [np.zeros((len(cell), resamples)) for cell in columns]
    weights = np.empty((batch, resamples))
    for start in range(0, len(units.keys), batch):
        keys = units.keys[start : start + batch]
        weights[: len(keys)] = unit_weights(keys, space=space, seed=seed, resamples=resamples)
        for own, of_unit, total in zip(places, per_unit, sums, strict=True):
            low, high = np.searchsorted(own, (start, start + len(keys)))
            if low == high:
                continue
            here = weights if high - low == batch else weights[own[low:high] - start]
            total += of_unit[:, low:high] @ here
    return sums


def _on_grid(values: Float) -> Float:
    """Round to multiples of a power of 2 of which every weighted sum is a float64 without rounding.

    Whole numbers stay as they are; others move by less than one part in 10^9 of the largest sum.
    """
    largest = len(values) * MAX_WEIGHT * float(np.max(np.abs(values), initial=0.0))
    # Sums are below 2^exponent and float64 has 53 bits, one of which covers the rounding itself.
    _, exponent = np.frexp(largest)
    step = np.ldexp(1.0, int(exponent) - 52)
    return np.asarray(np.round(values / step) * step, dtype=np.float64)
