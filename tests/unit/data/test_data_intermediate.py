"""The shipped intermediate tasks on files of their releases' form, and what they say of missing ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hub_tables
import intermediate_files
import pytest
from hub_standin import Hub

from harness.data.inspection import inspect_part
from harness.data.intermediate import (
    dev_places,
    load_dev_part,
    load_training_part,
    part_problems,
    task_labels,
    training_places,
    with_labels,
)
from harness.data.lock import read_lock
from harness.data.pinning import pin_task
from harness.data.places import Places
from harness.data.wanted import fetch_or_warn, intermediate_parts
from harness.errors import DataError, SpecError
from harness.progress import Progress
from harness.records import DataSet
from harness.specfiles.catalog import list_intermediates, load_intermediates
from harness.specs.intermediate import IntermediateSpec

QUIET = Progress(quiet=True)
# The wind tunnel's own tests read its tasks.
WITH_DATA = [name for name in list_intermediates() if name != "anli-plus" and not name.startswith("wt-")]


def task(name: str) -> IntermediateSpec:
    return load_intermediates([name])[0].spec


def golds(data: DataSet | None) -> list[str]:
    return [] if data is None else [example.gold for example in data.examples]


@pytest.mark.parametrize("name", WITH_DATA)
def test_every_task_reads_its_release(name: str, tmp_path: Path) -> None:
    write, expected = intermediate_files.TASKS[name]
    write(tmp_path)
    spec, places = task(name), Places(tmp_path, ("local",))
    for code, (train, dev) in expected.items():
        data = load_training_part(spec, code, places)
        assert (data.task, data.language, len(data.examples)) == (name, code, train)
        found = load_dev_part(spec, code, places)
        assert (None if found is None else len(found.examples)) == dev
        if found is not None:
            assert {f.path for f in data.sources}.isdisjoint(f.path for f in found.sources)
        assert part_problems(spec, [code], places, with_dev=True) == []
    assert training_places(spec, expected, Places(tmp_path)) == places


def test_labels_are_the_same_by_name_whatever_the_files_write(tmp_path: Path) -> None:
    for name in ("anli", "mnli", "snli", "xnli-translate-train"):
        intermediate_files.TASKS[name][0](tmp_path)
    places = Places(tmp_path, ("local",))
    assert golds(load_training_part(task("anli"), "en", places)) == [
        "entailment", "neutral", "contradiction", "neutral", "entailment",
    ]  # fmt: skip
    assert golds(load_training_part(task("mnli"), "en", places)) == ["neutral", "entailment"]
    snli = load_training_part(task("snli"), "en", places)
    assert golds(snli) == [*intermediate_files.NLI, "neutral"] and snli.repairs == {"unlabelled": 1}
    translated = load_training_part(task("xnli-translate-train"), "de", places)
    assert golds(translated) == ["contradiction", "neutral"]
    assert len({task(n).labels for n in ("anli", "mnli", "snli", "anli-plus", "xnli-translate-train")}) == 1


def test_tydiqa_languages_are_told_by_their_ids(tmp_path: Path) -> None:
    intermediate_files.tydiqa_train(tmp_path)
    places = Places(tmp_path, ("local",))
    data = load_training_part(task("tydiqa-train"), "sw", places)
    assert [e.example_id for e in data.examples] == ["swahili-0-1", "swahili-1-1"]
    with pytest.raises(DataError, match="no question id begins with 'telugu-'"):
        load_training_part(task("tydiqa-train"), "te", places)


def test_treebanks_of_a_language_are_joined_and_others_stay_out(tmp_path: Path) -> None:
    intermediate_files.ud_train(tmp_path)
    data = load_training_part(task("ud-train"), "de", Places(tmp_path, ("local",)))
    assert [f.path for f in data.sources] == [
        "UD_X-de_gsd/de_gsd-ud-train.conllu",
        "UD_X-de_hdt/de_hdt-ud-train.conllu",
    ]


def test_unanswerable_questions_are_read_for_squad_v2_alone(tmp_path: Path) -> None:
    intermediate_files.squad_v2(tmp_path)
    data = load_training_part(task("squad-v2"), "en", Places(tmp_path))
    assert golds(data) == ['["here"]', '[""]']
    (tmp_path / "squad/train-v2.0.json").rename(tmp_path / "squad/train-v1.1.json")
    with pytest.raises(DataError, match="there is no answer"):
        load_training_part(task("squad-v1"), "en", Places(tmp_path))


def test_supertags_come_from_the_user_s_own_file(tmp_path: Path) -> None:
    ccg, places = task("ccg"), Places(tmp_path)
    lines = part_problems(ccg, ["en"], places, with_dev=True)
    assert [line.split(" under ")[0] for line in lines if " no " in line] == [
        "intermediate task 'ccg', language 'en': no ccg/ccg.train",
        "intermediate task 'ccg', development set, language 'en': no ccg/ccg.dev",
        "intermediate task 'ccg': no ccg/tags_to_id.json",
    ]
    assert all("`xharness tasks show ccg` says how" in line for line in lines if " no " not in line)
    with pytest.raises(DataError, match=r"no --data-dir is given; under it ccg/tags_to_id\.json"):
        task_labels(ccg, Places(None))
    intermediate_files.ccg(tmp_path)
    assert part_problems(ccg, ["en"], places, with_dev=True) == []
    whole = with_labels(ccg, places)
    assert len(whole.labels) == 1363 and whole.labels[-2:] == ("N", r"S\NP") and whole.labels_file is None
    assert with_labels(task("mnli"), places) == task("mnli")
    assert load_training_part(whole, "en", places) == load_training_part(ccg, "en", places)
    tags = json.loads((tmp_path / "ccg/tags_to_id.json").read_text(encoding="utf-8"))
    del tags[r"S\NP"]
    (tmp_path / "ccg/tags_to_id.json").write_text(json.dumps(tags), encoding="utf-8")
    with pytest.raises(DataError, match="has 1,362 labels, expected 1,363"):
        load_training_part(ccg, "en", places)


def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path) -> None:
    lines = part_problems(task("squad-translate-train"), ["de", "th"], Places(tmp_path), with_dev=True)
    assert len(lines) == 6
    assert lines[0].startswith(
        "intermediate task 'squad-translate-train', language 'de': no xtreme_translations/SQuAD/translate-"
    )
    assert "get gs://xtreme_translations/SQuAD/translate-train" in lines[2]
    assert len(part_problems(task("squad-translate-train"), ["de"], Places(tmp_path), with_dev=False)) == 2
    with pytest.raises(DataError, match=r"no squad/train-v1\.1\.json"):
        load_training_part(task("squad-v1"), "en", Places(tmp_path, ("local",)))


def test_languages_and_tasks_that_are_not_there(tmp_path: Path) -> None:
    for call in (load_training_part, load_dev_part):
        with pytest.raises(SpecError, match="intermediate task 'mnli' has no language 'de'; it has en"):
            call(task("mnli"), "de", Places(tmp_path))
    with pytest.raises(SpecError, match=r"has no language 'tle' \(did you mean 'te'\?\)"):
        part_problems(task("tydiqa-train"), ["tle"], Places(tmp_path), with_dev=False)
    with pytest.raises(SpecError, match="'anli-plus' has no data of its own: it joins anli, mnli, snli"):
        load_training_part(task("anli-plus"), "en", Places(tmp_path))
    assert load_dev_part(task("tydiqa-train"), "en", Places(tmp_path)) is None
    assert dev_places(task("tydiqa-train"), ["en"], Places(tmp_path)) == Places(tmp_path)


def test_counts_are_compared(tmp_path: Path) -> None:
    intermediate_files.qqp(tmp_path)
    train, dev = (inspect_part(p, Places(tmp_path)) for p in intermediate_parts(task("qqp"), None))
    assert (train.examples, train.there, train.absent) == (2, ("en",), ())
    assert train.problems[0].startswith(
        "the training data of intermediate task 'qqp', language 'en': 2 examples, expected 363,846 (QQP/"
    )
    assert "the development set of intermediate task 'qqp'" in dev.problems[0]
    assert "expected 40,430" in dev.problems[0]
    (alone,) = intermediate_parts(task("qqp"), ["en"], with_dev=False)
    assert alone.role == "intermediate" and alone.rows == {"en": 363_846}
    assert intermediate_parts(task("anli-plus"), None) == ()


def squad_rows(*names: str) -> bytes:
    return hub_tables.parquet(
        [
            {
                "id": f"{name}-{number}",
                "title": "",
                "context": "It is here.",
                "question": "Where?",
                "answers": {"text": ["here"], "answer_start": [6]},
            }
            for name in names
            for number in range(2)
        ]
    )


def test_nine_languages_of_one_hub_file(hub: Hub, tmp_path: Path) -> None:
    spec = task("tydiqa-train")
    source = spec.train.hub if spec.train else None
    assert source is not None
    card = hub_tables.card({"secondary_task": {"train": "secondary_task/train-*"}})
    files = {"README.md": card, "secondary_task/train-0.parquet": squad_rows("korean", "telugu")}
    hub.commit(source.repo, files, sha=source.revision)
    places = Places(tmp_path)
    fetch_or_warn([intermediate_parts(spec, ["ko", "te"])], places, QUIET)
    assert training_places(spec, ["ko", "te"], places) == Places(tmp_path, ("hub",))
    data = load_training_part(spec, "te", places)
    assert [e.example_id for e in data.examples] == ["telugu-0", "telugu-1"]
    assert data.sources[0].path == f"{source.repo}@{source.revision}/secondary_task/train-0.parquet"
    fetch_or_warn([intermediate_parts(spec, ["ko"])], Places(tmp_path, offline=True), QUIET)


def test_an_unconfirmed_repository_is_pinned_only_if_it_is_right(hub: Hub, tmp_path: Path) -> None:
    spec = task("siqa")
    base = {"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "c"}
    rows = hub_tables.parquet([{**base, "label": label} for label in ("1", "3")])
    hub.commit("lighteval/siqa", {f"data/{split}-0.parquet": rows for split in ("train", "validation")})
    with pytest.raises(DataError, match=r"2 examples, expected 33,410(.|\n)*2 examples, expected 1,954"):
        pin_task(spec, tmp_path, QUIET, update=False)
    assert read_lock(tmp_path).pins == {}
    counts: dict[str, Any] = {"rows": 2, "dev_rows": 2}
    small = spec.model_copy(update={"languages": {"en": spec.languages["en"].model_copy(update=counts)}})
    (pinned,) = pin_task(small, tmp_path, QUIET, update=False)
    assert (pinned.repo, pinned.files) == ("lighteval/siqa", 2)
    assert golds(load_training_part(small, "en", Places(tmp_path, ("hub",)))) == ["0", "2"]
    snapshot = read_lock(tmp_path).snapshots[f"lighteval/siqa@{pinned.commit}"]
    assert snapshot.rows == {"default/train": 2, "default/validation": 2}


def test_articles_of_wikipedia_are_read_from_the_first_file(hub: Hub, tmp_path: Path) -> None:
    spec = task("lines")
    source = spec.train.hub if spec.train else None
    assert source is not None
    table = hub_tables.parquet([{"id": "1", "url": "u", "title": "t", "text": "Eins.\n\nZwei."}])
    names = [f"20231101.{code}/train-0000{n}-of-00002.parquet" for code in ("de", "fr") for n in (0, 1)]
    hub.commit(source.repo, dict.fromkeys(names, table), sha=source.revision)
    fetch_or_warn([intermediate_parts(spec, ["de"])], Places(None), QUIET)
    assert hub.downloads(source.repo) == ["20231101.de/train-00000-of-00002.parquet"]
    assert len(load_training_part(spec, "de", Places(None)).examples) == 2
