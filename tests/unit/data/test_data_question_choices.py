from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hub_tables
import pytest

from harness.data.fingerprint import content_digest
from harness.data.reading import Reading
from harness.data.table import reader_named
from harness.errors import DataError
from harness.records import ChoiceInputs, DataSet
from harness.specs.task import LocalSource

COSMOS = "id,context,question,answer0,answer1,answer2,answer3,label\n"


def read(root: Path, reader: str, name: str, data: bytes) -> DataSet:
    (root / name).write_bytes(data)
    source = LocalSource(reader=reader, files={"rows": (name,)})
    return reader_named(reader)(Reading("t", "en", source, root, {"en": {"code": "en"}}))


def items(data: DataSet) -> list[tuple[str, tuple[str, ...], str]]:
    found = []
    for number, example in enumerate(data.examples):
        assert isinstance(example.inputs, ChoiceInputs) and example.example_id == str(number)
        found.append((example.inputs.prompt, example.inputs.choices, example.gold))
    return found


def hellaswag(label: Any, **changes: Any) -> dict[str, Any]:
    row = {
        "ind": 24,
        "activity_label": "Roof shingle removal",
        "ctx_a": "A man is sitting on a roof.",
        "ctx_b": "he",
        "ctx": "A man is sitting on a roof. he",
        "split": "val",
        "split_type": "indomain",
        "label": label,
        "endings": ["wraps.", "rips.", "is holding.", "starts."],
        "source_id": "activitynet~v_-JhWjGDPHMY",
    }
    return row | changes


def test_hellaswag_labels_as_numbers_and_as_text(tmp_path: Path) -> None:
    rows = [hellaswag(3), hellaswag(0, ctx_b="", ind=4)]
    data = read(tmp_path, "hellaswag_rows", "hellaswag_val.jsonl", hub_tables.json_lines(rows))
    assert items(data) == [
        (
            "A man is sitting on a roof.",
            ("he wraps.", "he rips.", "he is holding.", "he starts."),
            "3",
        ),
        ("A man is sitting on a roof.", ("wraps.", "rips.", "is holding.", "starts."), "0"),
    ]
    hub = hub_tables.parquet([row | {"label": str(row["label"])} for row in rows])
    assert content_digest(read(tmp_path, "hellaswag_rows", "a.parquet", hub)) == content_digest(data)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (hellaswag(""), r"row 1: the gold is hidden \(the label is ''\)"),
        (hellaswag("4"), "'label' is '4'; allowed are 0 to 3"),
        (hellaswag("1.0"), "'label' is '1.0'; allowed"),
        (hellaswag(True), "'label' is True; allowed"),
        (hellaswag(1, endings=["a", "b"]), "'endings' must be 4 texts"),
        (hellaswag(1, ctx_a=None), "'ctx_a' must be text"),
    ],
)
def test_hellaswag_rows_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, "hellaswag_rows", "a.jsonl", hub_tables.json_lines([row]))


def test_a_test_set_without_the_column_is_hidden_too(tmp_path: Path) -> None:
    row = hellaswag(1)
    del row["label"]
    with pytest.raises(DataError, match="the gold is hidden"):
        read(tmp_path, "hellaswag_rows", "a.jsonl", hub_tables.json_lines([row]))


