from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data import sources
from harness.data.places import Places
from harness.data.reading import Reading
from harness.data.sources import (
    apply_limit,
    available_languages,
    held_out_clusters,
    leave_out,
    load_dev,
    load_pool,
    load_test,
    load_training,
    training_problems,
)
from harness.data.table import TABLE, reader_named
from harness.errors import DataError, RequestError, SpecError
from harness.records import DataSet, Example, TaggingInputs
from harness.specs.task import TaskSpec


def squad(*titles: str, questions: int = 2) -> str:
    articles = [
        {
            "title": title,
            "paragraphs": [
                {
                    "context": f"{title} ist hier.",
                    "sentence_breaks": [[0, len(title) + 10]],
                    "qas": [
                        {
                            "id": f"{title}-{n}",
                            "question": "Was?",
                            "answers": [{"text": "hier", "answer_start": len(title) + 5}],
                        }
                        for n in range(questions)
                    ],
                }
            ],
        }
        for title in titles
    ]
    return json.dumps({"data": articles})


def task(**changes: Any) -> TaskSpec:
    local = {"reader": "squad_json", "files": {"articles": ["x/x.{code}.json", "x.{code}.json"]}}
    body: dict[str, Any] = {
        "name": "toyqa",
        "version": "1",
        "kind": "span_qa",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "source_language": "en",
        "languages": {"de": {"tag": "de"}, "en": {"tag": "en"}},
        "data": {"local": local},
        "metrics": [{"name": "f1", "computes": "squad_f1"}],
        "main_metric": "f1",
        "training_sets": {
            "first": {
                "title": "t",
                "languages": ["en"],
                "train": {"local": local},
                "first_clusters": 2,
                "hold_out": True,
            },
            "all": {
                "title": "t",
                "languages": ["en"],
                "rows": 6,
                "train": {"local": local},
                "dev": {"local": {"reader": "squad_json", "files": {"articles": ["dev.{code}.json"]}}},
            },
        },
        "recipes": {"none": {"source": "s"}},
    }
    return TaskSpec.model_validate(body | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for code in ("de", "en"):
        (tmp_path / f"x.{code}.json").write_text(squad("A", "B", "C"), encoding="utf-8")
    return tmp_path


def test_test_set_and_first_pattern_wins(folder: Path) -> None:
    assert load_test(task(), "de", Places(folder)).sources[0].path == "x.de.json"
    (folder / "x").mkdir()
    (folder / "x" / "x.de.json").write_text(squad("Z"), encoding="utf-8")
    data = load_test(task(), "de", Places(folder))
    assert data.sources[0].path == "x/x.de.json"
    assert (data.task, data.language, len(data.examples)) == ("toyqa", "de", 2)


def test_missing_files_are_listed_before_anything_is_read(folder: Path) -> None:
    (folder / "x.de.json").unlink()
    (line,) = sources.test_problems(task(), ["de"], Places(folder))
    assert line == f"task 'toyqa', language 'de': no x/x.de.json or x.de.json under {folder}"
    assert sources.test_problems(task(), ["en"], Places(folder)) == []
    assert available_languages(task(), Places(folder)) == ("en",)
    with pytest.raises(DataError, match=r"language 'de': no x/x\.de\.json or x\.de\.json under"):
        load_test(task(), "de", Places(folder))


def test_unknown_language_and_training_set(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"has no language 'dee' .did you mean 'de'"):
        load_test(task(), "dee", Places(folder))
    with pytest.raises(SpecError, match=r"has no training set 'firts' .did you mean 'first'"):
        load_training(task(), "firts", Places(folder))


def test_data_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--data-dir .*nowhere: there is no such folder"):
        load_test(task(), "de", Places(tmp_path / "nowhere"))


def test_first_clusters_and_hold_out(folder: Path) -> None:
    (train,) = load_training(task(), "first", Places(folder))
    assert [e.example_id for e in train.examples] == ["A-0", "A-1", "B-0", "B-1"]
    held_out = held_out_clusters(task(), "first", Places(folder))
    assert held_out == {"A", "B"}
    left = leave_out(load_test(task(), "de", Places(folder)), held_out)
    assert [e.example_id for e in left.examples] == ["C-0", "C-1"]
    assert held_out_clusters(task(), "all", Places(folder)) == frozenset()
    assert leave_out(left, frozenset()) is left


def test_hold_out_never_passes_silently(folder: Path) -> None:
    (folder / "x.de.json").write_text(squad("Eins", "Zwei"), encoding="utf-8")
    with pytest.raises(DataError, match="none of the 2 clusters"):
        leave_out(load_test(task(), "de", Places(folder)), frozenset({"A", "B"}))
    with pytest.raises(DataError, match="none is left to test"):
        leave_out(load_test(task(), "en", Places(folder)), frozenset({"A", "B", "C"}))


def test_too_few_clusters(folder: Path) -> None:
    (folder / "x.en.json").write_text(squad("A"), encoding="utf-8")
    with pytest.raises(DataError, match="1 clusters, but the first 2 are to be kept"):
        load_training(task(), "first", Places(folder))


def test_rows_and_dev(folder: Path) -> None:
    assert load_dev(task(), "first", Places(folder)) is None
    missing = training_problems(task(), "all", Places(folder))
    assert missing == [f"development set of 'all', language 'en': no dev.en.json under {folder}"]
    assert training_problems(task(), "all", Places(folder), with_dev=False) == []
    (folder / "dev.en.json").write_text(squad("D"), encoding="utf-8")
    assert training_problems(task(), "all", Places(folder)) == []
    dev = load_dev(task(), "all", Places(folder))
    assert dev is not None and [e.example_id for e in dev[0].examples] == ["D-0", "D-1"]
    assert sum(len(d.examples) for d in load_training(task(), "all", Places(folder))) == 6
    (folder / "x.en.json").write_text(squad("A"), encoding="utf-8")
    with pytest.raises(DataError, match="has 2 examples, expected 6"):
        load_training(task(), "all", Places(folder))


def test_repeated_example_ids_are_refused(folder: Path) -> None:
    (folder / "x.de.json").write_text(squad("A", "A"), encoding="utf-8")
    with pytest.raises(DataError, match=r"example id 'A-0' occurs twice \(in x\.de\.json\)"):
        load_test(task(), "de", Places(folder))


def test_a_file_without_examples_is_refused(folder: Path) -> None:
    (folder / "x.de.json").write_text('{"data": []}', encoding="utf-8")
    with pytest.raises(DataError, match=r"language 'de': no example is left of x\.de\.json"):
        load_test(task(), "de", Places(folder))


def test_pool_is_whole_and_a_missing_language_counts_for_all(folder: Path) -> None:
    local = {"reader": "squad_sentences", "files": {"articles": ["x.{code}.json"]}}
    metrics = {"metrics": [{"name": "map@20", "computes": "average_precision@20"}], "main_metric": "map@20"}
    pooled = task(kind="passage_retrieval", data={"local": local}, training_sets={}, **metrics)
    pool = load_pool(pooled, Places(folder))
    assert {code: [c.candidate_id for c in share.candidates] for code, share in pool.items()} == {
        "de": ["de_1_0", "de_2_0", "de_3_0"],
        "en": ["en_1_0", "en_2_0", "en_3_0"],
    }
    assert load_test(pooled, "de", Places(folder)).examples[0].gold == '["de_1_0","en_1_0"]'
    assert len(apply_limit(load_test(pooled, "de", Places(folder)), 1).candidates) == 3
    (folder / "x.en.json").unlink()
    assert len(sources.test_problems(pooled, ["de"], Places(folder))) == 1
    assert available_languages(pooled, Places(folder)) == ()
    assert load_pool(task(), Places(folder)) == {}


def test_limit_keeps_the_first(folder: Path) -> None:
    data = load_test(task(), "de", Places(folder))
    assert [e.example_id for e in apply_limit(data, 3).examples] == ["A-0", "A-1", "B-0"]
    assert apply_limit(data, 99).examples == data.examples
    assert apply_limit(data, None) is data


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("x.{iso3}.json", "cannot be filled in .no value 'iso3'.; allowed are {code}"),
        ("x.{code.json", "cannot be filled in"),
        ("../x.{code}.json", "must stay under the data folder"),
        ("/etc/{code}", "must stay under the data folder"),
    ],
)
def test_bad_patterns_are_spec_errors(folder: Path, pattern: str, message: str) -> None:
    local = {"reader": "squad_json", "files": {"articles": [pattern]}}
    with pytest.raises(SpecError, match=message):
        load_test(task(data={"local": local}), "de", Places(folder))


