"""Extractive question answering: the answer is a span of the context."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.prediction import forward, predict_with_head
from harness.kinds.sequences import Feature, Frame, Ids, check_length, frame, pad
from harness.kinds.spans import Offsets, Window, answer_tokens, best_span, cut, fullest, span_text
from harness.progress import Advance
from harness.records import Example, Outputs, SpanQAInputs
from harness.specs.settings import KindSettings, NullableQASettings, SpanQASettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class SpanQA(Kind):
    """Answer spans over overlapping windows of the context.

    Windows, scores and limits are those of the official code. Answers are not: the official code
    maps a span back to whole whitespace-separated chunks, which in scripts without spaces gives
    half sentences (a reason why its zh and th scores are low). Here a span is cut from the context
    by the character offsets of its subwords, in every language.
    Source: google-research/xtreme@838c13b third_party/run_squad.py, processors/squad.py, and
    `compute_predictions_logits` of transformers 2.8.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "answers_json"}

    def decode_gold(self, gold: str) -> list[str]:
        """Return the texts of all gold answers."""
        return cast(list[str], json.loads(gold))

    def head(self, task: Labelled) -> SpanHead:
        """Return a span head; its size does not depend on the task."""
        return SpanHead()

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": the answer text per question})."""
        return predict_with_head(work, self.head(work.task), "answering")


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A question and its context as subwords; `offsets` are those of the context."""

    question: Sequence[int]
    context: Ids
    offsets: Offsets


class SpanHead(Head):
    """A start and an end score for every subword."""

    auto_class = "AutoModelForQuestionAnswering"
    labels: tuple[str, ...] = ()

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per window, with `start` and `end`, positions of the first gold answer.

        A window that does not hold the whole answer is kept and points at its first token, as in
        the official training code. So does every window of a question without an answer (Devlin et al.
        2019, section 4.3); readers give such questions only where a task asks for them.
        """
        around = frame(tokenizer, texts=2)
        features = self._windows(examples, tokenizer, settings, around)
        for feature in features:
            window: Window = feature["window"]
            tokens = _gold_tokens(examples[feature["example"]], feature["encoded"].offsets)
            inside = tokens is not None and window.start <= tokens[0] and tokens[1] < window.stop
            shift = window.place - window.start
            feature["start"], feature["end"] = (
                (tokens[0] + shift, tokens[1] + shift) if tokens and inside else (0, 0)
            )
            del feature["encoded"], feature["window"]  # a large training set need not hold them
        return features

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad a batch; `start_positions` and `end_positions` int64 [batch] where there are any."""
        import torch

        batch = pad(features, tokenizer)
        if "start" in features[0]:
            for name in ("start", "end"):
                batch[f"{name}_positions"] = torch.tensor([f[name] for f in features], dtype=torch.int64)
        return batch

    def outputs(
        self,
        examples: Sequence[Example],
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
        advance: Advance,
    ) -> Outputs:
        """Return the answer text per question.

        It is empty only where no span is allowed at all, or where the task has questions without an
        answer (`null_answers`) and none scores higher.
        Of spans with equal scores the one in the earlier window wins, then the one whose start,
        then whose end ranks higher (equal logits rank by position).
        """
        assert isinstance(settings, SpanQASettings)
        check_length(model, settings.max_length)
        features = self._windows(examples, tokenizer, settings, frame(tokenizer, texts=2))
        members: dict[int, list[int]] = defaultdict(list)
        for index, feature in enumerate(features):
            members[feature["example"]].append(index)
        waiting: dict[int, dict[int, Any]] = defaultdict(dict)
        answers = [""] * len(examples)
        for index, logits in forward(features, model, lambda batch: self.collate(batch, tokenizer)):
            example, length = features[index]["example"], len(features[index]["input_ids"])
            done = waiting[example]
            done[index] = (logits["start_logits"][:length], logits["end_logits"][:length])
            if len(done) < len(members[example]):
                continue
            span = best_span(
                [features[i]["window"] for i in members[example]],
                [waiting[example][i] for i in members[example]],
                n_best=settings.n_best,
                max_length=settings.max_answer_length,
                may_be_null=isinstance(settings, NullableQASettings) and settings.null_answers,
            )
            del waiting[example]
            if span is not None:
                answers[example] = span_text(
                    _inputs(examples[example]).context, features[index]["encoded"].offsets, *span
                )
            advance(1)
        return answers

    def _windows(
        self,
        examples: Sequence[Example],
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
        around: Frame,
    ) -> list[Feature]:
        """Return windows in order: model inputs, `example`, `encoded`, `window`."""
        assert isinstance(settings, SpanQASettings)
        features = []
        for number, encoded in enumerate(_encode(examples, tokenizer, settings, around)):
            room = max(1, settings.max_length - around.size - len(encoded.question))
            ranges = cut(len(encoded.context), room, settings.doc_stride)
            place = around.size - len(around.specials[2]) + len(encoded.question)
            for window in fullest(ranges, place):
                feature = around.assemble(encoded.question, encoded.context[window.start : window.stop])
                feature["example"], feature["encoded"], feature["window"] = number, encoded, window
                features.append(feature)
        return features


def _gold_tokens(example: Example, offsets: Offsets) -> tuple[int, int] | None:
    """Return the first and last token of the first gold answer, if there is one."""
    answers = _inputs(example).answers
    return (
        answer_tokens(offsets, answers[0].start, answers[0].start + len(answers[0].text)) if answers else None
    )


def _inputs(example: Example) -> SpanQAInputs:
    assert isinstance(example.inputs, SpanQAInputs)
    return example.inputs


def _encode(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: SpanQASettings, around: Frame
) -> list[_Encoded]:
    """Encode every question and, once, every distinct context.

    White space around a question is dropped: it would use up the question's subwords.
    """
    if not examples:
        return []
    contexts = list(dict.fromkeys(_inputs(e).context for e in examples))
    encoded = tokenizer(contexts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    by_context: dict[str, tuple[Ids, Offsets]] = {
        text: (np.asarray(ids, dtype=np.int32), np.asarray(offsets, dtype=np.int64).reshape(-1, 2))
        for text, ids, offsets in zip(contexts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    }
    questions = tokenizer(
        [_inputs(e).question.strip() for e in examples], add_special_tokens=False, verbose=False
    )["input_ids"]
    # A question never takes so much that no context is left beside it.
    longest = max(0, min(settings.max_query_length, settings.max_length - around.size - 1))
    return [
        _Encoded(question[:longest], *by_context[_inputs(example).context])
        for example, question in zip(examples, questions, strict=True)
    ]
