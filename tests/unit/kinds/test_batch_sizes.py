"""Batches of 1 and of 64, and another order of the examples: next to no prediction may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.backends.heads import open_head
from harness.backends.model import Model
from harness.kinds import prediction
from harness.kinds.base import Head
from harness.kinds.classification import ClassificationHead
from harness.kinds.multiple_choice import ChoiceHead
from harness.kinds.span_qa import SpanHead
from harness.kinds.tagging import TaggingHead
from harness.records import ChoiceInputs, ClassificationInputs, Example, SpanQAInputs, TaggingInputs
from harness.specs.settings import (
    ChoiceSettings,
    ClassificationSettings,
    KindSettings,
    SpanQASettings,
    TaggingSettings,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WORDS = "the quick brown Fox jumps over lazy Dog while 12 cats sleep Zürich liegt in der Schweiz 1990".split()
LABELS = ("contradiction", "entailment", "neutral")
ALLOWED = 0.001

Texts = Callable[[int], str]


def inputs_of(kind: str, words: Texts, number: int) -> Any:
    if kind == "classification":
        return ClassificationInputs(words(12), words(12) if number % 4 else None)
    if kind == "multiple_choice":
        return ChoiceInputs(words(12), tuple(words(8) for _ in range(2 + number % 2)))
    if kind == "tagging":
        return TaggingInputs(tuple(words(30).split()))
    return SpanQAInputs(words(4), words(60), ())


# The head, and settings under which long texts fall into several windows.
KINDS: dict[str, tuple[Head, KindSettings]] = {
    "classification": (ClassificationHead(LABELS), ClassificationSettings()),
    "multiple_choice": (ChoiceHead(), ChoiceSettings()),
    "tagging": (TaggingHead(LABELS), TaggingSettings(max_length=24)),
    "span_qa": (SpanHead(), SpanQASettings(max_length=40, doc_stride=12, max_query_length=8)),
}


def last_layer(model: PreTrainedModel) -> Any:
    head = getattr(model, "classifier", None) or model.qa_outputs
    return getattr(head, "out_proj", head)


def enlarge(model: PreTrainedModel) -> None:
    """Make the last layer of a random head large, so that it tells its inputs apart."""
    import torch

    last = last_layer(model)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        last.weight.copy_(torch.randn(last.weight.shape, generator=generator))
        last.bias.zero_()


def balance(model: PreTrainedModel, run: Callable[[], object]) -> None:
    """Centre the scores that `run` computes, so that no label has an advantage."""
    last, seen = last_layer(model), []
    hook = last.register_forward_hook(lambda module, args, output: seen.append(output.flatten(0, -2)))
    run()
    hook.remove()
    last.bias.data -= sum(output.mean(dim=0) for output in seen) / len(seen)


def answers(kind: str, outputs: Any) -> list[Any]:
    return [tag for sentence in outputs for tag in sentence] if kind == "tagging" else list(outputs)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("kind", KINDS)
def test_neither_the_size_of_a_batch_nor_the_order_changes_predictions(
    tiny_model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch, kind: str, family: str
) -> None:
    head, settings = KINDS[kind]
    model, tokenizer = open_head(tiny_model(family), head, fresh_seed=1)
    enlarge(model)
    rng = np.random.default_rng(0)

    def words(most: int) -> str:
        return " ".join(rng.choice(WORDS, size=int(rng.integers(1, most + 1))))

    examples = [Example(str(i), inputs_of(kind, words, i), "") for i in range(100)]
    shapes: list[int] = []
    collate = head.collate

    def counted(features: Any, tokenizer: Any) -> Any:
        shapes.append(len(features))
        return collate(features, tokenizer)

    monkeypatch.setattr(head, "collate", counted)

    def predicted(chosen: list[Example], size: int) -> list[Any]:
        shapes.clear()
        monkeypatch.setattr(prediction, "row_limit", lambda device: size)
        monkeypatch.setattr(prediction, "token_budget", lambda device: 64 * 130)
        return list(head.outputs(chosen, model, tokenizer, settings, lambda n: None))

    balance(model, lambda: predicted(examples, 64))
    alone = predicted(examples, 1)
    assert set(shapes) == {1}
    together = predicted(examples, 64)
    assert max(shapes) >= 32
    one, many = answers(kind, alone), answers(kind, together)
    assert len(set(one)) > 1
    assert sum(a != b for a, b in zip(one, many, strict=True)) <= ALLOWED * len(one)

    order = rng.permutation(len(examples))
    shuffled = predicted([examples[i] for i in order], 64)
    there = answers(kind, [together[i] for i in order])
    assert sum(a != b for a, b in zip(answers(kind, shuffled), there, strict=True)) <= ALLOWED * len(there)
