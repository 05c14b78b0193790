"""Small generated run folders: what `harness.compare` reads, without a model or data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.fingerprint import fingerprint_of
from harness.metrics.table import metric_named
from harness.records import Cell
from harness.results.examples import write_examples
from harness.results.folder import RunFolder
from harness.results.record import (
    DataRecord,
    Environment,
    Failure,
    ModelRecord,
    RunRecord,
    SpecRecord,
    TaskRecord,
    TrainingRecord,
    write_record,
)
from harness.specs.run import RunSpec
from harness.specs.task import TaskSpec

LABELS = ("yes", "no")


@dataclass(frozen=True)
class Language:
    """The rows of one language: `scores` [runs, rows] between 0 and 1 (for accuracy 0 or 1).

    `second` are those of the second metric, where a task has one. ids None: the row numbers.
    `parallel` and `clusters`: one id per row; `True`: the example ids themselves.
    """

    scores: Any
    parallel: Any = None
    clusters: Sequence[str | None] | None = None
    ids: Sequence[str] | None = None
    golds: Sequence[str] | None = None
    second: Any = None


@dataclass(frozen=True)
class Task:
    """A task by its languages; `metrics` are accuracy, or F1 and exact match whose mean is its score."""

    languages: Mapping[str, Language]
    source: str | None = None
    space: str | None = None
    version: str = "1"
    qa: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True
    kind: str | None = None


def write_run(
    path: Path,
    tasks: Mapping[str, Task],
    *,
    seeds: Sequence[int] = (1,),
    limit: int | None = None,
    failed: Sequence[str] = (),
    finished: bool = True,
) -> Path:
    """Write run.json and the examples of every task; return the folder."""
    folder = RunFolder(path)
    data: dict[str, dict[str, DataRecord]] = {}
    for name, task in tasks.items():
        data[name] = {}
        for code, language in task.languages.items():
            cell, columns = _cell(name, code, language, task, seeds)
            write_examples(folder.examples(name, code), cell, columns)
            data[name][code] = DataRecord(
                fingerprint=fingerprint_of(cell.example_ids, cell.golds), examples=len(cell.golds)
            )
    specs = {name: _spec(name, task) for name, task in tasks.items()}
    record = RunRecord(
        request=RunSpec(model="generated", tasks=tuple(tasks), seeds=tuple(seeds), limit=limit),
        suite=None,
        recipe="xtreme",
        specs=tuple(
            SpecRecord(
                kind="task",
                name=name,
                version=spec.version,
                sha256="ab" * 32,
                content=spec.model_dump(mode="json"),
            )
            for name, spec in specs.items()
        ),
        tasks={
            name: TaskRecord(
                recipe="xtreme",
                head="trained" if task.trained else "none",
                zero_shot=True,
                languages=tuple(task.languages),
                expected=tuple(task.languages),
            )
            for name, task in tasks.items()
        },
        model=ModelRecord(
            id="org/generated",
            revision="cd" * 20,
            weights_sha256="ef" * 32,
            adapter="xlm-roberta",
            adapter_version="1",
        ),
        data=data,
        seeds=tuple(seeds),
        training={
            name: tuple(TrainingRecord(key=f"{name}-{seed}", seed=seed, recipe="xtreme") for seed in seeds)
            for name, task in tasks.items()
            if task.trained
        },
        versions={"python": "3.11.2", "xharness": "0.1.0"},
        environment=Environment(device="cpu", dtype="float32", search="exact", threads=1),
        started="2026-01-02T03:04:05Z",
        finished="2026-01-02T03:05:05Z" if finished and not failed else None,
        failures=tuple(Failure(task=name, message="out of memory") for name in failed),
        limit=limit,
    )
    write_record(folder.run_json, record)
    return path


def _cell(
    name: str, code: str, language: Language, task: Task, seeds: Sequence[int]
) -> tuple[Cell, dict[str, tuple[str, ...]]]:
    scores = np.atleast_2d(np.asarray(language.scores, dtype=np.float64))
    n = scores.shape[1]
    ids = tuple(language.ids or map(str, range(n)))
    metrics = {"f1": scores, "exact_match": scores} if task.qa else {"accuracy": scores}
    if task.qa and language.second is not None:
        metrics["exact_match"] = np.atleast_2d(np.asarray(language.second, dtype=np.float64))
    computes = {m.name: m.computes for m in _spec(name, task).metrics}
    parallel = ids if language.parallel is True else language.parallel
    cell = Cell(
        task=name,
        language=code,
        seeds=tuple(seeds) if task.trained else tuple(seeds)[:1],
        example_ids=ids,
        parallel_ids=(None,) * n if parallel is None else tuple(parallel),
        cluster_ids=(None,) * n if language.clusters is None else tuple(language.clusters),
        golds=tuple(language.golds or (LABELS[row % 2] for row in range(n))),
        statistics={
            metric: np.stack([found, np.ones_like(found)], axis=2) for metric, found in metrics.items()
        },
    )
    return cell, {metric: metric_named(computes[metric]).columns for metric in metrics}


def _spec(name: str, task: Task) -> TaskSpec:
    metrics = (
        [
            {"name": "f1", "computes": "squad_f1"},
            {"name": "exact_match", "computes": "squad_exact_match"},
        ]
        if task.qa
        else [{"name": "accuracy", "computes": "token_accuracy" if task.kind == "tagging" else "accuracy"}]
    )
    return TaskSpec.model_validate(
        {
            "name": name,
            "version": task.version,
            "kind": task.kind
            or ("span_qa" if task.qa else "bitext_mining" if task.settings else "classification"),
            "title": f"Task {name}",
            "licence": "CC0",
            "citation": "generated",
            "source_language": task.source,
            "languages": {code: {"tag": code} for code in {*task.languages, task.source} - {None}},
            "labels": LABELS,
            "unit_space": task.space,
            "data": {"local": {"reader": "xtreme_tsv", "files": {"rows": ["{code}.tsv"]}}, "dev": None},
            "metrics": metrics,
            "main_metric": metrics[0]["name"],
            "benchmark_score": [m["name"] for m in metrics] if task.qa else [],
            "settings": dict(task.settings),
            "recipes": {"xtreme": {"source": "generated"}},
        }
    )
