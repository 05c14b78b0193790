"""A study's names, arms and contrasts: everything that is wrong, before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_study import write_study

from harness.errors import HarnessError, RequestError, SpecError
from harness.specfiles.catalog import list_studies, load_study
from harness.specs.study import StudyRequest
from harness.studying.planning import StudyPlan, plan_study, problems_of


def plan(folder: Path, changes: dict[str, str] | None = None, **options: object) -> StudyPlan:
    study = write_study(folder, folder / "tiny", changes=changes)
    return plan_study(StudyRequest(study=str(study), out=str(folder / "out"), **options))


def test_a_study_is_resolved(tmp_path: Path) -> None:
    found = plan(tmp_path)
    assert list(found.arms) == ["none", "source", "close"]
    assert found.targets == ("toy-tagging", "demo-bitext")
    assert found.named["toy-tagging"].endswith("toy-tagging.yaml")
    assert found.arms["close"].training_seeds((1, 2)) == (1, 2)
    assert found.arms["none"].training_seeds((1, 2)) == ()
    assert found.parents == (str(tmp_path / "tiny"),)


def test_problems_of_all_parts_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        plan(
            tmp_path,
            {
                "demo-bitext]": "demo-bitextt]",
                "languages: [qaa], examples": "languages: [qaa, xx], examples",
                "languages: [qaa, qab], examples: 48}": "languages: [yy], examples: 48}",
            },
        )
    text = str(caught.value)
    assert text.startswith("3 problems:")
    assert "targets: 'demo-bitextt'" in text and "did you mean 'demo-bitext'" in text
    assert "system 'source'" in text and "'xx'" in text
    assert "system 'close'" in text and "'yy'" in text


def test_a_rehearsal_leaves_out_arms_that_will_not_do(tmp_path: Path) -> None:
    study = write_study(
        tmp_path, tmp_path / "tiny", changes={"languages: [qaa, qab], ex": "languages: [qaa, zz], ex"}
    )
    problems: list[str] = []
    found = plan_study(StudyRequest(study=str(study), out="out"), problems)
    assert list(found.arms) == ["none", "source"]
    assert len(problems) == 1 and "'zz'" in problems[0]


def test_two_arms_that_are_one(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'source' and 'close' are the same"):
        plan(tmp_path, {"languages: [qaa, qab], examples": "languages: [qaa], examples"})


def test_a_contrast_without_a_language(tmp_path: Path) -> None:
    changes = {
        "demo-bitext]": "demo-bitext]\nlanguages: [qaa, qab, qac]",
        "languages: [qaa, qab], examples": "languages: [qab, qac], examples",
    }
    with pytest.raises(RequestError, match="languages that no arm was trained on, and none is left"):
        plan(tmp_path, changes)


def test_a_gap_reduction_needs_the_source_language(tmp_path: Path) -> None:
    changes = {"demo-bitext]": "demo-bitext]\nlanguages: [qac, qad]"}
    with pytest.raises(RequestError, match="no target with languages that no arm was trained on is tested"):
        plan(tmp_path, changes)
    both = {"candidate: source, baseline: none", "candidate: close, baseline: none"}
    asked = {text: f"{text}, quantity: difference" for text in (*both, "candidate: close, baseline: source")}
    assert plan(tmp_path, changes | asked).spec.primary is not None


def test_a_contrast_is_named_once(tmp_path: Path) -> None:
    """`compare` would refuse it, when everything has been run."""
    with pytest.raises(SpecError, match="source - none, gap_reduction"):
        plan(tmp_path, {"candidate: close, baseline: none": "candidate: source, baseline: none"})
    with pytest.raises(SpecError, match="close - source, gap_reduction"):
        plan(tmp_path, {"candidate: close, baseline: none": "candidate: close, baseline: source"})


def test_arms_that_do_not_match(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"in more than their languages: train\.on\.0\.examples is 48 and 47"):
        plan(tmp_path, {"[qaa, qab], examples: 48": "[qaa, qab], examples: 47"})
    with pytest.raises(RequestError, match=r"different numbers of languages \(source 2, close 1\)"):
        plan(
            tmp_path,
            {
                "languages: [qaa], examples": "languages: {diverse: 2}, examples",
                "languages: [qaa, qab], examples": "languages: {close: 1}, examples",
                "toy-choice.yaml": "three.yaml",
            }
            if _three_languages(tmp_path)
            else None,
        )


def _three_languages(folder: Path) -> bool:
    """Write an intermediate task whose languages the table of languages has."""
    from toy_study import INTERMEDIATE

    text = INTERMEDIATE.replace("toy-choice", "three")
    for old, new in (("qaa: {tag: qaa}", "de: {tag: de}"), ("qab: {tag: qab}", "ja: {tag: ja}")):
        text = text.replace(old, new)
    (folder / "three.yaml").write_text(text.replace("qac: {tag: qac}", "sw: {tag: sw}"), encoding="utf-8")
    return True


def test_lists_of_problems_are_joined() -> None:
    assert problems_of(HarnessError("2 problems:\n  1. one\n  2. two")) == ["one", "two"]
    assert problems_of(HarnessError("one alone")) == ["one alone"]


@pytest.mark.parametrize("name", ["phang2020", "diverse-intermediate"])
def test_shipped_studies(name: str) -> None:
    study = load_study(name).spec
    assert name in list_studies() and study.recipe == "jiant" and study.suite == "xtreme"
    for system in study.systems.values():
        if system.train is not None:
            # jiant's simple API.
            assert (system.train.epochs, system.train.batch_size) == (3, 32)
            assert (system.train.learning_rate, system.train.warmup_ratio) == (1e-5, 0.1)
            confirmed = "nyu-mll/jiant@daa5a25" in system.train.source
            assert confirmed or "recalled, not confirmed" in system.train.source


def test_the_matched_study_is_one(tmp_path: Path) -> None:
    found = plan_study(StudyRequest(study="diverse-intermediate", out=str(tmp_path / "out")))
    languages = {
        name: arm.mixture.ingredients[0].languages for name, arm in found.arms.items() if arm.mixture
    }
    assert languages["english"] == ("en",)
    assert len(languages["close"]) == len(languages["diverse"]) == 4
    assert not set(languages["close"]) & set(languages["diverse"])
    assert found.spec.matched == ("english", "close", "diverse")
    assert (found.spec.primary.candidate, found.spec.primary.baseline) == ("diverse", "close")
    text = found.loaded.path.read_text(encoding="utf-8")
    assert text.startswith("# A MATCHED EXPERIMENT.")


def test_the_grid_of_the_paper() -> None:
    systems = load_study("phang2020").spec.systems
    nine = ["anli-plus", "mnli", "qqp", "squad-v1", "squad-v2", "hellaswag", "ccg", "cosmos-qa"]
    nine.append("commonsense-qa")
    assert [name for name, s in systems.items() if s.train and len(s.train.on) == 1][:9] == nine
    assert [part.task for part in systems["multi-task"].train.on] == nine
    for name in ("multi-task", "mnli-mlm", "mnli-translated", "squad-translated"):
        assert systems[name].train.source.startswith("recalled, not confirmed")
    assert len(systems["mnli-mlm"].train.mlm.languages) == 40
