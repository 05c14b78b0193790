"""Keyed draws: every unit has its own stream of Poisson(1) weights.

The weight of a unit in draw b depends on (seed, unit space, unit key, b) alone: not on the number of
draws, the order of rows, the size of batches, or on which other languages, tasks and systems are
there. Languages that share units are thereby drawn jointly, all others independently.

A multinomial draw of U units is U Poisson draws given their total, and scores are ratios of weighted
sums, in which the total cancels. With N ~ Poisson(U) units drawn, the variance of a mean is
s2 E[1/N] = s2/U (1 + 1/U + 2/U^2 + ...), s2 with divisor U: up to O(1/U^2) that is s2/(U - 1), so
the factor U/(U - 1) that multinomial draws need is contained already.

Source: Hanley & MacGibbon (2006), Computer Methods and Programs in Biomedicine 83, 57-62 (Poisson
weights); Doty-Humphrey (2010), PractRand (SFC64, the generator).
See docs/decisions/0004-keyed-poisson-draws.md.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import Float, canonical_json
from harness.stats.units import Units

# How many of the 65,536 16-bit numbers mean a weight of 0, 1, 2, ...: the Poisson(1) probabilities,
# rounded so that mean and variance are exactly 1 (and the third factorial moment 1 + 3e-5).
POISSON_COUNTS = (24_109, 24_110, 12_055, 4_017, 1_005, 201, 34, 4, 1)
MAX_WEIGHT = len(POISSON_COUNTS) - 1
# The weight of a number is how many of these are at most as large as it is.
_FIRST_OF_WEIGHT = tuple(np.cumsum(POISSON_COUNTS)[:-1].astype(np.uint16))
# Weights made at a time: more are slower (they leave the cache), fewer too (more steps per weight).
_BATCH = 64
# Multiplications at a time: from 2^18 on the BLAS library starts threads of its own, which would wait for
# each other and for ours (measured on two busy processors: ten times slower).
_PRODUCT = 2**18
# It multiplies four rows at a time, and takes longer for six or seven than for eight.
_ROWS = 4
# Streams are read by one thread at a time, so that more would wait.
_MOST_THREADS = 4
# The state in which a stream begins: four numbers of 64 bits.
_STATE = struct.Struct("<4Q")


def unit_weights(keys: Sequence[str], *, space: str, seed: int, resamples: int) -> NDArray[np.uint8]:
    """Return the weights of units in draws 0, 1, ..., uint8 [units, resamples].

    Each unit's stream is SFC64, begun in the state that is the SHA-256 of (seed, space, unit key);
    draw b reads the b-th 16-bit number. So more resamples extend the draws and change none of the
    first.
    """
    maker = _WeightMaker(len(keys), space=space, seed=seed, resamples=resamples)
    maker.read(keys)
    return maker.weights()


def draw_sums(
    columns: Sequence[Float],
    units: Units,
    *,
    space: str,
    seed: int,
    resamples: int,
    batch: int = _BATCH,
    threads: int | None = None,
) -> list[Float]:
    """Return the weighted sums of statistics in every draw, one array per cell.

    `columns[c]`: float64 [k, n], k statistics of the n rows of cell c, whose units are
    `units.of[c]`. Returns float64 [k, resamples] per cell. Next to the results, memory holds
    the weights of `batch` units at a time in each thread (`threads` None: one per processor, at most
    4).

    All sums are exact (see `_on_grid`), hence the same bits in whatever order rows and units come and
    however many threads add them.
    """
    cells = [_UnitSums.of(cell, of, batch) for cell, of in zip(columns, units.of, strict=True)]
    sums = [np.zeros((len(cell), resamples)) for cell in columns]
    adding, reading = threading.Lock(), threading.Lock()
    starts = range(0, len(units.keys), batch)
    count = max(1, min(threads or _processors(), len(starts)))

    def work(first: int) -> None:
        maker = _WeightMaker(batch, space=space, seed=seed, resamples=resamples)
        exact = {kind: np.empty((batch, resamples), kind) for kind in {cell.kind for cell in cells}}
        for start in starts[first::count]:
            # A step for each unit, between which Python changes threads: two that do this at once wait for
            # each other (measured on two processors: a sixth more processor time in all).
            with reading:
                maker.read(units.keys[start : start + batch])
            made = maker.weights()
            for weights in exact.values():
                weights[: len(made)] = made
            for cell, total in zip(cells, sums, strict=True):
                found = cell.weighted(exact[cell.kind][: len(made)], start)
                if found is not None:
                    # One at a time, so that memory holds one total only.
                    with adding:
                        total += found

    if count == 1:
        work(0)
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(work, range(count)))
    return sums


class _WeightMaker:
    """Makes the weights of up to `most` units at a time, always in the same memory."""

    def __init__(self, most: int, *, space: str, seed: int, resamples: int) -> None:
        # The digest is of the JSON text of [seed, space, key].
        self._prefix = canonical_json([seed, space])[:-1] + ","
        # Four 16-bit draws come out of one 64-bit number.
        self._bits = np.empty((most, -(-resamples // 4)), dtype=np.uint64)
        self._count = 0
        self._reached = np.empty((most, resamples), dtype=np.bool_)
        self._weights = np.empty((most, resamples), dtype=np.uint8)
        # Half the time of Philox, the generator with keys.
        self._generator = np.random.SFC64(0)

    def read(self, keys: Sequence[str]) -> None:
        """Read the streams of these units."""
        bits, generator, prefix = self._bits, self._generator, self._prefix
        self._count, length = len(keys), bits.shape[1]
        fresh: Any = generator.state
        for row, key in enumerate(keys):
            digest = hashlib.sha256(f"{prefix}{canonical_json(key)}]".encode()).digest()
            fresh["state"]["state"] = _STATE.unpack(digest)
            # One generator is set anew for each unit: making 30,000 of them takes longer than drawing.
            generator.state = fresh
            bits[row] = generator.random_raw(length)

    def weights(self) -> NDArray[np.uint8]:
        """Return the weights of the units last read, uint8 [units, resamples], until the next call."""
        bits = self._bits[: self._count]
        if sys.byteorder == "big":
            bits.byteswap(inplace=True)
        weights, reached = self._weights[: self._count], self._reached[: self._count]
        numbers = bits.view("<u2")[:, : weights.shape[1]]
        # Eight comparisons take half the time of a table of 65,536 entries: they run many at a time.
        np.greater_equal(numbers, _FIRST_OF_WEIGHT[0], out=weights.view(np.bool_))
        for first in _FIRST_OF_WEIGHT[1:]:
            np.greater_equal(numbers, first, out=reached)
            np.add(weights, reached.view(np.uint8), out=weights)
        return weights


class _UnitSums:
    """The statistics of one cell, summed over the rows of each of its units.

    `kind` is the float type in which sums over a batch are exact: float32 for small whole numbers.
    """

    def __init__(self, own: NDArray[np.intp], of_unit: Float, kind: type[np.floating]) -> None:
        self.kind = kind
        self._own = own
        self._rows = len(of_unit)
        self._of_unit = np.zeros((-(-self._rows // _ROWS) * _ROWS, len(own)), kind)
        self._of_unit[: self._rows] = of_unit

    @classmethod
    def of(cls, columns: Float, of_row: NDArray[np.int64], batch: int) -> _UnitSums:
        own, local = np.unique(of_row, return_inverse=True)
        of_unit: Float = np.stack([np.bincount(local, weights=_on_grid(row)) for row in columns])
        whole = np.array_equal(of_unit, np.rint(of_unit))
        # float32 counts to 2^24, and no sum of a batch, nor a part of one, may be larger.
        small = batch * MAX_WEIGHT * float(np.max(np.abs(of_unit), initial=0.0)) <= 2**24
        return cls(own, of_unit, np.float32 if whole and small else np.float64)

    def weighted(self, weights: NDArray[np.floating], start: int) -> NDArray[np.floating] | None:
        """Return the weighted sums of the units start, start + 1, ..., one for each row of weights.

        `kind` [k, resamples], or None where the cell has none of these units.
        """
        low, high = np.searchsorted(self._own, (start, start + len(weights)))
        if low == high:
            return None
        own = self._own[low:high] - start
        if high - low == own[-1] - own[0] + 1:
            here = weights[own[0] : own[-1] + 1]
        else:
            here = weights[own]
        statistics = self._of_unit[:, low:high]
        sums = np.empty((len(statistics), weights.shape[1]), self.kind)
        # At least one cache line of draws at a time.
        length = max(16, _PRODUCT // statistics.size)
        for first in range(0, sums.shape[1], length):
            strip = slice(first, first + length)
            np.matmul(statistics, here[:, strip], out=sums[:, strip])
        return sums[: self._rows]


def _processors() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def _on_grid(values: Float) -> Float:
    """Round to multiples of a power of 2 of which every weighted sum is a float64 without rounding.

    Whole numbers stay as they are; others move by less than one part in 10^9 of the largest sum.
    """
    largest = len(values) * MAX_WEIGHT * float(np.max(np.abs(values), initial=0.0))
    # Sums are below 2^exponent and float64 has 53 bits, one of which covers the rounding itself.
    _, exponent = np.frexp(largest)
    step = max(np.ldexp(1.0, int(exponent) - 52), np.finfo(np.float64).smallest_subnormal)
    return np.asarray(np.round(values / step) * step, dtype=np.float64)
