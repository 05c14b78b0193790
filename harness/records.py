"""The vocabulary that flows through a run: examples, test sets, statistics, estimates.

Plain frozen data; no torch, no files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


# Made once: `json.dumps` would make one per call, which takes longer than writing a short text.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any) -> str:
    """Write a value as the one JSON text that fingerprints and files use for it."""
    return _ENCODER.encode(value)


@dataclass(frozen=True, slots=True)
class BitextInputs:
    """One aligned sentence pair: `source` in English, `target` in the language of the test set."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class ClassificationInputs:
    """A text, or a pair of texts, to be given one label."""

    first: str
    second: str | None = None


@dataclass(frozen=True, slots=True)
class MiningInputs:
    """A gold pair of two corpora, by the ids of its sentences; `source` is the English side."""

    target: str
    source: str


@dataclass(frozen=True, slots=True)
class QueryInputs:
    """A query whose answers are among the candidates of the pool."""

    query: str


@dataclass(frozen=True, slots=True)
class QueryPassageInputs:
    """A query with the passage that answers it: what dual encoders are trained on."""

    query: str
    passage: str


@dataclass(frozen=True, slots=True)
class TextInputs:
    """A text of which nothing is asked: a model learns to fill in what is masked of it."""

    text: str


@dataclass(frozen=True, slots=True)
class TaggingInputs:
    """A sentence as words; one label per word is due."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer: `context[start : start + len(text)] == text`, `start` in code points."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class SpanQAInputs:
    """A question over a context; `answers` holds every gold answer with its offset."""

    question: str
    context: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class ChoiceInputs:
    """A prompt and the choices of which one is right."""

    prompt: str
    choices: tuple[str, ...]


Inputs = (
    BitextInputs
    | ClassificationInputs
    | MiningInputs
    | QueryInputs
    | QueryPassageInputs
    | TaggingInputs
    | TextInputs
    | SpanQAInputs
    | ChoiceInputs
)

# The gold text of a row that only the predictions speak of: a mined pair that is not gold.
NO_GOLD = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One test or training item.

    `gold` is text: a label, or canonical JSON (`canonical_json`). It is what is stored,
    fingerprinted and scored against. `parallel_id` is shared by the translations of one item in
    other languages; `cluster_id` by items of one language that are not independent (the questions
    of one article). Either may be None.
    """

    example_id: str
    inputs: Inputs
    gold: str
    parallel_id: str | None = None
    cluster_id: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be retrieved: its id and what is embedded."""

    candidate_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read: path relative to the data folder, SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """The examples of one task in one language, in the official order.

    `candidates` is this language's share of the retrieval pool (empty for other kinds); where two
    corpora face each other it is the one in this language and `counterpart` the English one.
    `repairs` counts what the reader mended, by name of the repair.
    """

    task: str
    language: str
    examples: tuple[Example, ...]
    candidates: tuple[Candidate, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)
    counterpart: tuple[Candidate, ...] = ()


# One output per example, of the type the task kind's format stores: a label (str), a choice or a
# row number (int), a list of labels, an answer text, a ranked list of candidate ids.
Outputs = list[Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its interval, all in percent (0-100); `n` counts rows, not units.

    `low` and `high` are None where no interval is defined (a single unit), never 0.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    units: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The scored examples of one task in one language, over all seeds of a run.

    `statistics[metric]` is float64 [seeds, n, k]. Row i of every array belongs to `example_ids[i]`.
    Rows whose gold is `NO_GOLD` are no part of the test set: they hold what was predicted beside it.
    """

    task: str
    language: str
    seeds: tuple[int, ...]
    example_ids: tuple[str, ...]
    parallel_ids: tuple[str | None, ...]
    cluster_ids: tuple[str | None, ...]
    golds: tuple[str, ...]
    statistics: Mapping[str, Float]

    @property
    def tested(self) -> int:
        """The number of rows of the test set."""
        return len(self.golds) - self.golds.count(NO_GOLD)

    @property
    def in_test_set(self) -> NDArray[np.bool_]:
        """Which rows are of the test set, bool [n]."""
        return np.fromiter(map(NO_GOLD.__ne__, self.golds), dtype=np.bool_, count=len(self.golds))

    def without_statistics(self) -> Cell:
        """Return the test set alone, as it was before anything was scored."""
        if NO_GOLD not in self.golds:
            return replace(self, statistics={})
        kept = [row for row, gold in enumerate(self.golds) if gold != NO_GOLD]
        return replace(
            self,
            example_ids=tuple(self.example_ids[i] for i in kept),
            parallel_ids=tuple(self.parallel_ids[i] for i in kept),
            cluster_ids=tuple(self.cluster_ids[i] for i in kept),
            golds=tuple(self.golds[i] for i in kept),
            statistics={},
        )
