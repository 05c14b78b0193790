"""What makes another step, and what does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from toy_study import write_study

from harness.demo.files import write_world
from harness.specs.study import StudyRequest
from harness.studying.grid import Grid, build_grid
from harness.studying.ground import Machine, Parent, StudyRecord
from harness.studying.inventory import Inventory
from harness.studying.planning import plan_study

PARENT: dict[str, Any] = {
    "model": "tiny",
    "weights_sha256": "ab",
    "settings_sha256": "cd",
    "adapter": "generic",
    "adapter_sha256": "ef",
    "sentence_encoder": False,
    "hidden_size": 96,
    "parameters": 1,
}
ALL, TRAINED = {"none", "source", "close"}, {"source", "close"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    write_world(root)
    return root


def grid(
    folder: Path,
    data: Path,
    changes: dict[str, str] | None = None,
    *,
    parent: dict[str, Any] | None = None,
    versions: dict[str, str] | None = None,
    dtype: str = "float32",
) -> Grid:
    study = write_study(folder, Path("/parent"), changes=changes)
    plan = plan_study(StudyRequest(study=str(study), out="out", data_dir=str(data)))
    ground = StudyRecord(
        name="toy",
        version="1",
        sha256="ab",
        study={},
        mixtures={},
        parents={"/parent": Parent(**(PARENT | (parent or {})))},
        machine=Machine(device="cpu", dtype=dtype, threads=1),
        versions={"torch": "2", "numpy": "1"} | (versions or {}),
        started="now",
    )
    return build_grid(plan, ground, Inventory(folder / "out", plan.places))


def redone(before: Grid, after: Grid) -> tuple[set[str], set[str]]:
    """Return the systems that are trained anew, and those of which a cell is evaluated anew."""
    return (
        {step.system for key, step in after.trainings.items() if key not in before.trainings},
        {place[0] for place, key in after.places.items() if key not in before.cells},
    )


UNMATCHED = {"matched: [source, close]\n": ""}
CLOSE = "[qaa, qab], examples: 48}]\n"


@pytest.mark.parametrize(
    ("changes", "trained", "evaluated"),
    [
        ({CLOSE: CLOSE + "      weight_decay: 0.5\n", **UNMATCHED}, {"close"}, {"close"}),
        ({CLOSE: CLOSE + "      source: a book\n", **UNMATCHED}, set(), set()),
        ({"seeds: [1, 2]": "seeds: [2, 1]"}, set(), set()),
        ({"seeds: [1, 2]": "seeds: [1, 2, 3]"}, TRAINED, ALL),
        ({"title: A toy study": "title: Another"}, set(), set()),
    ],
)
def test_what_an_edit_costs(
    world: Path, tmp_path: Path, changes: dict[str, str], trained: set[str], evaluated: set[str]
) -> None:
    before = grid(tmp_path / "specs", world)
    assert redone(before, grid(tmp_path / "specs", world, changes)) == (trained, evaluated)


@pytest.mark.parametrize(
    "changes",
    [
        {"parent": {"weights_sha256": "xx"}},
        {"parent": {"settings_sha256": "xx"}},  # configuration or tokenizer
        {"parent": {"adapter_sha256": "xx"}},
        {"versions": {"torch": "3"}},
        {"dtype": "bfloat16"},
    ],
)
def test_parent_machine_and_libraries_count(world: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    before = grid(tmp_path / "specs", world)
    assert redone(before, grid(tmp_path / "specs", world, **changes)) == (TRAINED, ALL)


def test_where_specifications_lie_does_not_count(world: Path, tmp_path: Path) -> None:
    before = grid(tmp_path / "specs", world)
    assert redone(before, grid(tmp_path / "elsewhere", world)) == (set(), set())
    assert redone(before, grid(tmp_path / "specs", world, versions={"numpy": "2"})) == (set(), set())


def test_what_specifications_and_data_hold_counts(world: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(world, data)
    before = grid(tmp_path / "specs", data)
    for name in ("qab", "qaa"):
        file = data / "demo-choice" / name / f"test.{name}.jsonl"
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        expected = {"close"} if name == "qab" else TRAINED
        assert redone(before, grid(tmp_path / "specs", data)) == (expected, expected)
    task = tmp_path / "specs" / "toy-choice.yaml"
    before = grid(tmp_path / "specs", data)
    text = task.read_text(encoding="utf-8").replace("max_length: 64", "max_length: 32")
    (tmp_path / "shorter.yaml").write_text(text, encoding="utf-8")
    after = grid(
        tmp_path / "specs", data, {f"{tmp_path}/specs/toy-choice.yaml": str(tmp_path / "shorter.yaml")}
    )
    assert redone(before, after) == (TRAINED, TRAINED)
