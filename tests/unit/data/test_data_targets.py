"""The shipped tasks and suites of this part: what the benchmark says, held against what YAML says."""

from __future__ import annotations

import pytest
import yaml

from harness.data.table import TABLE
from harness.errors import SpecError
from harness.languages import LANGUAGES, language
from harness.paths import builtin
from harness.specs.recipe import BySize
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec

COUNTS = {
    "tatoeba": 41, "lareqa": 11, "udpos": 38, "xquad": 12, "xcopa": 11, "panx": 48, "mlqa": 7, "tydiqa": 9,
}  # fmt: skip
# Nothing that could train a head is there beside the test sets and the real training sets.
WITHOUT_SMOKE = {"mlqa", "tydiqa"}


def target(name: str) -> TaskSpec:
    path = builtin("tasks") / "targets" / f"{name}.yaml"
    return TaskSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def suite(name: str) -> SuiteSpec:
    path = builtin("tasks") / "suites" / f"{name}.yaml"
    return SuiteSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", COUNTS)
def test_target_is_whole(name: str) -> None:
    task = target(name)
    assert len(task.languages) == COUNTS[name]
    assert set(task.languages) <= set(LANGUAGES)
    assert {"xtreme", "none"} <= set(task.recipes)
    assert not task.recipes["none"].trains
    assert ("smoke" in task.recipes) == (name not in WITHOUT_SMOKE)
    if name not in WITHOUT_SMOKE:
        assert task.recipes["smoke"].stamp == "smoke"
    assert all(recipe.stamp is None for recipe_name, recipe in task.recipes.items() if recipe_name != "smoke")
    sets = task.training_sets.values()
    used = [task.data, *(s.train for s in sets), *(s.dev for s in sets if s.dev)]
    assert {layout.reader for source in used for layout in source.layouts} <= set(TABLE)


@pytest.mark.parametrize("name", sorted({*suite("xtreme").tasks, *suite("xtreme-r").tasks}))
def test_xtreme_files_are_found_from_inside_and_outside_its_download_folder(name: str) -> None:
    task = target(name)
    sets = [task.training_sets[phase.training_set] for phase in task.recipes["xtreme"].phases]
    test = [source for source in (task.data, task.data.dev, task.data.pool) if source is not None]
    for source in [*test, *(s.train for s in sets), *(s.dev for s in sets if s.dev)]:
        assert source.xtreme is not None
        for patterns in source.xtreme.files.values():
            inside = [p for p in patterns if not p.startswith("download/")]
            assert inside and [p for p in patterns if p not in inside] == [f"download/{p}" for p in inside]


def test_every_repository_is_read_at_one_commit_and_what_was_seen_of_it_is_said() -> None:
    revisions: dict[str, set[str]] = {}
    for path in sorted((builtin("tasks") / "targets").glob("*.yaml")):
        task = target(path.stem)
        sets = task.training_sets.values()
        sources = [task.data, task.data.dev, task.data.pool, *(s.train for s in sets), *(s.dev for s in sets)]
        for hub in (source.hub for source in sources if source is not None and source.hub is not None):
            revisions.setdefault(hub.repo, set()).add(hub.revision)
            assert hub.seen, (path.name, hub.repo)
    assert all(len(found) == 1 for found in revisions.values()), revisions
    # No source at hand gives their hashes in full.
    unconfirmed = {repo for repo, found in revisions.items() if found == {"unconfirmed"}}
    assert unconfirmed == {"izhx/mewsli-x", "lighteval/siqa"}


def test_counts_of_the_releases() -> None:
    def rows(name: str) -> list[int]:
        return [language.rows or 0 for language in target(name).languages.values()]

    assert sorted(set(rows("panx"))) == [100, 1000, 10_000]
    assert [rows("panx").count(n) for n in (100, 1000, 10_000)] == [6, 13, 29]
    assert sum(rows("tydiqa")) == 5077 and target("tydiqa").training_sets["tydiqa_en"].rows == 3696
    assert sum(rows("mlqa")) == 42_245 and all(rows("mlqa"))


def test_question_answering_is_the_mean_of_f1_and_exact_match() -> None:
    for name, prefix in (("xquad", "squad"), ("tydiqa", "squad"), ("mlqa", "mlqa")):
        task = target(name)
        assert task.benchmark_score == ("f1", "exact_match")
        assert [m.computes for m in task.metrics] == [f"{prefix}_f1", f"{prefix}_exact_match"]


