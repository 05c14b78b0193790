from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.aligned_lines import read_aligned_lines
from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import BitextInputs, DataSet
from harness.specs.task import LocalSource

FILES = {"source": ("p.eng",), "target": ("p.{code}",)}


def read(folder: Path, english: bytes, foreign: bytes, **options: bool | str) -> DataSet:
    (folder / "p.eng").write_bytes(english)
    (folder / "p.de").write_bytes(foreign)
    source = LocalSource(reader="aligned_lines", files=FILES, options=options)
    return read_aligned_lines(Reading("tatoeba", "de", source, folder, {"de": {"code": "de"}}))


def test_order_ids_golds_and_both_pools(tmp_path: Path) -> None:
    data = read(tmp_path, b"what?\n Zoo \napple\nZoo\n", b"was?\nder Zoo\nApfel\nTierpark\n")
    assert [e.example_id for e in data.examples] == ["0", "1", "2", "3"]
    assert [e.gold for e in data.examples] == ["1", "3", "2", "0"]  # Z before a; equal ones in file order
    assert data.examples[0].inputs == BitextInputs("Zoo", "der Zoo")
    assert [e.parallel_id for e in data.examples] == ["Zoo", "Zoo", "apple", "what?"]
    assert [(c.candidate_id, c.text) for c in data.candidates] == [
        ("0", "was?"),
        ("1", "der Zoo"),
        ("2", "Apfel"),
        ("3", "Tierpark"),
    ]
    assert [(c.candidate_id, c.text) for c in data.counterpart] == [
        ("0", "what?"),
        ("1", "Zoo"),
        ("2", "apple"),
        ("3", "Zoo"),
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
    assert [(e.example_id, e.gold, e.inputs) for e in data.examples] == [
        ("0", "1", BitextInputs("", "")),
        ("1", "0", BitextInputs("a", "x")),
        ("2", "2", BitextInputs("c", "z")),
    ]


def test_an_english_side_in_order_is_not_aligned_any_more(tmp_path: Path) -> None:
    def lines(count: int) -> bytes:
        return b"".join(b"%03d x\n" % number for number in range(count))

    with pytest.raises(
        DataError, match=r"^p\.eng: the 50 English lines stand in code-point order.*Get LASER's"
    ):
        read(tmp_path, lines(50), b"y\n" * 50, refuse_sorted=True, original="LASER's files")
    # Fewer may be in order by chance; a user's own word lists may be sorted; and one line out of order is
    # enough to say that nobody sorted the file.
    assert len(read(tmp_path, lines(49), b"y\n" * 49, refuse_sorted=True).examples) == 49
    assert len(read(tmp_path, lines(50), b"y\n" * 50).examples) == 50
    assert len(read(tmp_path, lines(50) + b"001 x\n", b"y\n" * 51, refuse_sorted=True).examples) == 51
