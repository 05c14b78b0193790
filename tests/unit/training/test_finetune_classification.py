"""A classifier is trained for a few steps: the loop is that of `test_finetune.py`, the head is new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.backends.heads import head_in, open_head
from harness.errors import DataError
from harness.kinds.classification import Classification, ClassificationHead
from harness.progress import Progress
from harness.records import ClassificationInputs, DataSet, Example
from harness.specs.recipe import Phase, Recipe, Selection
from harness.specs.settings import ClassificationSettings
from harness.specs.task import TaskSpec
from harness.training.finetune import run_phases

LABELS = ("cats", "dogs", "none")
SETTINGS = ClassificationSettings(max_length=32)
SOURCE = {"local": {"reader": "pair_tsv", "files": {}}}
TASK = TaskSpec.model_validate(
    {
        "name": "animals",
        "version": "1",
        "kind": "classification",
        "title": "which animal sleeps",
        "licence": "none",
        "citation": "none",
        "source_language": "en",
        "languages": {"en": {"tag": "en"}},
        "labels": LABELS,
        "data": SOURCE,
        "metrics": [{"name": "accuracy", "computes": "accuracy"}],
        "main_metric": "accuracy",
        "training_sets": {"pairs": {"title": "pairs", "languages": ["en"], "train": SOURCE}},
        "recipes": {"none": {"source": "test"}},
    }
)
WORDS = "the quick Fox 12 over lazy Zürich 1990 Schweiz 2004 See 7 where".split()
SLEEPERS = {"cats": "cats sleep", "dogs": "lazy Dog", "none": "jumps"}


def pairs(count: int, shift: int = 0) -> tuple[Example, ...]:
    """The label stands in the second text; every third example is a single text."""
    examples = []
    for i in range(shift, shift + count):
        label = LABELS[i % 3]
        noise = " ".join(WORDS[(i * 5 + j) % len(WORDS)] for j in range(2 + i % 4))
        inputs = ClassificationInputs(noise, SLEEPERS[label])
        if i % 7 == 0:
            inputs = ClassificationInputs(f"{noise} {SLEEPERS[label]}")
        examples.append(Example(str(i), inputs, label))
    return tuple(examples)


def run(model, out: Path, examples: tuple[Example, ...], **phase: object) -> Path:
    given = {"training_set": "pairs", "epochs": 1, "learning_rate": 5e-3, "batch_size": 8, **phase}
    return run_phases(
        task=TASK,
        recipe=Recipe(source="test", phases=(Phase.model_validate(given),)),
        head=ClassificationHead(LABELS),
        settings=SETTINGS,
        decode_gold=Classification().decode_gold,
        model=model,
        train={"pairs": [DataSet("animals", "en", examples)]},
        dev={"pairs": DataSet("animals", "en", pairs(12, shift=1000))},
        fingerprints={"pairs": "f" * 64},
        out=out,
        seed=1,
        progress=Progress(quiet=True),
    )


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_training_learns_which_text_says_what(tiny_model, tmp_path, family):
    model = tiny_model(family, dropout=0.0)
    out = run(model, tmp_path, pairs(48), epochs=24, warmup_ratio=0.1, selection=Selection(every_steps=48))
    told = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert told["plan"]["steps"] == 144
    assert told["losses"][-1][1] < 0.3 < told["losses"][0][1]
    assert [step for step, _ in told["selection"]] == [48, 96, 144]
    assert max(value for _, value in told["selection"]) > 90
    head = ClassificationHead(LABELS)
    trained = model.at(out)
    assert head_in(trained, head) == "fits"
    network, tokenizer = open_head(trained, head)
    assert network.config.id2label == dict(enumerate(LABELS))
    assert network.config.problem_type == "single_label_classification"
    test = pairs(30, shift=500)
    outputs = head.outputs(test, network, tokenizer, SETTINGS, lambda n: None)
    assert sum(e.gold == o for e, o in zip(test, outputs, strict=True)) >= 27


def test_a_label_outside_the_set_is_named_before_anything_is_trained(tiny_model, tmp_path):
    examples = (*pairs(5), Example("5", ClassificationInputs("the", "Fox"), "fox"))
    with pytest.raises(DataError, match=r"'5' has the label 'fox', which is not among .* cats, dogs, none"):
        run(tiny_model(), tmp_path, examples)
    assert not list(tmp_path.iterdir())