def test_cosmos_quoting(tmp_path: Path) -> None:
    text = COSMOS + (
        '3BFF##q1,"Do i go , or ""stay"" ?",Why ?,He wants to .,"Yes , he does .",'
        "None of the above choices .,No .,1\n"
        '3BFF##q2,"Two\nlines . """,What ?,None of the above choices .,b,c,d,0\r\n'
        "3BFF##q3,Plain text .,When ?,a,b,c,It 's late .,3\n"
    )
    data = read(tmp_path, "cosmos_csv", "train.csv", text.encode())
    assert items(data) == [
        (
            'Do i go , or "stay" ? Why ?',
            ("He wants to .", "Yes , he does .", "None of the above choices .", "No ."),
            "1",
        ),
        ('Two\nlines . " What ?', ("None of the above choices .", "b", "c", "d"), "0"),
        ("Plain text . When ?", ("a", "b", "c", "It 's late ."), "3"),
    ]
    rows = [
        {
            "id": str(number),
            "context": prompt.rpartition(" " + question)[0],
            "question": question,
            **{f"answer{n}": choice for n, choice in enumerate(choices)},
            "label": int(gold),
        }
        for number, ((prompt, choices, gold), question) in enumerate(
            zip(items(data), ("Why ?", "What ?", "When ?"), strict=True)
        )
    ]
    hub = read(tmp_path, "cosmos_rows", "a.parquet", hub_tables.parquet(rows))
    assert content_digest(hub) == content_digest(data)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("1,c,q,a,b,c,d,\n", r"train.csv:2: the gold is hidden \(the label is ''\)"),
        ("1,c,q,a,b,c,d,-1\n", "the gold is hidden"),
        ("1,c,q,a,b,c,d,4\n", "train.csv:2: 'label' is '4'; allowed are 0 to 3"),
        ("1,c,q,a,b,c,d,1\n2,c,q,a,b\n", "train.csv:3: 5 fields, expected 8 separated by commas"),
        ('1,"two\nlines",q,a,b,c,d,1\n2,c,q\n', "train.csv:4: 3 fields"),
        ('1,c,q,a,b,c,d,1\n2,"never closed,q,a,b,c,d,1\n', "train.csv:3: the quotation marks of the record"),
    ],
)
def test_cosmos_records_that_cannot_be_used(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, "cosmos_csv", "train.csv", (COSMOS + lines).encode())


def test_cosmos_needs_its_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.csv:1: the first line must name .*'answer0' is not there"):
        read(tmp_path, "cosmos_csv", "train.csv", b"id,context,question,label\n1,a,b,0\n")


def test_cosmos_with_a_byte_order_mark(tmp_path: Path) -> None:
    data = read(tmp_path, "cosmos_csv", "train.csv", ("\ufeff" + COSMOS + "1,c,q,a,b,c,d,1\n").encode())
    assert data.repairs == {"bom": 1} and items(data)[0][2] == "1"


def commonsense(key: Any, letters: str = "ABCDE") -> dict[str, Any]:
    return {
        "answerKey": key,
        "id": "075e483d21c29a511267ef62bedc0461",
        "question": {
            "question_concept": "punishing",
            "choices": [{"label": letter, "text": f"choice {letter}"} for letter in letters],
            "stem": "What did the sanctions do?",
        },
    }


def test_commonsense_letters(tmp_path: Path) -> None:
    rows = [commonsense("A"), commonsense("E"), commonsense("B", letters="BADCE")]
    data = read(tmp_path, "commonsense_rows", "train_rand_split.jsonl", hub_tables.json_lines(rows))
    choices = tuple(f"choice {letter}" for letter in "ABCDE")
    # Choices stand in the order of their letters, whatever the file's is.
    assert items(data) == [("What did the sanctions do?", choices, gold) for gold in "041"]
    flat = [
        {
            "id": row["id"],
            "question": row["question"]["stem"],
            "question_concept": "punishing",
            "choices": {
                "label": [c["label"] for c in row["question"]["choices"]],
                "text": [c["text"] for c in row["question"]["choices"]],
            },
            "answerKey": row["answerKey"],
        }
        for row in rows
    ]
    hub = read(tmp_path, "commonsense_rows", "a.parquet", hub_tables.parquet(flat))
    assert content_digest(hub) == content_digest(data)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (commonsense(""), r"the gold is hidden \(the answer is ''\)"),
        (commonsense(None), "the gold is hidden"),
        (commonsense("F"), "'answerKey' is 'F'; allowed are A, B, C, D, E"),
        (commonsense(["A"]), "'answerKey' is .*allowed are A"),
        (commonsense("A", letters="ABCD"), "4 choices with the letters"),
        (commonsense("A", letters="ABCDD"), "5 choices with the letters"),
        ({"question": "q", "answerKey": "A", "choices": None}, "'choices' must be an object"),
        ({"question": 3, "answerKey": "A"}, "expected an object with 'stem'"),
    ],
)
def test_commonsense_rows_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, "commonsense_rows", "a.jsonl", hub_tables.json_lines([row]))


def test_one_answer_throughout_stands_in_for_hidden_ones(tmp_path: Path) -> None:
    rows = json.dumps(hellaswag(0)) + "\n"
    with pytest.raises(DataError, match="it is '0' in all 50 examples"):
        read(tmp_path, "hellaswag_rows", "a.jsonl", (rows * 50).encode())
