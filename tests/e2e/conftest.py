"""The inputs of the demo, made once, and one finished run on them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from toy_study import INTERMEDIATE, StudyGround, write_study
from train_ground import RECIPE, TAGS, Ground

from harness.demo.checkpoint import write_checkpoint
from harness.demo.files import sentences, write_world
from harness.evaluate import Evaluation, evaluate
from harness.progress import Progress
from harness.specs.run import RunSpec
from harness.study import Studied, study

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

    def copy(folder: Path) -> Path:
        target = tmp_path / "copy"
        shutil.copytree(folder, target)
        return target

    return copy


@pytest.fixture(scope="session")
def training(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Write what `xharness train` needs."""
    root = tmp_path_factory.mktemp("train")
    shutil.copytree(inputs.data, root / "data")
    shutil.copytree(inputs.checkpoint, root / "tiny")
    specs = root / "specs"
    specs.mkdir()
    (specs / "toy-tags.yaml").write_text(TAGS, encoding="utf-8")
    (specs / "toy-choice.yaml").write_text(INTERMEDIATE, encoding="utf-8")
    recipe = root / "recipe.yaml"
    recipe.write_text(RECIPE % {"specs": specs, "model": root / "tiny"}, encoding="utf-8")
    return Ground(specs, root / "data", root / "tiny", recipe, root / "out")


@pytest.fixture(scope="session")
def several(training: Ground) -> Path:
    """A checkpoint of two heads beside a bare encoder; tests that change the folder take a copy."""
    done = training.run(training.out)
    assert done.exit_code == 0, done.output
    return training.out


@pytest.fixture
def copied(several: Path, tmp_path: Path) -> Path:
    shutil.copytree(several, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture(scope="session")
def study_ground(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> StudyGround:
    """A study with its own copies of data and checkpoint."""
    root = tmp_path_factory.mktemp("study")
    shutil.copytree(inputs.data, root / "data")
    shutil.copytree(inputs.checkpoint, root / "tiny")
    file = write_study(root / "specs", root / "tiny")
    return StudyGround(file, root / "data", root / "tiny", root / "out")


@pytest.fixture(scope="session")
def studied(study_ground: StudyGround) -> Studied:
    """The study, run once. Tests must not change its folder."""
    return study(study_ground.request(study_ground.out), QUIET)
