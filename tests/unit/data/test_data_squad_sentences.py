from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.reading import Reading
from harness.data.squad_sentences import read_squad_sentences
from harness.errors import DataError
from harness.records import DataSet
from harness.specs.task import LocalSource

SOURCE = LocalSource(reader="squad_sentences", files={"articles": ("{code}.json",)})
LANGUAGES = {code: {"code": code} for code in ("de", "en", "zh")}


def paragraph(*sentences: str, asks: dict[str, int]) -> dict[str, Any]:
    """`asks`: question id -> number of the sentence that answers it."""
    context, breaks = "", []
    for sentence in sentences:
        breaks.append([len(context), len(context) + len(sentence)])
        context += sentence + "\n"
    qas = [
        {
            "id": i,
            "question": f"{i}?",
            "answers": [{"text": sentences[n][-2:], "answer_start": breaks[n][1] - 2}],
        }
        for i, n in asks.items()
    ]
    return {"context": context, "qas": qas, "sentence_breaks": breaks}


def write(folder: Path, code: str, *paragraphs: dict[str, Any]) -> None:
    body = {"data": [{"title": "A", "paragraphs": list(paragraphs)}]}
    (folder / f"{code}.json").write_text(json.dumps(body), encoding="utf-8")


def read(folder: Path, code: str) -> DataSet:
    return read_squad_sentences(Reading("lareqa", code, SOURCE, folder, LANGUAGES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path, "de", paragraph("Unbefragt.", asks={}), paragraph("Eins.", "Zwei.", asks={"q1": 0, "q2": 1})
    )
    write(tmp_path, "en", paragraph("One.", "Two.", asks={"q2": 1, "q1": 0}))
    write(tmp_path, "zh", paragraph("同句。", "另句。", "同句。", asks={"q1": 0}))
    return tmp_path


def test_gold_spans_the_languages_in_their_order(folder: Path) -> None:
    data = read(folder, "en")
    assert [(e.example_id, e.parallel_id, e.cluster_id) for e in data.examples] == [
        ("q2", "q2", "A"),
        ("q1", "q1", "A"),
    ]
    # A sentence that occurs twice in its paragraph counts twice, as in the official code.
    assert [e.gold for e in data.examples] == ['["de_2_1","en_1_1"]', '["de_2_0","en_1_0","zh_1_0","zh_1_2"]']
    assert [s.path for s in data.sources] == ["de.json", "en.json", "zh.json"]


def test_candidates_are_own_sentences_with_context_joined_without_space(folder: Path) -> None:
    data = read(folder, "de")
    assert [(c.candidate_id, c.text) for c in data.candidates] == [
        ("de_2_0", "Eins.Eins.Zwei."),
        ("de_2_1", "Zwei.Eins.Zwei."),
    ]


def test_a_replaced_file_is_read_again(folder: Path) -> None:
    assert len(read(folder, "zh").candidates) == 3
    write(folder, "zh", paragraph("同句。", "另一句。", asks={"q1": 1}))
    assert [e.gold for e in read(folder, "zh").examples] == ['["de_2_0","en_1_0","zh_1_1"]']


def test_a_question_between_sentences_is_left_out_and_counted(folder: Path) -> None:
    broken = paragraph("One.", "Two.", asks={"q1": 0, "q2": 1})
    broken["sentence_breaks"].pop()
    write(folder, "en", broken)
    data = read(folder, "en")
    assert [e.example_id for e in data.examples] == ["q1"]
    assert data.repairs == {"no_answer_sentence": 1}


def test_plain_xquad_is_refused(folder: Path) -> None:
    plain = paragraph("One.", asks={"q1": 0})
    del plain["sentence_breaks"]
    write(folder, "en", plain)
    with pytest.raises(
        DataError, match=r"en\.json: article 1 \(A\), paragraph 1: 'sentence_breaks' is missing"
    ):
        read(folder, "de")


@pytest.mark.parametrize("pair", [[0, 99], [3, 1], [0], "x", [0, True]])
def test_bad_breaks_are_refused(folder: Path, pair: object) -> None:
    broken = paragraph("One.", asks={"q1": 0})
    broken["sentence_breaks"] = [pair]
    write(folder, "en", broken)
    with pytest.raises(DataError, match=r"is not \[start, end\] within the context of 5 characters"):
        read(folder, "en")


def test_a_language_of_the_pool_that_is_missing_is_named(folder: Path) -> None:
    (folder / "zh.json").unlink()
    with pytest.raises(DataError, match=r"language 'zh': no zh\.json under"):
        read(folder, "en")
