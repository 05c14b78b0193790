"""What a metric is: sufficient statistics per example, and a value from their sums.

No metric knows of languages, averages, files or resampling: those work on the matrices alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from harness.records import Float


class Metric(Protocol):
    """A metric over one test set.

    `columns` names the k sufficient statistics. Golds and outputs are what the kind of task
    decodes them to (a label, a list of tags, a list of answer texts, ranked ids).
    """

    columns: ClassVar[tuple[str, ...]]

    def per_example(self, golds: Sequence[Any], outputs: Sequence[Any]) -> Float:
        """Return float64 [n, k]: one row of sufficient statistics per example, in order."""
        ...

    def value(self, sums: Float) -> Float:
        """Map summed statistics float64 [..., k] to values float64 [...] in percent (0-100).

        An empty denominator gives 0 where the definition of the metric says so (F1 without any
        predicted or gold span), as the official scripts do; never NaN for n >= 1.
        """
        ...
