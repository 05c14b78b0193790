"""`scores.json`: every number of a run as one typed tree, written as the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import ResultError
from harness.records import Estimate
from harness.results.trees import decode_tree

# Ten decimals: far below what any test set resolves, far above what summation order can move.
_DECIMALS = 10
_WAY_OUT = "delete it and run the same `xharness eval` again to write it anew"


class _Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Score(_Tree):
    """A score in percent (0-100) with its interval; `n` counts rows.

    `low` and `high` are null where no interval is defined.
    """

    value: float
    low: float | None
    high: float | None
    n: int = Field(ge=0)


class MetricScores(_Tree):
    """One metric of one task."""

    average: Score | None
    languages: dict[str, Score]


class TaskScores(_Tree):
    """One task. `source_language` is null where the benchmark does not test it."""

    main: str
    source_language: str | None
    metrics: dict[str, MetricScores]


class Scores(_Tree):
    """The whole tree of a run.

    `missing` names the languages of each task that have no score; such a task has no average.
    """

    schema_version: Literal[1] = 1
    suite: str | None
    recipe: str | None
    tasks: dict[str, TaskScores]
    groups: dict[str, Score | None] = Field(default_factory=dict)
    overall: Score | None = None
    missing: dict[str, list[str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _nothing_averaged_over_gaps(self) -> Self:
        for name, task in self.tasks.items():
            if task.main not in task.metrics:
                raise ValueError(
                    f"task {name!r}: main metric {task.main!r} is not among {sorted(task.metrics)}"
                )
            if self.missing.get(name) and any(m.average is not None for m in task.metrics.values()):
                raise ValueError(
                    f"task {name!r} has an average although {', '.join(self.missing[name])} is missing"
                )
        return self


@dataclass(frozen=True, slots=True)
class MetricEstimates:
    """What was estimated for one metric of one task. `average` is None if a language is missing."""

    languages: Mapping[str, Estimate]
    average: Estimate | None


@dataclass(frozen=True, slots=True)
class TaskEstimates:
    """What was estimated for one task."""

    main: str
    source_language: str | None
    metrics: Mapping[str, MetricEstimates]


@dataclass(frozen=True, slots=True)
class PartialMean:
    """The mean over the languages that are there, for tables only: it is not the benchmark's number."""

    estimate: Estimate
    languages: tuple[str, ...]


# Task -> metric -> the mean that stands in a table where the average is null.
PartialMeans = Mapping[str, Mapping[str, PartialMean]]


@dataclass(frozen=True, slots=True)
class SuiteEstimates:
    """Group and overall means of a suite; None where a member is missing."""

    groups: Mapping[str, Estimate | None] = field(default_factory=dict)
    overall: Estimate | None = None


def build_scores(
    tasks: Mapping[str, TaskEstimates],
    *,
    suite: str | None,
    recipe: str | None,
    missing: Mapping[str, Sequence[str]],
    means: SuiteEstimates | None = None,
) -> Scores:
    """Put estimates into the tree, rounded as they are written.

    Raises:
        ResultError: if a task has an average although one of its languages is missing.
    """
    means = means or SuiteEstimates()
    try:
        return Scores(
            suite=suite,
            recipe=recipe,
            tasks={
                name: TaskScores(
                    main=task.main,
                    source_language=task.source_language,
                    metrics={
                        metric: MetricScores(
                            average=_optional(found.average),
                            languages={code: score(e) for code, e in found.languages.items()},
                        )
                        for metric, found in task.metrics.items()
                    },
                )
                for name, task in tasks.items()
            },
            groups={name: _optional(estimate) for name, estimate in means.groups.items()},
            overall=_optional(means.overall),
            missing={name: sorted(codes) for name, codes in missing.items() if codes},
        )
    except ValidationError as error:
        raise ResultError(f"the scores do not fit together: {_reasons(error)}") from None


def score(estimate: Estimate) -> Score:
    """Turn an estimate into what is written, rounded."""
    return Score(
        value=_rounded(estimate.value),
        low=None if estimate.low is None else _rounded(estimate.low),
        high=None if estimate.high is None else _rounded(estimate.high),
        n=estimate.n,
    )


def encode_scores(scores: Scores) -> bytes:
    """Write the tree as canonical JSON: sorted keys, two spaces, a line feed at the end."""
    return _canonical(scores.model_dump(mode="json"))


def decode_scores(data: bytes, path: Path) -> Scores:
    """Read a tree back; `path` is for messages only.

    Raises:
        ResultError: as `decode_tree`, or if it does not fit the schema.
    """
    tree = decode_tree(data, path, _WAY_OUT)
    try:
        return Scores.model_validate(tree)
    except ValidationError as error:
        raise ResultError(f"{path}: {_reasons(error)}; {_WAY_OUT}") from None


def read_scores(path: Path) -> Scores:
    """Read `scores.json`.

    Raises:
        ResultError: if it is missing or not what this version writes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror}); is this a run folder?") from None
    return decode_scores(data, path)


def plain(scores: Scores) -> dict[str, Any]:
    """Return the same tree with plain numbers for scores, as `score --json` prints it."""
    return _plain(scores.model_dump(mode="json"))  # type: ignore[no-any-return]


def encode_plain(scores: Scores) -> bytes:
    """Write the plain tree as canonical JSON."""
    return _canonical(plain(scores))


def scores_schema() -> dict[str, Any]:
    """Return the JSON Schema of `scores.json`."""
    return Scores.model_json_schema()


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        if node.keys() == Score.model_fields.keys():
            return node["value"]
        return {key: _plain(value) for key, value in node.items()}
    return node


def _canonical(tree: Any) -> bytes:
    text = json.dumps(tree, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8")


def _rounded(value: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), _DECIMALS) + 0.0


def _optional(estimate: Estimate | None) -> Score | None:
    return None if estimate is None else score(estimate)


def _reasons(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        place = ".".join(str(p) for p in problem["loc"])
        parts.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    return "; ".join(parts)
