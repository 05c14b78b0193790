"""What `xharness train` refuses, each time with the place named and nothing written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from train_ground import Ground, delete, refused, truncate
from typer.testing import CliRunner

from harness.cli import app
from harness.training.joint import Joint


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            [("batch_size: 8", "batch_size: 0")],
            ["changed.yaml:10: batch_size: must be greater than 0, not 0"],
        ),
        (
            [("batch_size", "batchsize")],
            ["changed.yaml:10: batchsize: unknown key (did you mean 'batch_size'?)"],
        ),
        ([("share: 0.25", "share: 0")], ["changed.yaml:4: mlm.share: must be greater than 0"]),
        ([("share: 0.25", "share: 1")], ["changed.yaml:4: mlm.share: must be less than 1"]),
        ([("[qab, qac]", "[qab, qax]")], ["task 'toy-tags': has no language 'qax'", "did you mean 'qac'"]),
        ([("toy-tags.yaml", "toy-tagz.yaml")], ["toy-tagz.yaml"]),
        ([("demo.qad-qaa.qad", "nowhere.txt")], ["nowhere.txt"]),
        (
            [("max_length: 32", "max_length: 999")],
            ["task 'files': reads up to 999 tokens", "positions for 128"],
        ),
        ([("max_steps: 8", "max_steps: 2")], ["its share comes to none of the 2 updates"]),
        (
            [("examples: 60", "examples: 999")],
            ["task 'toy-tags'", "500 of each, but qab has 100, qac has 100"],
        ),
        ([("[qab, qac]", "{diverse: 2}")], ["is known of 0: none"]),
        ([("[qab, qac]", "{close: 2, origin: xx}")], ["languages: origin 'xx'"]),
    ],
)
def test_a_wrong_recipe(
    training: Ground, tmp_path: Path, changes: list[tuple[str, str]], told: list[str]
) -> None:
    refused(training.run(tmp_path / "out", recipe=training.changed(tmp_path, *changes)), *told)
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.part").exists()


def test_every_missing_file_is_named(training: Ground, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = training.run(tmp_path / "out", "--data-dir", str(tmp_path / "empty"))
    names = ["qab_pud-ud-test.conllu", "qac_pud-ud-test.conllu", "test.qaa.jsonl", "demo.qad-qaa.qad"]
    refused(done, *names)
    refused(
        training.run(tmp_path / "out", "--data-dir", str(tmp_path / "nowhere")), "there is no such folder"
    )


def test_wrong_data(training: Ground, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(training.data / "demo-tagging", data / "demo-tagging")
    file = data / "demo-tagging" / "UD_Demo_qab" / "qab_pud-ud-test.conllu"
    good = file.read_text(encoding="utf-8")
    task = str(training.specs / "toy-tags.yaml")
    given = ["--on", task, "--languages", "qab", "--data-dir", str(data)]
    file.write_text(good.replace("VERB", "WERB"), encoding="utf-8")
    refused(training.on(tmp_path / "out", *given), "'WERB'", "VERB")
    file.write_text("", encoding="utf-8")
    refused(training.on(tmp_path / "out", *given), "qab_pud-ud-test.conllu")
    file.write_bytes(b"\xff\xfe")
    refused(training.on(tmp_path / "out", *given), "qab_pud-ud-test.conllu")
    assert not (tmp_path / "out").exists()


def test_neither_recipe_nor_tasks_or_both_or_no_model(training: Ground, tmp_path: Path) -> None:
    out, task = tmp_path / "out", str(training.specs / "toy-tags.yaml")
    refused(training.on(out), "RECIPE.yaml, or --model and --on")
    refused(training.run(out, "--on", task), "one of them")
    refused(training.run(out, "--languages", "qaa"), "--languages and --examples belong to --on")
    recipe = training.changed(tmp_path, (f"model: {training.model}\n", ""))
    refused(training.run(out, recipe=recipe), "--model: say what to begin from")
    refused(training.run(out, recipe=tmp_path / "nowhere.yaml"), "nowhere.yaml")
    refused(training.on(out, "--on", task, "--languages", "near:3"), "diverse:K or close:K")
    refused(training.on(out, "--on", task, "--languages", "close:x"), "--languages")
    refused(training.on(out, "--on", task, "--languages", "close:0"), "--languages: must be at least 1")
    refused(training.on(out, "--on", task, "--max-steps", "0"), "--max-steps: must be at least 1, not 0")
    refused(training.on(out, "--on", task, "--examples", "-1"), "--examples: must be at least 1, not -1")
    refused(training.on(out, "--on", "toy-tagz"), "toy-tagz")
    refused(training.on(out, "--on", task, "--seed", "-1"), "--seed")
    refused(training.on(out, "--on", task, "--data-dir", "~nobody-has-this-name/x"), "--data-dir")
    assert list(tmp_path.iterdir()) == [tmp_path / "changed.yaml"]


def test_a_place_that_cannot_be_used(training: Ground, several: Path, copied: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("", encoding="utf-8")
    refused(training.run(foreign), "holds no checkpoint of `xharness train`")
    refused(training.run(training.model), "holds no checkpoint of `xharness train`")
    refused(training.run(foreign / "thesis.tex"), "is a file")
    refused(training.run(foreign / "thesis.tex" / "out"), "thesis.tex")
    refused(training.run(Path("/proc/nowhere/out")), "/proc/nowhere")
    for place in (".", "..", "/", str(tmp_path) + "/.."):
        refused(training.run(Path(place)), "give the name of a folder") if place != "." else refused(
            CliRunner().invoke(app, [*training.arguments(Path("x"))[:2], "--out", "."]),
            "give the name of a folder",
        )
    refused(training.run(Path("~nobody-has-this-name/out")), "--out")
    # A card that cannot be read may be anybody's.
    (copied / "xharness.json").write_text("{", encoding="utf-8")
    refused(training.run(copied), "xharness.json", "remove the whole folder")
    part = tmp_path / "new.part"
    part.mkdir()
    (part / "notes.txt").write_text("mine", encoding="utf-8")
    refused(training.run(tmp_path / "new"), "new.part", "Remove it")
    assert (part / "notes.txt").exists() and not (tmp_path / "new").exists()


def test_a_damaged_parent(training: Ground, tmp_path: Path) -> None:
    for name, damage in (
        ("model.safetensors", truncate),
        ("config.json", delete),
        ("tokenizer.json", delete),
    ):
        parent = tmp_path / name
        shutil.copytree(training.model, parent)
        damage(parent / name)
        refused(training.run(tmp_path / "out", "--model", str(parent)), str(parent))
    refused(training.run(tmp_path / "out", "--model", str(tmp_path / "nowhere"), "--offline"), "nowhere")
    assert not (tmp_path / "out").exists()


def test_a_parent_without_a_mask_token(training: Ground, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    shutil.copytree(training.model, parent)
    path = parent / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["mask_token"]
    path.write_text(json.dumps(config), encoding="utf-8")
    refused(training.run(tmp_path / "out", "--model", str(parent)), "task 'files'", "no mask token")


def test_training_that_diverges(training: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Joint.loss
    monkeypatch.setattr(Joint, "loss", lambda *given: original(*given) * float("nan"))
    refused(training.run(tmp_path / "out"), "training diverged: the loss is nan at step 1")
    # Nothing is lost where no checkpoint was written: another learning rate may be tried at once.
    monkeypatch.undo()
    recipe = training.changed(tmp_path, ("learning_rate: 1e-3", "learning_rate: 1e-4"))
    assert training.run(tmp_path / "out", recipe=recipe).exit_code == 0


def test_services_that_are_not_installed_are_said_before_anything_is_read(
    training: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations import integration_utils

    monkeypatch.setattr(integration_utils, "is_tensorboard_available", lambda: False)
    monkeypatch.setattr(integration_utils, "is_wandb_available", lambda: False)
    done = training.run(
        tmp_path / "out", "--report-to", "tensorboard,wandb", "--data-dir", str(tmp_path / "no")
    )
    refused(done, "--report-to tensorboard", "pip install tensorboard", "pip install wandb")
    refused(training.run(tmp_path / "out", "--report-to", "mlflow"), "--report-to", "tensorboard")
