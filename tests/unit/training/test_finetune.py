from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.backends.heads import head_in, open_head
from harness.errors import DataError, ModelError, RequestError, SpecError
from harness.kinds.dual_encoder import DualEncoderHead
from harness.kinds.multiple_choice import ChoiceHead, MultipleChoice
from harness.kinds.tagging import Tagging, TaggingHead
from harness.progress import Progress
from harness.records import Answer, ChoiceInputs, DataSet, Example, SpanQAInputs, TaggingInputs
from harness.specs.recipe import BySize, Phase, Recipe, Selection
from harness.specs.settings import ChoiceSettings, PassageRetrievalSettings, TaggingSettings
from harness.specs.task import TaskSpec
from harness.training import finetune
from harness.training.finetune import run_phases, training_key

LABELS = ("CAP", "LOW", "NUM")
WORDS = "the quick Fox 12 over lazy Dog cats sleep Zürich 1990 Schweiz 2004 See 7 where".split()
TASK = TaskSpec.model_validate(
    {
        "name": "shapes",
        "version": "1",
        "kind": "tagging",
        "title": "word shapes",
        "licence": "none",
        "citation": "none",
        "source_language": "en",
        "languages": {"en": {"tag": "en"}},
        "labels": LABELS,
        "data": {"local": {"reader": "conllu", "files": {}}},
        "metrics": [{"name": "accuracy", "computes": "token_accuracy"}],
        "main_metric": "accuracy",
        "training_sets": {
            name: {"title": name, "languages": ["en"], "train": {"local": {"reader": "conllu", "files": {}}}}
            for name in ("shapes", "more")
        },
        "recipes": {"none": {"source": "test"}},
    }
)


def shape(word: str) -> str:
    return "NUM" if word.isdigit() else "CAP" if word[0].isupper() else "LOW"


def sentences(count: int, shift: int = 0) -> tuple[Example, ...]:
    examples = []
    for i in range(shift, shift + count):
        words = tuple(WORDS[(i * 5 + j * (1 + i % 3)) % len(WORDS)] for j in range(3 + i % 5))
        examples.append(Example(str(i), TaggingInputs(words), json.dumps([shape(w) for w in words])))
    return tuple(examples)


def recipe(**phase) -> Recipe:
    given = {"training_set": "shapes", "epochs": 2, "learning_rate": 3e-3, "batch_size": 8, **phase}
    return Recipe(source="test", phases=(Phase(**given),))


def run(model, out: Path, chosen: Recipe, *, seed: int = 1, head=None, count: int = 48, **options) -> Path:
    given = {
        "task": TASK,
        "recipe": chosen,
        "head": head or TaggingHead(LABELS),
        "settings": TaggingSettings(max_length=32),
        "decode_gold": Tagging().decode_gold,
        "model": model,
        "train": {"shapes": [DataSet("shapes", "en", sentences(count))]},
        "dev": {"shapes": DataSet("shapes", "en", sentences(12, shift=1000))},
        "fingerprints": {"shapes": "f" * 64},
        "out": out,
        "seed": seed,
        "progress": Progress(quiet=True),
        **options,
    }
    return run_phases(**given)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def record(folder: Path) -> dict:
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))


class Killed(BaseException):
    """Stands in for SIGKILL: nothing in the program catches it."""


class DyingHead(TaggingHead):
    """Dies in the forward pass that comes after `steps` of them."""

    def __init__(self, labels: tuple[str, ...], steps: int) -> None:
        super().__init__(labels)
        self.left = steps

    def loss(self, model, batch):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return super().loss(model, batch)


def test_training_learns_word_shapes(tiny_model, tmp_path):
    model = tiny_model()
    out = run(model, tmp_path / "run", recipe(epochs=20, warmup_ratio=0.1))
    assert out == tmp_path / "run" / "1-shapes"
    told = record(out)
    assert told["plan"]["steps"] == 120 == told["steps_run"] and told["plan"]["warmup_steps"] == 12
    assert told["losses"][-1][1] < 0.3 < told["losses"][0][1]
    head = TaggingHead(LABELS)
    assert head_in(model.at(out), head) == "fits"
    network, tokenizer = open_head(model.at(out), head)
    test = sentences(40, shift=500)
    outputs = head.outputs(test, network, tokenizer, TaggingSettings(max_length=32), lambda n: None)
    pairs = [
        (g, o)
        for e, labels in zip(test, outputs, strict=True)
        for g, o in zip(json.loads(e.gold), labels, strict=True)
    ]
    assert sum(g == o for g, o in pairs) / len(pairs) > 0.9
    assert not (tmp_path / "run" / "1-shapes.part").exists()


