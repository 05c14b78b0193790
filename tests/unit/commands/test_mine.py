"""`xharness mine`: what it writes for matrices and for text, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.commands import mine as mine_command
from harness.retrieval.mining import mine

runner = CliRunner()


def call(*arguments: object) -> Any:
    return runner.invoke(app, ["mine", *map(str, arguments)])


@pytest.fixture
def matrices(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    source = rng.standard_normal((40, 8)).astype(np.float32)
    target = source[::-1] * 3 + 0.4 * rng.standard_normal((40, 8))
    np.save(tmp_path / "x.npy", source)
    np.save(tmp_path / "y.npy", target)  # float64, other lengths
    return tmp_path / "x.npy", tmp_path / "y.npy"


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_matrices_give_row_numbers_best_first(
    matrices: tuple[Path, Path], tmp_path: Path, margin: Any
) -> None:
    result = call(
        "--source", matrices[0], "--target", matrices[1], "--out", tmp_path / "o.tsv", "--margin", margin
    )
    assert result.exit_code == 0, result.output
    assert "40 x 40 rows, exact on cpu" in result.stderr
    assert result.stdout == ""
    found = mine(np.load(matrices[0]), np.load(matrices[1]), margin=margin)
    written = rows(tmp_path / "o.tsv")
    assert [float(score) for score, _, _ in written] == found.scores.tolist()
    assert [int(i) for _, i, _ in written] == found.sources.tolist()
    assert [int(j) for _, _, j in written] == found.targets.tolist()
    assert sum(int(i) + int(j) == 39 for _, i, j in written) > 35


def test_engines_thresholds_and_stdout(matrices: tuple[Path, Path], tmp_path: Path) -> None:
    ends = ("--source", matrices[0], "--target", matrices[1], "--neighbours", 2, "--threads", 1)
    whole = call(*ends, "--out", "-", "--quiet")
    assert whole.exit_code == 0 and whole.stderr == ""
    flat = call(*ends, "--out", "-", "--search", "faiss-flat")
    assert flat.stdout == whole.stdout
    lines = whole.stdout.splitlines()
    threshold = lines[9].split("\t")[0]
    cut = call(*ends, "--out", "-", "--threshold", threshold)
    assert cut.stdout.splitlines() == lines[:10]
    assert f"10 of them from {float(threshold):g} on" in cut.stderr


TEXT = "the quick brown Fox\nZürich liegt\tin der Schweiz\n\nthe quick brown Fox\r\nwho What where\n"


def test_text_gives_sentences(tmp_path: Path, tiny_model: Callable[..., Any]) -> None:
    (tmp_path / "a.txt").write_text("\ufeff" + TEXT, encoding="utf-8", newline="")
    (tmp_path / "b.txt").write_text("who What where\nthe lazy Dog\nthe quick brown Fox\n", encoding="utf-8")
    out = tmp_path / "new" / "folder" / "o.tsv"
    result = call(
        *("--source", tmp_path / "a.txt", "--target", tmp_path / "b.txt", "--out", out),
        *("--model", tiny_model().path, "--adapter", "generic", "--device", "cpu", "--dtype", "float32"),
    )
    assert result.exit_code == 0, result.output
    assert "adapter generic: asked for" in result.stderr
    assert "a.txt: 5 lines, 3 distinct sentences" in result.stderr
    written = rows(out)
    assert all(len(row) == 3 for row in written)
    pairs = {(source, target) for _, source, target in written}
    assert ("the quick brown Fox", "the quick brown Fox") in pairs
    assert ("who What where", "who What where") in pairs
    assert {source for _, source, _ in written} <= {
        "the quick brown Fox",
        "Zürich liegt in der Schweiz",
        "who What where",
    }
    scores = [float(score) for score, _, _ in written]
    assert scores == sorted(scores, reverse=True)


def refused(result: Any, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    assert "error: " in result.stderr
    assert "Traceback" not in result.output
    for part in parts:
        assert part in result.stderr


def test_wrong_options_are_refused_together(matrices: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "o.tsv"
    ends = ("--source", matrices[0], "--target", matrices[1], "--out", out)
    refused(
        call(*ends, "--margin", "ration", "--search", "flat", "--neighbours", 0, "--model", "m"),
        "--margin: 'ration' is not ratio, distance, absolute (did you mean 'ratio'",
        "--search: 'flat' is not auto",
        "--neighbours 0: give a number from 1",
        "holds vectors already",
    )
    refused(call(*ends, "--neighbours", "x"), "--neighbours 'x': not a whole number")
    refused(call(*ends, "--threshold", "nan"), "--threshold 'nan': not a number")
    refused(call(*ends, "--threads", 0), "--threads 0")
    refused(
        call("--source", matrices[0], "--target", "b.txt", "--out", out),
        "one is a matrix (.npy) and one is text",
    )
    refused(call("--source", "a.txt", "--target", "b.txt", "--out", out), "which needs --model")
    assert not out.exists()


# Each makes NumPy's reader fail in another way.
HEADERS = {
    "open-brace": "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4",
    "negative": "{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 4)}",
    "endless": "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 30 + ", 4)}",
    "no-number": "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 4)}",
    "no-key": "{[]: 1}",
}


def broken_matrices(folder: Path) -> dict[str, tuple[Path, str]]:
    good = np.ones((3, 4), dtype=np.float32)
    wrong = {
        "pickled": (np.array([{"a": 1}], dtype=object), "without pickling"),
        "flat": (np.ones(4, dtype=np.float32), "shape (4,)"),
        "whole": (np.ones((3, 4), dtype=np.int64), "holds int64"),
        "empty": (np.ones((0, 4), dtype=np.float32), "holds no vectors"),
        "narrow": (np.ones((3, 2), dtype=np.float32), "of 2 numbers"),
        "nan": (np.where(np.arange(12).reshape(3, 4) == 9, np.nan, good), "row 2 (counted from 0)"),
    }
    files = {}
    for name, (matrix, message) in wrong.items():
        np.save(folder / f"{name}.npy", matrix, allow_pickle=True)
        files[name] = (folder / f"{name}.npy", message)
    np.save(folder / "cut.npy", good)
    os.truncate(folder / "cut.npy", 150)
    files["cut"] = (folder / "cut.npy", "cut off")
    (folder / "text.npy").write_text("not a matrix", encoding="utf-8")
    files["text"] = (folder / "text.npy", "not a matrix in NumPy's format")
    for name, header in HEADERS.items():
        text = header.encode("ascii") + b" " * 40 + b"\n"
        head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
        (folder / f"{name}.npy").write_bytes(head + bytes(48))
        files[name] = (folder / f"{name}.npy", "not a matrix in NumPy's format")
    files["absent"] = (folder / "absent.npy", "No such file")
    return files


def test_broken_matrices_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", np.ones((3, 4), dtype=np.float16))
    for name, (path, message) in broken_matrices(tmp_path).items():
        result = call("--source", path, "--target", tmp_path / "good.npy", "--out", tmp_path / "o.tsv")
        refused(result, name, message)
    assert not (tmp_path / "o.tsv").exists()


def test_broken_text_is_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("a\n", encoding="utf-8")
    (tmp_path / "bytes").write_bytes(b"a\nb\xff\n")
    (tmp_path / "blank").write_text("\n \n", encoding="utf-8")
    for name, message in (("bytes", "bytes:2: byte 3"), ("blank", "is empty"), ("absent", "No such file")):
        ends = ("--source", tmp_path / "good", "--target", tmp_path / name, "--out", tmp_path / "o.tsv")
        refused(call(*ends, "--model", "no/where", "--offline"), message)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    matrices: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, progress: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr(mine_command, "_read_matrix", refuse)
    ends = ("--source", matrices[0], "--target", matrices[1], "--out")
    refused(call(*ends, tmp_path), "is a folder")
    refused(call(*ends, matrices[0] / "inside" / "o.tsv"), "cannot be written to")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refused(call(*ends, tmp_path / "o.tsv"), "cannot be written to")


def test_an_input_is_not_written_over(matrices: tuple[Path, Path], tmp_path: Path) -> None:
    ends = ("--source", matrices[0], "--target", matrices[1], "--out")
    (tmp_path / "link.tsv").symlink_to(matrices[1])
    before = [path.read_bytes() for path in matrices]
    for out in (matrices[0], tmp_path / "link.tsv"):
        refused(call(*ends, out), "is one of the two inputs")
    assert [path.read_bytes() for path in matrices] == before


def test_rows_without_a_direction_are_said(matrices: tuple[Path, Path], tmp_path: Path) -> None:
    rows_of = np.load(matrices[0])
    rows_of[[3, 7]] = 0
    np.save(matrices[0], rows_of)
    result = call("--source", matrices[0], "--target", matrices[1], "--out", tmp_path / "o.tsv", "--quiet")
    assert result.exit_code == 0
    assert "x.npy: 2 of 40 rows are all 0" in result.stderr
    assert {"3", "7"}.isdisjoint(row[1] for row in rows(tmp_path / "o.tsv"))


def test_help_says_what_is_written() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert "best first" in " ".join(result.output.split())
