from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from harness.backends.heads import head_in, open_head
from harness.backends.model import Model
from harness.errors import ModelError

ModelAt = Callable[..., Model]
Write = Callable[..., Path]


@dataclass
class Shape:
    auto_class: str
    labels: tuple[str, ...] = ()


TAGS = ("NOUN", "VERB", "ADJ")
TAGGER = Shape("AutoModelForTokenClassification", TAGS)
QA = Shape("AutoModelForQuestionAnswering")
CHOICE = Shape("AutoModelForMultipleChoice")


def names(labels: tuple[str, ...]) -> dict[str, object]:
    return {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}}


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert"])
@pytest.mark.parametrize(
    "shape, config", [(TAGGER, names(TAGS)), (QA, {}), (CHOICE, {})], ids=["tagger", "qa", "choice"]
)
def test_a_head_that_is_there_fits(
    checkpoint: Write, model_at: ModelAt, kind: str, shape: Shape, config: dict[str, object]
) -> None:
    path = checkpoint(shape.auto_class, kind=kind, **config)
    assert head_in(model_at(path), shape) == "fits"
    network, tokenizer = open_head(model_at(path), shape)
    assert not network.training
    assert tokenizer.is_fast


@pytest.mark.parametrize("shape", [TAGGER, QA, CHOICE, Shape("AutoModel")])
def test_an_encoder_has_no_head(tiny: Path, model_at: ModelAt, shape: Shape) -> None:
    assert head_in(model_at(tiny), shape) == "absent"


def test_another_type_of_head_is_no_head(checkpoint: Write, model_at: ModelAt) -> None:
    # A tagger's tensors have the names and sizes of a sentence classifier's.
    path = checkpoint("AutoModelForSequenceClassification", kind="bert", **names(TAGS))
    assert head_in(model_at(path), TAGGER) == "absent"
    with pytest.raises(ModelError, match="no TokenClassification head"):
        open_head(model_at(path), TAGGER)


