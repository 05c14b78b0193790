"""Data files by their hashes: read once, known again by size and time of change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from toy_study import write_study

from harness.data.places import Places
from harness.demo.files import write_world
from harness.specs.study import StudyRequest
from harness.studying.inventory import CACHE, Inventory, digest_of
from harness.studying.planning import plan_study


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_world(tmp_path / "data")
    return tmp_path / "data"


def read(data: Path, out: Path, folder: Path) -> tuple[dict[str, str], Inventory]:
    study = write_study(folder, folder / "tiny")
    plan = plan_study(StudyRequest(study=str(study), out=str(out), data_dir=str(data)))
    mixture = plan.arms["close"].mixture
    assert mixture is not None
    inventory = Inventory(out, Places(data))
    return inventory.of_mixture(mixture), inventory


def test_files_of_a_mixture(data: Path, tmp_path: Path) -> None:
    found, _ = read(data, tmp_path, tmp_path)
    assert sorted(found) == ["demo-choice/qaa/test.qaa.jsonl", "demo-choice/qab/test.qab.jsonl"]
    assert all(len(digest) == 64 for digest in found.values())


def test_a_file_is_hashed_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, inventory = read(data, tmp_path, tmp_path)
    inventory.save()
    hashed: list[Path] = []
    monkeypatch.setattr("harness.studying.inventory._sha256", lambda path: hashed.append(path) or "0" * 64)
    assert read(data, tmp_path, tmp_path)[0] == first and hashed == []
    file = data / "demo-choice" / "qab" / "test.qab.jsonl"
    os.utime(file, ns=(1, 1))
    again, _ = read(data, tmp_path, tmp_path)
    assert hashed == [file] and digest_of(again) != digest_of(first)


def test_a_damaged_cache_is_worked_out_anew(data: Path, tmp_path: Path) -> None:
    first, inventory = read(data, tmp_path, tmp_path)
    inventory.save()
    assert len(json.loads((tmp_path / CACHE).read_text(encoding="utf-8"))["files"]) == 2
    (tmp_path / CACHE).write_text('{"files": {"a": 1}}', encoding="utf-8")
    assert read(data, tmp_path, tmp_path)[0] == first


def test_what_is_missing_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert read(tmp_path / "nothing", tmp_path, tmp_path)[0] == {}


def test_the_order_of_files_does_not_count() -> None:
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert digest_of({"a": "1"}) != digest_of({"a": "2"}) != digest_of({"b": "2"})
