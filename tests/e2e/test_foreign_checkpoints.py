"""Checkpoints that others trained: a PEFT adapter, several heads beside an encoder, a model of jiant."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from typer.testing import CliRunner, Result

from harness.backends.kept_heads import write_kept
from harness.cli import app
from harness.evaluate import Evaluation

TAGS = ("ADJ", "ADP", "NOUN", "PUNCT", "VERB")
TASK = "demo-tagging"


def call(inputs: Any, model: Path, out: Path, **changes: str) -> Result:
    """Run `xharness eval` in this process, on the checkpoint as it is."""
    options = {
        "--model": str(model),
        "--tasks": TASK,
        "--recipe": "none",
        "--languages": "qaa,qad",
        "--adapter": "generic",
        "--data-dir": str(inputs.data),
        "--out": str(out),
        "--threads": "1",
        "--resamples": "100",
    } | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return CliRunner().invoke(app, ["eval", *(part for pair in options.items() for part in pair)])


def predictions(run: Path, task: str = TASK) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((run / "predictions" / task).iterdir())}


def labelled(labels: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}


def tune(base: Path, folder: Path) -> Any:
    """Write a LoRA adapter with a tagging head for a base, both with random values."""
    torch.manual_seed(1)
    network = transformers.AutoModelForTokenClassification.from_pretrained(base, **labelled(TAGS))
    config = peft.LoraConfig(task_type="TOKEN_CLS", target_modules=["query", "value"], r=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(network, config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        model.eval().save_pretrained(str(folder))
    return model


def test_an_adapter_is_evaluated_as_what_it_comes_to(inputs: Any, tmp_path: Path) -> None:
    base, tuned, merged = tmp_path / "base", tmp_path / "tuned", tmp_path / "merged"
    shutil.copytree(inputs.checkpoint, base)
    model = tune(base, tuned)
    cache = str(tmp_path / "cache")
    first = call(inputs, tuned, tmp_path / "run", merge_cache=cache)
    assert first.exit_code == 0, first.output
    assert "merging the LORA adapter into its base, once" in first.stderr
    assert f"{TASK}: the checkpoint has a tagging head that fits; used as it is" in first.stderr
    assert "taken in the task's order, ADJ, ADP, NOUN, PUNCT, VERB" in first.stderr
    assert f"classifier (2 tensors) for {TASK}" in first.stderr
    # The same as when PEFT merges it by hand and the result is an ordinary checkpoint.
    whole = model.merge_and_unload()
    whole.save_pretrained(str(merged))
    for file in base.glob("tokenizer*"):
        shutil.copy(file, merged)
    second = call(inputs, merged, tmp_path / "by-hand")
    assert second.exit_code == 0, second.output
    assert predictions(tmp_path / "run") == predictions(tmp_path / "by-hand")
    record = json.loads((tmp_path / "run" / "run.json").read_bytes())["model"]
    assert record["id"] == str(tuned) and record["merged"]["method"] == "LORA"
    plain = json.loads((tmp_path / "by-hand" / "run.json").read_bytes())["model"]
    assert plain["merged"] is None
    assert record["merged"]["base_weights_sha256"] not in (record["weights_sha256"], "")
    # Where adapter, base and cache lie is no part of the run.
    base.rename(tmp_path / "moved")
    tuned.rename(tmp_path / "tuned-moved")
    again = call(
        inputs,
        tmp_path / "tuned-moved",
        tmp_path / "run",
        base_model=str(tmp_path / "moved"),
        merge_cache=str(tmp_path / "cache-2"),
    )
    assert again.exit_code == 0, again.output
    assert "going on with the run" in again.stderr


def test_an_adapter_that_cannot_be_had(inputs: Any, tmp_path: Path) -> None:
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    shutil.copytree(inputs.checkpoint, base)
    tune(base, tuned)
    shutil.rmtree(base)
    failed = call(inputs, tuned, tmp_path / "run", merge_cache=str(tmp_path / "cache"))
    assert failed.exit_code == 2 and "Traceback" not in failed.output
    assert "Or say with --base-model where it is" in " ".join(failed.stderr.split())
    whole = call(inputs, inputs.checkpoint, tmp_path / "run", base_model=str(tuned))
    assert whole.exit_code == 2 and "leave --base-model out" in " ".join(whole.stderr.split())
    assert not (tmp_path / "run").exists()


@pytest.fixture
def several(finished: Evaluation, inputs: Any, tmp_path: Path) -> Path:
    """The encoder and the head of the run's tagger, with two more heads beside them."""
    folder = tmp_path / "several"
    trained = json.loads((finished.folder / "run.json").read_bytes())["training"][TASK][0]["key"]
    source = finished.folder / "training" / trained / "1-tagged"
    tagger = transformers.AutoModelForTokenClassification.from_pretrained(source)
    state = {k: t for k, t in tagger.base_model.state_dict().items() if not k.startswith("pooler.")}
    encoder = transformers.AutoModel.from_pretrained(inputs.checkpoint)
    encoder.save_pretrained(str(folder), state_dict=state)
    for file in inputs.checkpoint.glob("tokenizer*"):
        shutil.copy(file, folder)
    torch.manual_seed(0)
    tensors = {
        "other": {"classifier.weight": torch.randn(2, 96), "classifier.bias": torch.zeros(2)},
        TASK: {k: tagger.state_dict()[k] for k in ("classifier.weight", "classifier.bias")},
        "squad": {"qa_outputs.weight": torch.randn(2, 96), "qa_outputs.bias": torch.zeros(2)},
    }
    classes = {"squad": "AutoModelForQuestionAnswering"}
    labels: dict[str, tuple[str, ...]] = {"other": ("X", "Y"), TASK: TAGS}
    listed = [
        {
            "name": name,
            "auto_class": classes.get(name, "AutoModelForTokenClassification"),
            "labels": list(labels.get(name, ())),
            "file": write_kept(folder, name, own),
        }
        for name, own in tensors.items()
    ]
    (folder / "conversion.json").write_text(json.dumps({"heads": listed}), encoding="utf-8")
    return folder