def test_xquad_and_mlqa_train_alike() -> None:
    xquad, mlqa = target("xquad"), target("mlqa")
    assert mlqa.training_sets["squad_v1"] == xquad.training_sets["squad_v1"]
    for name in ("xtreme", "jiant"):
        ours, theirs = mlqa.recipes[name].phases, xquad.recipes[name].phases
        assert [mlqa.selected_by(p) for p in ours] == [xquad.selected_by(p) for p in theirs]
        assert mlqa.settings_for(mlqa.recipes[name]) == xquad.settings_for(xquad.recipes[name])
    assert mlqa.selected_by(mlqa.recipes["jiant"].phases[0]) == ("squad_f1", "squad_exact_match")
    assert target("tydiqa").selected_by(target("tydiqa").recipes["jiant"].phases[0]) == (
        "squad_f1", "squad_exact_match",
    )  # fmt: skip


def test_tatoeba_recipes() -> None:
    task = target("tatoeba")
    assert not task.recipes["xtreme"].trains
    assert task.recipes["xtreme-r"].encoder_of == "xquad"
    assert suite("xtreme-r").tasks["tatoeba"].recipes == {"xtreme": "xtreme-r"}
    assert suite("xtreme").tasks["tatoeba"].recipes == {}
    assert {m.name: m.output for m in task.metrics} == {"accuracy": "prediction", "accuracy_to_en": "to_en"}


def test_official_numbers_of_training() -> None:
    (udpos,) = target("udpos").recipes["xtreme"].phases
    assert (udpos.epochs, udpos.learning_rate, udpos.batch_size) == (10, 2e-5, 32)
    (panx,) = target("panx").recipes["xtreme"].phases
    assert (panx.epochs, panx.learning_rate, panx.batch_size) == (10, 2e-5, 32)
    assert panx.selection is not None and panx.selection.every_steps == 1000
    for name in ("xquad", "mlqa", "tydiqa"):
        (qa,) = target(name).recipes["xtreme"].phases
        assert (qa.epochs, qa.learning_rate, qa.warmup_steps, qa.weight_decay) == (3, 3e-5, 500, 1e-4)
        assert qa.selection is None and qa.batch_size == 32
    siqa, copa = target("xcopa").recipes["xtreme"].phases
    assert (siqa.training_set, copa.training_set) == ("siqa", "copa")
    assert siqa.learning_rate == copa.learning_rate == BySize(base=2e-5, large=3e-5)
    (jiant,) = target("xquad").recipes["jiant"].phases
    assert (jiant.learning_rate, jiant.epochs, jiant.batch_size, jiant.warmup_ratio) == (1e-5, 2, 16, 0.1)


def test_smoke_recipes_train_on_what_the_releases_hold() -> None:
    xquad = target("xquad")
    held = xquad.training_sets[xquad.recipes["smoke"].phases[0].training_set]
    assert (held.first_clusters, held.hold_out, held.languages) == (24, True, ("en",))
    assert not target("xcopa").recipes["smoke"].zero_shot
    assert not target("tatoeba").recipes["smoke"].trains and not target("lareqa").recipes["smoke"].trains
    assert target("lareqa").space == xquad.space == "xquad-articles"


def test_suites_have_the_languages_of_the_benchmarks() -> None:
    xtreme, xtreme_r = suite("xtreme"), suite("xtreme-r")
    assert {name: len(t.languages or ()) for name, t in xtreme.tasks.items()} == {
        "xnli": 15, "pawsx": 7, "udpos": 33, "panx": 40, "xquad": 11, "mlqa": 7, "tydiqa": 9, "bucc2018": 4,
        "tatoeba": 36,
    }  # fmt: skip
    assert {name: len(t.languages or ()) for name, t in xtreme_r.tasks.items()} == {
        "xnli": 15, "xcopa": 11, "udpos": 38, "panx": 48, "xquad": 12, "mlqa": 7, "tydiqa": 9, "tatoeba": 41,
        "mewslix": 11, "lareqa": 11,
    }  # fmt: skip
    for spec, count in ((xtreme, 40), (xtreme_r, 50)):
        codes = {code for t in spec.tasks.values() for code in t.languages or ()}
        assert len(codes) == count and codes <= set(LANGUAGES)
        assert set(spec.overall) == set(spec.tasks)
        for name in COUNTS:
            if name in spec.tasks:
                assert set(spec.tasks[name].languages or ()) <= set(target(name).languages)


def test_language_table() -> None:
    assert len(LANGUAGES) == 50
    assert all(code == row.code for code, row in LANGUAGES.items())
    assert {code for code, row in LANGUAGES.items() if row.direction == "rtl"} == {"ar", "fa", "he", "ur"}
    assert all(row.direction == "rtl" for row in LANGUAGES.values() if row.script in ("Arab", "Hebr"))
    assert all(len(row.script) == 4 and row.script.istitle() for row in LANGUAGES.values())
    assert language("sw").family == "Atlantic-Congo"
    with pytest.raises(SpecError, match=r"'swa' is not a language of the table .did you mean 'sw'"):
        language("swa")
