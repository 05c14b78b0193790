from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.reading import Reading
from harness.data.tag_lines import read_tag_lines
from harness.errors import DataError
from harness.records import DataSet, TaggingInputs
from harness.specs.task import LocalSource

LABELS = ("NOUN", "PROPN", "VERB", "X")


def read(folder: Path, text: str, **options: bool | str) -> DataSet:
    (folder / "dev-fa.tsv").write_bytes(text.encode())
    source = LocalSource(reader="tag_tsv", files={"sentences": ("dev-{code}.tsv",)}, options=options)
    return read_tag_lines(Reading("udpos", "fa", source, folder, {"fa": {"code": "fa"}}, LABELS))


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_words_labels_and_ids(tmp_path: Path, end: str) -> None:
    data = read(tmp_path, "Berlin\tPROPN\nruft\tVERB\n\nNew York\tPROPN" + end)
    assert [e.inputs for e in data.examples] == [
        TaggingInputs(("Berlin", "ruft")),
        TaggingInputs(("New York",)),
    ]
    assert [(e.example_id, e.gold) for e in data.examples] == [("0", '["PROPN","VERB"]'), ("1", '["PROPN"]')]
    assert data.repairs == {}


def test_empty_words_and_empty_sentences(tmp_path: Path) -> None:
    text = "a\tX\n\tNOUN\nb\tX\n\n\nc\tX\n"
    data = read(tmp_path, text)
    assert [e.gold for e in data.examples] == ['["X"]', '["X"]', "[]", '["X"]']
    assert data.repairs == {"empty_token": 1, "empty_sentence": 1}
    assert [e.example_id for e in read(tmp_path, text, keep_empty=False).examples] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tX\nb\n", r"^dev-fa\.tsv:2: 1 fields, expected a word, a tab and its label; the line is 'b'"),
        ("a\tX\tX\n", r"^dev-fa\.tsv:1: 3 fields"),
        ("a\tNOUM\n", r"^dev-fa\.tsv:1: the label is 'NOUM' \(did you mean 'NOUN'.*allowed are NOUN"),
        ("a\t\nb\tX", r"^dev-fa\.tsv:1: the label is ''"),
        (
            "a\nb\n\nc\n",
            r"^dev-fa\.tsv: the lines hold words and no labels: XTREME's download.*Get the original",
        ),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)
