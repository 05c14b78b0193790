"""Questions that SQuAD v1.1 does not have: without an answer, or with one that a translation lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hub_tables
import pytest

from harness.data.reading import Reading
from harness.data.table import reader_named
from harness.errors import DataError
from harness.records import DataSet, SpanQAInputs
from harness.specs.task import LocalSource

CONTEXT = "Normandy is a region of France, and France is a country."


def question(name: str, *answers: tuple[str, int], **more: Any) -> dict[str, Any]:
    listed = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": name, "question": f"What is {name}?", "answers": listed, **more}


def read(root: Path, *questions: dict[str, Any], context: str = CONTEXT, **options: Any) -> DataSet:
    tree = {
        "version": "v2.0",
        "data": [{"title": "Normans", "paragraphs": [{"context": context, "qas": list(questions)}]}],
    }
    (root / "train.json").write_text(json.dumps(tree), encoding="utf-8")
    source = LocalSource(reader="squad_json", files={"articles": ("train.json",)}, options=options)
    return reader_named("squad_json")(Reading("t", "en", source, root, {"en": {"code": "en"}}))


def read_rows(root: Path, *questions: dict[str, Any], **options: Any) -> DataSet:
    rows = [
        {
            "id": q["id"],
            "title": "Normans",
            "context": CONTEXT,
            "question": q["question"],
            "answers": {
                "text": [a["text"] for a in q["answers"]],
                "answer_start": [a["answer_start"] for a in q["answers"]],
            },
        }
        for q in questions
    ]
    (root / "train.jsonl").write_bytes(hub_tables.json_lines(rows))
    source = LocalSource(reader="squad_rows", files={"rows": ("train.jsonl",)}, options=options)
    return reader_named("squad_rows")(Reading("t", "en", source, root, {"en": {"code": "en"}}))


def answers(data: DataSet) -> list[list[tuple[str, int]]]:
    found = []
    for example in data.examples:
        assert isinstance(example.inputs, SpanQAInputs)
        found.append([(answer.text, answer.start) for answer in example.inputs.answers])
    return found


def test_unanswerable_questions_of_version_two(tmp_path: Path) -> None:
    plausible = [{"text": "France", "answer_start": 24}]
    data = read(
        tmp_path,
        question("a", ("France", 24), is_impossible=False),
        question("b", is_impossible=True, plausible_answers=plausible),
        unanswerable=True,
    )
    assert answers(data) == [[("France", 24)], []]
    assert [e.gold for e in data.examples] == ['["France"]', '[""]']
    rows = read_rows(tmp_path, question("a", ("France", 24)), question("b"), unanswerable=True)
    assert [(e.example_id, e.gold) for e in rows.examples] == [(e.example_id, e.gold) for e in data.examples]
    assert answers(rows) == answers(data)


def test_without_the_option_they_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="question b: there is no answer; unanswerable or hidden"):
        read(tmp_path, question("a", ("France", 24)), question("b", is_impossible=True))
    with pytest.raises(DataError, match="there is no answer"):
        read_rows(tmp_path, question("b"))


def test_with_the_option_contradictions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="question a: there is no answer"):
        read(tmp_path, question("a", is_impossible=False), unanswerable=True)
    with pytest.raises(DataError, match="it has an answer, but is_impossible is true"):
        read(tmp_path, question("a", ("France", 24), is_impossible=True), unanswerable=True)
    # What XTREME's script leaves of an answer is no unanswerable question.
    with pytest.raises(DataError, match="the answer is empty; XTREME"):
        read(tmp_path, question("a", ("", 0)), unanswerable=True)


def test_answers_that_a_translation_lost_are_left_out(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        question("kept", ("France", 24)),
        question("nowhere", ("Frankreich", 24)),
        # It stands in the context, but nobody knows which of the places is meant.
        question("placeless", ("France", -1)),
        question("blank", ("", 3)),
        question("none"),
        question("one-of-two", ("Frankreich", 0), ("France", 36)),
        question("moved", ("region", 12)),
        drop_lost=True,
    )
    assert [e.example_id for e in data.examples] == ["kept", "one-of-two", "moved"]
    assert answers(data) == [[("France", 24)], [("France", 36)], [("region", 14)]]
    assert data.repairs == {"lost_answer": 4, "answer_offset": 1}
    rows = read_rows(
        tmp_path, question("a", ("France", 24)), question("b", ("Frankreich", 24)), drop_lost=True
    )
    assert [e.example_id for e in rows.examples] == ["a"] and rows.repairs == {"lost_answer": 1}
    with pytest.raises(DataError, match=r"'Frankreich' \(answer_start 24\) is nowhere in its context"):
        read(tmp_path, question("nowhere", ("Frankreich", 24)))
