from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.specs.adapter import AdapterSpec
from harness.specs.recipe import BySize, Phase
from harness.specs.run import RunSpec
from harness.specs.settings import SETTINGS, TaggingSettings
from harness.specs.suite import SuiteSpec
from harness.specs.task import KINDS, TaskSpec

HUB = {"reader": "squad_rows", "roles": {"rows": {}}}
TRAINING = {"title": "T", "train": {"local": {"reader": "conllu", "files": {}}}}


def task(**changes: Any) -> TaskSpec:
    fields: dict[str, Any] = {
        "name": "t",
        "version": "1",
        "kind": "tagging",
        "title": "T",
        "licence": "CC0",
        "citation": "c",
        "source_language": "en",
        "languages": {"en": {"tag": "en"}},
        "labels": ("A",),
        "data": {"local": {"reader": "conllu", "files": {}}},
        "metrics": ({"name": "f1", "computes": "x"}, {"name": "accuracy", "computes": "y"}),
        "main_metric": "f1",
        "settings": {"max_length": 64},
        "recipes": {"none": {"source": "s"}, "smoke": {"source": "s", "settings": {"max_length": 32}}},
    }
    return TaskSpec.model_validate({**fields, **changes})


def test_specs_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        task().name = "other"  # type: ignore[misc]


def test_every_kind_has_settings() -> None:
    assert set(KINDS) == set(SETTINGS)


def test_settings_are_the_kind_s_then_the_task_s_then_the_recipe_s() -> None:
    spec = task()
    assert spec.settings_for(spec.recipes["none"]) == TaggingSettings(max_length=64)
    assert spec.settings_for(spec.recipes["smoke"]) == TaggingSettings(max_length=32)