def test_missing_role_and_unknown_reader(folder: Path) -> None:
    local = {"reader": "squad_json", "files": {"article": ["x.{code}.json"]}}
    with pytest.raises(SpecError, match=r"needs files for the role 'articles' .did you mean 'article'"):
        load_test(task(data={"local": local}), "de", Places(folder))
    local = {"reader": "squad_jsn", "files": {"articles": ["x.{code}.json"]}}
    with pytest.raises(SpecError, match=r"'squad_jsn' is not a reader .did you mean 'squad_json'"):
        load_test(task(data={"local": local}), "de", Places(folder))


def read_words(reading: Reading) -> DataSet:
    examples = (Example("1", TaggingInputs((reading.text("words").text,)), gold="[]"),)
    return DataSet(reading.task, reading.language, examples)


def test_a_users_own_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(pytest)("user_readers")
    module.read_words = read_words  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "user_readers", module)
    local = {"reader": "user_readers:read_words", "files": {"words": ["x.{code}.json"]}}
    assert load_test(task(data={"local": local}), "de", Places(folder)).examples[0].example_id == "1"
    with pytest.raises(SpecError, match="cannot be imported"):
        reader_named("user_readers:absent")
    with pytest.raises(SpecError, match="cannot be imported"):
        reader_named("no_such_package:read")


