from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import hub_tables
import pytest

from harness.data.reading import Reading
from harness.data.table import reader_named
from harness.errors import DataError, SpecError
from harness.records import DataSet, TextInputs
from harness.specs.task import LocalSource


def read(root: Path, reader: str, role: str, name: str, data: bytes, **options: Any) -> DataSet:
    (root / name).write_bytes(data)
    source = LocalSource(reader=reader, files={role: (name,)}, options=options)
    return reader_named(reader)(Reading("text", "de", source, root, {"de": {"code": "de"}}))


def texts(data: DataSet) -> list[tuple[str, str]]:
    found = []
    for example in data.examples:
        assert isinstance(example.inputs, TextInputs) and example.gold == ""
        found.append((example.example_id, example.inputs.text))
    return found


def test_one_text_per_line(tmp_path: Path) -> None:
    content = "\ufeffErste Zeile.\r\n\n  Dritte \u2028 Zeile. \n \t\nletzte".encode()
    data = read(tmp_path, "text_lines", "text", "de.txt", content)
    assert texts(data) == [("0", "Erste Zeile."), ("2", "Dritte \u2028 Zeile."), ("4", "letzte")]
    assert data.repairs == {"bom": 1} and data.sources[0].sha256 == hashlib.sha256(content).hexdigest()
    first = read(tmp_path, "text_lines", "text", "de.txt", content, max_lines=2)
    # The hash is that of the whole file, whatever is kept of it.
    assert texts(first) == texts(data)[:2] and first.sources == data.sources


def test_texts_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"de.txt:2: byte 1 \(0xff\) is not valid UTF-8"):
        read(tmp_path, "text_lines", "text", "de.txt", b"good\nb\xffd\n")
    with pytest.raises(DataError, match="the file is empty"):
        read(tmp_path, "text_lines", "text", "de.txt", b"\n \n")
    with pytest.raises(SpecError, match="option 'max_lines' is -1"):
        read(tmp_path, "text_lines", "text", "de.txt", b"a\n", max_lines=-1)


def test_articles_of_the_hub_line_by_line(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "url": "u", "title": "A", "text": "A ist ein Buchstabe.\n\nEr ist der erste.\n"},
        {"id": "2", "url": "u", "title": "B", "text": "B auch."},
    ]
    table = hub_tables.parquet(rows)
    data = read(tmp_path, "text_rows", "rows", "a.parquet", table)
    assert texts(data) == [("0.0", "A ist ein Buchstabe."), ("0.2", "Er ist der erste."), ("1.0", "B auch.")]
    assert texts(read(tmp_path, "text_rows", "rows", "a.parquet", table, max_lines=2)) == texts(data)[:2]
    titles = read(tmp_path, "text_rows", "rows", "a.parquet", table, text="title")
    assert texts(titles) == [("0.0", "A"), ("1.0", "B")]
    with pytest.raises(DataError, match=r"no column 'txt' \(did you mean 'text'\?\)"):
        read(tmp_path, "text_rows", "rows", "a.parquet", table, text="txt")
    with pytest.raises(DataError, match="row 1: 'text' must be text, found null"):
        read(tmp_path, "text_rows", "rows", "a.jsonl", hub_tables.json_lines([{"text": None}]))
