from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from harness.data.lock import LOCK_NAME, Lock, LockedSnapshot, extend_lock, read_lock
from harness.errors import DataError, RequestError

COMMIT = "a" * 40
SHA = "b" * 64


def test_no_folder_and_no_file(tmp_path: Path) -> None:
    assert read_lock(None) == read_lock(tmp_path) == Lock()


def test_entries_are_merged_sorted_and_stay_as_they_are(tmp_path: Path) -> None:
    extend_lock(tmp_path, snapshots={f"z/z@{COMMIT}": LockedSnapshot(files={"b": SHA}, rows={"c/test": 2})})
    extend_lock(
        tmp_path,
        pins={"z/z": COMMIT, "a/a": COMMIT},
        snapshots={f"z/z@{COMMIT}": LockedSnapshot(files={"a": SHA})},
    )
    data = (tmp_path / LOCK_NAME).read_bytes()
    assert json.loads(data) == {
        "schema_version": 1,
        "pins": {"a/a": COMMIT, "z/z": COMMIT},
        "snapshots": {f"z/z@{COMMIT}": {"files": {"a": SHA, "b": SHA}, "rows": {"c/test": 2}}},
    }
    assert list(json.loads(data)["pins"]) == ["a/a", "z/z"]
    extend_lock(tmp_path, snapshots={})
    assert (tmp_path / LOCK_NAME).read_bytes() == data
    assert read_lock(tmp_path).pins["z/z"] == COMMIT


def test_a_hash_never_changes(tmp_path: Path) -> None:
    name = f"z/z@{COMMIT}"
    extend_lock(tmp_path, snapshots={name: LockedSnapshot(files={"a": SHA})})
    before = (tmp_path / LOCK_NAME).read_bytes()
    with pytest.raises(DataError, match=f"{SHA}, but is {'c' * 64} now"):
        extend_lock(tmp_path, snapshots={name: LockedSnapshot(files={"a": "c" * 64})})
    assert (tmp_path / LOCK_NAME).read_bytes() == before


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", ":1:2: not valid JSON"),
        ("[]", "should be a valid dictionary"),
        ('{"schema_version": 2}', "schema_version: .*seen 2"),
        ('{"pins": {"a/a": "main"}}', "pins.a/a: .*seen 'main'"),
        ('{"snapshots": {"a/a@b": {"files": {"f": "short"}}}}', "seen 'short'"),
        ('{"other": 1}', "other: extra inputs"),
        ('{"pins": {"a/a": ' + "9" * 5000 + "}}", r"limit \(4300 digits\).*restore it"),
    ],
)
def test_malformed_locks(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / LOCK_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_lock(tmp_path)
    with pytest.raises(DataError):
        extend_lock(tmp_path, snapshots={}, pins={"a/a": COMMIT})
    assert (tmp_path / LOCK_NAME).read_text(encoding="utf-8") == text


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_bytes(b"\xff")
    with pytest.raises(DataError, match="byte 0 is not valid UTF-8"):
        read_lock(tmp_path)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RequestError, match="cannot be written"):
        extend_lock(tmp_path / "file", snapshots={}, pins={"a/a": COMMIT})


def test_many_processes_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(_add, [tmp_path] * 12, range(12)))
    lock = read_lock(tmp_path)
    assert len(lock.pins) == 12
    assert len(lock.snapshots[f"z/z@{COMMIT}"].files) == 12
    assert not [
        p for p in tmp_path.iterdir() if p.name.startswith(f".{LOCK_NAME}.") and "guard" not in p.name
    ]


def _add(folder: Path, number: int) -> None:
    snapshot = LockedSnapshot(files={f"f{number}": SHA})
    extend_lock(folder, pins={f"a/r{number}": COMMIT}, snapshots={f"z/z@{COMMIT}": snapshot})
