"""How a head is trained for a task: phases with their hyper-parameters, and where they come from."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from harness.specs.base import Name, Spec


class BySize(Spec):
    """A value that depends on the encoder: `large` from a hidden size of 1,024 on."""

    base: PositiveFloat
    large: PositiveFloat

    def for_hidden_size(self, hidden_size: int) -> float:
        """Return the value for an encoder of this width."""
        return self.large if hidden_size >= 1024 else self.base


class CountBySize(Spec):
    """A whole number that depends on the encoder, as `BySize`."""

    base: PositiveInt
    large: PositiveInt

    def for_hidden_size(self, hidden_size: int) -> int:
        """Return the number for an encoder of this width."""
        return self.large if hidden_size >= 1024 else self.base


class Selection(Spec):
    """Checkpoint selection on source-language development data, by the task's benchmark score.

    `computes` names other metrics, whose mean is taken: those of the data that are trained on, where
    two tasks that score differently share one training run (XQuAD and MLQA).
    """

    every_steps: PositiveInt
    first_examples: PositiveInt | None = None  # jiant looks at the first 500 only
    patience: PositiveInt | None = None  # evaluations without gain before training stops
    computes: tuple[str, ...] = ()


class Phase(Spec):
    """One training run: a training set and AdamW with linear decay to 0.

    `batch_size` is the effective batch (per device x devices x accumulation). `micro_batch` is for
    heads whose loss compares the examples of one forward pass with each other (in-batch negatives).
    """

    training_set: Name
    epochs: PositiveFloat
    learning_rate: PositiveFloat | BySize
    batch_size: PositiveInt | CountBySize = 32
    micro_batch: PositiveInt | CountBySize | None = None
    max_length: PositiveInt | None = None  # default: the task's own settings
    warmup_steps: int = Field(default=0, ge=0)
    warmup_ratio: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    adam_epsilon: PositiveFloat = 1e-8
    max_grad_norm: PositiveFloat = 1.0
    max_steps: PositiveInt | None = None
    selection: Selection | None = None  # None: the last checkpoint

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps and self.warmup_ratio:
            raise ValueError("give warmup_steps or warmup_ratio, not both")
        return self


class Recipe(Spec):
    """The way to a head. `phases` in order; none means that the checkpoint is used as it is.

    `encoder_of` names another task whose trained encoder is used without its head (XTREME-R
    evaluates Tatoeba with the encoder fine-tuned on SQuAD).
    """

    source: str
    phases: tuple[Phase, ...] = ()
    encoder_of: Name | None = None
    zero_shot: bool = True
    stamp: Literal["smoke"] | None = None
    settings: dict[str, int | float | str | bool] = Field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether anything is trained under this recipe."""
        return bool(self.phases) or self.encoder_of is not None
