"""What is printed when a run is over, and where."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import IncompleteRun

if TYPE_CHECKING:
    from harness.evaluate import Evaluation


def is_stdout(path: Path) -> bool:
    """Whether a path (`/dev/stdout`) is where a command prints to anyway."""
    try:
        # The terminal counts too: a table below the JSON would be no better there.
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except OSError:
        # No such file yet, or an output that is none of the system's.
        return False


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
