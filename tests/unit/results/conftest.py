"""A small run with every kind of gap: a complete task, a partial one, a hostile name, a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.records import Estimate
from harness.results.findings import Findings
from harness.results.record import (
    DataRecord,
    Environment,
    Failure,
    ModelRecord,
    RunRecord,
    SourceRecord,
    SpecRecord,
    TaskRecord,
    TrainingRecord,
)
from harness.results.scores import (
    MetricEstimates,
    PartialMean,
    SuiteEstimates,
    TaskEstimates,
    build_scores,
)
from harness.specs.run import RunSpec


def _estimate(value: float, n: int = 1000) -> Estimate:
    return Estimate(value, value - 3.1, value + 3.0, n, n)


def _spec(name: str, title: str, metrics: list[str], benchmark_score: list[str]) -> SpecRecord:
    languages = {code: {"tag": code} for code in ("de", "en", "ar", "zh")}
    content: dict[str, Any] = {
        "name": name,
        "title": title,
        "languages": languages,
        "metrics": [{"name": metric} for metric in metrics],
        "benchmark_score": benchmark_score,
    }
    return SpecRecord(kind="task", name=name, version="1", sha256="ab" * 32, content=content)


@pytest.fixture
def make_record() -> Callable[..., RunRecord]:
    """Return a factory of run records; keyword arguments replace fields."""

    def make(**changes: Any) -> RunRecord:
        fields: dict[str, Any] = {
            "request": RunSpec(model="models/minilm", tasks=("tatoeba", "xquad")),
            "suite": "xtreme-r",
            "recipe": "smoke",
            "specs": (
                SpecRecord(
                    kind="suite",
                    name="xtreme-r",
                    version="1",
                    sha256="ef" * 32,
                    content={"name": "xtreme-r"},
                ),
                _spec("tatoeba", "Tatoeba", ["accuracy", "accuracy_to_en"], []),
                _spec("xquad", "XQuAD", ["f1", "exact_match"], ["exact_match", "f1"]),
            ),
            "tasks": {
                name: TaskRecord(
                    recipe="smoke",
                    head="none",
                    zero_shot=True,
                    languages=("de", "zh"),
                    expected=("de", "zh"),
                )
                for name in ("tatoeba", "xquad")
            },
            "model": ModelRecord(
                id="models/minilm",
                revision=None,
                weights_sha256="0123456789abcdef" * 4,
                adapter="sentence-transformers",
                adapter_version="1",
                adapter_reason="it has a modules.json",
            ),
            "data": {
                "tatoeba": {
                    "de": DataRecord(
                        fingerprint="aa" * 32,
                        examples=1000,
                        sources=(SourceRecord(path="tatoeba/tatoeba.deu-eng.deu", sha256="cc" * 32),),
                        repairs={"bom": 1},
                    )
                }
            },
            "seeds": (1, 2),
            "training": {"xquad": (TrainingRecord(key="squad-1", seed=1, recipe="smoke"),)},
            "versions": {"python": "3.11.2", "xharness": "0.1.0", "torch": "2.13.0"},
            "environment": Environment(device="cpu", dtype="float32", search="exact", threads=2),
            "started": "2026-01-02T03:04:05Z",
            "finished": "2026-01-02T03:05:05Z",
            "failures": (Failure(task="xquad", language="ar", message="out of memory"),),
            "smoke": True,
        }
        return RunRecord(**{**fields, **changes})

    return make


@pytest.fixture
def findings(make_record: Callable[..., RunRecord]) -> Findings:
    """Return findings: tatoeba complete, xquad without Arabic."""
    return build_findings(make_record())


def build_findings(record: RunRecord) -> Findings:
    tasks = {
        "tatoeba": TaskEstimates(
            main="accuracy",
            source_language=None,
            metrics={
                "accuracy": MetricEstimates({"de": _estimate(63.2), "zh": _estimate(4.0)}, _estimate(33.6)),
                "accuracy_to_en": MetricEstimates(
                    {"de": _estimate(61.0), "zh": _estimate(5.0)}, _estimate(33.0)
                ),
            },
        ),
        "xquad": TaskEstimates(
            main="f1",
            source_language="en",
            metrics={
                "f1": MetricEstimates({"de": _estimate(20.0), "en": Estimate(88.0, None, None, 1, 1)}, None),
                "exact_match": MetricEstimates({"de": _estimate(12.0), "en": _estimate(70.0)}, None),
            },
        ),
    }
    partial = {
        "xquad": {
            "f1": PartialMean(_estimate(54.0, 2000), ("de", "en")),
            "exact_match": PartialMean(_estimate(41.0, 2000), ("de", "en")),
        }
    }
    scores = build_scores(
        tasks,
        suite="xtreme-r",
        recipe="smoke",
        missing={"xquad": ["ar"], "mlqa": ["en", "de"]},
        means=SuiteEstimates({"retrieval": _estimate(33.6), "qa": None}, None),
    )
    return Findings(scores, record, partial)