def test_the_seed_decides_and_a_finished_run_is_not_run_again(tiny_model, tmp_path):
    first = run(tiny_model(), tmp_path / "a", recipe())
    assert weights(run(tiny_model(), tmp_path / "b", recipe())) == weights(first)
    assert weights(run(tiny_model(), tmp_path / "c", recipe(), seed=2)) != weights(first)
    before = (first / "training.json").stat().st_mtime_ns
    run(tiny_model(), tmp_path / "a", recipe(), head=DyingHead(LABELS, 0))
    assert (first / "training.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("died_after", "selection"),
    # In the middle and at the end of an epoch; after the best step and before it.
    [(5, None), (6, Selection(every_steps=2)), (7, Selection(every_steps=4, patience=5))],
)
def test_a_killed_run_ends_with_the_same_bytes(tiny_model, tmp_path, died_after, selection):
    chosen = recipe(selection=selection)
    whole = run(tiny_model(), tmp_path / "whole", chosen, checkpoint_seconds=0)
    assert record(whole)["plan"]["steps"] == 12
    with pytest.raises(Killed):
        run(tiny_model(), tmp_path / "cut", chosen, checkpoint_seconds=0, head=DyingHead(LABELS, died_after))
    part = tmp_path / "cut" / "1-shapes.part"
    kept = sorted(p.name for p in part.glob("checkpoint-*"))
    assert len(kept) == 2 and f"checkpoint-{died_after}" in kept
    # Resumed, it computes the missing steps only.
    cut = run(
        tiny_model(), tmp_path / "cut", chosen, checkpoint_seconds=0, head=DyingHead(LABELS, 12 - died_after)
    )
    assert weights(cut) == weights(whole)
    assert record(cut) == record(whole)
    assert sorted(p.name for p in cut.iterdir()) == sorted(p.name for p in whole.iterdir())


def test_autocast_resumes_too_and_keeps_float32_weights(tiny_model, tmp_path):
    from safetensors.torch import load_file

    model = replace(tiny_model(), dtype="bfloat16")
    whole = run(model, tmp_path / "whole", recipe(epochs=1))
    with pytest.raises(Killed):
        run(model, tmp_path / "cut", recipe(epochs=1), checkpoint_seconds=0, head=DyingHead(LABELS, 4))
    cut = run(model, tmp_path / "cut", recipe(epochs=1))
    assert weights(cut) == weights(whole) != weights(run(tiny_model(), tmp_path / "full", recipe(epochs=1)))
    assert {str(t.dtype) for t in load_file(whole / "model.safetensors").values()} == {"torch.float32"}


def test_checkpoints_do_not_change_the_result(tiny_model, tmp_path):
    often = run(tiny_model(), tmp_path / "often", recipe(), checkpoint_seconds=0)
    never = run(tiny_model(), tmp_path / "never", recipe())
    assert weights(often) == weights(never) and record(often) == record(never)


def test_an_unfinished_checkpoint_is_thrown_away(tiny_model, tmp_path):
    whole = run(tiny_model(), tmp_path / "whole", recipe())
    with pytest.raises(Killed):
        run(tiny_model(), tmp_path / "cut", recipe(), checkpoint_seconds=0, head=DyingHead(LABELS, 8))
    torn = tmp_path / "cut" / "1-shapes.part" / "checkpoint-8"
    (torn / "sealed.json").unlink()
    (torn / "optimizer.pt").write_bytes(b"half")
    (torn.parent / "checkpoint-9").mkdir()
    (torn.parent / "final").mkdir()
    assert weights(run(tiny_model(), tmp_path / "cut", recipe())) == weights(whole)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])


def delete(file: Path) -> None:
    file.unlink()


