"""What a mixture may say of itself, as options and as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import SpecError
from harness.specfiles.catalog import load_mixture
from harness.specs.mixture import Mixture


def mixture(**changes: Any) -> Mixture:
    return Mixture.model_validate({"on": [{"task": "mnli"}], **changes})


@pytest.mark.parametrize(
    ("given", "steps", "ratio"),
    [
        ({}, None, 0.1),
        ({"warmup_steps": 100}, 100, 0.0),
        ({"warmup_steps": 0}, 0, 0.0),
        ({"warmup_ratio": 0.06}, None, 0.06),
        ({"warmup_steps": 0, "warmup_ratio": 0.06}, 0, 0.06),
    ],
)
def test_warm_up_is_said_in_one_way_and_stays_so(given, steps, ratio):
    found = mixture(**given)
    assert (found.warmup_steps, found.warmup_ratio) == (steps, ratio)
    # Written out and read again, with every key given, it is the same.
    assert Mixture.model_validate(found.model_dump()) == found
    assert Mixture.model_validate_json(found.model_dump_json()) == found


def test_both_ways_to_say_warm_up():
    with pytest.raises(ValidationError, match="two ways to say one thing"):
        mixture(warmup_steps=10, warmup_ratio=0.1)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_share_is_between_none_and_all(share):
    with pytest.raises(ValidationError, match="share"):
        mixture(mlm={"share": share, "task": "lines"})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"mlm": {"share": 0.5}}, "give `task`, or `files`"),
        ({"mlm": {"share": 0.5, "task": "lines", "files": {"de": "a"}}}, "give `task`, or `files`"),
        ({"mlm": {"share": 0.5, "task": "lines", "languages": ["de", "de"]}}, "'de' more than once"),
        ({"on": [{"task": "mnli"}, {"task": "mnli"}]}, "'mnli' more than once"),
        ({"on": [{"task": "mnli", "languages": ["de", "de"]}]}, "'de' more than once"),
        ({"on": [{"task": "mnli", "languages": {"diverse": 2, "close": 2}}]}, "`diverse: K` or `close: K`"),
        ({"on": [{"task": "mnli", "languages": {}}]}, "`diverse: K` or `close: K`"),
        ({"on": [{"task": "mnli", "languages": []}]}, "languages"),
        ({"on": []}, "on"),
        ({"batch_size": 0}, "batch_size"),
        ({"tasks": {"by": "temperature"}}, "needs `temperature`"),
        ({"tasks": {"by": "capped"}}, "needs `cap`"),
        ({"tasks": {"by": "uniform", "cap": 3}}, "says nothing"),
    ],
)
def test_what_contradicts_itself(changes, match):
    with pytest.raises(ValidationError, match=match):
        mixture(**changes)


def test_a_file_and_its_problems_by_line(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text("on: [{task: mnli}]\nwarmup_steps: 5\nlearning_rate: 1\nseed: 4\nmodel: m\n", "utf-8")
    found = load_mixture(str(path)).spec
    assert found.seed == 4 and found.model == "m"
    assert found.mixture() == mixture(warmup_steps=5, learning_rate=1.0)
    path.write_text(
        "on: [{task: mnli}]\nlerning_rate: 1\nbatch_size: 0\nwarmup_steps: 3\nwarmup_ratio: 1\n", "utf-8"
    )
    with pytest.raises(SpecError) as raised:
        load_mixture(str(path))
    told = str(raised.value)
    assert f"{path}:2: lerning_rate: unknown key (did you mean 'learning_rate'?)" in told
    assert f"{path}:3: batch_size: must be greater than 0, not 0" in told
    assert f"{path}:5: warmup_ratio: must be less than 1" in told
    path.write_text("on: [{task: mnli}]\nwarmup_ratio: 0.2\nwarmup_steps: 3\n", "utf-8")
    with pytest.raises(
        SpecError, match=r"recipe.yaml:3: warmup_steps: warmup_steps and warmup_ratio are two"
    ):
        load_mixture(str(path))
    with pytest.raises(SpecError, match=r"nowhere.yaml"):
        load_mixture(str(tmp_path / "nowhere.yaml"))
