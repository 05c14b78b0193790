"""Write small run folders without a model: records and example files, nothing else.

    hits = {"xnli": {"en": draw_hits(0.8, 200, seed=1), "de": draw_hits(0.6, 200, seed=2)}}
    write_run(folder, hits)

`hits[task][language]` holds what each example earns, 0 to 1, as float64 [n] or [seeds, n].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.fingerprint import fingerprint_of
from harness.metrics.table import metric_named
from harness.records import Cell, Float
from harness.results.examples import write_examples
from harness.results.folder import RunFolder
from harness.results.record import (
    DataRecord,
    Failure,
    ModelRecord,
    RunRecord,
    SpecRecord,
    TaskRecord,
    TrainingRecord,
    write_record,
)
from harness.specfiles.catalog import load_task
from harness.specs.run import RunSpec
from harness.specs.task import TaskSpec

Hits = Mapping[str, Mapping[str, Float]]


def draw_hits(share: float, n: int, *, seed: int, runs: int = 1) -> Float:
    """Return 0 or 1 per example, float64 [runs, n]; one seed, one difficulty of each example.

    So two systems of the same seed are right on nearly the same examples.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.random(n)
    return (difficulty + rng.normal(0, 0.02, (runs, n)) < share).astype(np.float64)


def write_run(
    folder: Path,
    hits: Hits,
    *,
    seeds: Sequence[int] = (1,),
    failed: Mapping[str, Sequence[str]] | None = None,
    limit: int | None = None,
    trained: bool = True,
    statistics: bool = True,
    spec_changes: Mapping[str, Mapping[str, Any]] | None = None,
    golds: Sequence[str] = ("yes", "no", "maybe"),
) -> Path:
    """Write `run.json` and `examples/`; `failed` names cells that the run planned and has no score of."""
    failed = failed or {}
    tasks = {name: load_task(name) for name in hits}
    specs, data = [], {}
    for name, loaded in tasks.items():
        content = loaded.spec.model_dump(mode="json") | dict((spec_changes or {}).get(name, {}))
        specs.append(
            SpecRecord(kind="task", name=name, version=content["version"], sha256=loaded.sha256, content=content)
        )
        data[name] = {
            code: write_cell(
                folder, loaded.spec, code, found, seeds=seeds, golds=golds, statistics=statistics
            )
            for code, found in hits[name].items()
        }
    record = RunRecord(
        request=RunSpec(model="models/tiny", tasks=tuple(hits), seeds=tuple(seeds), limit=limit),
        suite=None,
        recipe="xtreme",
        specs=tuple(specs),
        tasks={
            name: TaskRecord(
                recipe="xtreme",
                head="trained",
                zero_shot=True,
                languages=(*hits[name], *failed.get(name, ())),
                expected=tuple(load.spec.languages),
            )
            for name, load in tasks.items()
        },
        model=ModelRecord(
            id="models/tiny", revision=None, weights_sha256="ab" * 32, adapter="tiny", adapter_version="1"
        ),
        data=data,
        seeds=tuple(seeds),
        training={
            name: tuple(TrainingRecord(key=f"k{seed}", seed=seed, recipe="xtreme") for seed in seeds)
            for name, load in tasks.items()
            if trained and not load.spec.embeds
        },
        versions={"xharness": "0.1.0"},
        environment=None,
        started="2026-01-02T03:04:05Z",
        finished=None if failed else "2026-01-02T03:05:05Z",
        failures=tuple(
            Failure(task=name, language=code, message="out of memory")
            for name, codes in failed.items()
            for code in codes
        ),
        limit=limit,
    )
    write_record(RunFolder(folder).run_json, record)
    return folder


def write_cell(
    folder: Path,
    task: TaskSpec,
    code: str,
    hits: Float,
    *,
    seeds: Sequence[int] = (1,),
    golds: Sequence[str] = ("yes", "no", "maybe"),
    statistics: bool = True,
) -> DataRecord:
    """Write one example file: parallel rows, and articles of five questions where answers are spans."""
    rounds = np.atleast_2d(hits)
    n = rounds.shape[1]
    ids = [f"{code}-{row}" for row in range(n)]
    columns = {entry.name: metric_named(entry.computes).columns for entry in task.metrics}
    kept = seeds if not task.embeds else seeds[:1]
    cell = Cell(
        task=task.name,
        language=code,
        seeds=tuple(kept),
        example_ids=tuple(ids),
        parallel_ids=tuple(f"p{row}" for row in range(n)),
        cluster_ids=tuple(f"a{row // 5}" if task.kind == "span_qa" else None for row in range(n)),
        golds=tuple(golds[row % len(golds)] for row in range(n)),
        statistics={
            name: np.stack([rounds[: len(kept)], np.ones((len(kept), n))], axis=2) for name in columns
        }
        if statistics
        else {},
    )
    write_examples(RunFolder(folder).examples(task.name, code), cell, columns)
    return DataRecord(fingerprint=fingerprint_of(cell.example_ids, cell.golds), examples=n)
