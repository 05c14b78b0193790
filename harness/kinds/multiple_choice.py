"""Multiple choice: each choice is read together with the prompt, and the highest score wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness.errors import DataError
from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.prediction import forward, predict_with_head
from harness.kinds.sequences import Feature, check_length, frame, pad, subwords, truncate
from harness.progress import Advance
from harness.records import ChoiceInputs, Example, Outputs
from harness.specs.settings import ChoiceSettings, KindSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class MultipleChoice(Kind):
    """One of several choices; the output is its zero-based number.

    Source: google-research/xtreme@838c13b third_party/run_xcopa.py.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "choice_jsonl"}

    def decode_gold(self, gold: str) -> str:
        """Return the gold text: the number of the right choice."""
        return gold

    def head(self, task: Labelled) -> ChoiceHead:
        """Return a multiple choice head; its size does not depend on the task."""
        return ChoiceHead()

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": the number of the choice per example})."""
        return predict_with_head(work, self.head(work.task), "choosing")


class ChoiceHead(Head):
    """One score per (prompt, choice) pair; softmax over the choices of an example.

    A pair longer than `max_length` loses subwords at the end of its longer text, one by one
    (`longest_first`). Examples of one training phase may differ in their number of choices only if
    they are never in one batch, so a phase takes one number.
    """

    auto_class = "AutoModelForMultipleChoice"
    labels: tuple[str, ...] = ()

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per example, its values lists with one row per choice; `label` an int.

        Raises:
            DataError: if a gold is not the number of a choice, or examples differ in their number.
        """
        features = self._encode(examples, tokenizer, settings)
        for example, feature in zip(examples, features, strict=True):
            choices = len(feature["input_ids"])
            if example.gold not in map(str, range(choices)):
                raise DataError(
                    f"training example {example.example_id!r}: gold {example.gold!r} is not the number of "
                    f"one of its {choices} choices (0 to {choices - 1})"
                )
            if choices != len(features[0]["input_ids"]):
                raise DataError(
                    f"training example {example.example_id!r} has {choices} choices, the first example has "
                    f"{len(features[0]['input_ids'])}: train on them in separate phases"
                )
            feature["label"] = int(example.gold)
        return features

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad a batch; tensors int64 [batch, choices, longest], `labels` [batch]."""
        import torch

        keys = [k for k in features[0] if k != "label"]
        rows = [{k: f[k][i] for k in keys} for f in features for i in range(len(f["input_ids"]))]
        batch = {k: v.view(len(features), -1, v.shape[-1]) for k, v in pad(rows, tokenizer).items()}
        if "label" in features[0]:
            batch["labels"] = torch.tensor([f["label"] for f in features], dtype=torch.int64)
        return batch

    def outputs(
        self,
        examples: Sequence[Example],
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
        advance: Advance,
    ) -> Outputs:
        """Return the number of the chosen choice per example; ties go to the first."""
        assert isinstance(settings, ChoiceSettings)
        check_length(model, settings.max_length)
        features = self._encode(examples, tokenizer, settings)
        chosen = [0] * len(examples)
        # Examples with equally many choices are computed together, so that a batch is a full array.
        for choices in sorted({len(f["input_ids"]) for f in features}):
            members = [i for i, f in enumerate(features) if len(f["input_ids"]) == choices]
            scores = forward(
                [features[i] for i in members],
                model,
                lambda batch: self.collate(batch, tokenizer),
                rows_each=choices,
            )
            for index, logits in scores:
                chosen[members[index]] = int(np.argmax(logits["logits"]))
                advance(1)
        return chosen

    def _encode(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        assert isinstance(settings, ChoiceSettings)
        around = frame(tokenizer, texts=2)
        room = max(2, settings.max_length - around.size)
        inputs = [_inputs(example) for example in examples]
        spelled = subwords((text for i in inputs for text in (i.prompt, *i.choices)), tokenizer)
        features = []
        for item in inputs:
            pairs = [truncate(spelled[item.prompt], spelled[choice], room) for choice in item.choices]
            rows = [around.assemble(*pair) for pair in pairs]
            features.append({key: [row[key] for row in rows] for key in rows[0]})
        return features


def _inputs(example: Example) -> ChoiceInputs:
    assert isinstance(example.inputs, ChoiceInputs)
    return example.inputs
