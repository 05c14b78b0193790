"""What is printed when a run is over."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.errors import IncompleteRun

if TYPE_CHECKING:
    from harness.evaluate import Evaluation


def show_outcome(outcome: Evaluation) -> None:
    """Print the tables to stdout, with what stands under them.

    Raises:
        IncompleteRun: some cells failed; they are named, after the tables of the others.
    """
    from harness.results.report import print_report

    print_report(outcome.findings)
    # A pipe that was closed, or a full disk, shows here and not when Python is gone half-way.
    sys.stdout.flush()
    if outcome.incomplete:
        missing = "\n".join(f"  {line}" for line in outcome.incomplete)
        raise IncompleteRun(
            f"the run is incomplete; the same command tries again what is missing:\n{missing}"
        )