def scribble(file: Path) -> None:
    """Damage a file without changing its size."""
    content = file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[:middle] + bytes(255 - b for b in content[middle:]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", truncate),
        ("model.safetensors", delete),
        ("config.json", delete),
        ("tokenizer.json", truncate),
        ("training.json", truncate),
    ],
)
def test_a_finished_training_that_was_damaged_is_trained_again(tiny_model, tmp_path, capsys, name, damage):
    first = run(tiny_model(), tmp_path, recipe(max_steps=2))
    expected = {f.name: f.read_bytes() for f in first.iterdir()}
    damage(first / name)
    again = run(tiny_model(), tmp_path, recipe(max_steps=2))
    assert {f.name: f.read_bytes() for f in again.iterdir()} == expected
    assert "is trained again" in capsys.readouterr().err


@pytest.fixture(scope="module")
def unbroken(tiny_model, tmp_path_factory):
    chosen = recipe(selection=Selection(every_steps=4, patience=5), max_steps=10)
    return chosen, run(tiny_model(), tmp_path_factory.mktemp("whole"), chosen)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("optimizer.pt", truncate),
        ("optimizer.pt", scribble),
        ("rng_state.pth", delete),
        ("trainer_state.json", scribble),
        ("sealed.json", truncate),
        ("../best-4.safetensors", truncate),
    ],
)
def test_a_damaged_checkpoint_is_not_continued_from(tiny_model, tmp_path, unbroken, name, damage):
    chosen, whole = unbroken
    with pytest.raises(Killed):
        run(tiny_model(), tmp_path / "cut", chosen, checkpoint_seconds=0, head=DyingHead(LABELS, 6))
    part = tmp_path / "cut" / "1-shapes.part"
    damage(part / "checkpoint-6" / name)
    (part / "checkpoint-x").mkdir()
    (part / "checkpoint-7").write_text("no folder", encoding="utf-8")
    # The older checkpoint is whole, unless both need the file: then training begins anew.
    left = 10 if name.startswith("..") else 5
    cut = run(tiny_model(), tmp_path / "cut", chosen, head=DyingHead(LABELS, left))
    assert weights(cut) == weights(whole) and record(cut) == record(whole)


def test_accumulation_takes_every_example_once(tiny_model, tmp_path, monkeypatch):
    """Without dropout four micro-batches of equal sentences give the gradient of the whole batch."""
    import torch
    from safetensors.torch import load_file

    model = tiny_model(dropout=0.0)
    one = DataSet("shapes", "en", sentences(1) * 20)
    options = {"train": {"shapes": [one]}}
    whole = run(model, tmp_path / "whole", recipe(), **options)
    monkeypatch.setattr("harness.training.plan.largest_micro_batch", lambda batch, **_: 2)
    parts = run(model, tmp_path / "parts", recipe(), **options)
    assert record(whole)["plan"]["micro_batch"] == 8 and record(parts)["plan"]["accumulation"] == 4
    assert record(whole)["plan"]["steps"] == record(parts)["plan"]["steps"] == 6
    a, b = load_file(whole / "model.safetensors"), load_file(parts / "model.safetensors")
    assert all(torch.allclose(a[name], b[name], atol=2e-4) for name in a)


def test_the_update_does_not_depend_on_how_the_batch_is_cut(tiny_model, tmp_path, monkeypatch):
    # 21 sentences of unequal length: no cut gives equal shares, and the last batch is short.
    model, found = tiny_model(dropout=0.0), []
    for micro in (8, 2, 1):
        monkeypatch.setattr("harness.training.plan.largest_micro_batch", lambda *a, size=micro, **k: size)
        folder = run(model, tmp_path / str(micro), recipe(epochs=3), count=21)
        assert record(folder)["plan"]["micro_batch"] == micro
        found.append([loss for _, loss in record(folder)["losses"]])
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert found[2] == pytest.approx(found[0], rel=1e-4)


