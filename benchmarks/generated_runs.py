"""Two generated run folders with every task of XTREME-R, for timing whole comparisons.

Rows per language are those of `tasks/targets/*.yaml`; ids, golds and predictions are as long as real ones,
and rows belong together as in the real test sets. Nothing else about them is real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.fingerprint import fingerprint_of
from harness.kinds.table import kind_named
from harness.metrics.table import metric_named
from harness.records import Cell
from harness.results.examples import write_examples
from harness.results.folder import RunFolder
from harness.results.formats import format_named
from harness.results.record import (
    DataRecord,
    Environment,
    ModelRecord,
    RunRecord,
    SpecRecord,
    TaskRecord,
    TrainingRecord,
    write_record,
)
from harness.specfiles.catalog import load_suite, load_task
from harness.specs.run import RunSpec
from harness.specs.task import TaskSpec

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "NOUN", "VERB", "ADP", "DET")
# Languages of udpos of which 1,000 sentences are translations of each other.
PUD = frozenset("ar de en es fi fr hi id it ja ko pl pt ru th tr zh".split())


def write_runs(folder: Path, *, scale: float = 1.0) -> tuple[Path, Path]:
    """Write two run folders that are 3 points apart; `scale` shortens the test sets."""
    suite = load_suite("xtreme-r").spec
    tasks = {name: load_task(name) for name in suite.tasks}
    paths = (folder / "baseline", folder / "candidate")
    data: dict[str, dict[str, DataRecord]] = {}
    for name, chosen in suite.tasks.items():
        spec = tasks[name].spec
        data[name] = {}
        for number, code in enumerate(chosen.languages):
            rng = np.random.default_rng([len(name), number, 7])
            n = max(20, round(scale * (spec.languages[code].rows or 0)))
            cell, outputs = _cell(spec, code, n, rng)
            columns = {m.name: metric_named(m.computes).columns for m in spec.metrics}
            for path, shift in zip(paths, (0.0, 0.03), strict=True):
                run = RunFolder(path)
                scored = replace(cell, statistics=_statistics(spec, cell, shift, rng, number))
                write_examples(run.examples(name, code), scored, columns)
                form = format_named(kind_named(spec.kind).formats["prediction"])
                where = run.prediction(name, code, form.suffix, further_seed=None)
                where.parent.mkdir(parents=True, exist_ok=True)
                where.write_bytes(form.encode(cell.example_ids, outputs))
            data[name][code] = DataRecord(
                fingerprint=fingerprint_of(cell.example_ids, cell.golds), examples=n
            )
    for path in paths:
        record = RunRecord(
            request=RunSpec(model="generated", tasks=tuple(tasks), seeds=(1,)),
            suite=None,
            recipe="xtreme",
            specs=tuple(
                SpecRecord(
                    kind="task",
                    name=name,
                    version=task.spec.version,
                    sha256=task.sha256,
                    content=task.spec.model_dump(mode="json"),
                )
                for name, task in tasks.items()
            ),
            tasks={
                name: TaskRecord(
                    recipe="xtreme",
                    head="trained",
                    zero_shot=True,
                    languages=tuple(chosen.languages),
                    expected=tuple(chosen.languages),
                )
                for name, chosen in suite.tasks.items()
            },
            model=ModelRecord(
                id="org/generated",
                revision="cd" * 20,
                weights_sha256="ef" * 32,
                adapter="xlm-roberta",
                adapter_version="1",
            ),
            data=data,
            seeds=(1,),
            training={name: (TrainingRecord(key=f"{name}-1", seed=1, recipe="xtreme"),) for name in tasks},
            versions={"python": "3.11", "xharness": "0"},
            environment=Environment(device="cpu", dtype="float32", search="exact", threads=1),
            started="2026-01-02T03:04:05Z",
            finished="2026-01-02T03:05:05Z",
        )
        write_record(RunFolder(path).run_json, record)
    return paths


def _cell(spec: TaskSpec, code: str, n: int, rng: np.random.Generator) -> tuple[Cell, list[Any]]:
    ids = [f"{spec.name}-{code}-{row:05d}-{row * 7919 % 9973:04x}" for row in range(n)]
    parallel: Sequence[str | None] = [None] * n
    clusters: Sequence[str | None] = [None] * n
    golds, outputs = [str(row) for row in range(n)], list(range(n))
    if spec.name in ("xnli", "xcopa"):
        ids = parallel = [f"{spec.name}-{row}" for row in range(n)]
        golds = (
            [str(row % 3) for row in range(n)] if spec.name == "xnli" else [str(row % 2) for row in range(n)]
        )
        outputs = [["entailment", "neutral", "contradiction"][row % 3] for row in range(n)]
        if spec.name == "xcopa":
            outputs = [row % 2 for row in range(n)]
    elif spec.name in ("udpos", "panx"):
        lengths = rng.integers(3, 18 if spec.name == "panx" else 35, n)
        outputs = [[TAGS[k] for k in rng.integers(0, len(TAGS), length)] for length in lengths]
        golds = [json.dumps(tags) for tags in outputs]
        if spec.name == "udpos" and code in PUD:
            parallel = [f"n{row:05d}" if row < 1000 else None for row in range(n)]
    elif spec.name in ("xquad", "lareqa"):
        ids = parallel = [f"56beb4343aeaaa14008c{row:04x}" for row in range(n)]
        clusters = [f"Article {row * 48 // n}" for row in range(n)]
    elif spec.name == "mlqa":
        ids = parallel = [
            f"{row * 104729 % 2**32:032x}" for row in sorted(rng.choice(12_000, n, replace=False))
        ]
        clusters = [f"Context {row[-7:-1]}" for row in ids]
    elif spec.name == "tatoeba":
        # A fifth of the English sentences stand in several languages.
        parallel = [
            f"Sentence {k} of those that many languages have"
            if k < 0.2 * n
            else f"A sentence that {code} alone has, number {k}"
            for k in range(n)
        ]
    elif spec.name == "mewslix":
        clusters = [f"document {row // 3}" for row in range(n)]
    if spec.kind == "span_qa":
        golds = [json.dumps([f"answer {row} of this question"]) for row in range(n)]
        outputs = [f"answer {row} of this question" for row in range(n)]
    elif spec.kind in ("entity_retrieval", "passage_retrieval"):
        outputs = [[f"candidate-{row}-{rank}" for rank in range(20)] for row in range(n)]
        golds = [json.dumps(output[:1]) for output in outputs]
    cell = Cell(
        task=spec.name,
        language=code,
        seeds=(1,),
        example_ids=tuple(ids),
        parallel_ids=tuple(parallel),
        cluster_ids=tuple(clusters),
        golds=tuple(golds),
        statistics={},
    )
    return cell, outputs


def _statistics(
    spec: TaskSpec, cell: Cell, shift: float, rng: np.random.Generator, number: int
) -> dict[str, np.ndarray]:
    """Statistics of a system that is right in 70% of the rows and `shift` more, which both systems share."""
    n = len(cell.example_ids)
    hard = np.random.default_rng([number, n]).random(n)
    level = np.clip(0.7 + shift + 0.1 * rng.standard_normal(n), 0, 1)
    right = (hard < level).astype(float)
    found: dict[str, np.ndarray] = {}
    sizes = np.random.default_rng([number, n, 1]).integers(1, 6, n)
    for metric in spec.metrics:
        columns = metric_named(metric.computes).columns
        if len(columns) == 3:
            hits = rng.binomial(sizes, level)
            parts = [hits, hits + rng.binomial(2, 0.3, n), sizes]
        elif metric.computes.startswith(("average_precision", "squad_f1", "mlqa_f1")):
            parts = [right * rng.choice([1.0, 0.5, 1 / 3, 0.4], n), np.ones(n)]
        else:
            parts = [right, np.ones(n)]
        found[metric.name] = np.stack(parts, axis=-1)[None].astype(float)
    return found
