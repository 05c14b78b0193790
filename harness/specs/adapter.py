"""A model descriptor: how checkpoints of one family are recognised, pooled, prefixed and tuned."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from harness.specs.base import Name, Spec, Text

Pooling = Literal["mean", "cls", "max", "last"]


class Match(Spec):
    """When this adapter is chosen without being asked for; every given condition must hold.

    `names` are shell patterns against the last part of the model's id or folder, lower-cased.
    """

    model_types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sentence_transformer: bool | None = None  # a modules.json lies beside the weights


class Embedding(Spec):
    """How a text becomes one vector.

    `layer` indexes `hidden_states`: 0 is the embedding layer, `last` the final one; a mapping
    goes by the number of layers of the checkpoint ({12: 8, 24: 14}). `modules`: the pooling
    modules that the checkpoint itself brings (sentence-transformers) decide instead. `chosen_on` names
    the tasks on whose test sets layer or pooling were chosen: such a score flatters, and `compare`
    gives it no p.
    """

    modules: bool = False
    layer: int | Literal["last"] | dict[int, int] = "last"
    pooling: Pooling = "mean"
    include_special_tokens: bool = True
    normalize: bool = True
    max_length: PositiveInt | None = None  # None: what the checkpoint itself allows
    query_prefix: str = ""
    passage_prefix: str = ""
    symmetric_prefix: str = ""  # for bitext, where neither side is a query
    chosen_on: tuple[Name, ...] = ()


class AdapterSpec(Spec):
    """An adapter in one YAML file."""

    name: Name
    version: Text
    title: str
    notes: str = ""
    source: str  # where the settings come from
    match: Match = Field(default_factory=Match)
    priority: int = 0  # the highest priority of all that match is taken
    embedding: Embedding = Field(default_factory=Embedding)
    trust_remote_code: bool = False  # the family needs --trust-remote-code, and says so
    fine_tunes: bool = True  # heads can be trained on this family
    max_positions: PositiveInt | None = None

    @model_validator(mode="after")
    def _modules_can_match(self) -> Self:
        if self.embedding.modules and self.match.sentence_transformer is False:
            raise ValueError("embedding.modules needs a checkpoint with sentence-transformers modules")
        return self
