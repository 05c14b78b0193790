"""What a study came to, as `comparison.json` holds it and its report reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ResultError
from harness.results.comparison import Comparisons, Effect
from harness.results.scores import Score
from harness.results.trees import decode_tree
from harness.stats.contrasts import Scope

Role = Literal["primary", "secondary"]


class _Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Answer(_Tree):
    """A contrast that was named in advance: candidate less baseline, over the languages no arm trained on.

    `languages` are those that it speaks of, by task, the source language not counted. `effect` is null
    where there is no number, and `why` says what is lacking; else `why` is empty. The p of secondary
    contrasts is adjusted over all of them (Holm).
    """

    role: Role
    candidate: str
    baseline: str
    quantity: Literal["gap_reduction", "difference"]
    scope: Scope | None = None
    languages: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    effect: Effect | None = None
    why: str = ""


class Choice(_Tree):
    """The best system for a target: chosen on development data, reported on test.

    `dev` are the scores on development data, in points, the mean over the seeds; empty where the recipe
    selects nothing, and then nothing is chosen. `test` are the task's scores on test. `dev_in_test` are
    the languages some of whose test rows are among the development data: there the choice is not
    independent of the test scores.
    """

    target: str
    dev_by: str = ""
    dev: dict[str, float] = Field(default_factory=dict)
    chosen: str | None = None
    test: dict[str, Score | None] = Field(default_factory=dict)
    dev_in_test: tuple[str, ...] = ()


class System(_Tree):
    """One arm: what it was trained on, language by language (`task: codes`), in how many runs."""

    title: str
    parent: str
    trained_on: dict[str, tuple[str, ...]]
    phases: int
    cards: tuple[str, ...]


class StudyResults(_Tree):
    """The whole of it. `exposed` are the cells that an arm was trained on, and why, by task and language.

    `unseen` compares all systems with the baseline over the other languages, `seen` over these cells
    alone; null where there is nothing to compare. `failures` has a line per step without a result.
    """

    schema_version: Literal[1] = 1
    key: str
    name: str
    version: str
    title: str
    notes: str
    source: str
    stamps: tuple[str, ...]
    baseline: str
    seeds: tuple[int, ...]
    alpha: float
    systems: dict[str, System]
    exposed: dict[str, dict[str, tuple[str, ...]]]
    answers: tuple[Answer, ...]
    choices: tuple[Choice, ...]
    unseen: Comparisons | None
    seen: Comparisons | None
    failures: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether a contrast was named in advance."""
        return any(answer.role == "primary" for answer in self.answers)


def encode_study(found: StudyResults) -> bytes:
    """Write the tree as JSON: keys in order, since that of systems and targets is the study's own."""
    tree: dict[str, Any] = found.model_dump(mode="json")
    for part in (tree["unseen"], tree["seen"]):
        for comparison in part["comparisons"] if part else ():
            if comparison["typology"] is None:
                del comparison["typology"]
    text = json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8")


def read_study(path: Path) -> StudyResults | None:
    """Return what is kept; None where there is nothing that this version reads."""
    try:
        return StudyResults.model_validate(decode_tree(path.read_bytes(), path, ""))
    except (OSError, ResultError, ValidationError):
        return None
