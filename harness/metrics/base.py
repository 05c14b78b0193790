"""What a metric is: sufficient statistics per example, and a value from their sums.

No metric knows of averages, files or resampling: those work on the matrices alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from harness.errors import ResultError
from harness.records import Float


class Metric(Protocol):
    """A metric over one test set.

    `columns` names the k sufficient statistics. Golds and outputs are what the kind of task
    decodes them to (a label, a list of tags, a list of answer texts, ranked ids).
    """

    columns: ClassVar[tuple[str, ...]]

    def per_example(self, golds: Sequence[Any], outputs: Sequence[Any], language: str) -> Float:
        """Return float64 [n, k]: one row of sufficient statistics per example, in order.

        `language` is the benchmark's code; only metrics whose normalisation depends on it look at it.
        """
        ...

    def value(self, sums: Float) -> Float:
        """Map summed statistics float64 [..., k] to values float64 [...] in percent (0-100).

        An empty denominator gives 0 where the definition of the metric says so (F1 without any
        predicted or gold span), as the official scripts do; never NaN for n >= 1.
        """
        ...


def pairs(golds: Sequence[Any], outputs: Sequence[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Yield (position, gold, output) for every example.

    Raises:
        ResultError: if there are not as many outputs as golds.
    """
    if len(golds) != len(outputs):
        raise ResultError(
            f"{len(outputs)} outputs for {len(golds)} examples; exactly one output per example is needed"
        )
    return zip(range(len(golds)), golds, outputs, strict=True)


def matrix(rows: Sequence[Sequence[float]], columns: Sequence[str]) -> Float:
    """Return the rows as float64 [n, k]; [0, k] without rows."""
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(columns))


def percent(numerator: Float, denominator: Float) -> Float:
    """Return 100 * numerator / denominator, elementwise; 0 where the denominator is 0."""
    ratio = np.zeros(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), dtype=np.float64)
    np.divide(100.0 * numerator, denominator, out=ratio, where=np.asarray(denominator) != 0)
    return ratio
