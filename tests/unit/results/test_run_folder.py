"""Paths, atomic writes, the lock, and what may be written into."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ResultError
from harness.results.folder import RunFolder, replacing, write_bytes


def test_layout_is_the_official_one_for_the_first_seed() -> None:
    folder = RunFolder(Path("R"))
    assert folder.prediction("tatoeba", "de", "tsv") == Path("R/predictions/tatoeba/test-de.tsv")
    assert folder.prediction("xcopa", "zh", "jsonl", further_seed=2) == Path(
        "R/seeds/2/predictions/xcopa/test-zh.jsonl"
    )
    assert folder.extra("tatoeba", "to_en", "de", "tsv") == Path("R/extra/tatoeba/to_en-de.tsv")
    assert folder.extra("tatoeba", "to_en", "de", "tsv", further_seed=3) == Path(
        "R/seeds/3/extra/tatoeba/to_en-de.tsv"
    )
    assert folder.examples("lareqa", "zh-Hans") == Path("R/examples/lareqa/zh-Hans.parquet")
    assert folder.report("md") == Path("R/report.md")
    assert folder.training("squad-1") == Path("R/training/squad-1")


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden", "a\\b", "a\nb", "con "])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    folder = RunFolder(Path("R"))
    with pytest.raises(ResultError, match="cannot be part of a file name"):
        folder.prediction(name, "de", "tsv")
    with pytest.raises(ResultError, match="cannot be part of a file name"):
        folder.examples("xquad", name)


def test_write_makes_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["c.txt"]


def test_a_writer_that_raises_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError, match="power cut"), replacing(path) as temporary:
        temporary.write_bytes(b"half of the n")
        raise RuntimeError("power cut")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["scores.json"]


def test_a_writer_that_writes_nothing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_bytes(path, b"old")
    with pytest.raises(ResultError, match=r"scores\.json cannot be written: No such file"), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious", encoding="utf-8")
    folder = RunFolder(tmp_path)
    with pytest.raises(ResultError, match=r"not a run folder.*thesis\.tex"), folder.locked():
        raise AssertionError("must not be entered")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_file_as_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ResultError, match="is a file"):
        RunFolder(path).prepare()


def test_new_empty_and_earlier_folders_are_accepted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "deep" / "run")
    with folder.locked():
        assert not folder.is_run_folder()
    # A run that was killed before its run.json leaves lock and temporaries alone.
    with folder.locked():
        write_bytes(folder.run_json, b"{}")
        (folder.path / "notes.txt").write_text("mine", encoding="utf-8")
    assert folder.is_run_folder()
    with folder.locked():
        assert (folder.path / "notes.txt").is_file()


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    kill = (
        "import os, pathlib, sys\n"
        "from harness.results.folder import RunFolder, replacing\n"
        "folder = RunFolder(pathlib.Path(sys.argv[1]))\n"
        "with folder.locked(), replacing(folder.prediction('xquad', 'de', 'json')) as temporary:\n"
        "    temporary.write_bytes(b'half')\n"
        "    os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", kill, str(tmp_path)], check=False)
    assert done.returncode == 9
    place = tmp_path / "predictions" / "xquad"
    assert len(list(place.iterdir())) == 1
    write_bytes(folder.run_json, b"{}")
    with folder.locked():
        assert list(place.iterdir()) == []


def test_second_process_is_refused_at_once(tmp_path: Path) -> None:
    enter = (
        "import pathlib, sys\n"
        "from harness.errors import ResultError\n"
        "from harness.results.folder import RunFolder\n"
        "try:\n"
        "    with RunFolder(pathlib.Path(sys.argv[1])).locked():\n"
        "        print('entered')\n"
        "except ResultError as error:\n"
        "    print(error)\n"
    )

    def attempt() -> str:
        return subprocess.run(
            [sys.executable, "-c", enter, str(tmp_path)],
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=20,
        ).stdout

    folder = RunFolder(tmp_path)
    with folder.locked():
        assert "another xharness process is working in" in attempt()
        with pytest.raises(ResultError, match="another xharness process"), RunFolder(tmp_path).locked():
            raise AssertionError("must not be entered")
    assert attempt().strip() == "entered"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("old.json", "dangling.json"):
        link = tmp_path / name
        link.symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "old.json").write_bytes(b"old")
    for name in ("old.json", "dangling.json"):
        write_bytes(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "real" / name).read_bytes() == b"new"


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            write_bytes(path, b"data")
            assert os.read(reader, 100) == b"data"
        finally:
            os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert link.is_symlink()


def test_places_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResultError, match=r"cannot be written: Is a directory"):
        write_bytes(tmp_path, b"x")
    with pytest.raises(ResultError, match=r"file/x\.json cannot be written: Not a directory"):
        write_bytes(tmp_path / "file" / "x.json", b"x")
    with pytest.raises(ResultError, match="cannot be written: File name too long"):
        write_bytes(tmp_path / ("x" * 300), b"x")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResultError, match=r"y\.json cannot be written: No space left on device"):
        write_bytes(tmp_path / "y.json", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "locked" / ".lock").mkdir(parents=True)
    for name, reason in {
        "file/run": "Not a directory",
        "x" * 300: "File name too long",
        "dangling": "File exists",
        "loop": "",
        "locked": "Is a directory",
    }.items():
        path = tmp_path / name
        with pytest.raises(ResultError, match=rf"cannot be .*: {reason}.*another --out") as caught:
            with RunFolder(path).locked():
                raise AssertionError("must not be entered")
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("call", ["open", "unlink", "stat", "mkdir"])
def test_refusals_of_the_system_are_errors_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    folder = RunFolder(tmp_path / "run")
    if call != "mkdir":
        with folder.locked():
            write_bytes(folder.run_json, b"{}")

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(ResultError, match=r"run cannot be .*: Permission denied"), folder.locked():
            if call == "unlink":
                folder.clear()
            raise AssertionError("must not be entered")


def test_clearing_leaves_no_old_part_behind(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "weights").write_bytes(b"w")
    with folder.locked():
        write_bytes(folder.run_json, b"{}")
        write_bytes(folder.prediction("xquad", "de", "json"), b"{}")
        (folder.path / "training").symlink_to(tmp_path / "disk")
        folder.clear()
        assert [p.name for p in folder.path.iterdir()] == [".lock"]
    assert (tmp_path / "disk" / "weights").is_file()


def test_a_run_without_its_record_has_a_way_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_bytes(folder.prediction("xquad", "de", "json"), b"{}")
    with pytest.raises(ResultError, match=r"restore its run\.json, or choose another --out"):
        folder.prepare()
