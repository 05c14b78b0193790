"""Classification: one label for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness.errors import DataError, did_you_mean
from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.prediction import forward, predict_with_head
from harness.kinds.sequences import Feature, check_length, frame, pad, subwords, truncate
from harness.progress import Advance
from harness.records import ClassificationInputs, Example, Outputs
from harness.specs.settings import ClassificationSettings, KindSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Classification(Kind):
    """Sentence-pair or sentence classification; the output is the name of a label.

    Source: google-research/xtreme@838c13b third_party/run_classify.py.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "label_tsv"}

    def decode_gold(self, gold: str) -> str:
        """Return the gold label."""
        return gold

    def head(self, task: Labelled) -> ClassificationHead:
        """Return a sequence classification head over the task's labels, in the task's order."""
        return ClassificationHead(task.labels)

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": one label per example})."""
        return predict_with_head(work, self.head(work.task), "classifying")


class ClassificationHead(Head):
    """A classifier over the whole sequence: one score per label.

    A pair longer than `max_length` loses subwords at the end of its longer text, one by one
    (`longest_first`); a single text loses its end. Pairs and single texts may be mixed.
    """

    auto_class = "AutoModelForSequenceClassification"

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels

    def prepare(self, model: PreTrainedModel) -> None:
        """Have the model compute a cross-entropy over the labels."""
        # A checkpoint that was a regressor or multi-label classifier before asks for its own loss still.
        model.config.problem_type = "single_label_classification"

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per example, `label` the number of its gold label.

        Raises:
            DataError: if a gold label is not among the task's labels.
        """
        number = {label: i for i, label in enumerate(self.labels)}
        for example in examples:
            if example.gold not in number:
                raise DataError(
                    f"training example {example.example_id!r} has the label {example.gold!r}, which is not "
                    f"among the task's labels {', '.join(self.labels)}"
                    f"{did_you_mean(example.gold, self.labels)}"
                )
        features = self._encode(examples, tokenizer, settings)
        for example, feature in zip(examples, features, strict=True):
            feature["label"] = number[example.gold]
        return features

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad a batch; tensors int64 [batch, longest], `labels` [batch]."""
        import torch

        batch = pad(features, tokenizer)
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
        """Return the label with the highest score per example; ties go to the label listed first."""
        assert isinstance(settings, ClassificationSettings)
        check_length(model, settings.max_length)
        features = self._encode(examples, tokenizer, settings)
        best = [0] * len(examples)
        for index, logits in forward(features, model, lambda batch: self.collate(batch, tokenizer)):
            best[index] = int(np.argmax(logits["logits"]))
            advance(1)
        return [self.labels[number] for number in best]

    def _encode(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        assert isinstance(settings, ClassificationSettings)
        texts = [_texts(example) for example in examples]
        frames = {count: frame(tokenizer, texts=count) for count in {len(t) for t in texts}}
        spelled = subwords((text for t in texts for text in t), tokenizer)
        features = []
        for each in texts:
            around = frames[len(each)]
            room = max(len(each), settings.max_length - around.size)
            parts = [spelled[text] for text in each]
            cut = truncate(parts[0], parts[1], room) if len(parts) > 1 else (parts[0][:room],)
            features.append(around.assemble(*cut))
        return features


def _texts(example: Example) -> tuple[str, ...]:
    assert isinstance(example.inputs, ClassificationInputs)
    inputs = example.inputs
    return (inputs.first,) if inputs.second is None else (inputs.first, inputs.second)
