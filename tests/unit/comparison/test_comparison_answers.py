"""Constant answers are told from the beginning of a file where that is enough."""

from __future__ import annotations

import json

import pytest

from harness.comparison.answers import _begins_varied
from harness.results.formats import FORMATS

IDS = [f'row ": {i}' for i in range(400)]


@pytest.mark.parametrize(
    ("form", "alike", "varied"),
    [
        ("label_tsv", ["yes"] * 400, ["yes"] * 300 + ["no"] * 100),
        ("labels_tsv", [["A"], ["A", "A"]] * 200, [["A"], ["A", "B"]] * 200),
        ("labels_tsv", [["A", "B"]] * 400, [["A", "B"]] * 399 + [["A"]]),
        ("index_tsv", [7] * 400, list(range(400))),
        ("answers_json", ["an answer"] * 400, ["an answer"] * 399 + [""]),
        ("ranking_json", [["a", "b"]] * 400, [["a", "b"], ["b", "a"]] * 200),
        ("choice_jsonl", [1] * 400, [1, 0] * 200),
    ],
)
def test_two_different_answers_are_seen(tmp_path, form, alike, varied):
    suffix = FORMATS[form].suffix
    for name, outputs, expected in (("alike", alike, False), ("varied", varied, True)):
        path = tmp_path / f"{name}.{suffix}"
        path.write_bytes(FORMATS[form].encode(IDS, outputs))
        assert _begins_varied(path, suffix) is expected


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1,\n2,\n3]\n", b"\xff\n\xff\n", b'{\n"a": 1, "b": 2,\n"c": 3\n}\n']
)
def test_what_cannot_be_told_from_the_beginning_is_left_to_the_whole_file(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert not _begins_varied(path, "json") and not _begins_varied(path, "jsonl")
    assert not _begins_varied(tmp_path / "absent", "tsv")


def test_an_object_on_one_line_is_read_as_a_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text(json.dumps({"a": "x", "b": "y"}), encoding="utf-8")
    assert not _begins_varied(path, "json")