def test_a_head_of_another_size(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(TAGGER.auto_class, **names((*TAGS, "O")))
    with pytest.raises(ModelError, match=r"4 labels \(NOUN, VERB, ADJ, O\).*--fresh-head"):
        head_in(model_at(path), TAGGER)


def test_a_head_with_other_labels(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(TAGGER.auto_class, **names(("noun", "VERB", "ADJ")))
    with pytest.raises(ModelError, match="noun instead of NOUN"):
        head_in(model_at(path), TAGGER)


def test_weights_that_contradict_the_configuration(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(TAGGER.auto_class, **names((*TAGS, "O")))
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    config |= {
        "id2label": {str(i): n for i, n in enumerate(TAGS)},
        "label2id": {n: i for i, n in enumerate(TAGS)},
    }
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match=r"\[4, 16\].*\[3, 16\]"):
        head_in(model_at(path), TAGGER)


def test_a_configuration_without_the_tensors(tiny: Path, checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["XLMRobertaForQuestionAnswering"]
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="lack 2 of 2 tensors"):
        head_in(model_at(path), QA)


def test_labels_in_another_order_are_mapped_by_name(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(TAGGER.auto_class, **names(("ADJ", "NOUN", "VERB")))
    own = Shape(TAGGER.auto_class, ("ADJ", "NOUN", "VERB"))
    ids = torch.tensor([[0, 5, 6, 2]])
    with torch.inference_mode():
        before = open_head(model_at(path), own)[0](ids).logits
        network = open_head(model_at(path), TAGGER)[0]
        after = network(ids).logits
    torch.testing.assert_close(after, before[..., [1, 2, 0]], rtol=0, atol=0)
    assert network.config.id2label == dict(enumerate(TAGS))


@pytest.mark.parametrize(
    ("labels", "own"),
    [
        (("contradiction", "entailment", "neutral"), ("ENTAILMENT", "NEUTRAL", "CONTRADICTION")),
        (("contradiction", "entailment", "neutral"), ("Entailment", "Neutral", "Contradiction")),
        (("NO", "YES"), ("yes", "no")),
    ],
)
def test_labels_in_another_case_are_the_same(
    checkpoint: Write, model_at: ModelAt, labels: tuple[str, ...], own: tuple[str, ...]
) -> None:
    classifier = "AutoModelForSequenceClassification"
    path = checkpoint(classifier, **names(own))
    ids = torch.tensor([[0, 5, 6, 2]])
    with torch.inference_mode():
        before = open_head(model_at(path), Shape(classifier, own))[0](ids).logits
        network = open_head(model_at(path), Shape(classifier, labels))[0]
        after = network(ids).logits
    order = [[o.lower() for o in own].index(label.lower()) for label in labels]
    torch.testing.assert_close(after, before[..., order], rtol=0, atol=0)
    assert network.config.id2label == dict(enumerate(labels))


@pytest.mark.parametrize(
    ("labels", "own"), [(("Yes", "No"), ("yes", "NO")), (("a", "A", "b"), ("A", "B", "C"))]
)
def test_labels_in_mixed_case_are_others(
    checkpoint: Write, model_at: ModelAt, labels: tuple[str, ...], own: tuple[str, ...]
) -> None:
    classifier = "AutoModelForSequenceClassification"
    with pytest.raises(ModelError, match="has other labels than the task"):
        head_in(model_at(checkpoint(classifier, **names(own))), Shape(classifier, labels))


def test_labels_without_names_are_taken_in_order_and_said(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(TAGGER.auto_class, num_labels=3)
    said: list[str] = []
    network, _ = open_head(model_at(path), TAGGER, say=said.append)
    assert network.config.id2label == dict(enumerate(TAGS))
    assert len(said) == 1 and "NOUN, VERB, ADJ" in said[0]


@pytest.mark.parametrize("shape", [TAGGER, QA, CHOICE, Shape("AutoModel")])
def test_a_fresh_head_comes_from_its_seed_alone(checkpoint: Write, model_at: ModelAt, shape: Shape) -> None:
    # Written without a pooler, which multiple choice needs: that is seeded too.
    model = model_at(checkpoint("AutoModelForMaskedLM"))
    state = torch.random.get_rng_state()
    first, second, other = (open_head(model, shape, fresh_seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    changed = {name for name in first if not torch.equal(first[name], other[name])}
    assert changed and all("pooler" in n or n.startswith(("classifier", "qa_outputs")) for n in changed)


def test_a_fresh_head_does_not_use_the_old_one_but_its_encoder(checkpoint: Write, model_at: ModelAt) -> None:
    model = model_at(checkpoint(TAGGER.auto_class, **names(TAGS)))
    old = open_head(model, TAGGER)[0].state_dict()
    new = open_head(model, TAGGER, fresh_seed=3)[0].state_dict()
    assert not torch.equal(old["classifier.weight"], new["classifier.weight"])
    encoder = [name for name in old if name.startswith("roberta.")]
    assert encoder and all(torch.equal(old[name], new[name]) for name in encoder)


def test_a_fresh_head_has_the_tasks_labels_and_can_be_opened_again(
    checkpoint: Write, model_at: ModelAt, tmp_path: Path
) -> None:
    network, tokenizer = open_head(model_at(checkpoint()), TAGGER, fresh_seed=1)
    network.save_pretrained(tmp_path / "trained")
    tokenizer.save_pretrained(tmp_path / "trained")
    model = model_at(tmp_path / "trained")
    assert head_in(model, TAGGER) == "fits"
    again = open_head(model, TAGGER)[0].state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in network.state_dict().items())


def test_an_architecture_without_such_a_head(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint(kind="eurobert", num_key_value_heads=2, head_dim=8)
    with pytest.raises(ModelError, match="no AutoModelForQuestionAnswering for the model type 'eurobert'"):
        head_in(model_at(path), QA)
    with pytest.raises(ModelError, match="eurobert"):
        open_head(model_at(path), QA, fresh_seed=1)
