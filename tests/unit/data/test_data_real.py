"""Counts of the real releases, as the benchmark's papers and repositories give them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from harness.data.fingerprint import fingerprint
from harness.data.inspection import inspect_part
from harness.data.intermediate import load_dev_part, load_training_part, part_problems
from harness.data.places import Places
from harness.data.sources import (
    available_languages,
    held_out_clusters,
    leave_out,
    load_pool,
    load_test,
    load_training,
)
from harness.data.wanted import intermediate_parts
from harness.paths import builtin
from harness.records import DataSet
from harness.specfiles.catalog import load_intermediates
from harness.specs.intermediate import IntermediateSpec
from harness.specs.task import TaskSpec

_FOLDER = os.environ.get("XHARNESS_DATA")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="XHARNESS_DATA names no folder with the real data")
DATA = Places(Path(_FOLDER or "."), ("local",))

SHORT_PAIRS = {"jv": 205, "ka": 746, "kk": 575, "ml": 687, "sw": 390, "ta": 307, "te": 234, "th": 548}
CANDIDATES = {
    "ar": 1222, "de": 1276, "el": 1234, "en": 1180, "es": 1215, "hi": 1244, "ru": 1219, "th": 852, "tr": 1167,
    "vi": 1209, "zh": 1196,
}  # fmt: skip


def target(name: str) -> TaskSpec:
    path = builtin("tasks") / "targets" / f"{name}.yaml"
    return TaskSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def everything(name: str) -> dict[str, DataSet]:
    task = target(name)
    return {code: load_test(task, code, DATA) for code in available_languages(task, DATA)}


def test_tatoeba() -> None:
    sets = everything("tatoeba")
    assert {code: len(d.examples) for code, d in sets.items()} == {
        code: SHORT_PAIRS.get(code, 1000) for code in target("tatoeba").languages
    }
    for data in sets.values():
        assert len(data.candidates) == len(data.counterpart) == len(data.examples) and not data.repairs
        assert [e.example_id for e in data.examples] == [str(i) for i in range(len(data.examples))]
    homes: dict[str | None, set[str]] = {}
    for code, data in sets.items():
        for example in data.examples:
            homes.setdefault(example.parallel_id, set()).add(code)
    rows = [example for data in sets.values() for example in data.examples]
    shared = sum(len(homes[example.parallel_id]) > 1 for example in rows)
    assert 0.15 < shared / len(rows) < 0.25


def test_lareqa() -> None:
    pool = load_pool(target("lareqa"), DATA)
    assert {code: len(share.candidates) for code, share in pool.items()} == CANDIDATES
    assert sum(CANDIDATES.values()) == 13014
    sets = everything("lareqa")
    assert sum(len(d.examples) for d in sets.values()) == 13090
    ids = {c.candidate_id for share in pool.values() for c in share.candidates}
    assert len(ids) == 13014
    for data in sets.values():
        for example in data.examples:
            relevant = json.loads(example.gold)
            assert [r.split("_")[0] for r in relevant] == list(CANDIDATES) and ids.issuperset(relevant)


def test_xquad_and_its_articles() -> None:
    sets = everything("xquad")
    assert {code: len(d.examples) for code, d in sets.items()} == dict.fromkeys(
        target("xquad").languages, 1190
    )
    english = sets["en"]
    assert len({e.cluster_id for e in english.examples}) == 48
    for data in [*sets.values(), *everything("lareqa").values()]:
        assert [(e.example_id, e.cluster_id) for e in data.examples] == [
            (e.example_id, e.cluster_id) for e in english.examples
        ]
        assert not data.repairs
    held_out = held_out_clusters(target("xquad"), "xquad_en_24", DATA)
    (train,) = load_training(target("xquad"), "xquad_en_24", DATA)
    assert len(held_out) == 24
    for data in sets.values():
        assert len(leave_out(data, held_out).examples) + len(train.examples) == 1190


def test_xcopa_questions_are_mended() -> None:
    sets = everything("xcopa")
    assert {code: len(d.examples) for code, d in sets.items()} == dict.fromkeys(
        target("xcopa").languages, 500
    )
    assert {code: d.repairs["question"] for code, d in sets.items() if d.repairs} == {
        "th": 250, "tr": 51, "sw": 37, "id": 4, "it": 4,
    }  # fmt: skip
    golds = {fingerprint(d) for d in sets.values()}
    assert len(golds) == 1
    validation = load_training(target("xcopa"), "xcopa_val", DATA)
    assert sum(len(d.examples) for d in validation) == 1100
    assert {d.language: d.repairs["question"] for d in validation if d.repairs} == {
        "th": 52, "tr": 52, "sw": 6, "id": 5, "it": 5,
    }  # fmt: skip


def test_udpos_parallel_treebanks() -> None:
    sets = everything("udpos")
    assert set(sets) == {"de", "en", "es", "fi", "hi", "th", "tr", "zh"}
    sentences = {code: {e.parallel_id for e in d.examples} - {None} for code, d in sets.items()}
    assert all(len(ids) == 1000 and ids == sentences["en"] for ids in sentences.values())
    for data in sets.values():
        assert [e.example_id for e in data.examples] == [str(i) for i in range(len(data.examples))]
    assert len(sets["en"].examples) == 3077 and len(sets["de"].examples) == 1977
    (train,) = load_training(target("udpos"), "en_ewt_dev", DATA)
    assert len(train.examples) == 2001


def test_ud_train_has_no_training_files_here_but_its_english_development_set() -> None:
    """English-EWT dev, read as `ud-train` and as a task of one's own that trains on it and on PUD."""
    spec = load_intermediates(["ud-train"])[0].spec
    dev = load_dev_part(spec, "en", DATA)
    assert dev is not None and len(dev.examples) == 2001 and dev.examples[0].inputs
    pud = {
        "local": {"reader": "conllu", "files": {"treebanks": ("udpos/UD_*-PUD/{code}_pud-ud-test.conllu",)}}
    }
    own = IntermediateSpec.model_validate(
        {
            **spec.model_dump(
                include={"version", "kind", "title", "licence", "citation", "labels", "metrics"}
            ),
            "name": "pud",
            "languages": {code: {"tag": code, "rows": 1000} for code in ("de", "fi", "hi", "th", "tr")},
            "train": pud,
        }
    )
    assert part_problems(own, own.languages, DATA, with_dev=True) == []
    (part,) = intermediate_parts(own, None)
    found = inspect_part(part, DATA)
    assert (found.problems, found.absent, found.examples) == ((), (), 5000)
    sets = [load_training_part(own, code, DATA) for code in own.languages]
    assert len({tuple(e.parallel_id for e in data.examples) for data in sets}) == 1
    labels = {label for data in sets for e in data.examples for label in json.loads(e.gold)}
    assert labels <= set(own.labels) and len(labels) == 17
