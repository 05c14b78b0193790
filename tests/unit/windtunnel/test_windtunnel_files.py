"""The files: reproducible, small, parallel, and read by the ordinary readers through the shipped YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.data.intermediate import load_dev_part, load_training_part
from harness.data.places import Places
from harness.data.sources import load_dev, load_pool, load_test, load_training
from harness.kinds.table import kind_named
from harness.records import Cell, DataSet, TaggingInputs
from harness.results.examples import write_examples
from harness.results.folder import RunFolder, write_bytes
from harness.results.formats import format_named
from harness.scoring import Scored, score_language, summarise
from harness.specfiles.catalog import load_intermediates, load_suite, load_task
from harness.windtunnel.corpora import sentences
from harness.windtunnel.files import fingerprint_of, generate_files
from harness.windtunnel.languages import LANGUAGES, SOURCE, TESTED

FINGERPRINT = "c8cc96125e6925c54293f03cd7f182a08bb7b40f00651d67adfa05b5241c292a"
SUITE = load_suite("windtunnel").spec
INTERMEDIATES = ("wt-nli-translated", "wt-pos-train", "wt-text")


def test_the_same_seed_gives_the_same_files_everywhere(world: Mapping[str, str]) -> None:
    assert fingerprint_of(world) == FINGERPRINT
    assert fingerprint_of(dict(reversed(world.items()))) == FINGERPRINT
    changed = {**world, "wt-text/qsa.txt": world["wt-text/qsa.txt"] + "."}
    assert fingerprint_of(changed) != FINGERPRINT


def test_the_whole_is_small(world: Mapping[str, str]) -> None:
    assert sum(len(text.encode("utf-8")) for text in world.values()) < 20e6


def test_what_was_written_is_what_was_generated(world: Mapping[str, str], world_folder: Path) -> None:
    found = {
        p.relative_to(world_folder).as_posix(): p.read_bytes() for p in world_folder.rglob("*") if p.is_file()
    }
    assert found == {path: text.encode("utf-8") for path, text in world.items()}


@pytest.mark.slow
def test_another_seed_gives_other_files(world: Mapping[str, str]) -> None:
    other = generate_files(1)
    assert set(other) == set(world)
    assert not [path for path in world if other[path] == world[path]]


@pytest.mark.parametrize("name", SUITE.tasks)
def test_every_target_is_read_in_every_language(name: str, world_folder: Path) -> None:
    task, places = load_task(name).spec, Places(world_folder, ("local",))
    sets = {code: load_test(task, code, places) for code in task.languages}
    for code, data in sets.items():
        assert len(data.examples) == task.languages[code].rows
        assert not data.repairs
        assert data.language == code
    # One language says the same as another, but for the kinds whose originals are not parallel.
    if name not in ("wt-mining", "wt-entities"):
        ids = [sorted(e.parallel_id or "" for e in data.examples) for data in sets.values()]
        assert all(one == ids[0] for one in ids) and "" not in ids[0]
        assert len(set(ids[0])) == len(ids[0])
    for training_set in task.training_sets:
        for data in load_training(task, training_set, places):
            assert len(data.examples) == task.training_sets[training_set].rows
            assert not data.repairs
        assert load_dev(task, training_set, places) is None
    if task.pooled:
        assert set(load_pool(task, places)) == set(task.languages)


@pytest.mark.parametrize("name", INTERMEDIATES)
def test_every_intermediate_task_is_read_in_every_language(name: str, world_folder: Path) -> None:
    (loaded,) = load_intermediates([name])
    places = Places(world_folder, ("local",))
    for code, language in loaded.spec.languages.items():
        assert len(load_training_part(loaded.spec, code, places).examples) == language.rows
        dev = load_dev_part(loaded.spec, code, places)
        assert (None if dev is None else len(dev.examples)) == language.dev_rows


@pytest.mark.parametrize("name", [n for n in SUITE.tasks if load_task(n).spec.training_sets])
def test_no_test_item_is_trained_on(name: str, world_folder: Path) -> None:
    task, places = load_task(name).spec, Places(world_folder, ("local",))
    (training,) = load_training(task, next(iter(task.training_sets)), places)
    test = load_test(task, "qsa", places)
    seen = {repr(e.inputs) for e in training.examples}
    both = [e for e in test.examples if repr(e.inputs) in seen]
    assert len(both) <= 0.01 * len(test.examples)


def oracle(task_kind: str, output: str, data: DataSet) -> list[Any]:
    """Return the outputs that are right throughout."""
    golds = [e.gold for e in data.examples]
    match task_kind:
        case "bitext_retrieval" | "multiple_choice":
            return [int(gold) for gold in golds]
        case "bitext_mining" if output == "threshold":
            return [("prediction", 1.0, "dev", 100.0), ("best_on_test", 1.0, "test", 100.0)]
        case "span_qa":
            return [json.loads(gold)[0] for gold in golds]
        case "classification":
            return golds
    return [json.loads(gold) for gold in golds]


def test_an_oracle_scores_100_everywhere(world_folder: Path, tmp_path: Path) -> None:
    folder, places = RunFolder(tmp_path / "run"), Places(world_folder, ("local",))
    scored = []
    for name, entry in SUITE.tasks.items():
        task, cells = load_task(name).spec, []
        for code in entry.languages or ():
            data = load_test(task, code, places)
            ids = tuple(e.example_id for e in data.examples)
            cell = Cell(
                task=name,
                language=code,
                seeds=(1,),
                example_ids=ids,
                parallel_ids=tuple(e.parallel_id for e in data.examples),
                cluster_ids=tuple(e.cluster_id for e in data.examples),
                golds=tuple(e.gold for e in data.examples),
                statistics={},
            )
            write_examples(folder.examples(name, code), cell, {})
            for output, format_name in kind_named(task.kind).formats.items():
                form = format_named(format_name)
                path = (
                    folder.prediction(name, code, form.suffix)
                    if output == "prediction"
                    else folder.extra(name, output, code, form.suffix)
                )
                write_bytes(path, form.encode(ids, oracle(task.kind, output, data)))
            found, constant = score_language(folder, task, code)
            assert not constant
            cells.append(found)
        scored.append(Scored(task, tuple(entry.languages or ()), tuple(cells)))
    scores, partial, few = summarise(scored, suite=SUITE, recipe="windtunnel", missing={}, resamples=100)
    assert not partial and not few
    values = {
        (name, metric, code): estimate.value
        for name, tree in scores.tasks.items()
        for metric, found in tree.metrics.items()
        for code, estimate in found.languages.items()
    }
    assert len(values) == sum(
        len(entry.languages or ()) * len(load_task(name).spec.metrics) for name, entry in SUITE.tasks.items()
    )
    assert set(values.values()) == {100.0}
    assert scores.overall is not None and scores.overall.value == 100.0


def test_labels_and_tags_occur(world_folder: Path) -> None:
    places = Places(world_folder, ("local",))
    for name in ("wt-pos", "wt-entities", "wt-inference", "wt-choice"):
        task = load_task(name).spec
        (data,) = load_training(task, next(iter(task.training_sets)), places)
        found = {
            label
            for e in data.examples
            for label in (json.loads(e.gold) if isinstance(e.inputs, TaggingInputs) else [e.gold])
        }
        assert found == set(task.labels)


def test_text_is_parallel_where_it_is_drawn_so() -> None:
    lines = sentences([SOURCE, LANGUAGES["qlh"]], 200, seed=0, label="check")
    assert len(lines["qsa"]) == len(lines["qlh"]) == 200
    ends = [[line[-1] for line in side] for side in lines.values()]
    assert ends[0] == ends[1] and set(ends[0]) == {".", "?"}
    assert lines == sentences([SOURCE, LANGUAGES["qlh"]], 200, seed=0, label="check")
    assert lines["qsa"] != sentences([SOURCE], 200, seed=0, label="other")["qsa"]
    assert {language.code for language in TESTED} < set(LANGUAGES)
