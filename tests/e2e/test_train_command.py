"""`xharness train` on generated data: what it writes, what `eval` and `compare` make of it, what it refuses."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from toy_study import INTERMEDIATE
from typer.testing import CliRunner, Result

from harness.cli import app
from harness.results.card import Card, read_card
from harness.training.joint import Joint
from harness.training.mixture import train_mixture

TAGS = """\
name: toy-tags
version: "1"
kind: tagging
title: Generated sentences, parts of speech
licence: Apache-2.0
citation: generated
languages:
  qaa: {tag: qaa}
  qab: {tag: qab}
  qac: {tag: qac}
labels: [VERB, PUNCT, NOUN, ADP, ADJ]
train: &files
  local:
    reader: conllu
    files:
      treebanks: ["demo-tagging/UD_Demo_{code}/{code}_pud-ud-test.conllu"]
dev: *files
metrics:
  - {name: accuracy, computes: token_accuracy}
settings: {max_length: 64}
overlaps:
  - {target: demo-tagging, why: its own test sets}
"""
RECIPE = """\
on:
  - {task: %(specs)s/toy-tags.yaml, languages: [qab, qac], examples: 60}
  - {task: %(specs)s/toy-choice.yaml, languages: [qaa], examples: 32}
mlm: {share: 0.25, files: {qad: demo-bitext/demo.qad-qaa.qad}, max_length: 32}
source: chosen for a run of seconds
model: %(model)s
adapter: generic
max_steps: 8
learning_rate: 1e-3
batch_size: 8
selection: {every_steps: 4, first_examples: 10}
"""


@dataclass(frozen=True)
class Ground:
    """Specs of tasks, a recipe, data and a checkpoint, each one's own copy."""

    specs: Path
    data: Path
    model: Path
    recipe: Path
    out: Path

    def arguments(self, out: Path, *more: str, recipe: Path | str | None = None) -> list[str]:
        given = ["train", str(recipe or self.recipe), "--out", str(out), "--data-dir", str(self.data)]
        return [*given, "--threads", "1", *more]

    def run(self, out: Path, *more: str, recipe: Path | str | None = None) -> Result:
        return CliRunner().invoke(app, self.arguments(out, *more, recipe=recipe))

    def on(self, out: Path, *more: str) -> Result:
        given = ["train", "--model", str(self.model), "--adapter", "generic", "--out", str(out)]
        return CliRunner().invoke(app, [*given, "--data-dir", str(self.data), "--threads", "1", *more])

    def changed(self, folder: Path, *changes: tuple[str, str]) -> Path:
        """Return a copy of the recipe with texts replaced."""
        text = self.recipe.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "changed.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def task(self, folder: Path, *changes: tuple[str, str], text: str = TAGS) -> Path:
        """Return a copy of a task with texts replaced."""
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "task.yaml"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def ground(inputs: Any, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    root = tmp_path_factory.mktemp("train")
    shutil.copytree(inputs.data, root / "data")
    shutil.copytree(inputs.checkpoint, root / "tiny")
    specs = root / "specs"
    specs.mkdir()
    (specs / "toy-tags.yaml").write_text(TAGS, encoding="utf-8")
    (specs / "toy-choice.yaml").write_text(INTERMEDIATE, encoding="utf-8")
    recipe = root / "recipe.yaml"
    recipe.write_text(RECIPE % {"specs": specs, "model": root / "tiny"}, encoding="utf-8")
    return Ground(specs, root / "data", root / "tiny", recipe, root / "out")


@pytest.fixture(scope="module")
def several(ground: Ground) -> Path:
    """Two heads beside a bare encoder; tests that change the folder take a copy."""
    done = ground.run(ground.out)
    assert done.exit_code == 0, done.output
    return ground.out


@pytest.fixture
def copied(several: Path, tmp_path: Path) -> Path:
    shutil.copytree(several, tmp_path / "out")
    return tmp_path / "out"


def card_of(folder: Path) -> Card:
    card = read_card(folder)
    assert card is not None
    return card


def content(folder: Path) -> dict[str, Any]:
    """Every file of a checkpoint; the card without the moment at which it was finished."""
    found: dict[str, Any] = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found["xharness.json"] = card_of(folder).model_copy(update={"finished": ""})
    return found


def refused(result: Result, *told: str, code: int = 2) -> None:
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    for text in told:
        assert text in result.output, result.output


class Killed(BaseException):
    """Stands in for SIGKILL: nothing in the program catches it."""


def dies_after(monkeypatch: pytest.MonkeyPatch, steps: int, error: BaseException | None = None) -> None:
    """Have training end in the middle of an update, with a checkpoint after every one before it."""
    monkeypatch.setitem(train_mixture.__kwdefaults__, "checkpoint_seconds", 0.0)
    original, left = Joint.loss, [steps]

    def loss(self: Joint, model: Any, batch: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise error or Killed
        return original(self, model, batch)

    monkeypatch.setattr(Joint, "loss", loss)


def test_what_is_written(ground: Ground, several: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModel

    assert sorted(p.relative_to(several).as_posix() for p in several.rglob("*") if p.is_file()) == [
        "README.md",
        "config.json",
        "heads/toy-choice.safetensors",
        "heads/toy-tags.safetensors",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
        "xharness.json",
    ]
    card = card_of(several)
    assert [(head.name, head.labels) for head in card.heads] == [
        ("toy-tags", ("VERB", "PUNCT", "NOUN", "ADP", "ADJ")),
        ("toy-choice", ()),
    ]
    assert {task.name: {c: n.examples for c, n in task.languages.items()} for task in card.tasks} == {
        "toy-tags": {"qab": 30, "qac": 30},
        "toy-choice": {"qaa": 32},
        "files": {"qad": 200},
    }
    assert card.seed == 1 and card.steps == 8 and card.best_step in (4, 8)
    assert card.parent.id == f"{ground.model.parent.name}/tiny"
    assert str(ground.model.parent) not in (several / "xharness.json").read_text(encoding="utf-8")
    training = json.loads((several / "training.json").read_text(encoding="utf-8"))
    # A quarter of 8 for text; the rest in proportion to 60 and 32 features.
    assert training["updates"] == {"toy-tags": 4, "toy-choice": 2, "files": 2}
    encoder, info = AutoModel.from_pretrained(str(several), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert set(load_file(several / "heads" / "toy-tags.safetensors")) == {
        "classifier.weight",
        "classifier.bias",
    }
    assert not several.with_name("out.part").exists()


def test_finished_it_returns_at_once(ground: Ground, several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in several.rglob("*")}
    leftover = several.with_name("out.part")
    leftover.mkdir()
    dies_after(monkeypatch, 0)
    again = ground.run(several)
    assert again.exit_code == 0 and "trained already" in again.output
    assert {path: path.stat().st_mtime_ns for path in several.rglob("*")} == before
    # What a process left that was killed between publishing and tidying up.
    assert not leftover.exists()


@pytest.mark.parametrize("died_after", [2, 5, 7])
def test_killed_and_started_again_it_writes_the_same_bytes(
    ground: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_after: int
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, died_after)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ground.arguments(out), catch_exceptions=False)
    assert not out.exists() and list(out.with_name("out.part").glob(f"checkpoint-{died_after}"))
    # Resumed, it computes the missing updates only.
    dies_after(monkeypatch, 8 - died_after)
    done = ground.run(out)
    assert done.exit_code == 0, done.output
    assert content(out) == content(several)
    assert not out.with_name("out.part").exists()


CHILD = """
import sys
from harness.cli import app
from harness.training.mixture import train_mixture
train_mixture.__kwdefaults__["checkpoint_seconds"] = 0.0
app(sys.argv[1:])
"""


@pytest.mark.slow
def test_killed_by_the_system_at_any_moment(ground: Ground, tmp_path: Path) -> None:
    recipe = ground.changed(
        tmp_path, ("max_steps: 8", "max_steps: 120"), ("every_steps: 4", "every_steps: 30")
    )
    whole, out = tmp_path / "whole", tmp_path / "out"
    done = ground.run(whole, recipe=recipe)
    assert done.exit_code == 0, done.output
    kills = 0
    while not out.exists():
        command = [sys.executable, "-c", CHILD, *ground.arguments(out, "--quiet", recipe=recipe)]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        begun = _newest(out)
        while child.poll() is None and not out.exists() and _newest(out) < begun + 20:
            time.sleep(0.01)
        time.sleep(0.013 * (kills % 7))
        if child.poll() is None and not out.exists():
            child.send_signal(signal.SIGKILL)
            kills += 1
        assert child.wait() in (0, -signal.SIGKILL)
    assert kills >= 3
    assert ground.run(out, recipe=recipe).exit_code == 0
    assert content(out) == content(whole)


def _newest(out: Path) -> int:
    found = out.with_name(out.name + ".part").glob("checkpoint-*")
    return max((int(path.name.partition("-")[2]) for path in found), default=0)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", truncate),
        ("heads/toy-tags.safetensors", truncate),
        ("heads/toy-choice.safetensors", delete),
        ("training.json", delete),
        ("tokenizer.json", truncate),
    ],
)
def test_a_damaged_folder_is_trained_again(
    ground: Ground, several: Path, copied: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(copied / name)
    again = ground.run(copied)
    assert again.exit_code == 0, again.output
    assert "is damaged and is trained again" in again.output
    assert content(copied) == content(several)


def test_no_resume_begins_anew(ground: Ground, several: Path, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, 5)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ground.arguments(out), catch_exceptions=False)
    with monkeypatch.context() as patch:
        dies_after(patch, 7)  # from the beginning 8 are needed
        with pytest.raises(Killed):
            CliRunner().invoke(app, ground.arguments(out, "--no-resume"), catch_exceptions=False)
    assert ground.run(out, "--no-resume").exit_code == 0
    assert content(out) == content(several)


def test_another_training_for_the_same_folder_is_refused(
    ground: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModel

    parent = tmp_path / "parent"
    shutil.copytree(ground.model, parent)
    network = AutoModel.from_pretrained(str(parent))
    network.embeddings.word_embeddings.weight.data += 1
    network.save_pretrained(str(parent))
    data = tmp_path / "data"
    shutil.copytree(ground.data, data)
    edited = data / "demo-tagging" / "UD_Demo_qab" / "qab_pud-ud-test.conllu"
    edited.write_text(edited.read_text(encoding="utf-8").replace("VERB", "NOUN"), encoding="utf-8")
    recipe = ground.changed(tmp_path, ("learning_rate: 1e-3", "learning_rate: 2e-3"))

    def all_refused(out: Path, told: str) -> None:
        refused(ground.run(out, "--seed", "2"), told, "seed 1, now 2")
        refused(ground.run(out, recipe=recipe), told, "another mixture: learning_rate")
        refused(ground.run(out, "--model", str(parent)), told, "parent weights ")
        refused(ground.run(out, "--data-dir", str(data)), told, "other data, or another version, of toy-tags")
        refused(ground.run(out, "--dtype", "bfloat16"), told, "dtype float32, now bfloat16")

    before = content(several)
    all_refused(several, "holds another training")
    assert content(several) == before
    # The same of one that is not finished: its checkpoints must not be gone on from.
    out = tmp_path / "cut"
    with monkeypatch.context() as patch:
        dies_after(patch, 5)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ground.arguments(out), catch_exceptions=False)
    all_refused(out, "holds another training that is not finished")
    assert ground.run(out).exit_code == 0 and content(out) == before


def test_one_head_is_an_ordinary_checkpoint_and_eval_takes_it(ground: Ground, tmp_path: Path) -> None:
    from transformers import AutoModelForTokenClassification

    out = tmp_path / "tagger"
    task = str(ground.specs / "toy-tags.yaml")
    done = ground.on(
        out, "--on", task, "--languages", "qab", "--examples", "64", "--max-steps", "4", "--seed", "3"
    )
    assert done.exit_code == 0, done.output
    assert "toy-tags: 64 examples (qab 64)" in done.output and "4 updates; training" in done.output
    _, info = AutoModelForTokenClassification.from_pretrained(str(out), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    card = card_of(out)
    assert [head.file for head in card.heads] == [""] and card.seed == 3 and card.parent.adapter == "generic"
    evaluated = evaluate(ground, out, tmp_path / "run", "--tasks", "demo-tagging")
    assert "demo-tagging: the checkpoint has a tagging head that fits; used as it is" in evaluated.output
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["model"]["card"]["key"] == card.key and record["model"]["adapter"] == "generic"
    # It takes the head as it is: the score is far from what the labels in another order would give.
    assert record["tasks"]["demo-tagging"]["head"] == "checkpoint"


def evaluate(ground: Ground, model: Path, out: Path, *more: str) -> Result:
    given = ["eval", "--model", str(model), "--data-dir", str(ground.data), "--out", str(out)]
    done = CliRunner().invoke(app, [*given, "--threads", "1", "--resamples", "200", *more])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def run_on_several(
    ground: Ground, several: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("runs") / "several"
    return out, evaluate(ground, several, out, "--tasks", "demo-tagging,demo-choice").output


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
    ground: Ground, several: Path, tmp_path: Path, run_on_several: Any
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
    evaluate(ground, other, tmp_path / "run", "--tasks", "demo-tagging")
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


def test_compare_flags_them(ground: Ground, several: Path, run_on_several: Any, tmp_path: Path) -> None:
    other = tmp_path / "plain"
    task = str(ground.specs / "toy-tags.yaml")
    made = ground.on(tmp_path / "m", "--on", task, "--languages", "qaa", "--max-steps", "4")
    assert made.exit_code == 0, made.output
    evaluate(ground, tmp_path / "m", other, "--tasks", "demo-tagging")
    out = tmp_path / "compared"
    given = ["compare", str(other), str(run_on_several[0]), "--out", str(out), "--resamples", "200"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    found = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    flags = {
        cell["language"]: cell["flags"]
        for cell in _cells(found)
        if cell.get("task", "demo-tagging") == "demo-tagging"
    }
    assert {code for code, each in flags.items() if "trained on" in each} == {"qab", "qac"}


def _cells(tree: Any) -> list[dict[str, Any]]:
    """Return every mapping in a JSON tree that has a language and flags."""
    if isinstance(tree, dict):
        own = [tree] if "language" in tree and "flags" in tree else []
        return own + [cell for value in tree.values() for cell in _cells(value)]
    return [cell for value in tree for cell in _cells(value)] if isinstance(tree, list) else []


def test_a_second_phase_remembers_the_first(ground: Ground, several: Path, tmp_path: Path) -> None:
    out = tmp_path / "second"
    task = str(ground.specs / "toy-choice.yaml")
    given = ["--model", str(several), "--on", task, "--languages", "qab", "--max-steps", "2"]
    assert ground.on(out, *given).exit_code == 0
    card = card_of(out)
    assert [phase.key for phase in card.phases] == [card_of(several).key, card.key]
    assert card.parent.weights_sha256 and set(card.languages) == {"qaa", "qab", "qac", "qad"}


def test_languages_are_picked_printed_and_kept(ground: Ground, tmp_path: Path) -> None:
    """The generated data under the codes of real languages."""
    data = tmp_path / "data"
    for code, toy in (("en", "qaa"), ("de", "qaa"), ("fr", "qab"), ("ja", "qac"), ("hi", "qad")):
        folder = data / "demo-tagging" / f"UD_Demo_{code}"
        folder.mkdir(parents=True)
        source = ground.data / "demo-tagging" / f"UD_Demo_{toy}" / f"{toy}_pud-ud-test.conllu"
        shutil.copy(source, folder / f"{code}_pud-ud-test.conllu")
    languages = "".join(f"  {code}: {{tag: {code}}}\n" for code in ("en", "de", "fr", "ja", "hi"))
    old = TAGS[TAGS.index("  qaa") : TAGS.index("labels:")]
    task = str(ground.task(tmp_path, (old, languages)))
    given = ["--on", task, "--examples", "16", "--max-steps", "1", "--data-dir", str(data)]
    for asked, codes in (("diverse:2", ("ja", "hi")), ("close:2", ("de", "fr")), ("fr,en", ("fr", "en"))):
        out = tmp_path / asked.replace(":", "")
        done = ground.on(out, *given, "--languages", asked)
        assert done.exit_code == 0, done.output
        assert f"toy-tags: trained on in {', '.join(codes)}" in done.output
        card = card_of(out)
        assert tuple(card.mixture["on"][0]["languages"]) == codes
        assert {c: n.examples for c, n in card.tasks[0].languages.items()} == dict.fromkeys(codes, 8)
    refused(
        ground.on(tmp_path / "x", *given, "--languages", "close:9"), "9 languages are to be picked", "of 4"
    )


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
        ([("[qab, qac]", "[qab, qax]")], ["task 'toy-tags': has no language 'qax'", "did you mean 'qaa'"]),
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
    ground: Ground, tmp_path: Path, changes: list[tuple[str, str]], told: list[str]
) -> None:
    refused(ground.run(tmp_path / "out", recipe=ground.changed(tmp_path, *changes)), *told)
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.part").exists()


def test_every_missing_file_is_named(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = ground.run(tmp_path / "out", "--data-dir", str(tmp_path / "empty"))
    names = ["qab_pud-ud-test.conllu", "qac_pud-ud-test.conllu", "test.qaa.jsonl", "demo.qad-qaa.qad"]
    refused(done, *names)
    refused(ground.run(tmp_path / "out", "--data-dir", str(tmp_path / "nowhere")), "there is no such folder")


def test_wrong_data(ground: Ground, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(ground.data / "demo-tagging", data / "demo-tagging")
    file = data / "demo-tagging" / "UD_Demo_qab" / "qab_pud-ud-test.conllu"
    good = file.read_text(encoding="utf-8")
    task = str(ground.specs / "toy-tags.yaml")
    given = ["--on", task, "--languages", "qab", "--data-dir", str(data)]
    file.write_text(good.replace("VERB", "WERB"), encoding="utf-8")
    refused(ground.on(tmp_path / "out", *given), "'WERB'", "VERB")
    file.write_text("", encoding="utf-8")
    refused(ground.on(tmp_path / "out", *given), "qab_pud-ud-test.conllu")
    file.write_bytes(b"\xff\xfe")
    refused(ground.on(tmp_path / "out", *given), "qab_pud-ud-test.conllu")
    assert not (tmp_path / "out").exists()


def test_neither_recipe_nor_tasks_or_both_or_no_model(ground: Ground, tmp_path: Path) -> None:
    out, task = tmp_path / "out", str(ground.specs / "toy-tags.yaml")
    refused(ground.on(out), "RECIPE.yaml, or --model and --on")
    refused(ground.run(out, "--on", task), "one of them")
    refused(ground.run(out, "--languages", "qaa"), "--languages and --examples belong to --on")
    recipe = ground.changed(tmp_path, (f"model: {ground.model}\n", ""))
    refused(ground.run(out, recipe=recipe), "--model: say what to begin from")
    refused(ground.run(out, recipe=tmp_path / "nowhere.yaml"), "nowhere.yaml")
    refused(ground.on(out, "--on", task, "--languages", "near:3"), "diverse:K or close:K")
    refused(ground.on(out, "--on", task, "--languages", "close:x"), "--languages")
    refused(ground.on(out, "--on", task, "--languages", "close:0"), "languages")
    refused(ground.on(out, "--on", task, "--max-steps", "0"), "max_steps")
    refused(ground.on(out, "--on", task, "--examples", "-1"), "examples")
    refused(ground.on(out, "--on", "toy-tagz"), "toy-tagz")
    refused(ground.on(out, "--on", task, "--seed", "-1"), "--seed")
    refused(ground.on(out, "--on", task, "--data-dir", "~nobody-has-this-name/x"), "--data-dir")
    assert list(tmp_path.iterdir()) == [tmp_path / "changed.yaml"]


def test_a_place_that_cannot_be_used(ground: Ground, several: Path, copied: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("", encoding="utf-8")
    refused(ground.run(foreign), "holds no checkpoint of `xharness train`")
    refused(ground.run(ground.model), "holds no checkpoint of `xharness train`")
    refused(ground.run(foreign / "thesis.tex"), "is a file")
    refused(ground.run(foreign / "thesis.tex" / "out"), "thesis.tex")
    refused(ground.run(Path("/proc/nowhere/out")), "/proc/nowhere")
    for place in (".", "..", "/", str(tmp_path) + "/.."):
        refused(ground.run(Path(place)), "give the name of a folder") if place != "." else refused(
            CliRunner().invoke(app, [*ground.arguments(Path("x"))[:2], "--out", "."]),
            "give the name of a folder",
        )
    refused(ground.run(Path("~nobody-has-this-name/out")), "--out")
    # A card that cannot be read may be anybody's.
    (copied / "xharness.json").write_text("{", encoding="utf-8")
    refused(ground.run(copied), "xharness.json", "remove the whole folder")
    part = tmp_path / "new.part"
    part.mkdir()
    (part / "notes.txt").write_text("mine", encoding="utf-8")
    refused(ground.run(tmp_path / "new"), "new.part", "Remove it")
    assert (part / "notes.txt").exists() and not (tmp_path / "new").exists()


def test_a_link_stays_a_link(ground: Ground, several: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk")
    assert ground.run(link).exit_code == 0
    assert link.is_symlink() and content(tmp_path / "disk") == content(several)


def test_a_damaged_parent(ground: Ground, tmp_path: Path) -> None:
    for name, damage in (
        ("model.safetensors", truncate),
        ("config.json", delete),
        ("tokenizer.json", delete),
    ):
        parent = tmp_path / name
        shutil.copytree(ground.model, parent)
        damage(parent / name)
        refused(ground.run(tmp_path / "out", "--model", str(parent)), str(parent))
    refused(ground.run(tmp_path / "out", "--model", str(tmp_path / "nowhere"), "--offline"), "nowhere")
    assert not (tmp_path / "out").exists()


def test_a_parent_without_a_mask_token(ground: Ground, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    shutil.copytree(ground.model, parent)
    path = parent / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["mask_token"]
    path.write_text(json.dumps(config), encoding="utf-8")
    refused(ground.run(tmp_path / "out", "--model", str(parent)), "task 'files'", "no mask token")


def test_a_full_disk_keeps_what_was_trained(
    ground: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        dies_after(patch, 5, OSError(28, "No space left on device"))
        refused(ground.run(out), "no space left on the disk", "run the same command again")
    with monkeypatch.context() as patch:
        dies_after(patch, 2, RuntimeError("[..] you tried: can't allocate memory"))
        refused(ground.run(out), "out of memory on cpu")
    dies_after(monkeypatch, 1)
    assert ground.run(out).exit_code == 0
    assert content(out) == content(several)


def test_training_that_diverges(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Joint.loss
    monkeypatch.setattr(Joint, "loss", lambda *given: original(*given) * float("nan"))
    refused(ground.run(tmp_path / "out"), "training diverged: the loss is nan at step 1")
    # Nothing is lost where no checkpoint was written: another learning rate may be tried at once.
    monkeypatch.undo()
    recipe = ground.changed(tmp_path, ("learning_rate: 1e-3", "learning_rate: 1e-4"))
    assert ground.run(tmp_path / "out", recipe=recipe).exit_code == 0


def test_services_that_are_not_installed_are_said_before_anything_is_read(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations import integration_utils

    monkeypatch.setattr(integration_utils, "is_tensorboard_available", lambda: False)
    monkeypatch.setattr(integration_utils, "is_wandb_available", lambda: False)
    done = ground.run(
        tmp_path / "out", "--report-to", "tensorboard,wandb", "--data-dir", str(tmp_path / "no")
    )
    refused(done, "--report-to tensorboard", "pip install tensorboard", "pip install wandb")
    refused(ground.run(tmp_path / "out", "--report-to", "mlflow"), "--report-to", "tensorboard")


def test_tensorboard_gets_the_losses_only_when_asked(
    ground: Ground, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations import integration_utils

    written: list[tuple[str, str, float, int]] = []

    class Writer:
        def __init__(self, log_dir: str) -> None:
            self.log_dir = log_dir

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((self.log_dir, name, value, step))

        def add_text(self, *_: Any) -> None: ...

        def flush(self) -> None: ...

        def close(self) -> None: ...

    standin = types.ModuleType("torch.utils.tensorboard")
    standin.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", standin)
    monkeypatch.setattr(integration_utils, "is_tensorboard_available", lambda: True)
    out = tmp_path / "out"
    assert ground.run(tmp_path / "plain").exit_code == 0 and written == []
    assert ground.run(out, "--report-to", "tensorboard").exit_code == 0
    assert {place for place, *_ in written} == {str(tmp_path / "out.logs")}
    seen = [value for _, name, value, _ in written if name == "train/loss"]
    losses = json.loads((out / "training.json").read_text(encoding="utf-8"))["losses"]
    assert seen == pytest.approx([loss for _, loss in losses], abs=1e-3)
    # What is watched is not changed.
    assert content(out) == content(several)
