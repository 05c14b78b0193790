"""What an intermediate phase trains on, and how: tasks, languages, their shares, hyper-parameters."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from harness.specs.base import LanguageCode, Spec, Text, refuse_repeats
from harness.specs.recipe import BySize, CountBySize
from harness.specs.run import MAX_SEED, DataPlace, Device, DType

SamplingName = Literal["uniform", "proportional", "temperature", "capped"]


class LanguageChoice(Spec):
    """Languages picked by typological distance among those that the task has.

    `diverse`: so many, one after the other, each the farthest from those picked before (greedy max-min),
    beginning with the farthest from `origin`. `close`: so many, the nearest to `origin`. Neither picks
    `origin` itself. Ties go to the code that comes first in the alphabet. `exclude` are never picked.
    """

    diverse: PositiveInt | None = None
    close: PositiveInt | None = None
    origin: str = "en"
    distance: Text = "table"
    exclude: tuple[LanguageCode, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.diverse is None) == (self.close is None):
            raise ValueError("give `diverse: K` or `close: K`, one of them")
        return self


Languages = Annotated[tuple[LanguageCode, ...], Field(min_length=1)] | LanguageChoice | Literal["all"]


class Part(Spec):
    """One task of the mixture.

    `examples` is a number over all its languages, shared out evenly among them and drawn by the seed;
    None takes every one. `max_length` replaces the task's own.
    """

    task: Text  # a name, or the path of a YAML file
    languages: Languages = "all"
    examples: PositiveInt | None = None
    max_length: PositiveInt | None = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        if isinstance(self.languages, tuple):
            refuse_repeats("languages", self.languages)
        return self


class Sampling(Spec):
    """The share of each of several data sets of n_i examples.

    In proportion to 1 (`uniform`), n_i (`proportional`), n_i^(1/T) (`temperature`) or min(n_i, cap)
    (`capped`). Source: jiant's samplers (nyu-mll/jiant@daa5a25, jiant/proj/main/components/task_sampler.py).
    """

    by: SamplingName = "proportional"
    temperature: PositiveFloat | None = None
    cap: PositiveInt | None = None

    @model_validator(mode="after")
    def _needs(self) -> Self:
        for name, value, wanted in (
            ("temperature", self.temperature, self.by == "temperature"),
            ("cap", self.cap, self.by == "capped"),
        ):
            if wanted and value is None:
                raise ValueError(f"sampling by {self.by!r} needs `{name}`")
            if not wanted and value is not None:
                raise ValueError(f"`{name}` says nothing where sampling is by {self.by!r}")
        return self

    def shares(self, sizes: tuple[int, ...]) -> tuple[float, ...]:
        """Return the share of each data set; they sum to 1. `sizes`: at least one, all positive."""
        weights = [self._weight(size) for size in sizes]
        return tuple(weight / sum(weights) for weight in weights)

    def _weight(self, size: int) -> float:
        match self.by:
            case "uniform":
                return 1.0
            case "proportional":
                return float(size)
            case "temperature":
                return math.pow(size, 1 / (self.temperature or 1.0))
            case "capped":
                return float(min(size, self.cap or size))


class MaskedText(Spec):
    """Masked language modelling mixed in: a share of all updates, on lines of text.

    Text is that of an intermediate task of kind `masked_lm` (`task`), or of files of one's own, one text
    per line, by language (`files`, relative to the data folder). The lines of the languages are drawn
    as `languages` of the mixture says.
    """

    share: float = Field(gt=0, lt=1)
    task: Text | None = None
    languages: Languages = "all"
    files: dict[LanguageCode, Text] = Field(default_factory=dict)
    examples: PositiveInt | None = None
    max_length: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.task is None) == (not self.files):
            raise ValueError("give `task`, or `files` by language, one of them")
        if isinstance(self.languages, tuple):
            refuse_repeats("languages", self.languages)
        return self


class MixtureSelection(Spec):
    """Checkpoint selection on development data of the intermediate tasks alone.

    The score is the plain mean over the tasks that have development data (in the languages trained on)
    of the mean of each task's metrics, as in jiant. `first_examples`: of each language, at most.
    """

    every_steps: PositiveInt
    first_examples: PositiveInt | None = None
    patience: PositiveInt | None = None


class Mixture(Spec):
    """An intermediate phase: one encoder, one head per task.

    The defaults are jiant's simple API (nyu-mll/jiant@daa5a25, jiant/proj/simple/runscript.py). Every
    update is of one task; tasks and, within a task, languages have exactly their shares of the
    updates and examples, in an order drawn by the seed. `epochs` counts over all examples together;
    `max_steps` replaces it. `warmup_steps`, 0 included, replaces `warmup_ratio`. `share_heads`: tasks of
    one kind with the same labels train one head.
    """

    on: Annotated[tuple[Part, ...], Field(min_length=1)]
    source: Text = "the user's own"
    tasks: Sampling = Sampling()
    languages: Sampling = Sampling()
    mlm: MaskedText | None = None
    share_heads: bool = False
    epochs: PositiveFloat = 3.0
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat | BySize = 1e-5
    batch_size: PositiveInt | CountBySize = 32
    warmup_steps: int | None = Field(default=None, ge=0)
    warmup_ratio: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    adam_epsilon: PositiveFloat = 1e-8
    max_grad_norm: PositiveFloat = 1.0
    selection: MixtureSelection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats("on", [part.task for part in self.on])
        if self.warmup_steps is not None and "warmup_ratio" not in self.model_fields_set:
            # Written into the ratio, so that a mixture reads the same once it was written out.
            object.__setattr__(self, "warmup_ratio", 0.0)
        if self.warmup_steps and self.warmup_ratio:
            raise ValueError("warmup_steps and warmup_ratio are two ways to say one thing; give one of them")
        return self


class MixtureFile(Mixture):
    """The YAML file that `xharness train` takes: a mixture, and what it may leave to the command line."""

    model: Text | None = None
    adapter: Text | None = None
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)

    def mixture(self) -> Mixture:
        """Return the mixture alone."""
        return Mixture.model_validate(self.model_dump(exclude={"model", "adapter", "seed"}))


class TrainSpec(Spec):
    """What `xharness train` was asked to do."""

    model: Text
    mixture: Mixture
    out: Text
    data_dir: Text | None = None
    sources: tuple[DataPlace, ...] = ("local", "hub")
    adapter: Text | None = None
    seed: int = Field(default=1, ge=0, le=MAX_SEED)
    device: Device = "auto"
    dtype: DType = "auto"
    threads: PositiveInt | None = None
    offline: bool = False
    resume: bool = True
    allow_pickle: bool = False
    trust_remote_code: bool = False
    report_to: tuple[Literal["tensorboard", "wandb"], ...] = ()
