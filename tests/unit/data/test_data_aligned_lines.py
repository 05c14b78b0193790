from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.aligned_lines import read_aligned_lines
from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import BitextInputs, DataSet
from harness.specs.task import LocalSource

SOURCE = LocalSource(reader="aligned_lines", files={"source": ("p.eng",), "target": ("p.{code}",)})


def read(folder: Path, english: bytes, foreign: bytes) -> DataSet:
    (folder / "p.eng").write_bytes(english)
    (folder / "p.de").write_bytes(foreign)
    return read_aligned_lines(Reading("tatoeba", "de", SOURCE, folder, {"de": {"code": "de"}}))


def test_order_ids_golds_and_both_pools(tmp_path: Path) -> None:
    data = read(tmp_path, b"what?\n Zoo \napple\nZoo\n", b"was?\nder Zoo\nApfel\nTierpark\n")
    assert [e.example_id for e in data.examples] == [
        "1",
        "3",
        "2",
        "0",
    ]  # Z before a; equal ones in file order
    assert [e.gold for e in data.examples] == ["1", "3", "2", "0"]
    assert data.examples[0].inputs == BitextInputs("Zoo", "der Zoo")
    assert [e.parallel_id for e in data.examples] == ["Zoo", "Zoo", "apple", "what?"]
    assert [(c.candidate_id, c.text) for c in data.candidates] == [
        ("0", "was?"),
        ("1", "der Zoo"),
        ("2", "Apfel"),
        ("3", "Tierpark"),
        ("en:0", "what?"),
        ("en:1", "Zoo"),
        ("en:2", "apple"),
        ("en:3", "Zoo"),
    ]
    assert [s.path for s in data.sources] == ["p.eng", "p.de"]
    assert data.repairs == {}


def test_official_order_is_that_of_a_plain_sort(tmp_path: Path) -> None:
    english = ["b", "B", "é", "e", "", "10", "9", "b", "\U0001d400", "\uffee"]
    data = read(tmp_path, "\n".join(english).encode() + b"\n", b"x\n" * len(english))
    official = [row for _, row in sorted(zip(english, range(len(english)), strict=True), key=lambda x: x[0])]
    assert [int(e.gold) for e in data.examples] == official


def test_misaligned_pair_names_both_counts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"p\.eng has 2 lines and p\.de has 3"):
        read(tmp_path, b"a\nb\n", b"x\ny\nz\n")


def test_repairs_are_counted_and_line_numbers_kept(tmp_path: Path) -> None:
    data = read(tmp_path, b"\xef\xbb\xbfa\r\n\r\nc", b"x\n\nz\n")
    assert data.repairs == {"bom": 1, "empty_line": 2}
    assert [(e.example_id, e.inputs) for e in data.examples] == [
        ("1", BitextInputs("", "")),
        ("0", BitextInputs("a", "x")),
        ("2", BitextInputs("c", "z")),
    ]