def test_each_task_takes_the_head_that_fits(
    inputs: Any, several: Path, finished: Evaluation, tmp_path: Path
) -> None:
    done = call(inputs, several, tmp_path / "run", tasks=f"{TASK},demo-qa", languages="qaa,qab,qac,qad")
    assert done.exit_code == 0, done.output
    assert f"{TASK}: the checkpoint has a tagging head that fits: {TASK}; used as it is" in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("checkpoint: ")]
    assert line == (
        f"checkpoint: encoder (53 tensors); head {TASK} (TokenClassification, 5 labels) for {TASK}; "
        "head squad (QuestionAnswering) for demo-qa; left unused: head other (TokenClassification, 2 labels)"
    )
    # Encoder and head are those of the run that trained them.
    assert predictions(tmp_path / "run") == predictions(finished.folder)
    missing = call(inputs, several, tmp_path / "run-2", tasks="demo-choice")
    assert missing.exit_code == 2
    assert "no head for it (it holds other (TokenClassification of 2 labels)" in missing.stderr


def test_a_model_of_jiant_becomes_a_checkpoint(inputs: Any, several: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    encoder = load_file(several / "model.safetensors")
    heads = load_file(several / "heads" / f"{TASK}.safetensors")
    state = {f"encoder.{name}": tensor for name, tensor in encoder.items()}
    state |= {f"taskmodels_dict.udpos.encoder.{name}": tensor for name, tensor in encoder.items()}
    state |= {f"taskmodels_dict.udpos.head.{name}": tensor for name, tensor in heads.items()}
    torch.save(state, tmp_path / "best_model.p")
    command = ["convert-jiant", str(tmp_path / "best_model.p"), "--base", str(inputs.checkpoint)]
    command += ["--out", str(tmp_path / "out"), "--labels", f"udpos={','.join(TAGS)}"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2 and "--allow-pickle" in refused.stderr
    done = CliRunner().invoke(app, [*command, "--allow-pickle"])
    assert done.exit_code == 0, done.output
    assert "encoder (53 tensors)" in done.stdout and "head udpos" in done.stdout
    for folder, out in ((tmp_path / "out", "converted"), (several, "as-it-was")):
        assert call(inputs, folder, tmp_path / out).exit_code == 0
    assert predictions(tmp_path / "converted") == predictions(tmp_path / "as-it-was")
