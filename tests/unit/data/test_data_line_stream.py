from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from harness.data.line_stream import LineStream
from harness.errors import DataError
from harness.records import SourceFile


def stream(folder: Path, name: str, data: bytes, member: str = "") -> LineStream:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return LineStream(path, root=folder, member=member)


def packed(mode: str, **files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"raw/{name}.jsonl")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def test_lines_are_named_and_the_whole_file_is_hashed(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"a": 1}\r\n\n{"b": "\xc3\xa4\xe2\x80\xa8"}'
    lines = stream(tmp_path, "x/a.jsonl", data)
    assert list(lines.json_lines()) == [("x/a.jsonl:1", {"a": 1}), ("x/a.jsonl:3", {"b": "ä\u2028"})]
    assert lines.source == SourceFile("x/a.jsonl", hashlib.sha256(data).hexdigest())
    assert lines.repairs == {"bom": 1}


def test_no_hash_before_the_last_line(tmp_path: Path) -> None:
    lines = stream(tmp_path, "a.jsonl", b"{}\n{}\n")
    rows = lines.json_lines()
    next(rows)
    with pytest.raises(AssertionError, match="BUG"):
        _ = lines.source
    assert list(rows) and lines.source and lines.repairs == {}


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz")])
def test_a_file_in_an_archive_is_found_by_its_last_name(tmp_path: Path, name: str, mode: str) -> None:
    data = packed(mode, one=b'{"n": 1}\n', two=b'{"n": 2}\n{"n": 3}\n', three=b'{"n": 4}\n')
    lines = stream(tmp_path, name, data, "two.jsonl")
    assert list(lines.json_lines()) == [
        (f"{name}/two.jsonl:1", {"n": 2}),
        (f"{name}/two.jsonl:2", {"n": 3}),
    ]
    # What lies behind the member is hashed, too.
    assert lines.source == SourceFile(name, hashlib.sha256(data).hexdigest())


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    archive = packed("w:gz", one=bytes(range(48, 58)) * 9_999)
    cases = [
        (stream(tmp_path, "a", b"{}\n{'a'}\n"), r"a:2:2: not valid JSON"),
        (stream(tmp_path, "b", b"{}\n[]\n"), r"b:2: expected a JSON object, found a list"),
        (stream(tmp_path, "c", b'{}\n{"a": "\xe4"}\n'), r"c:2: byte 7 \(0xe4\) is not valid UTF-8"),
        (stream(tmp_path, "d", b'{"a": "\\ud800"}\n'), r"d:1: a: .* half of a character"),
        (
            stream(tmp_path, "e", b"{}\n", "x.jsonl"),
            r"e: the reader option 'member' names a file in an archive",
        ),
        (stream(tmp_path, "f.tar.gz", archive, "x.jsonl"), r"holds no 'x.jsonl'.*it holds raw/one.jsonl"),
        (stream(tmp_path, "g.tar.gz", archive[:-30], "x.jsonl"), r"g.tar.gz: the archive is damaged"),
        (stream(tmp_path, "h.tar.gz", b"no archive", "x.jsonl"), r"h.tar.gz: the archive is damaged"),
        (stream(tmp_path, "i.tar.gz", b"", "x.jsonl"), r"i.tar.gz: the archive"),
        (LineStream(tmp_path / "nowhere", root=tmp_path), r"nowhere: cannot be read"),
    ]
    for lines, message in cases:
        with pytest.raises(DataError, match=message):
            list(lines.json_lines())


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl: the file is empty"):
        list(stream(tmp_path, "a.jsonl", data).json_lines())
