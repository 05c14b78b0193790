"""Every failure a user can cause, and its exit code.

HarnessError                exit 2  the input is wrong
├── SpecError                       a YAML file: task, suite, adapter, recipe
├── DataError                       a test or training file
│   └── HubUnreachable              no connection: the hub cannot be asked for anything
├── ModelError                      a checkpoint
├── RequestError                    the flags contradict each other or the world
└── ResultError                     a run folder, a submission
IncompleteRun               exit 3  some cells failed; the others are saved

A message says what failed and where, the value seen, what is allowed, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class HarnessError(Exception):
    """Base of all errors that are the input's fault; the command line prints it and exits 2."""

    exit_code = 2


class SpecError(HarnessError):
    """A YAML specification is wrong."""


class DataError(HarnessError):
    """A data file is missing, malformed or inconsistent."""


class HubUnreachable(DataError):
    """No connection to the hub came about; to ask it for something else costs only time."""


class ModelError(HarnessError):
    """A checkpoint cannot be used for what was asked."""


class RequestError(HarnessError):
    """The request itself makes no sense."""


class ResultError(HarnessError):
    """A run folder or a submission is broken."""


class IncompleteRun(HarnessError):
    """Some cells failed; what succeeded is saved, and the same command finishes the rest."""

    exit_code = 3


def did_you_mean(seen: str, allowed: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the closest allowed value in any case, or an empty string."""
    folded = {value.casefold(): value for value in allowed}
    close = [folded[c] for c in difflib.get_close_matches(seen.casefold(), list(folded), n=2, cutoff=0.6)]
    return f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else ""


def raise_all(kind: type[HarnessError], problems: Sequence[str]) -> None:
    """Raise one error that lists every problem, so that a user mends them in one go.

    Raises:
        HarnessError: of the given kind, if there is at least one problem.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise kind(problems[0])
    lines = "\n".join(f"  {i}. {p}" for i, p in enumerate(problems, 1))
    raise kind(f"{len(problems)} problems:\n{lines}")
