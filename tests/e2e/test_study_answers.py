"""What a study's numbers speak of: languages, targets, failures, and reports that were there before."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import fmean

import pytest
from toy_study import StudyGround, write_study

from harness.errors import IncompleteRun, ModelError
from harness.progress import Progress
from harness.results.comparison import Comparison, TaskComparison
from harness.results.record import RunRecord
from harness.results.scores import read_scores
from harness.results.study import Answer, read_study
from harness.study import Studied, study
from harness.studying.answers import _answered

QUIET = Progress(quiet=True)


@pytest.fixture
def copied(studied: Studied, study_ground: StudyGround, tmp_path: Path) -> Path:
    shutil.copytree(study_ground.out, tmp_path / "out")
    return tmp_path / "out"


def edited(ground: StudyGround, folder: Path, **changes: str) -> Path:
    """Write the study anew, with the tasks that its finished steps name."""
    return write_study(
        folder / "specs", ground.model, changes={**changes, str(folder / "specs"): str(ground.file.parent)}
    )


def test_a_difference_is_over_unseen_languages_alone(
    study_ground: StudyGround, copied: Path, tmp_path: Path
) -> None:
    one = "{candidate: close, baseline: source}"
    file = edited(study_ground, tmp_path, **{one: one[:-1] + ", quantity: difference}"})
    answer = study(study_ground.request(copied, file=file), QUIET).report.found.answers[0]
    languages = {"toy-tagging": ("qac", "qad"), "demo-bitext": ("qac", "qad")}
    assert answer.languages == languages
    # The source language, in which every recipe trains, is not in the mean.
    means = {}
    for name in ("source", "close"):
        tasks = read_scores(copied / "systems" / name / "scores.json").tasks
        means[name] = fmean(
            fmean(tasks[task].metrics["accuracy"].languages[code].value for code in codes)
            for task, codes in languages.items()
        )
    assert answer.effect is not None
    assert answer.effect.value == pytest.approx(means["close"] - means["source"], abs=1e-6)


def test_a_failure_does_not_change_what_the_contrasts_are_over(
    study_ground: StudyGround, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("no room")

    monkeypatch.setattr("harness.train.train", refuse)
    rate = "languages: [qaa, qab], examples: 48}]\n      epochs: 1"
    file = edited(study_ground, tmp_path, **{rate: rate[:-1] + "2", "matched: [source, close]\n": ""})
    found = study(study_ground.request(copied, file=file), QUIET).report.found
    assert len(found.failures) == 6 and "missing" in found.answers[0].why
    # The arm that failed was going to be trained in qab.
    assert found.exposed["toy-tagging"] == {"qab": ("close: trained on toy-choice in this language",)}
    other = next(answer for answer in found.answers if answer.candidate == "source")
    assert other.languages == {"toy-tagging": ("qac", "qad")}


def test_scores_of_earlier_cells_are_not_reported(
    study_ground: StudyGround, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ModelError("no room")

    monkeypatch.setattr("harness.train.train", refuse)
    monkeypatch.setattr("harness.studying.cells.evaluate", refuse)
    file = edited(study_ground, tmp_path, **{", demo-bitext]": "]", "seeds: [1, 2]": "seeds: [3, 4]"})
    with pytest.raises(IncompleteRun, match="no system has a result"):
        study(study_ground.request(copied, file=file), QUIET)
    # They stay where they are, for the study as it was.
    again = study(study_ground.request(copied), QUIET)
    assert again.report.found == read_study(study_ground.out / "comparison.json")


def test_an_edited_study_leaves_no_comparison_of_before(
    study_ground: StudyGround, copied: Path, tmp_path: Path
) -> None:
    assert (copied / "comparison-seen" / "compare.html").is_file()
    file = edited(study_ground, tmp_path)
    text = file.read_text(encoding="utf-8")
    start, end = text.index("  close:\n"), text.index("baseline: none")
    text = text[:start] + text[end:]
    for line in (
        "matched: [source, close]\n",
        "primary: {candidate: close, baseline: source}\n",
        "  - {candidate: close, baseline: none}\n",
    ):
        text = text.replace(line, "")
    file.write_text(text, encoding="utf-8")
    found = study(study_ground.request(copied, file=file), QUIET).report.found
    assert found.exposed == {} and found.seen is None
    assert not (copied / "comparison-seen").exists()


def test_pages_that_were_deleted_are_written_again(study_ground: StudyGround, copied: Path) -> None:
    page = copied / "report.html"
    text = page.read_bytes()
    page.unlink()
    study(study_ground.request(copied), QUIET)
    assert page.read_bytes() == text
    assert read_study(copied / "comparison.json") == read_study(study_ground.out / "comparison.json")


def test_a_choice_by_tested_rows_says_so(
    study_ground: StudyGround, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunRecord, "selected_on", lambda _, task: ("qaa",) if task == "toy-tagging" else ())
    found = study(study_ground.request(copied, resamples=250), QUIET).report.found
    assert {choice.target: choice.dev_in_test for choice in found.choices} == {
        "toy-tagging": ("qaa",),
        "demo-bitext": (),
    }
    text = (copied / "report.md").read_text(encoding="utf-8")
    assert "Not so for toy-tagging: rows of its development data are tested (qaa)" in text


ASKED = Answer(role="primary", candidate="source", baseline="none", quantity="gap_reduction")


@pytest.fixture
def compared(studied: Studied) -> Comparison:
    """One comparison, in which a target stands twice: once with a head selected on rows that are tested."""
    assert studied.report.found.unseen is not None
    found = studied.report.found.unseen.comparisons[0]
    return found.model_copy(update={"tasks": {**found.tasks, "tuned": _tuned(found.tasks["toy-tagging"])}})


def _tuned(task: TaskComparison) -> TaskComparison:
    languages = {
        code: language.model_copy(update={"flags": (*language.flags, "tuned")})
        for code, language in task.languages.items()
    }
    return task.model_copy(update={"languages": languages})


def test_a_tuned_target_is_not_in_the_answer(compared: Comparison) -> None:
    """`compare` leaves it out of the suite's number, so the answer must not name it."""
    own = compared.tasks["toy-tagging"].average.gap_reduction
    found = _answered(ASKED, compared.model_copy(update={"suite": None}))
    assert found.effect == own and list(found.languages) == ["toy-tagging"] and found.why == ""
    assert compared.suite is not None
    suite = compared.suite.model_copy(update={"gap_reduction": compared.suite.difference})
    found = _answered(ASKED, compared.model_copy(update={"suite": suite}))
    assert found.effect == suite.gap_reduction and list(found.languages) == ["toy-tagging"]


def test_tuned_targets_alone_give_no_suite(compared: Comparison) -> None:
    tuned = compared.tasks["tuned"]
    both = compared.model_copy(update={"tasks": {"a": tuned, "b": tuned}, "suite": None})
    found = _answered(ASKED, both)
    assert found.effect is None and found.languages == {}
    assert found.why == "heads of all targets (a, b) were selected on rows that are tested"
    single = compared.model_copy(update={"tasks": {"a": tuned}, "suite": None})
    assert _answered(ASKED, single).effect == tuned.average.gap_reduction
