"""`xharness study` on generated data: everything it does, really done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_study import StudyGround, seals, write_study
from typer.testing import CliRunner

from harness.cli import app
from harness.evaluate import score_run
from harness.progress import Progress
from harness.results.record import read_record
from harness.results.study import read_study
from harness.study import Studied, study

QUIET = Progress(quiet=True)


@pytest.fixture
def ground(studied: Studied, study_ground: StudyGround) -> StudyGround:
    """The study, run once; tests that change its folder take a copy."""
    return study_ground


@pytest.fixture
def done(studied: Studied) -> Studied:
    return studied


@pytest.fixture
def copied(ground: StudyGround, done: Studied, tmp_path: Path) -> Path:
    shutil.copytree(ground.out, tmp_path / "out")
    return tmp_path / "out"


def times_of(file: Path) -> tuple[int, int]:
    """What a test that changes a shared file puts back: a study looks at times before contents."""
    found = file.stat()
    return found.st_atime_ns, found.st_mtime_ns


def test_every_step_is_done_once(done: Studied) -> None:
    steps = sorted(step for step, _ in seals(done.folder).values())
    trained = [step for step in steps if step.startswith("train ")]
    tagged = [step for step in steps if "toy-tagging" in step]
    mined = [step for step in steps if "demo-bitext" in step]
    assert len(trained) == 4 and len(tagged) == 6
    # Nothing is trained for retrieval: of the parent there is one run, of the others one per encoder.
    assert [step for step in mined if "none" in step] == ["evaluate none on demo-bitext"]
    assert len(mined) == 5
    heads = [path for path in (done.folder / "training").iterdir() if path.is_dir()]
    assert len(heads) == 6
    assert not list(done.folder.glob("cells/*/training"))
    assert done.incomplete == ()


def test_a_system_is_an_ordinary_run_folder(done: Studied) -> None:
    for name, models in (("none", 0), ("source", 1), ("close", 1)):
        folder = done.folder / "systems" / name
        record = read_record(folder / "run.json")
        assert len(record.further_models) == models and record.seeds == (1, 2)
        assert not record.phase_once and record.finished
        score_run(folder, progress=QUIET)  # raises unless the bytes are the same
        assert (folder / "seeds" / "2" / "predictions" / "toy-tagging" / "test-qaa.tsv").is_file()
        assert (folder / "seeds").joinpath("2", "predictions", "demo-bitext").is_dir() == (models > 0)
        compared = CliRunner().invoke(
            app, ["compare", str(done.folder / "systems" / "none"), str(folder), "--resamples", "200"]
        )
        assert compared.exit_code == 0, compared.output
        assert str(done.folder) not in (folder / "run.json").read_text(encoding="utf-8")


def test_seeds_of_a_system_are_those_of_its_cells(done: Studied) -> None:
    folder = done.folder / "systems" / "close"
    cells = {
        seal["step"]: path.parent
        for path in done.folder.glob("cells/*/done.json")
        for seal in [json.loads(path.read_text(encoding="utf-8"))]
    }
    for seed, home in ((1, folder), (2, folder / "seeds" / "2")):
        for target, name in (("toy-tagging", "test-qad.tsv"), ("demo-bitext", "test-qad.tsv")):
            own = cells[f"evaluate close on {target}, seed {seed}"] / "predictions" / target / name
            assert (home / "predictions" / target / name).read_bytes() == own.read_bytes()


def test_the_answer_is_over_languages_that_no_arm_saw(done: Studied) -> None:
    found = done.report.found
    primary = found.answers[0]
    assert (primary.role, primary.candidate, primary.baseline) == ("primary", "close", "source")
    # qab was trained on by one arm; retrieval has no source language, hence no gap.
    assert primary.languages == {"toy-tagging": ("qac", "qad")}
    assert primary.scope == "recipes" and primary.effect is not None
    assert primary.effect.low <= primary.effect.value <= primary.effect.high
    assert primary.effect.p == primary.effect.p_adjusted and primary.effect.detectable > 0
    second = [answer.effect for answer in found.answers[1:]]
    assert [effect.family for effect in second] == [2, 2]
    assert {task: set(codes) for task, codes in found.exposed.items()} == {
        "toy-tagging": {"qab"},
        "demo-bitext": {"qab"},
    }
    assert set(found.unseen.comparisons[0].tasks["toy-tagging"].languages) == {"qaa", "qac", "qad"}
    assert set(found.seen.comparisons[0].tasks["toy-tagging"].languages) == {"qaa", "qab"}


def test_the_gap_reduction_is_what_the_scores_give(done: Studied) -> None:
    def gap(system: str) -> float:
        text = (done.folder / "systems" / system / "scores.json").read_text(encoding="utf-8")
        scores = json.loads(text)["tasks"]["toy-tagging"]["metrics"]["accuracy"]["languages"]
        return scores["qaa"]["value"] - (scores["qac"]["value"] + scores["qad"]["value"]) / 2

    value = done.report.found.answers[0].effect.value
    assert value == pytest.approx(gap("source") - gap("close"), abs=1e-6)


def test_the_choice_is_made_on_dev(done: Studied) -> None:
    tagging, bitext = done.report.found.choices
    traces: dict[str, list[float]] = {}
    for path in (done.folder / "cells").glob("*/done.json"):
        seal = json.loads(path.read_text(encoding="utf-8"))
        if "toy-tagging" not in seal["step"]:
            continue
        (key,) = seal["trained"]
        text = (done.folder / "training" / key / "1-tagged" / "training.json").read_text(encoding="utf-8")
        best = max(score for _, score in json.loads(text)["selection"])
        assert seal["dev"] == best
        traces.setdefault(seal["step"].split()[1], []).append(best)
    means = {name: sum(scores) / 2 for name, scores in traces.items()}
    assert tagging.dev == pytest.approx(means, abs=1e-6)
    assert means[tagging.chosen] == max(means.values())
    assert tagging.dev_by == "token_accuracy"
    assert bitext.chosen is None and bitext.dev == {}


def test_the_report_begins_with_the_answer(done: Studied) -> None:
    texts = {
        suffix: (done.folder / f"report.{suffix}").read_text(encoding="utf-8")
        for suffix in ("html", "md", "tex", "csv")
    }
    assert texts["md"].splitlines()[2].startswith("Primary contrast, close − source: mean gap reduction")
    assert texts["html"].index("Primary contrast") < texts["html"].index("Exploratory")
    assert texts["csv"].splitlines()[1].startswith("primary,close,source,recipes,gap_reduction,")
    assert "exploratory (trained on),close,none" in texts["csv"]
    assert read_study(done.folder / "comparison.json") == done.report.found
    assert (done.folder / "comparison" / "compare.html").is_file()
    assert (done.folder / "comparison-seen" / "compare.json").is_file()


def test_a_finished_study_takes_seconds_and_no_torch(ground: StudyGround, done: Studied) -> None:
    # Another test may have touched the parent's files: then they are hashed anew, once.
    assert ground.run(ground.out).exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in ground.out.rglob("*.json")}
    code = (
        "import sys; from harness.cli import app; app(sys.argv[1:], standalone_mode=False);"
        "print([name for name in ('torch', 'transformers', 'datasets') if name in sys.modules])"
    )
    begun = time.monotonic()
    again = subprocess.run(
        [sys.executable, "-c", code, *ground.arguments(ground.out)], capture_output=True, check=False
    )
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout.decode().startswith("Primary contrast, close")
    assert again.stdout.decode().endswith("[]\n")
    assert time.monotonic() - begun < 60  # a fraction of it, on a machine with nothing else to do
    assert {path: path.stat().st_mtime_ns for path in ground.out.rglob("*.json")} == before


def test_dry_run_prints_what_is_left_and_writes_nothing(
    ground: StudyGround, done: Studied, copied: Path, tmp_path: Path
) -> None:
    new = ground.run(tmp_path / "new", "--dry-run")
    assert new.exit_code == 0, new.output
    assert "15 steps, 15 of them left" in new.output
    assert "train close, seed 2 (toy-choice)" in new.output and "(arithmetic)" in new.output
    assert not (tmp_path / "new").exists()
    cell = next(
        path.parent for path in copied.glob("cells/*/done.json") if "close on toy" in path.read_text()
    )
    shutil.rmtree(cell)
    left = ground.run(copied, "--dry-run")
    assert "15 steps, 1 of them left" in left.output and "(measured)" in left.output


def test_a_step_that_was_damaged_is_done_again(ground: StudyGround, copied: Path) -> None:
    before = seals(copied)
    checkpoint = next(copied.glob("models/*/checkpoint/model.safetensors"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    again = study(ground.request(copied), QUIET)
    after = seals(copied)
    assert again.incomplete == ()
    changed = [step for key, (step, written) in after.items() if before[key][1] != written]
    assert len(changed) == 1 and changed[0].startswith("train ")
    assert read_study(copied / "comparison.json") == read_study(ground.out / "comparison.json")


def test_one_failing_cell_loses_no_other(ground: StudyGround, copied: Path, tmp_path: Path) -> None:
    file = ground.data / "demo-bitext" / "demo.qad-qaa.qad"
    good = file.read_bytes()
    file.write_bytes(good + b"one line too many\n")
    try:
        before = seals(copied)
        failed = ground.run(copied)
        assert failed.exit_code == 3, failed.output
        assert "evaluate close on demo-bitext, seed 2:" in failed.output
        assert "toy-tagging, seed" not in failed.output.partition("the study is incomplete")[2]
        assert seals(copied) == before
        found = read_study(copied / "comparison.json")
        assert len(found.failures) == 5 and set(found.unseen.comparisons[0].tasks) == {"toy-tagging"}
        # What the contrast would be over was not named in advance.
        assert found.answers[0].effect is None and "missing" in found.answers[0].why
        assert "Incomplete: 5 steps have no result" in failed.output
    finally:
        file.write_bytes(good)
    mended = ground.run(copied)
    assert mended.exit_code == 0, mended.output
    assert seals(copied) == before  # by its content the file is the old one
    assert read_study(copied / "comparison.json") == read_study(ground.out / "comparison.json")


def test_changed_data_make_other_steps(ground: StudyGround, copied: Path) -> None:
    file = ground.data / "demo-tagging" / "UD_Demo_qad" / "qad_pud-ud-test.conllu"
    good, times = file.read_text(encoding="utf-8"), times_of(file)
    blocks = good.split("\n\n")
    file.write_text("\n\n".join(blocks[:90]) + "\n\n", encoding="utf-8")
    try:
        before = seals(copied)
        again = study(ground.request(copied), QUIET)
        assert again.incomplete == ()
        new = [step for key, (step, _) in seals(copied).items() if key not in before]
        assert len(new) == 6 and all("toy-tagging" in step for step in new)
        # The heads are those that were trained already.
        assert len([path for path in (copied / "training").iterdir() if path.is_dir()]) == 6
    finally:
        file.write_text(good, encoding="utf-8")
        os.utime(file, ns=times)


def test_a_parent_that_changed_is_named(ground: StudyGround, copied: Path) -> None:
    config = ground.model / "config.json"
    good, times = config.read_bytes(), times_of(config)
    os.utime(config)
    assert ground.run(copied).exit_code == 0  # touched, not changed
    config.write_bytes(good.replace(b'"layer_norm_eps": 1e-12', b'"layer_norm_eps": 1e-5'))
    assert config.read_bytes() != good
    try:
        changed = ground.run(copied)
        assert changed.exit_code == 2
        assert str(ground.model) in changed.output and "changed since the study began" in changed.output
        assert "none, source, close" in changed.output
    finally:
        config.write_bytes(good)
        os.utime(config, ns=times)


def test_an_edited_study_keeps_what_is_still_valid(ground: StudyGround, copied: Path, tmp_path: Path) -> None:
    before = seals(copied)
    edited = write_study(
        tmp_path / "specs",
        ground.model,
        changes={
            "close:\n    train:": "close:\n    once: true\n    train:",
            "matched: [source, close]\n": "",
            str(tmp_path / "specs"): str(ground.file.parent),
        },
    )
    again = study(ground.request(copied, file=edited), QUIET)
    new = sorted(step for key, (step, _) in seals(copied).items() if key not in before)
    # With one phase for both seeds there is one new head, on the model of the first.
    assert new == ["evaluate close on toy-tagging, seed 2"]
    assert read_record(copied / "systems" / "close" / "run.json").phase_once
    assert again.report.found.answers[0].scope == "checkpoints"
    asked = CliRunner().invoke(
        app,
        ["compare", *(str(copied / "systems" / name) for name in ("none", "close")), "--scope", "recipes"],
    )
    assert asked.exit_code == 2 and "run once" in asked.output


def test_a_folder_of_another_study_is_refused(ground: StudyGround, copied: Path, tmp_path: Path) -> None:
    other = write_study(tmp_path / "specs", ground.model, changes={"name: toy\n": "name: other\n"})
    refused = ground.run(copied, file=other)
    assert refused.exit_code == 2 and "holds the study 'toy', not 'other'" in refused.output
    dtype = ground.run(copied, "--dtype", "bfloat16")
    assert dtype.exit_code == 2 and "was begun with float32" in dtype.output
    run = ground.run(ground.out / "systems" / "none")
    assert run.exit_code == 2 and "holds no study.json" in run.output


def test_two_processes_cannot_share_a_study(ground: StudyGround, copied: Path) -> None:
    from filelock import FileLock

    with FileLock(copied / ".study.lock"):
        refused = ground.run(copied)
    assert refused.exit_code == 2 and "another xharness process" in refused.output


def test_heads_can_be_discarded(ground: StudyGround, tmp_path: Path) -> None:
    small = write_study(
        tmp_path / "specs",
        ground.model,
        changes={
            "seeds: [1, 2]": "seeds: [1]",
            ", demo-bitext]": "]",
            "matched: [source, close]\n": "",
            "primary: {candidate: close, baseline: source}\n": "",
            "  - {candidate: close, baseline: none}\n": "",
        },
    )
    found = study(ground.request(tmp_path / "out", file=small, discard_models=True), QUIET).report.found
    assert [path for path in (tmp_path / "out" / "training").iterdir() if path.is_dir()] == []
    assert found.choices[0].chosen is not None
    assert not found.named and found.answers[0].role == "secondary"


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_results(
    ground: StudyGround, done: Studied, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "harness", *ground.arguments(out, "--quiet")]
    killed, wait = 0, wait_for_seals(out)
    for count in (2, 6, 11):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait(count, process)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
    assert killed == 3
    kept = seals(out)
    end = subprocess.run(command, capture_output=True, check=False)
    assert end.returncode == 0, end.stderr.decode()
    assert {key: seals(out)[key] for key in kept} == kept
    assert read_study(out / "comparison.json") == read_study(ground.out / "comparison.json")
    for name in ("none", "source", "close"):
        scores = [folder / "systems" / name / "scores.json" for folder in (out, ground.out)]
        assert scores[0].read_bytes() == scores[1].read_bytes()


def wait_for_seals(out: Path) -> Callable[[int, subprocess.Popen[bytes]], None]:
    def wait(count: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 300
        while len(seals(out)) < count and process.poll() is None:
            assert time.monotonic() < deadline, f"{count} steps take more than five minutes"
            time.sleep(0.1)

    return wait