def test_memory_does_not_change_a_micro_batch_that_the_loss_depends_on(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.training.plan._memory", lambda device: 0)
    folder = run(tiny_model(), tmp_path / "free", recipe(max_steps=1))
    assert record(folder)["plan"]["micro_batch"] == 1

    class Comparing(TaggingHead):
        micro_batch = 4

    folder = run(tiny_model(), tmp_path / "fixed", recipe(max_steps=1), head=Comparing(LABELS))
    assert record(folder)["plan"]["micro_batch"] == 4
    with pytest.raises(SpecError, match="not a multiple of 4"):
        run(tiny_model(), tmp_path / "odd", recipe(batch_size=6), head=Comparing(LABELS))


def test_selection_keeps_the_best_and_the_earliest_of_equals(tiny_model, tmp_path, monkeypatch):
    scores = iter([10.0, 30.0, 20.0, 30.0, 5.0, 1.0])
    monkeypatch.setattr(finetune, "_scorer", lambda *_: lambda model: next(scores))
    best = run(tiny_model(), tmp_path / "best", recipe(selection=Selection(every_steps=2)))
    assert record(best)["best_step"] == 4
    assert record(best)["selection"] == [[2, 10], [4, 30], [6, 20], [8, 30], [10, 5], [12, 1]]
    # The weights are those of a run that is cut at step 4 with the same decay of the learning rate.
    scores = iter([10.0, 30.0, 20.0, 0.0])
    early = run(tiny_model(), tmp_path / "early", recipe(selection=Selection(every_steps=2, patience=2)))
    assert record(early)["best_step"] == 4 and record(early)["steps_run"] == 8
    assert weights(early) == weights(best)


def test_phases_follow_each_other(tiny_model, tmp_path):
    """A second phase begins with the head of the first, as COPA after SIQA does."""

    def choices(count, size):
        return [
            Example(
                str(i),
                ChoiceInputs("the cats", tuple(f"sleep {'12 ' * c}" for c in range(size))),
                str(i % size),
            )
            for i in range(count)
        ]

    phases = tuple(
        Phase(
            training_set=name,
            epochs=1,
            learning_rate=BySize(base=1e-3, large=9.0),
            batch_size=4,
            max_steps=steps,
        )
        for name, steps in (("shapes", None), ("more", 1))
    )
    out = run(
        tiny_model(),
        tmp_path,
        Recipe(source="test", phases=phases),
        head=ChoiceHead(),
        settings=ChoiceSettings(),
        decode_gold=MultipleChoice().decode_gold,
        train={
            "shapes": [DataSet("a", "en", tuple(choices(10, 3)))],
            "more": [DataSet("b", "en", tuple(choices(8, 2)))],
        },
        dev={},
        fingerprints={"shapes": "f" * 64, "more": "e" * 64},
    )
    assert out == tmp_path / "2-more"
    first, second = record(tmp_path / "1-shapes"), record(out)
    assert first["plan"]["steps"] == 3 and first["plan"]["learning_rate"] == 1e-3
    assert second["plan"]["steps"] == 1 and second["data"]["fingerprint"] == "e" * 64
    from safetensors.torch import load_file

    head = [load_file(f / "model.safetensors")["classifier.weight"] for f in (tmp_path / "1-shapes", out)]
    assert 0 < (head[0] - head[1]).abs().max() <= 2e-3


def test_a_dual_encoder_becomes_an_ordinary_encoder(tiny_model, tmp_path):
    from transformers import AutoModel

    context = "The Fox jumps. The Dog sleeps. 12 cats sleep."
    examples = tuple(
        Example(str(i), SpanQAInputs(f"who {i}", context, (Answer(a, context.index(a)),)), json.dumps([a]))
        for i, a in enumerate(["Fox", "Dog", "12"] * 4)
    )
    out = run(
        tiny_model("xlm-roberta"),
        tmp_path,
        recipe(epochs=1, batch_size=8),
        head=DualEncoderHead(),
        settings=PassageRetrievalSettings(),
        train={"shapes": [DataSet("squad", "en", examples)]},
    )
    assert record(out)["plan"]["micro_batch"] == 4
    network, info = AutoModel.from_pretrained(str(out), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and network.pooler is not None


def test_what_cannot_be_trained_is_said(tiny_model, tmp_path):
    with pytest.raises(DataError, match="training set 'shapes' has no examples"):
        run(tiny_model(), tmp_path, recipe(), train={"shapes": []})
    with pytest.raises(DataError, match="selects checkpoints on development data"):
        run(tiny_model(), tmp_path, recipe(selection=Selection(every_steps=2)), dev={"shapes": None})

    class Diverging(TaggingHead):
        def loss(self, model, batch):
            return super().loss(model, batch) * float("nan")

    with pytest.raises(ModelError, match="loss is nan at step 1 of 12"):
        run(tiny_model(), tmp_path, recipe(), head=Diverging(LABELS))

    def failing(error):
        class Failing(TaggingHead):
            def loss(self, model, batch):
                raise error

        return Failing(LABELS)

    with pytest.raises(RequestError, match="no space left"):
        run(tiny_model(), tmp_path, recipe(), head=failing(OSError(28, "No space left on device")))
    with pytest.raises(RequestError, match="out of memory on cpu with 8 examples"):
        run(
            tiny_model(),
            tmp_path,
            recipe(),
            head=failing(RuntimeError("[..] you tried: can't allocate memory")),
        )
    with pytest.raises(RuntimeError, match="a bug"):
        run(tiny_model(), tmp_path, recipe(), head=failing(RuntimeError("a bug")))
    assert not [p for p in tmp_path.iterdir() if not p.name.endswith(".part")]


def test_training_says_nothing(tiny_model, tmp_path, capfd):
    run(tiny_model(), tmp_path, recipe(max_steps=2))
    assert capfd.readouterr() == ("", "")


def test_the_key_covers_what_matters(tiny_model):
    model = tiny_model()
    given = {
        "model": model,
        "head": TaggingHead(LABELS),
        "recipe": recipe(),
        "settings": TaggingSettings(),
        "fingerprints": {"shapes": "f"},
        "seed": 1,
    }
    key = training_key(**given)
    assert len(key) == 16 and key == training_key(**given)
    others = [
        {"seed": 2},
        {"settings": TaggingSettings(max_length=64)},
        {"fingerprints": {"shapes": "e"}},
        {"recipe": recipe(epochs=3)},
        {"head": TaggingHead((*LABELS, "X"))},
    ]
    keys = {training_key(**{**given, **other}) for other in others}
    assert len(keys) == len(others) and key not in keys
    # The name of the training set and an unresolved learning rate that comes to the same do not count.
    same = recipe(training_set="other", learning_rate=BySize(base=3e-3, large=1.0))
    assert training_key(**{**given, "recipe": same, "fingerprints": {"other": "f"}}) == key


CHILD = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("t", sys.argv[1])
t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t)
from harness.backends.model import Model
from harness.specs.adapter import AdapterSpec
import torch
torch.set_num_threads(1)
adapter = AdapterSpec(name="tiny", version="1", title="tiny", source="test")
model = Model(Path(sys.argv[2]), "tiny", None, "0" * 64, adapter, "cpu", "float32", 32, 2)
chosen = t.recipe(epochs=20, selection=t.Selection(every_steps=7))
t.run(model, Path(sys.argv[3]), chosen, checkpoint_seconds=0)
"""


@pytest.mark.slow
def test_sigkill_at_any_moment(tiny_model, tmp_path):
    def start(name):
        command = [sys.executable, "-c", CHILD, __file__, str(tiny_model().path), str(tmp_path / name)]
        return subprocess.Popen(command, start_new_session=True)

    assert start("whole").wait() == 0
    done = tmp_path / "cut" / "1-shapes" / "training.json"
    kills = 0
    while not done.exists():
        child = start("cut")
        part = tmp_path / "cut" / "1-shapes.part"
        newest = max((int(p.name.rpartition("-")[2]) for p in part.glob("checkpoint-*")), default=0)
        # Kill a different moment after the first sign of progress each time.
        while child.poll() is None and not done.exists():
            if (
                max((int(p.name.rpartition("-")[2]) for p in part.glob("checkpoint-*")), default=0)
                > newest + 5
            ):
                time.sleep(0.013 * (kills % 17))
                break
            time.sleep(0.005)
        if child.poll() is None and not done.exists() and kills < 12:
            child.send_signal(signal.SIGKILL)
            kills += 1
        assert child.wait() in (0, -signal.SIGKILL)
    assert kills >= 3
    whole, cut = tmp_path / "whole" / "1-shapes", tmp_path / "cut" / "1-shapes"
    assert weights(cut) == weights(whole) and record(cut) == record(whole)