def test_space_and_score_metrics_have_defaults() -> None:
    assert (task().space, task().score_metrics) == ("t", ("f1",))
    spec = task(unit_space="shared", benchmark_score=("f1", "accuracy"))
    assert (spec.space, spec.score_metrics) == ("shared", ("f1", "accuracy"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"main_metric": "em"}, "main_metric 'em' is not among"),
        ({"benchmark_score": ("em",)}, "benchmark_score 'em' is not among"),
        ({"source_language": "de"}, "use null where the benchmark does not test"),
        ({"labels": ()}, "lists its labels"),
        ({"kind": "classification", "labels": ()}, "lists its labels, at least two"),
        ({"kind": "classification", "labels": ("A",)}, "lists its labels, at least two"),
        ({"name": "Mixed Case"}, "is not a name"),
        ({"languages": {}}, "at least 1"),
        ({"version": ""}, "must not be empty"),
        ({"labels": ("A", "B", "A")}, "labels names 'A' more than once"),
        ({"benchmark_score": ("f1", "f1")}, "benchmark_score names 'f1' more than once"),
        ({"metrics": [{"name": "f1", "computes": c} for c in "xy"]}, "metrics names 'f1' more than once"),
        ({"settings": {"max_length": True}}, "valid integer"),
        ({"settings": {"max_length": "64"}}, "valid integer"),
        ({"recipes": {"none": {"source": "s", "settings": {"max_length": True}}}}, "valid integer"),
        ({"data": {"local": {"reader": "conllu", "files": {"treebanks": []}}}}, "at least 1"),
        (
            {"training_sets": {"x": {**TRAINING, "languages": ("en", "en")}}},
            "languages names 'en' more than once",
        ),
        ({"training_sets": {"x": {**TRAINING, "languages": ("a/b",)}}}, "'a/b' is not a language code"),
        *[
            ({"source_language": None, "languages": {code: {"tag": "en"}}}, "is not a language code")
            for code in ("a/b", " ", "é", "a\0b", "", ".a", "a\n")
        ],
    ],
)
def test_what_a_task_may_not_say(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        task(**changes)


@pytest.mark.parametrize("revision", ["main", "v1.0", "a" * 39, "A" * 40, "a" * 41, "unconfirmed "])
def test_branches_and_tags_are_no_revisions(revision: str) -> None:
    data = {"local": {"reader": "conllu", "files": {}}, "hub": {"repo": "a/b", "revision": revision, **HUB}}
    with pytest.raises(ValidationError, match="is not a revision"):
        task(data=data)


@pytest.mark.parametrize("revision", ["unconfirmed", "0123456789abcdef0123456789abcdef01234567"])
def test_revisions(revision: str) -> None:
    data = {"local": {"reader": "conllu", "files": {}}, "hub": {"repo": "a/b", "revision": revision, **HUB}}
    hub = task(data=data).data.hub
    assert hub is not None
    assert hub.revision == revision


@pytest.mark.parametrize("reader", ["folder/mine.py", "folder/mine", ":f", ".rel:f", "a:"])
def test_user_code_is_an_importable_name(reader: str) -> None:
    with pytest.raises(ValidationError, match=r"is a path|is not importable code"):
        task(data={"local": {"reader": reader, "files": {}}})


def test_learning_rate_goes_by_the_width_of_the_encoder() -> None:
    rate = BySize(base=1e-5, large=3e-5)
    assert [rate.for_hidden_size(n) for n in (384, 768, 1023, 1024, 1280)] == [1e-5, 1e-5, 1e-5, 3e-5, 3e-5]


def test_one_warm_up() -> None:
    with pytest.raises(ValidationError, match="not both"):
        Phase(training_set="x", epochs=1, learning_rate=1e-5, warmup_steps=5, warmup_ratio=0.1)


TEXTS = ("model", "suite", "data_dir", "out", "adapter", "recipe")


def test_the_largest_seed() -> None:
    assert RunSpec(model="m", tasks=("a",), seeds=(0, 2**32 - 1)).seeds[1] == 2**32 - 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "--tasks or --suite"),
        ({"tasks": ("a",), "seeds": ()}, "at least one"),
        ({"tasks": ("a",), "seeds": (1, 1)}, "without repetition"),
        ({"tasks": ("a",), "seeds": (-1,)}, "between 0 and 4294967295"),
        ({"tasks": ("a",), "seeds": (2**32,)}, "between 0 and 4294967295"),
        ({"tasks": ("a",), "resamples": 1_000_001}, "less than or equal to 1000000"),
        ({"tasks": ("a",), "threads": 0}, "greater than 0"),
        *[({"tasks": ("a",), key: " "}, "must not be empty") for key in TEXTS],
        ({"tasks": ("a",), "limit": 0}, "greater than 0"),
        ({"tasks": ("a",), "resamples": 99}, "greater than or equal to 100"),
        ({"tasks": ("a",), "device": "tpu"}, "'auto', 'cpu' or 'cuda'"),
    ],
)
def test_requests_that_make_no_sense(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RunSpec.model_validate({"model": "m", **fields})


def suite(**changes: Any) -> SuiteSpec:
    fields = {"name": "s", "version": "1", "title": "S", "citation": "c", "default_recipe": "none"}
    return SuiteSpec.model_validate({**fields, "tasks": {"t": {}, "u": {}}, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overall": ("t", "t")}, "overall names 't' more than once"),
        ({"groups": {"g": ("t", "u", "t")}}, "groups 'g' names 't' more than once"),
        ({"groups": {"g": ()}}, "at least 1"),
        ({"tasks": {"t": {"languages": ("de", "de")}}}, "languages names 'de' more than once"),
        ({"tasks": {"t": {"languages": ()}}}, "at least 1"),
        ({"tasks": {"../t": {}}}, "is not a name"),
        ({"version": " "}, "must not be empty"),
    ],
)
def test_what_a_suite_may_not_say(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        suite(**changes)


def test_a_suite_may_name_tasks_without_specification() -> None:
    named = suite(tasks={"exists": {}, "does-not": {}}, groups={"g": ("exists", "does-not")})
    assert list(named.tasks) == ["exists", "does-not"]


def test_own_modules_need_a_checkpoint_that_has_them() -> None:
    with pytest.raises(ValidationError, match="needs a checkpoint with sentence-transformers modules"):
        AdapterSpec.model_validate(
            {
                "name": "a",
                "version": "1",
                "title": "A",
                "source": "s",
                "match": {"sentence_transformer": False},
                "embedding": {"modules": True},
            }
        )
