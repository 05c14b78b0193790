"""Every format: round trip, the official layout byte by byte, and errors that name file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ResultError
from harness.results.formats import FORMATS, format_named

PATH = Path("run/predictions/task/test-de.x")

texts = st.text(max_size=20)
ids = st.lists(texts, max_size=8, unique=True)
labels = st.text(min_size=1, max_size=8).filter(
    lambda s: s == s.strip() and not s.startswith("\ufeff") and not set(s) & set("\n\r")
)
OUTPUT = {
    "index_tsv": st.integers(0, 10**15),
    "label_tsv": labels,
    "labels_tsv": st.lists(labels, max_size=5),
    "answers_json": texts,
    "ranking_json": st.lists(texts, max_size=5, unique=True),
    "choice_jsonl": st.integers(0, 9),
}
# Their outputs are not one per example; see test_pair_lines.
LISTS = {"pairs_tsv", "thresholds_tsv"}


def test_every_format_has_a_strategy() -> None:
    assert OUTPUT.keys() == FORMATS.keys() - LISTS


@pytest.mark.parametrize("name", sorted(OUTPUT))
@given(data=st.data())
def test_round_trip(name: str, data: st.DataObject) -> None:
    example_ids = data.draw(ids)
    outputs = [data.draw(OUTPUT[name]) for _ in example_ids]
    form = format_named(name)
    written = form.encode(example_ids, outputs)
    assert form.decode(written, example_ids, PATH) == outputs
    assert form.encode(example_ids, outputs) == written


@pytest.mark.parametrize(
    ("name", "outputs", "written"),
    [
        ("index_tsv", [123, 0], "123\n0\n"),
        ("label_tsv", ["neutral", "entailment"], "neutral\nentailment\n"),
        ("labels_tsv", [["NOUN", "VERB"], ["X"]], "NOUN\nVERB\n\nX\n\n"),
        ("answers_json", ["Zürich", "two\nlines"], '{\n"a": "Zürich",\n"b": "two\\nlines"\n}\n'),
        ("ranking_json", [["p1", "p2"], []], '{\n"a": ["p1", "p2"],\n"b": []\n}\n'),
        ("choice_jsonl", [1, 0], '{"id": "a", "label": 1}\n{"id": "b", "label": 0}\n'),
    ],
)
def test_layout(name: str, outputs: list[Any], written: str) -> None:
    assert format_named(name).encode(["a", "b"], outputs) == written.encode()


def test_numpy_integers_are_integers() -> None:
    outputs = list(np.array([3, 1], dtype=np.int64))
    assert format_named("index_tsv").encode(["a", "b"], outputs) == b"3\n1\n"
    assert format_named("choice_jsonl").encode(["a"], [np.int32(1)]) == b'{"id": "a", "label": 1}\n'


def test_official_tags_without_a_last_blank_line() -> None:
    assert format_named("labels_tsv").decode(b"A\nB\n\nC", ["0", "1"], PATH) == [["A", "B"], ["C"]]


def test_foreign_choice_rows_need_only_a_label() -> None:
    data = b'{"premise": "x", "idx": 7, "label": 1}\n{"id": 1, "label": 0}\n'
    assert format_named("choice_jsonl").decode(data, ["0", "1"], PATH) == [1, 0]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("index_tsv", b"1\n", r"1 lines for 2 examples"),
        ("index_tsv", b"1\n2\n3\n", r"3 lines for 2 examples"),
        ("index_tsv", b"1\n[2]\n", r"line 2: '\[2\]' is not a row number"),
        ("index_tsv", b"1\n-2\n", r"line 2"),
        ("index_tsv", "1\n٣\n".encode(), r"line 2"),
        ("index_tsv", b"1\n\xff\n", r"line 2: byte 0xff is not valid UTF-8"),
        ("label_tsv", b"a\n\n", r"line 2: '' cannot be a label"),
        ("label_tsv", b"\xef\xbb\xbfa\nb\n", r"line 1: begins with a byte order mark"),
        ("label_tsv", b"a\nb\r\n", r"line 2: holds a carriage return"),
        ("labels_tsv", b"A\r\n\r\nB\r\n", r"line 1: holds a carriage return"),
        ("answers_json", b'{"a": "x",\r\n"b": "y"}', r"line 1: holds a carriage return"),
        ("labels_tsv", b"A\n\nB\n\n\n", r"3 sentences for 2 examples"),
        ("answers_json", b'{"a": "x",\n"b" "y"}', r"line 2: not valid JSON"),
        ("answers_json", b'{"a": "x"}', r"no prediction for 1 of 2 ids, the first is 'b'"),
        ("answers_json", b'{"a": "x", "b": "y", "c": "z"}', r"1 ids that the test set does not have.*'c'"),
        ("answers_json", b'{"a": "x",\n"a": "y", "b": "z"}', r"line 2: 'a' appears twice"),
        ("choice_jsonl", b'{"label": 1}\n{"label": 1, "label": 0}', r"line 2: 'label' appears twice"),
        ("answers_json", b'{"a": "x",\n "b": NaN}', r"line 2: .*NaN is not a number of JSON"),
        ("answers_json", b'{"a": "x", "b": 3}', r"id 'b': 3 is not an answer"),
        ("answers_json", b'["x", "y"]', r"holds a list"),
        ("answers_json", b"[" * 100_000, r"nested too deeply|not valid JSON"),
        ("answers_json", b'{"a": ' + b"1" * 5000 + b"}", r"line 1: not a predictions file.*digits"),
        ("ranking_json", b'{"a": ["p"], "b": ["p", "p"]}', r"id 'b': candidate 'p' is ranked twice"),
        ("ranking_json", b'{"a": ["p"], "b": "p"}', r"id 'b': .* is not a ranking"),
        ("ranking_json", b'{"a": ["p"], "b": [1]}', r"id 'b'"),
        ("choice_jsonl", b'{"label": 1}\n{"choice": 1}\n', r"line 2: .* has no label"),
        ("choice_jsonl", b'{"label": 1}\n{"label": "1"}\n', r"line 2: '1' is not a number"),
        ("choice_jsonl", b'{"label": 1}\n{"label": true}\n', r"line 2: True is not a number"),
        ("choice_jsonl", b'{"label": 1}\n{"label": 1.0}\n', r"line 2: 1.0 is not a number"),
        ("choice_jsonl", b'{"label": 1}\n{"label"\n', r"line 2: not valid JSON"),
        (
            "choice_jsonl",
            b'{"id": "b", "label": 1}\n{"id": "a", "label": 1}\n',
            r"line 1: id 'b' where 'a' is due",
        ),
    ],
)
def test_errors_name_file_and_place(name: str, data: bytes, message: str) -> None:
    with pytest.raises(ResultError, match=message) as caught:
        format_named(name).decode(data, ["a", "b"], PATH)
    assert str(PATH) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("index_tsv", -1),
        ("index_tsv", True),
        ("index_tsv", 1.0),
        ("label_tsv", "a\nb"),
        ("label_tsv", " a"),
        ("label_tsv", 3),
        ("labels_tsv", ["A", ""]),
        ("answers_json", None),
        ("answers_json", "\ud800"),
        ("ranking_json", ["p", "p"]),
    ],
)
def test_outputs_a_format_cannot_hold_are_refused(name: str, output: Any) -> None:
    with pytest.raises(ResultError):
        format_named(name).encode(["a"], [output])


@pytest.mark.parametrize("name", sorted(OUTPUT))
def test_count_must_match(name: str) -> None:
    with pytest.raises(ResultError, match="0 outputs for 1 examples"):
        format_named(name).encode(["a"], [])


def test_unknown_format() -> None:
    with pytest.raises(ResultError, match="no file format 'xml'"):
        format_named("xml")


def test_what_the_official_readers_see(tmp_path: Path) -> None:
    """The official readers strip lines, split at blank ones, and take `label` of each JSON row."""
    tags = tmp_path / "tags"
    tags.write_bytes(format_named("labels_tsv").encode(["0", "1"], [["A", "B"], ["C"]]))
    sentences: list[list[str]] = []
    current: list[str] = []
    for line in tags.read_text(encoding="utf-8").splitlines():
        if line.strip():
            current.append(line.strip())
        else:
            sentences.append(current)
            current = []
    assert [*sentences, *([current] if current else [])] == [["A", "B"], ["C"]]
    rows = format_named("choice_jsonl").encode(["0", "1"], [1, 0]).decode().splitlines()
    assert [json.loads(row)["label"] for row in rows] == [1, 0]
    answers = format_named("answers_json").encode(["q1"], ["x"])
    assert json.loads(answers) == {"q1": "x"}
