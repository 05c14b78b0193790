"""The inputs of the demo, made once, and one finished run on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.demo.checkpoint import write_checkpoint
from harness.demo.files import sentences, write_world
from harness.evaluate import Evaluation, evaluate
from harness.progress import Progress
from harness.specs.run import RunSpec

QUIET = Progress(quiet=True)


@dataclass(frozen=True)
class Inputs:
    """The generated data folder and the tiny checkpoint."""

    data: Path
    checkpoint: Path

    def request(self, out: Path, **changes: object) -> RunSpec:
        """Return a request for the whole demo suite, changed where a test says so."""
        fields: dict[str, object] = {
            "model": str(self.checkpoint),
            "adapter": "generic",
            "suite": "demo",
            "data_dir": str(self.data),
            "out": str(out),
            "threads": 1,
            "resamples": 500,
        }
        return RunSpec.model_validate(fields | changes)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Write the demo's data and checkpoint."""
    root = tmp_path_factory.mktemp("inputs")
    write_world(root / "data")
    write_checkpoint(root / "tiny", sentences())
    return Inputs(root / "data", root / "tiny")


@pytest.fixture(scope="session")
def finished(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Run the whole suite once. Tests must not change its folder; `copy_of` gives one to change."""
    return evaluate(inputs.request(tmp_path_factory.mktemp("runs") / "whole"), QUIET)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """Return a function that copies a run folder to where a test may damage it."""
    import shutil

    def copy(folder: Path) -> Path:
        target = tmp_path / "copy"
        shutil.copytree(folder, target)
        return target

    return copy