def test_every_reader_of_the_table_can_be_imported() -> None:
    assert all(callable(reader_named(name)) for name in TABLE)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{code.x}", "a brace that holds no plain name"),
        ("{code[x]}", "a brace that holds no plain name"),
        ("{code:>99999999999}", "a brace that holds no plain name"),
        ("{}", "a brace that holds no plain name"),
        ("{{code}}", "a brace that holds no plain name"),
        ("**foo", "must be a whole part of the path"),
        ("x/a**", "must be a whole part of the path"),
        (".", "must name a file"),
        ("", "must name a file"),
        ("a\0b", "must name a file"),
    ],
)
def test_patterns_that_no_folder_can_be_searched_for(folder: Path, pattern: str, message: str) -> None:
    local = {"reader": "squad_json", "files": {"articles": [pattern]}}
    with pytest.raises(SpecError, match=message):
        load_test(task(data={"local": local}), "de", Places(folder))


def test_a_file_name_too_long_for_the_disk_is_a_data_error(folder: Path) -> None:
    local = {"reader": "squad_json", "files": {"articles": ["x" * 5000]}}
    with pytest.raises(DataError, match="cannot be looked for"):
        load_test(task(data={"local": local}), "de", Places(folder))


@pytest.mark.parametrize("name", [":f", ".rel:f", "a..b:f", "os:", "a:b.c", "a b:c"])
def test_names_that_can_be_no_reader(name: str) -> None:
    with pytest.raises(SpecError, match="is not a reader"):
        reader_named(name)


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("os:system", "reader 'os:system' failed with TypeError"),
        ("json:loads", r"reader 'json:loads' failed with TypeError.*__init__.py:[0-9]+"),
        ("builtins:repr", r"reader 'builtins:repr' returned \"Reading"),
        ("os:sep", "is no function but '/'"),
    ],
)
def test_what_is_no_reader_for_all_its_name(folder: Path, reader: str, message: str) -> None:
    local = {"reader": reader, "files": {"words": ["x.{code}.json"]}}
    with pytest.raises(SpecError, match=message):
        load_test(task(data={"local": local}), "de", Places(folder))
