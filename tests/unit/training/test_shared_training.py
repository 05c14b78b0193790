"""XQuAD and MLQA are answered by one training run, whatever the recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backends.model import Model
from harness.data.places import Places
from harness.execution import training_keys
from harness.kinds.table import kind_named
from harness.planning import Job
from harness.preparation import read_data
from harness.progress import Progress
from harness.specfiles.catalog import load_task
from harness.specs.task import TaskSpec


def squad(name: str) -> str:
    context = f"{name} liegt am Rhein."
    questions = [{"id": f"{name}-1", "question": "Was?", "answers": [{"text": name, "answer_start": 0}]}]
    return json.dumps({"data": [{"title": name, "paragraphs": [{"context": context, "qas": questions}]}]})


def job(name: str, recipe: str, **changes: Any) -> Job:
    body = {**load_task(name).spec.model_dump(), **changes}
    if "squad_v1" in body["training_sets"]:
        body["training_sets"]["squad_v1"]["rows"] = None
    task = TaskSpec.model_validate(body)
    chosen = task.recipes[recipe]
    return Job(task, kind_named(task.kind), ("de",), recipe, chosen, task.settings_for(chosen), task, chosen)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "squad/train-v1.1.json": squad("Bonn"),
        "squad/dev-v1.1.json": squad("Mainz"),
        "xquad/xquad.de.json": squad("Worms"),
        "mlqa/MLQA_V1/test/test-context-de-question-de.json": squad("Speyer"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("recipe", ["xtreme", "jiant"])
def test_one_training_serves_xquad_and_mlqa(
    tiny_model: Callable[..., Model], folder: Path, recipe: str
) -> None:
    keys = {}
    for name in ("xquad", "mlqa"):
        work = job(name, recipe)
        data = read_data(work, Places(folder), trains=True, limit=None, progress=Progress(quiet=True))
        keys[name] = training_keys(work, data, tiny_model(), (1, 2))
        assert (data.dev["squad_v1"] is not None) == (recipe == "jiant")
    assert keys["xquad"] == keys["mlqa"]
    assert keys["xquad"][1] != keys["xquad"][2]


def test_selection_by_other_metrics_is_another_training(
    tiny_model: Callable[..., Model], folder: Path
) -> None:
    work = job("mlqa", "jiant")
    data = read_data(work, Places(folder), trains=True, limit=None, progress=Progress(quiet=True))
    recipes = load_task("mlqa").spec.model_dump()["recipes"]
    recipes["jiant"]["phases"][0]["selection"]["computes"] = ()
    own = job("mlqa", "jiant", recipes=recipes)
    assert own.task.selected_by(own.recipe.phases[0]) == ("mlqa_f1", "mlqa_exact_match")
    assert training_keys(own, data, tiny_model(), (1,)) != training_keys(work, data, tiny_model(), (1,))
