"""What a kind of task must know: how to prepare, train a head, decode, and read its gold.

Scoring is the metrics' part; averaging and uncertainty are `stats`' part. A kind is one object
without state. Its prediction and training methods import torch when called; reading gold and
formats does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from harness.backends.model import Model
from harness.errors import SpecError
from harness.progress import Advance, Progress
from harness.records import Candidate, Cell, DataSet, Example, Outputs
from harness.specs.run import Search
from harness.specs.settings import KindSettings
from harness.specs.task import TaskSpec

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Work:
    """One prediction job: a task, a model, and the languages still due.

    `data` holds the languages of the run; predictions are wanted for `languages` only. `pool` holds
    every language of the benchmark for kinds whose candidates span languages (else it is empty), so
    that a score does not depend on which query languages were chosen. `dev` holds, by language, what
    decoding itself is tuned on (empty for most kinds). `limited` says that the examples were cut
    (`--limit`); pools and corpora never are. What is computed for a language
    depends on that language's data and the pool alone, so that a resumed run gives the same bytes.
    """

    task: TaskSpec
    settings: KindSettings
    data: Mapping[str, DataSet]
    languages: tuple[str, ...]
    model: Model
    search: Search
    progress: Progress
    pool: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    dev: Mapping[str, DataSet] = field(default_factory=dict)
    limited: bool = False


class Labelled(Protocol):
    """What a head must know of a task: a target, or an intermediate one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the task's order; empty where the size of the head does not depend on the task."""
        ...


class Kind(Protocol):
    """A kind of task.

    `formats` maps each output to its file format in `harness.results.formats`; `prediction` is the
    one that goes into the official submission layout, all others go to `extra/`.
    """

    formats: ClassVar[Mapping[str, str]]

    def decode_gold(self, gold: str) -> Any:
        """Turn stored gold text into what the metrics take."""
        ...

    def head(self, task: Labelled) -> Head | None:
        """Return the head the kind trains or expects, or None where it uses the encoder alone."""
        ...

    def line_up(
        self, gold: Cell, outputs: Sequence[Mapping[str, Outputs]]
    ) -> tuple[Cell, Sequence[Mapping[str, Outputs]]]:
        """Bring gold and the outputs of each seed to one row per row, for the metrics.

        Here they are already: one output per example. Kinds that predict more than the test set asks
        for add rows whose gold is `NO_GOLD`.
        """
        return gold, outputs

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, outputs by name) for each language due, one output per example, in order.

        Raises:
            ModelError: if the checkpoint lacks what the kind needs.
        """
        ...


class Head(Protocol):
    """How a kind trains on top of an encoder. `harness.training` runs it.

    `micro_batch` fixes the number of examples per forward pass where the loss depends on it
    (in-batch negatives); None leaves the choice to the training: the loss of an update is the mean
    over its effective batch, however that is cut.
    """

    auto_class: str  # name of a transformers class: AutoModelForTokenClassification, ...
    labels: tuple[str, ...]  # empty where the size of the head does not depend on the task
    micro_batch: int | None = None

    def features(
        self,
        examples: Sequence[Example],
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
    ) -> list[dict[str, Any]]:
        """Turn training examples into model inputs, labels included, unpadded."""
        ...

    def collate(
        self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase
    ) -> dict[str, Any]:
        """Pad a batch of features to its longest member; returns tensors."""
        ...

    def outputs(
        self,
        examples: Sequence[Example],
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: KindSettings,
        advance: Advance,
    ) -> Outputs:
        """Predict: one output per example, in order. Used for test sets and for selection on dev.

        Raises:
            SpecError: if the head predicts nothing by itself, as one that only trains an encoder.
        """
        raise SpecError(
            f"{type(self).__name__} predicts nothing by itself, so no checkpoint can be selected by its "
            "scores: remove `selection` from the recipe's phase"
        )

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return how many items the mean of `loss` is over: the examples of the batch, if nothing else."""
        return len(batch["input_ids"])

    def loss(self, model: PreTrainedModel, batch: Mapping[str, Any]) -> Tensor:
        """Return the mean loss of a collated batch, a scalar."""
        loss: Tensor = model(**batch).loss
        return loss

    def prepare(self, model: PreTrainedModel) -> None:
        """Add the parameters that only training needs (none here)."""
        return None

    def finish(self, model: PreTrainedModel) -> None:
        """Remove what `prepare` added, before the trained model is saved."""
        return None
