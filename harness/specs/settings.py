"""What each kind of task can be told about preparing and decoding. Lengths count subwords."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from harness.specs.base import Spec


class KindSettings(Spec):
    """Base of the settings of all kinds.

    `embeds`: the encoder alone makes the predictions. `pooled`: one pool of candidates serves every
    language, whichever are asked for.
    """

    embeds: ClassVar[bool] = False
    pooled: ClassVar[bool] = False


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


class NullableQASettings(SpanQASettings):
    """Question answering where a question may have no answer.

    With `null_answers` the answer is empty wherever the first token scores higher than every span
    (Devlin et al. 2019, section 4.3, with the threshold 0). Training needs no setting: a question
    without an answer always points at the first token.
    """

    null_answers: bool = False


class BitextRetrievalSettings(KindSettings):
    """Nearest neighbour among the other side of an aligned file."""

    embeds: ClassVar[bool] = True
    max_length: PositiveInt | None = None  # None: the adapter's


class PassageRetrievalSettings(KindSettings):
    """Ranking of a multilingual pool of passages for each question.

    `representation`: the vector as the adapter makes it, or the pooler output, which is what the
    dual encoders of the official recipe are trained with.
    """

    embeds: ClassVar[bool] = True
    pooled: ClassVar[bool] = True
    representation: Literal["adapter", "pooler"] = "adapter"
    query_max_length: PositiveInt | None = 96
    passage_max_length: PositiveInt | None = 256
    top_k: PositiveInt = 20


class BitextMiningSettings(KindSettings):
    """Mining of translation pairs out of two monolingual corpora.

    `threshold`: the lowest margin score of a mined pair: chosen on the development set (`dev`), on the
    gold of the test set itself (`test`, which flatters), or a number fixed in advance.
    """

    embeds: ClassVar[bool] = True
    neighbours: PositiveInt = 4
    margin: Literal["ratio", "distance", "absolute"] = "ratio"
    threshold: Literal["dev", "test"] | float = "dev"
    max_length: PositiveInt | None = None  # None: the adapter's


class EntityRetrievalSettings(KindSettings):
    """Linking of mentions to entity descriptions; `representation` as in passage retrieval."""

    embeds: ClassVar[bool] = True
    pooled: ClassVar[bool] = True
    representation: Literal["adapter", "pooler"] = "adapter"
    max_length: PositiveInt = 64
    top_k: PositiveInt = 20


class MaskedLMSettings(KindSettings):
    """Masked language modelling on lines of text.

    A share `mask_probability` of the subwords is predicted; of these 80% are masked, 10% replaced by
    random ones and 10% kept (Devlin et al. 2019, section 3.1).
    """

    max_length: PositiveInt = 128
    mask_probability: float = Field(default=0.15, gt=0, lt=1)


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

# What may be trained on between pretraining and the target task.
INTERMEDIATE_SETTINGS: dict[str, type[KindSettings]] = {
    "classification": ClassificationSettings,
    "multiple_choice": ChoiceSettings,
    "tagging": TaggingSettings,
    "span_qa": NullableQASettings,
    "masked_lm": MaskedLMSettings,
}
