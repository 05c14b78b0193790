"""Checkpoints of `xharness train` as `eval`, `compare` and `train` itself take them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from train_ground import TAGS, Ground, card_of, refused
from typer.testing import CliRunner, Result

from harness.cli import app


def test_one_head_is_an_ordinary_checkpoint_and_eval_takes_it(training: Ground, tmp_path: Path) -> None:
    from transformers import AutoModelForTokenClassification

    out = tmp_path / "tagger"
    task = str(training.specs / "toy-tags.yaml")
    done = training.on(
        out, "--on", task, "--languages", "qab", "--examples", "64", "--max-steps", "4", "--seed", "3"
    )
    assert done.exit_code == 0, done.output
    assert "toy-tags: 64 examples (qab 64)" in done.output and "4 updates; training" in done.output
    _, info = AutoModelForTokenClassification.from_pretrained(str(out), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    card = card_of(out)
    assert [head.file for head in card.heads] == [""] and card.seed == 3 and card.parent.adapter == "generic"
    evaluated = evaluate(training, out, tmp_path / "run", "--tasks", "demo-tagging")
    assert "demo-tagging: the checkpoint has a tagging head that fits; used as it is" in evaluated.output
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["model"]["card"]["key"] == card.key and record["model"]["adapter"] == "generic"
    assert record["tasks"]["demo-tagging"]["head"] == "the checkpoint's own"


def evaluate(training: Ground, model: Path, out: Path, *more: str) -> Result:
    given = ["eval", "--model", str(model), "--data-dir", str(training.data), "--out", str(out)]
    given += ["--recipe", "smoke", "--threads", "1", "--resamples", "200"]
    done = CliRunner().invoke(app, [*given, *more])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def run_on_several(
    training: Ground, several: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("runs") / "several"
    return out, evaluate(training, several, out, "--tasks", "demo-tagging,demo-choice").output


def test_of_several_heads_the_fitting_one_is_used_and_said(several: Path, run_on_several: Any) -> None:
    run, told = run_on_several
    assert "demo-tagging: the checkpoint has a tagging head that fits: toy-tags; used as it is" in told
    assert (
        "demo-choice: the checkpoint has a multiple_choice head that fits: toy-choice; used as it is" in told
    )
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["model"]["card"] == json.loads((several / "xharness.json").read_text(encoding="utf-8"))
    assert record["tasks"]["demo-tagging"]["seen"] == {
        code: ["toy-tags: its own test sets"] for code in ("qab", "qac")
    }
    # The source language is one in which every recipe trains.
    assert record["tasks"]["demo-choice"]["seen"] == {}


def test_the_head_s_labels_are_put_into_the_task_s_order(
    training: Ground, several: Path, tmp_path: Path, run_on_several: Any
) -> None:
    """The same head, its rows listed in another order in the card, predicts the same."""
    import torch
    from safetensors.torch import load_file, save_file

    other = tmp_path / "other"
    shutil.copytree(several, other)
    order = [2, 0, 4, 3, 1]
    card = json.loads((other / "xharness.json").read_text(encoding="utf-8"))
    labels = card["heads"][0]["labels"]
    card["heads"][0]["labels"] = [labels[i] for i in order]
    (other / "xharness.json").write_text(json.dumps(card), encoding="utf-8")
    file = other / "heads" / "toy-tags.safetensors"
    save_file({k: v[torch.tensor(order)].clone() for k, v in load_file(file).items()}, str(file))
    evaluate(training, other, tmp_path / "run", "--tasks", "demo-tagging")
    for code in ("qaa", "qad"):
        name = f"predictions/demo-tagging/test-{code}.tsv"
        assert (tmp_path / "run" / name).read_bytes() == (run_on_several[0] / name).read_bytes()


def test_cells_that_were_trained_on_carry_a_dagger_and_a_note(run_on_several: Any) -> None:
    report = (run_on_several[0] / "report.md").read_text(encoding="utf-8")
    assert "†" in report
    assert (
        "Not zero-shot, seen in an intermediate phase: demo-tagging (qab, qac; toy-tags: its own test sets)"
        in report
    )


def test_compare_flags_them(training: Ground, several: Path, run_on_several: Any, tmp_path: Path) -> None:
    other = tmp_path / "plain"
    task = str(training.specs / "toy-tags.yaml")
    made = training.on(tmp_path / "m", "--on", task, "--languages", "qaa", "--max-steps", "4")
    assert made.exit_code == 0, made.output
    evaluate(training, tmp_path / "m", other, "--tasks", "demo-tagging")
    out = tmp_path / "compared"
    given = ["compare", str(other), str(run_on_several[0]), "--out", str(out), "--resamples", "200"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    table = (out / "compare.md").read_text(encoding="utf-8").splitlines()
    flagged = {
        line.split()[1] for line in table if line.endswith(" |") and "trained on" in line.split("|")[-2]
    }
    assert flagged == {"qab", "qac"}
    assert any("an intermediate phase trained on this task in this language" in line for line in table)


def test_a_second_phase_remembers_the_first(training: Ground, several: Path, tmp_path: Path) -> None:
    out = tmp_path / "second"
    task = str(training.specs / "toy-choice.yaml")
    given = ["--model", str(several), "--on", task, "--languages", "qab", "--max-steps", "2"]
    assert training.on(out, *given).exit_code == 0
    card = card_of(out)
    assert [phase.key for phase in card.phases] == [card_of(several).key, card.key]
    assert card.parent.weights_sha256 and set(card.languages) == {"qaa", "qab", "qac", "qad"}


def test_languages_are_picked_printed_and_kept(training: Ground, tmp_path: Path) -> None:
    """The generated data under the codes of real languages."""
    data = tmp_path / "data"
    for code, toy in (("en", "qaa"), ("de", "qaa"), ("fr", "qab"), ("ja", "qac"), ("hi", "qad")):
        folder = data / "demo-tagging" / f"UD_Demo_{code}"
        folder.mkdir(parents=True)
        source = training.data / "demo-tagging" / f"UD_Demo_{toy}" / f"{toy}_pud-ud-test.conllu"
        shutil.copy(source, folder / f"{code}_pud-ud-test.conllu")
    languages = "".join(f"  {code}: {{tag: {code}}}\n" for code in ("en", "de", "fr", "ja", "hi"))
    old = TAGS[TAGS.index("  qaa") : TAGS.index("labels:")]
    task = str(training.task(tmp_path, (old, languages)))
    given = ["--on", task, "--examples", "16", "--max-steps", "1", "--data-dir", str(data)]
    for asked, codes in (("diverse:2", ("ja", "hi")), ("close:2", ("de", "fr")), ("fr,en", ("fr", "en"))):
        out = tmp_path / asked.replace(":", "")
        done = training.on(out, *given, "--languages", asked)
        assert done.exit_code == 0, done.output
        assert f"toy-tags: trained on in {', '.join(codes)}" in done.output
        card = card_of(out)
        assert tuple(card.mixture["on"][0]["languages"]) == codes
        assert {c: n.examples for c, n in card.tasks[0].languages.items()} == dict.fromkeys(codes, 8)
    refused(
        training.on(tmp_path / "x", *given, "--languages", "close:9"), "9 languages are to be picked", "of 4"
    )
