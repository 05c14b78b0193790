"""How long steps are going to take: as measured, else by arithmetic, else unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_study import write_study

from harness.demo.files import write_world
from harness.specs.study import StudyRequest
from harness.studying.estimate import Estimate, Estimator, sum_of
from harness.studying.folder import StudyFolder
from harness.studying.grid import EvaluateStep, Grid, TrainStep, build_grid
from harness.studying.ground import Machine, Parent, StudyRecord
from harness.studying.inventory import Inventory
from harness.studying.planning import StudyPlan, plan_study

MACHINE = Machine(device="cpu", dtype="float32", threads=1)
PARAMETERS, RATE = 1_000_000, 1e9


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[StudyPlan, Grid, StudyFolder]:
    monkeypatch.setattr("harness.studying.estimate.measure_rate", lambda machine: RATE)
    write_world(tmp_path / "data")
    study = write_study(tmp_path, tmp_path / "tiny")
    plan = plan_study(StudyRequest(study=str(study), out="out", data_dir=str(tmp_path / "data")))
    parent = Parent(
        model="tiny",
        weights_sha256="ab",
        settings_sha256="cd",
        adapter="generic",
        adapter_sha256="ef",
        sentence_encoder=False,
        hidden_size=96,
        parameters=PARAMETERS,
    )
    ground = StudyRecord(
        name="toy",
        version="1",
        sha256="ab",
        study={},
        mixtures={},
        parents=dict.fromkeys(plan.parents, parent),
        machine=MACHINE,
        versions={"torch": "2", "numpy": "1"},
        started="now",
    )
    folder = StudyFolder(tmp_path / "out")
    return plan, build_grid(plan, ground, Inventory(folder.path, plan.places)), folder


def test_the_grid_shares_steps(made: tuple[StudyPlan, Grid, StudyFolder]) -> None:
    _, grid, _ = made
    steps = list(grid.steps())
    assert len(steps) == 15 and len({step.key for step in steps}) == 15
    seen = set()
    for step in steps:
        if isinstance(step, EvaluateStep) and step.source is not None:
            assert step.source.key in seen  # what a step needs comes before it
        seen.add(step.key)
    assert [step.seed for step in steps] == sorted(step.seed for step in steps)
    assert {place[2] for place in grid.places if place[:2] == ("none", "demo-bitext")} == {1}
    assert len(grid.cells_of("close")) == 4


def test_arithmetic_counts_every_token_at_most(made: tuple[StudyPlan, Grid, StudyFolder]) -> None:
    plan, grid, folder = made
    estimator = Estimator(plan, folder, MACHINE)
    train = next(step for step in grid.steps() if isinstance(step, TrainStep))
    # 48 examples, one epoch, 64 subwords.
    assert estimator.estimate(train) == Estimate(6 * PARAMETERS * 48 * 64 / RATE, "arithmetic")
    assert estimator.guess(train) == estimator.estimate(train).seconds
    cell = next(c for c in grid.cells.values() if c.target == "toy-tagging")
    # Four test sets of 100 sentences, and 25 updates of 16.
    seconds = (2 * 400 * 64 + 6 * 25 * 16 * 64) * PARAMETERS / RATE
    assert estimator.estimate(cell) == Estimate(pytest.approx(seconds), "arithmetic")
    retrieval = next(c for c in grid.cells.values() if c.target == "demo-bitext")
    assert estimator.estimate(retrieval) == Estimate(None, "unknown")  # its specification counts no rows


def test_measured_steps_count_first(made: tuple[StudyPlan, Grid, StudyFolder]) -> None:
    plan, grid, folder = made
    first, second = (c for c in grid.cells.values() if c.target == "toy-tagging" and c.system == "none")
    other = next(c for c in grid.cells.values() if c.target == "demo-bitext")
    place = folder.result(first)
    place.mkdir(parents=True)
    (place / "run.json").write_text("{}", encoding="utf-8")
    folder.seal(first, seconds=12.04, dev=(81.5, "accuracy"))
    seal = folder.read_seal(first)
    assert seal is not None and (seal.seconds, seal.dev, seal.files) == (12.0, 81.5, {"run.json": 2})
    estimator = Estimator(plan, folder, MACHINE)
    assert estimator.estimate(second) == Estimate(12.0, "measured")
    estimator.add(second, 14.0)
    assert estimator.measured(second) == 13.0
    # Nothing of this task is finished: others of the kind stand in, in the live display alone.
    assert estimator.guess(other) == 13.0 and estimator.measured(other) is None
    (place / "run.json").write_text("{}\n", encoding="utf-8")
    assert folder.read_seal(first) is None  # not the file that was sealed


def test_sums() -> None:
    estimates = [Estimate(1.0, "measured"), Estimate(None, "unknown"), Estimate(2.0, "arithmetic")]
    assert sum_of(estimates) == (3.0, 1)
