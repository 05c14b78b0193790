"""What a user gets wrong ends with exit code 2, one message, and nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app


def call(inputs: Any, out: Path, **changes: str) -> Result:
    """Run `xharness eval` in this process."""
    options = {
        "--model": str(inputs.checkpoint),
        "--tasks": "demo-bitext",
        "--recipe": "none",
        "--adapter": "generic",
        "--data-dir": str(inputs.data),
        "--out": str(out),
        "--threads": "1",
    } | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return CliRunner().invoke(app, ["eval", *(part for pair in options.items() for part in pair)])


def check(result: Result, out: Path, *expected: str) -> None:
    """Check exit code, message, and that nothing was written."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    message = " ".join(result.stderr.split())
    for text in expected:
        assert text in message
    assert not out.exists()


def test_a_typo_in_a_task(inputs: Any, tmp_path: Path) -> None:
    out = tmp_path / "run"
    check(call(inputs, out, tasks="demo-bitex"), out, "'demo-bitex'", "did you mean 'demo-bitext'")


def test_a_checkpoint_without_weights(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.checkpoint, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    out = tmp_path / "run"
    check(call(inputs, out, model=str(tmp_path / "model")), out, "weights", "model.safetensors")


def test_a_checkpoint_with_pickled_weights_only(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.checkpoint, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    out = tmp_path / "run"
    check(call(inputs, out, model=str(tmp_path / "model")), out, "--allow-pickle")


def test_a_head_of_the_wrong_size(inputs: Any, tmp_path: Path) -> None:
    from transformers import XLMRobertaForTokenClassification

    network = XLMRobertaForTokenClassification.from_pretrained(inputs.checkpoint, num_labels=3)
    shutil.copytree(inputs.checkpoint, tmp_path / "model")
    network.save_pretrained(str(tmp_path / "model"))
    out = tmp_path / "run"
    for recipe in ("none", "smoke"):
        result = call(inputs, out, model=str(tmp_path / "model"), tasks="demo-tagging", recipe=recipe)
        check(result, out, "3", "5", "--fresh-head")


def test_a_misaligned_pair(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.data, tmp_path / "data")
    path = tmp_path / "data" / "demo-bitext" / "demo.qab-qaa.qab"
    path.write_text(
        "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8"
    )
    out = tmp_path / "run"
    check(call(inputs, out, data_dir=str(tmp_path / "data")), out, "200", "199", "demo.qab-qaa.qab")


def test_invalid_utf8(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.data, tmp_path / "data")
    path = tmp_path / "data" / "demo-bitext" / "demo.qab-qaa.qab"
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    out = tmp_path / "run"
    check(call(inputs, out, data_dir=str(tmp_path / "data")), out, "UTF-8", "demo.qab-qaa.qab")


def test_an_empty_file(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.data, tmp_path / "data")
    (tmp_path / "data" / "demo-bitext" / "demo.qab-qaa.qab").write_bytes(b"")
    out = tmp_path / "run"
    check(call(inputs, out, data_dir=str(tmp_path / "data")), out, "empty", "demo.qab-qaa.qab")


def test_a_broken_treebank_line(inputs: Any, tmp_path: Path) -> None:
    shutil.copytree(inputs.data, tmp_path / "data")
    path = next((tmp_path / "data" / "demo-tagging" / "UD_Demo_qab").glob("*test.conllu"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[2] = "2\tword\n"
    path.write_text("".join(lines), encoding="utf-8")
    out = tmp_path / "run"
    result = call(inputs, out, data_dir=str(tmp_path / "data"), tasks="demo-tagging", recipe="smoke")
    check(result, out, f"{path.name}:3", "10")


def test_an_answer_that_its_context_lacks(inputs: Any, tmp_path: Path) -> None:
    import json

    shutil.copytree(inputs.data, tmp_path / "data")
    path = tmp_path / "data" / "demo-qa" / "test.qac.json"
    tree = json.loads(path.read_bytes())
    question = tree["data"][2]["paragraphs"][0]["qas"][1]
    question["answers"][0]["text"] = "nowhere to be found"
    path.write_text(json.dumps(tree), encoding="utf-8")
    out = tmp_path / "run"
    result = call(inputs, out, data_dir=str(tmp_path / "data"), tasks="demo-qa", recipe="smoke")
    check(result, out, "test.qac.json", question["id"], "nowhere to be found")


YAMLS = {
    "unknown key": ("main_metric: accuracy\n", "main_metric: accuracy\nmain_metrics: f1\n", "main_metrics"),
    "duplicate key": (
        "main_metric: accuracy\n",
        "main_metric: accuracy\nmain_metric: accuracy\n",
        "duplicate key",
    ),
    "python tag": ("main_metric: accuracy\n", "main_metric: !!python/name:os.system accuracy\n", "tag"),
    "language no as a boolean": ("  qab: {tag: qab}\n", "  qab: {tag: qab}\n  no: no\n", "no"),
    "branch": (
        "metrics:\n",
        "  hub: {repo: owner/name, revision: main}\nmetrics:\n",
        "40 hexadecimal digits",
    ),
    "alias bomb": (
        "main_metric: accuracy\n",
        "main_metric: accuracy\nnotes2: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"k{i}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)),
        "alias",
    ),
}


@pytest.mark.parametrize("case", YAMLS)
def test_wrong_yaml(inputs: Any, tmp_path: Path, repository: Path, case: str) -> None:
    old, new, expected = YAMLS[case]
    text = (repository / "tasks" / "targets" / "demo-bitext.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "demo-bitext.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    out = tmp_path / "run"
    result = call(inputs, out, tasks=str(path))
    check(result, out, "demo-bitext.yaml:", expected)
