"""The training head of the pooled retrieval kinds: queries and passages meet in one shared encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, ModelError
from harness.kinds.base import Head
from harness.kinds.sequences import Feature, frame, pad
from harness.records import Example, QueryPassageInputs, SpanQAInputs
from harness.specs.settings import EntityRetrievalSettings, KindSettings, PassageRetrievalSettings

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# The tasks themselves leave a length open to mean the adapter's; training needs a number.
_QUERY_LENGTH, _PASSAGE_LENGTH = 96, 256
_INITIAL_SCALE = 100.0

# The end of a sentence: closing punctuation, then closing quotes or brackets, then white space and
# something that is no lower-case letter or digit; or full-width punctuation, which no space follows.
_SENTENCE_END = re.compile(r"""[.!?…]['"”’)\]]*\s+(?=[^\sa-z0-9])|[。！？]['"”’)」』]*\s*|\n+""")


class DualEncoderHead(Head):
    """Trains an encoder so that a query's pooled output is nearest to its passage's.

    One encoder serves both sides; its pooler output is normalised to length 1; the scores of all
    pairs in a micro-batch, times a learnable scale that begins at 100, go through a softmax over
    the passages. Negatives come from the micro-batch alone (4 as the official script has it for
    LAReQA, unless the recipe says another number), gradient accumulation adds none. Passages that
    are right for two queries of a micro-batch count as wrong for the other one, as in the official
    code. What is saved is the encoder with its pooler: an ordinary checkpoint.

    Training examples are pairs of query and passage (Mewsli-X), taken as they are, or SQuAD questions
    (LAReQA). Of these the passage is the sentence that holds the beginning of
    the first answer, then the whole paragraph, joined without a space, newlines removed. The official
    script finds sentences with rules of its own (processors/sb_sed.py); here a sentence ends at `.`,
    `!`, `?` or `…` before white space that no lower-case letter or digit follows, at `。！？`, and
    at a line break.
    Source: google-research/xtreme@838c13b third_party/run_retrieval_qa.py, run_retrieval_el.py,
    utils_lareqa.py, processors/mewslix.py.
    """

    auto_class = "AutoModel"
    labels: tuple[str, ...] = ()
    micro_batch = 4

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per example: `query` and `passage`, each with its own model inputs.

        Raises:
            DataError: if a question has no answer.
        """
        query_length, passage_length = _lengths(settings)
        pairs = [_query_and_passage(example) for example in examples]
        queries = _encode([query for query, _ in pairs], tokenizer, query_length)
        targets = _encode([passage for _, passage in pairs], tokenizer, passage_length)
        # Input ids of both sides stand outside too: they give a feature its length.
        return [
            {"query": query, "passage": passage, "input_ids": passage["input_ids"]}
            for query, passage in zip(queries, targets, strict=True)
        ]

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad each side of a batch by itself; returns `query` and `passage`, dicts of tensors."""
        return {side: pad([f[side] for f in features], tokenizer) for side in ("query", "passage")}

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return the number of queries."""
        return len(batch["query"]["input_ids"])

    def prepare(self, model: PreTrainedModel) -> None:
        """Register the scale as a parameter of the encoder.

        Raises:
            ModelError: if the model has no pooler.
        """
        import torch

        if getattr(model, "pooler", None) is None:
            raise ModelError(
                f"a dual encoder trains the pooler output, and {type(model).__name__} has no pooler: use "
                "a model of the BERT or XLM-R family, or --recipe none to retrieve with the encoder as it is"
            )
        scale = torch.full((1,), _INITIAL_SCALE, device=model.device)
        model.register_parameter("retrieval_scale", torch.nn.Parameter(scale))

    def loss(self, model: PreTrainedModel, batch: Mapping[str, Any]) -> Tensor:
        """Return the mean cross-entropy of each query's own passage among the batch's."""
        import torch
        from torch.nn.functional import cross_entropy, normalize

        query, passage = (
            normalize(model(**batch[side]).pooler_output.float(), dim=-1) for side in ("query", "passage")
        )
        scores = query @ passage.T * model.get_parameter("retrieval_scale")
        return cross_entropy(scores, torch.arange(len(scores), device=scores.device))

    def finish(self, model: PreTrainedModel) -> None:
        """Remove the scale, so that the checkpoint is an ordinary encoder."""
        del model.retrieval_scale


def sentence_at(context: str, position: int) -> str:
    """Return the sentence of a context that holds a character position, without outer white space."""
    edges = [0, *(m.end() for m in _SENTENCE_END.finditer(context)), len(context)]
    for start, stop in pairwise(edges):
        if start <= position < stop:
            return context[start:stop].strip()
    return context.strip()


def _lengths(settings: KindSettings) -> tuple[int, int]:
    if isinstance(settings, EntityRetrievalSettings):
        return settings.max_length, settings.max_length
    assert isinstance(settings, PassageRetrievalSettings)
    return settings.query_max_length or _QUERY_LENGTH, settings.passage_max_length or _PASSAGE_LENGTH


def _query_and_passage(example: Example) -> tuple[str, str]:
    inputs = example.inputs
    if isinstance(inputs, QueryPassageInputs):
        return inputs.query, inputs.passage
    if not isinstance(inputs, SpanQAInputs):
        raise DataError(
            f"training example {example.example_id!r} has {type(inputs).__name__}; a dual encoder is trained "
            "on pairs of query and passage or on questions with answers, so choose a reader of those"
        )
    if not inputs.answers:
        raise DataError(f"training question {example.example_id!r} has no answer to train on")
    sentence = sentence_at(inputs.context, inputs.answers[0].start)
    return inputs.question.strip(), (sentence + inputs.context).replace("\n", "")


def _encode(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Feature]:
    around = frame(tokenizer, texts=1)
    if not texts:
        return []
    ids = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return [around.assemble(i[: max_length - around.size]) for i in ids]
