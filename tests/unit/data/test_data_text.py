from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.text import TextFile, read_text, require
from harness.errors import DataError
from harness.records import SourceFile


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_source_is_relative_and_hashes_the_bytes_as_they_are(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfeins\r\nzwei\r\n"
    file = read_text(put(tmp_path, "a/b.txt", data), root=tmp_path)
    assert file.source == SourceFile("a/b.txt", hashlib.sha256(data).hexdigest())
    assert file.repairs == {"bom": 1}
    assert file.lines() == ["eins", "zwei"]


def test_no_repairs_without_bom(tmp_path: Path) -> None:
    assert read_text(put(tmp_path, "a", b"x\n"), root=tmp_path).repairs == {}


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \n\n"])
def test_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.txt: the file is empty"):
        read_text(put(tmp_path, "a.txt", data), root=tmp_path)


def test_invalid_utf8_names_line_and_byte(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt:2: byte 6 \(0xe4\) is not valid UTF-8"):
        read_text(put(tmp_path, "a.txt", "gut\nsp\xe4t\n".encode("latin-1")), root=tmp_path)


def test_missing_file_and_folder_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        read_text(tmp_path / "nowhere", root=tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path, root=tmp_path)


def test_other_line_separators_stay_inside_their_line(tmp_path: Path) -> None:
    text = "a\u2028b\x0bc\x85d\ne"
    assert read_text(put(tmp_path, "a", text.encode()), root=tmp_path).lines() == ["a\u2028b\x0bc\x85d", "e"]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",))), min_size=1))
def test_lines_come_back_as_written(lines: list[str]) -> None:
    for end in ("\n", "\r\n"):
        file = TextFile("f", end.join(lines) + end, SourceFile("f", ""))
        assert file.lines() == lines


def test_json_errors_name_the_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json:2:7: not valid JSON"):
        read_text(put(tmp_path, "a.json", b'{\n "a": nope}'), root=tmp_path).json()
    lines = read_text(put(tmp_path, "a.jsonl", b'{"a": 1}\n\n[1]\n'), root=tmp_path).json_lines()
    assert next(lines) == ("a.jsonl:1", {"a": 1})
    with pytest.raises(DataError, match=r"a\.jsonl:3: expected a JSON object, found a list"):
        next(lines)
    with pytest.raises(DataError, match=r"b\.jsonl:1:2: not valid JSON"):
        list(read_text(put(tmp_path, "b.jsonl", b"{'a': 1}\n"), root=tmp_path).json_lines())


def test_require_says_what_it_saw() -> None:
    assert require({"a": 3}, "a", int, where="f:1") == 3
    with pytest.raises(DataError, match=r"f:1: 'b' is missing; there are 'a'"):
        require({"a": 3}, "b", int, where="f:1")
    with pytest.raises(DataError, match=r"f:1: 'a' must be a whole number, found true"):
        require({"a": True}, "a", int, where="f:1")
    with pytest.raises(DataError, match=r"f:1: 'a' must be a list, found text \('x'\)"):
        require({"a": "x"}, "a", list, where="f:1")
    with pytest.raises(DataError, match=r"f:1: expected an object with 'a', found a list"):
        require([], "a", list, where="f:1")


def jsons(text: str) -> TextFile:
    return TextFile("a.json", text, SourceFile("a.json", ""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "a number is too long"),
        ('{"a": [{"b": "x\\ud800"}]}', r"a\[0\]\.b: 'x\\ud800' holds the half of a character"),
        ('{"\\uDFFF": 1}', "key: .* holds the half of a character"),
        ('{"a\\ud800": "\\udfff"}', "holds the half of a character"),
    ],
)
def test_json_that_cannot_be_used_names_its_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^a.json: .*{message}"):
        jsons(text).json()
    with pytest.raises(DataError, match=f"^a.json:2: .*{message}"):
        list(jsons("\n" + text).json_lines())


def test_pairs_of_surrogates_and_escaped_backslashes_are_texts() -> None:
    assert jsons('["\\ud83d\\ude00", "\\\\ud800"]').json() == ["😀", "\\ud800"]


def test_surrogates_are_looked_for_as_deep_as_json_goes() -> None:
    with pytest.raises(DataError, match="half of a character"):
        jsons("[" * 900 + '"\\ud800"' + "]" * 900).json()
