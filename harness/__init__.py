"""xharness: an evaluation harness for cross-lingual transfer.

Importing this package loads neither torch nor transformers nor datasets; the public names below
are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harness.compare import compare
    from harness.evaluate import evaluate, score_run, score_submission
    from harness.specs.mixture import TrainSpec
    from harness.specs.run import RunSpec, ScoreSpec
    from harness.specs.study import StudyRequest
    from harness.study import study
    from harness.train import train

__all__ = [
    "RunSpec",
    "ScoreSpec",
    "StudyRequest",
    "TrainSpec",
    "__version__",
    "compare",
    "evaluate",
    "score_run",
    "score_submission",
    "study",
    "train",
]

_HOMES = {
    "compare": "harness.compare",
    "evaluate": "harness.evaluate",
    "score_run": "harness.evaluate",
    "score_submission": "harness.evaluate",
    "study": "harness.study",
    "train": "harness.train",
    "RunSpec": "harness.specs.run",
    "ScoreSpec": "harness.specs.run",
    "StudyRequest": "harness.specs.study",
    "TrainSpec": "harness.specs.mixture",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(_HOMES[name])
    # Importing `harness.evaluate` binds the module under this very name; it is callable itself, and so are
    # `harness.compare`, `harness.study` and `harness.train`.
    return globals().get(name) or getattr(home, name)
