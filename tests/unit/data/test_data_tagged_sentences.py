from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.reading import Reading
from harness.data.table import reader_named
from harness.data.tagged_sentences import labels_of
from harness.data.text import read_text
from harness.errors import DataError
from harness.records import DataSet, TaggingInputs
from harness.specs.task import LocalSource

TAGS = ("N/N", "N", r"(S[dcl]\NP)/NP", ".")


def read(root: Path, text: str) -> DataSet:
    (root / "ccg.train").write_text(text, encoding="utf-8")
    source = LocalSource(reader="tagged_sentences", files={"sentences": ("ccg.train",)})
    return reader_named("tagged_sentences")(Reading("ccg", "en", source, root, {"en": {"code": "en"}}, TAGS))


def test_words_and_supertags(tmp_path: Path) -> None:
    data = read(tmp_path, "Mr. Vinken joins Elsevier .\tN/N N (S[dcl]\\NP)/NP N .\n\nYes .\tN .\n")
    assert [e.example_id for e in data.examples] == ["0", "2"]
    inputs = data.examples[0].inputs
    assert isinstance(inputs, TaggingInputs) and inputs.words == ("Mr.", "Vinken", "joins", "Elsevier", ".")
    assert data.examples[0].gold == r'["N/N","N","(S[dcl]\\NP)/NP","N","."]'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Mr. Vinken\tN/N\n", "ccg.train:1: 2 words and 1 tags; one tag per word is due"),
        ("Mr. Vinken N/N N\n", "ccg.train:1: 1 fields, expected the words, a tab, and their tags"),
        ("Vinken\tNN\n", r"ccg.train:1: the label is 'NN'.*allowed are N/N, N, "),
    ],
)
def test_broken_lines(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, line)


@pytest.mark.parametrize("text", ['{"N": 1, "N/N": 0, "S": 2}', '{"N": "1", "N/N": "0", "S": "2"}'])
def test_labels_in_the_order_of_their_numbers(tmp_path: Path, text: str) -> None:
    (tmp_path / "tags_to_id.json").write_text(text, encoding="utf-8")
    assert labels_of(read_text(tmp_path / "tags_to_id.json", root=tmp_path)) == ("N/N", "N", "S")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["N"]', "holds no object; {label: its number, from 0 on} is due"),
        ("{}", "holds no object"),
        ('{"N": 0, "S": 2}', "no label has the number 1; 2 labels are numbered 0 to 1"),
        ('{"N": 0, "S": 0}', "'S' and 'N' both have 0"),
        ('{"N": 0, "N": 1}', "'N' occurs twice in one object"),
        ('{"N": 0.5}', "'N' must be a whole number"),
    ],
)
def test_files_that_number_no_labels(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tags_to_id.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        labels_of(read_text(tmp_path / "tags_to_id.json", root=tmp_path))
