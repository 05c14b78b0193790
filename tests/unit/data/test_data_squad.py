from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.reading import Reading
from harness.data.squad import _find, article_id, read_squad
from harness.errors import DataError, SpecError
from harness.records import Answer, DataSet, SpanQAInputs
from harness.specs.task import LocalSource

FILES = {"articles": ("q.json",)}
SOURCE = LocalSource(reader="squad_json", files=FILES)
CONTEXT = "  Berlin ist groß. Bonn ist klein. Berlin bleibt."


def article(title: str | None = "Städte", **qa: Any) -> dict[str, Any]:
    entry = {"id": "q1", "question": "Was?", "answers": [{"text": "Bonn", "answer_start": 19}], **qa}
    body: dict[str, Any] = {"paragraphs": [{"context": CONTEXT, "qas": [entry]}]}
    return body if title is None else {"title": title, **body}


def read(folder: Path, *articles: dict[str, Any], **options: str | bool) -> DataSet:
    (folder / "q.json").write_text(json.dumps({"data": articles}), encoding="utf-8")
    source = LocalSource(reader="squad_json", files=FILES, options=options)
    return read_squad(Reading("xquad", "de", source, folder, {"de": {"code": "de", "name": "german"}}))


def test_example_of_a_question(tmp_path: Path) -> None:
    answers = [{"text": "Bonn", "answer_start": 19}, {"text": "klein", "answer_start": 28}]
    data = read(tmp_path, article(answers=answers))
    (example,) = data.examples
    assert example.example_id == example.parallel_id == "q1"
    assert example.cluster_id == "Städte"
    assert example.gold == '["Bonn","klein"]'
    assert example.inputs == SpanQAInputs("Was?", CONTEXT, (Answer("Bonn", 19), Answer("klein", 28)))
    assert data.repairs == {}


def test_offset_is_found_again_nearest_first(tmp_path: Path) -> None:
    data = read(tmp_path, article(answers=[{"text": "Berlin", "answer_start": 30}]))
    assert isinstance(data.examples[0].inputs, SpanQAInputs)
    assert data.examples[0].inputs.answers == (Answer("Berlin", 35),)
    assert data.repairs == {"answer_offset": 1}
    data = read(tmp_path, article(answers=[{"text": "Berlin", "answer_start": 0}]))
    assert isinstance(data.examples[0].inputs, SpanQAInputs)
    assert data.examples[0].inputs.answers == (Answer("Berlin", 2),)


def test_stripped_context_shifts_every_offset(tmp_path: Path) -> None:
    body = article()
    body["paragraphs"][0]["context"] = CONTEXT.strip()
    data = read(tmp_path, body)
    assert isinstance(data.examples[0].inputs, SpanQAInputs)
    assert data.examples[0].inputs.answers == (Answer("Bonn", 17),)
    assert data.repairs == {"answer_offset": 1}


@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=3), st.integers(-3, 15))
def test_find_takes_the_nearest_place(context: str, text: str, start: int) -> None:
    places = [i for i in range(len(context)) if context[i : i + len(text)] == text]
    nearest = min(places, key=lambda place: (abs(place - start), place), default=None)
    assert _find(text, context, start) == nearest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"answers": [{"text": "Köln", "answer_start": 3}]},
            r"question q1: the answer 'Köln' \(answer_start 3\) is nowhere",
        ),
        ({"answers": []}, "question q1: there is no answer"),
        (
            {"answers": [{"text": "", "answer_start": 0}]},
            "question q1: the answer is empty; XTREME's download script .* Get the original file",
        ),
        ({"answers": [{"text": "Bonn", "answer_start": "19"}]}, "'answer_start' must be a whole number"),
        ({"question": None}, "'question' must be text, found null"),
    ],
)
def test_bad_questions_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, article(**change))
    assert str(caught.value).startswith("q.json: article 1 (Städte), paragraph 1, question q1")


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="expected an object with 'data'"):
        read_squad(Reading("xquad", "de", SOURCE, tmp_path, {"de": {"code": "de"}}))


def test_articles_without_title_go_by_their_context(tmp_path: Path) -> None:
    data = read(tmp_path, article(None), article(None, id="q2"), article("A", id="q3"))
    ids = [e.cluster_id for e in data.examples]
    assert ids[0] == ids[1] and ids[0] is not None and ids[0].startswith("context:")
    assert ids[2] == "A"


def test_titles_agree_across_spellings() -> None:
    assert (
        article_id("Newcastle_upon_Tyne", "")
        == article_id(" Newcastle upon  Tyne", "")
        == "Newcastle upon Tyne"
    )
    assert article_id("Ko\u0308ln", "") == article_id("K\u00f6ln", "")
    assert article_id("", "x") == article_id(None, "x") != article_id(None, "y")


def test_only_ids_with_the_prefix_are_read(tmp_path: Path) -> None:
    other = article(id="no-german-1", answers=[{"text": "Seoul", "answer_start": 0}])
    data = read(tmp_path, other, article(id="german-7-1"), id_prefix="{name}-")
    assert [e.example_id for e in data.examples] == ["german-7-1"]
    with pytest.raises(DataError, match=r"^q\.json: no question id begins with 'german-'"):
        read(tmp_path, other, id_prefix="{name}-")


def test_questions_that_are_no_translations_have_no_parallel_id(tmp_path: Path) -> None:
    data = read(tmp_path, article(), parallel=False)
    assert [(e.example_id, e.parallel_id) for e in data.examples] == [("q1", None)]


def test_what_is_drawn_together_may_be_the_context(tmp_path: Path) -> None:
    second = article(id="q2")
    second["paragraphs"][0]["context"] = CONTEXT + " Ende."
    by_article = read(tmp_path, article(), second, article(id="q3"))
    assert {e.cluster_id for e in by_article.examples} == {"Städte"}
    by_context = [
        e.cluster_id for e in read(tmp_path, article(), second, article(id="q3"), cluster="context").examples
    ]
    assert by_context[0] == by_context[2] != by_context[1]
    assert all(cluster is not None and cluster.startswith("context:") for cluster in by_context)
    with pytest.raises(SpecError, match=r"'cluster' is 'contexts' .did you mean 'context'"):
        read(tmp_path, article(), cluster="contexts")


def test_repeated_ids_are_numbered_on_request(tmp_path: Path) -> None:
    articles = [article(id="1"), article(id="2"), article(id="1"), article(id="1")]
    data = read(tmp_path, *articles, number_repeats=True)
    assert [e.example_id for e in data.examples] == ["1", "2", "#2", "#3"]
    assert data.repairs == {"repeated_id": 2}
    assert [e.example_id for e in read(tmp_path, *articles).examples] == ["1", "2", "1", "1"]


def test_the_message_says_what_to_get(tmp_path: Path) -> None:
    blank = article(answers=[{"text": "", "answer_start": 0}])
    with pytest.raises(DataError, match=r"nothing can be scored against them\. Get MLQA_V1\.zip$"):
        read(tmp_path, blank, original="MLQA_V1.zip")
