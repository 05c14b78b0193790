"""What each kind of task can be told about preparing and decoding. Lengths count subwords."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from harness.specs.base import Spec


class KindSettings(Spec):
    """Base of the settings of all kinds."""


class ClassificationSettings(KindSettings):
    """Sentence-pair or sentence classification."""

    max_length: PositiveInt = 128


class ChoiceSettings(KindSettings):
    """Multiple choice: each choice is encoded with the prompt, the highest score wins."""

    max_length: PositiveInt = 128


class TaggingSettings(KindSettings):
    """Tagging: sentences longer than `max_length` are windowed, every word gets one label."""

    max_length: PositiveInt = 128


class SpanQASettings(KindSettings):
    """Extractive question answering over overlapping windows."""

    max_length: PositiveInt = 384
    doc_stride: PositiveInt = 128
    max_query_length: PositiveInt = 64
    n_best: PositiveInt = 20
    max_answer_length: PositiveInt = 30


class BitextRetrievalSettings(KindSettings):
    """Nearest neighbour among the other side of an aligned file."""

    max_length: PositiveInt | None = None  # None: the adapter's


class PassageRetrievalSettings(KindSettings):
    """Ranking of a multilingual pool of passages for each question.

    `representation`: the vector as the adapter makes it, or the pooler output, which is what the
    dual encoders of the official recipe are trained with.
    """

    representation: Literal["adapter", "pooler"] = "adapter"
    query_max_length: PositiveInt | None = 96
    passage_max_length: PositiveInt | None = 256
    top_k: PositiveInt = 20


class BitextMiningSettings(KindSettings):
    """Mining of translation pairs out of two monolingual corpora."""

    neighbours: PositiveInt = 4


class EntityRetrievalSettings(KindSettings):
    """Linking of mentions to entity descriptions."""

    max_length: PositiveInt = 64
    top_k: PositiveInt = 20


SETTINGS: dict[str, type[KindSettings]] = {
    "classification": ClassificationSettings,
    "multiple_choice": ChoiceSettings,
    "tagging": TaggingSettings,
    "span_qa": SpanQASettings,
    "bitext_retrieval": BitextRetrievalSettings,
    "bitext_mining": BitextMiningSettings,
    "passage_retrieval": PassageRetrievalSettings,
    "entity_retrieval": EntityRetrievalSettings,
}
