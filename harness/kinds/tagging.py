"""Tagging: one label for every word of a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from harness.errors import DataError, did_you_mean
from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.prediction import forward, predict_with_head
from harness.kinds.sequences import IGNORED, Feature, check_length, frame, pad
from harness.progress import Advance
from harness.records import Example, Outputs, TaggingInputs
from harness.specs.settings import KindSettings, TaggingSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Tagging(Kind):
    """Sequence labelling with first-subword labels.

    Source: google-research/xtreme@838c13b third_party/run_tag.py, utils_tag.py, utils_preprocess.py.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "labels_tsv"}

    def decode_gold(self, gold: str) -> list[str]:
        """Return the labels, one per word."""
        return cast(list[str], json.loads(gold))

    def head(self, task: Labelled) -> TaggingHead:
        """Return a token classification head over the task's own labels.

        The official code adds a class `O` to label sets that lack it, so that its POS head has 18
        classes for 17 tags. No gold label is ever `O` there, so the class can only lose, and it
        is left out here.
        """
        return TaggingHead(task.labels)

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": one list of labels per sentence})."""
        return predict_with_head(work, self.head(work.task), "tagging")


class TaggingHead(Head):
    """A linear layer over the first subword of each word.

    A sentence that does not fit `max_length` is cut between words into consecutive windows without
    overlap, so that every word is in exactly one window. A word without subwords, or with more
    than a window holds, is read as the unknown token. The budget of a window is `max_length` less
    the special tokens that the tokenizer really adds (the official code counts one more for XLM-R).
    """

    auto_class = "AutoModelForTokenClassification"

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per window; `labels` int32 [length], -100 except on first subwords.

        Raises:
            DataError: if a gold label is not among the task's labels, or their number is wrong.
        """
        number = {label: i for i, label in enumerate(self.labels)}
        features = self._windows(examples, tokenizer, settings)
        golds = [self._numbers(example, number) for example in examples]
        for feature in features:
            labels = np.full(len(feature["input_ids"]), IGNORED, dtype=np.int32)
            labels[feature["first"]] = golds[feature["example"]][feature["words"]]
            feature["labels"] = labels
        return features

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad a batch of windows."""
        return pad(features, tokenizer)

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return the number of labelled words."""
        return int((batch["labels"] != IGNORED).sum())

    def outputs(
        self,
        examples: Sequence[Example],
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
        advance: Advance,
    ) -> Outputs:
        """Return a list of labels per sentence: the argmax at each word's first subword.

        Ties go to the label listed first. A sentence without words gets an empty list.
        """
        assert isinstance(settings, TaggingSettings)
        check_length(model, settings.max_length)
        features = self._windows(examples, tokenizer, settings)
        found: list[list[str | None]] = [[None] * len(_words(e)) for e in examples]
        left = np.bincount([f["example"] for f in features], minlength=len(examples))
        advance(int((left == 0).sum()))
        for index, logits in forward(features, model, lambda batch: self.collate(batch, tokenizer)):
            feature = features[index]
            best = logits["logits"][feature["first"]].argmax(axis=-1)
            found[feature["example"]][feature["words"]] = [self.labels[i] for i in best]
            left[feature["example"]] -= 1
            advance(int(left[feature["example"]] == 0))
        for example, labels in zip(examples, found, strict=True):
            assert None not in labels and len(labels) == len(_words(example)), f"BUG: {example.example_id}"
        return found

    def _numbers(self, example: Example, number: Mapping[str, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
        labels = json.loads(example.gold)
        if len(labels) != len(_words(example)):
            raise DataError(
                f"training sentence {example.example_id!r} has {len(_words(example))} words "
                f"but {len(labels)} labels"
            )
        for label in labels:
            if label not in number:
                raise DataError(
                    f"training sentence {example.example_id!r} has the label {label!r}, which is not "
                    f"among the task's labels {', '.join(self.labels)}{did_you_mean(str(label), self.labels)}"
                )
        return np.array([number[label] for label in labels], dtype=np.int32)

    def _windows(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return windows in order: model inputs, `example`, `words` (slice), `first` (positions)."""
        assert isinstance(settings, TaggingSettings)
        around = frame(tokenizer, texts=1)
        budget = max(1, settings.max_length - around.size)
        spelled = _spell({pair for e in examples for pair in _placed(e)}, tokenizer, budget)
        features = []
        for number, example in enumerate(examples):
            pieces = [spelled[pair] for pair in _placed(example)]
            for start, stop in split(list(map(len, pieces)), budget):
                window = pieces[start:stop]
                lengths = [0, *map(len, window)]
                feature = around.assemble([i for word in window for i in word])
                feature["example"], feature["words"] = number, slice(start, stop)
                feature["first"] = len(around.specials[0]) + np.cumsum(lengths)[:-1]
                features.append(feature)
        return features


def split(counts: Sequence[int], budget: int) -> list[tuple[int, int]]:
    """Cut words into consecutive ranges [start, stop) of at most `budget` subwords each.

    `counts` gives the subwords of each word, each between 1 and `budget`. A range is as long as the
    budget allows; every word is in exactly one; no words give no range.
    """
    ranges: list[tuple[int, int]] = []
    start = used = 0
    for word, count in enumerate(counts):
        if used + count > budget:
            ranges.append((start, word))
            start, used = word, 0
        used += count
    if counts:
        ranges.append((start, len(counts)))
    return ranges


def _words(example: Example) -> tuple[str, ...]:
    assert isinstance(example.inputs, TaggingInputs)
    return example.inputs.words


def _placed(example: Example) -> list[tuple[str, bool]]:
    """Return each word with whether another one stands before it."""
    return [(word, place > 0) for place, word in enumerate(_words(example))]


def _spell(
    words: Iterable[tuple[str, bool]], tokenizer: PreTrainedTokenizerBase, budget: int
) -> dict[tuple[str, bool], list[int]]:
    """Return the subwords of each (word, follows another), between 1 and `budget` of them.

    Byte-level and some SentencePiece tokenizers write a word after a space differently from one at
    the beginning; there a word that follows another is spelled with its space.
    """
    plain = tokenizer(["a", " a"], add_special_tokens=False)["input_ids"]
    space = " " if plain[0] != plain[1] else ""
    ordered = sorted(words)
    if not ordered:
        return {}
    texts = [space + word if follows else word for word, follows in ordered]
    ids = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    unknown = next(
        (
            i
            for i in (tokenizer.unk_token_id, tokenizer.mask_token_id, tokenizer.pad_token_id)
            if i is not None
        ),
        0,
    )
    return {pair: i if 1 <= len(i) <= budget else [unknown] for pair, i in zip(ordered, ids, strict=True)}
