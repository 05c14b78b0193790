from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.cli import app
from harness.windtunnel.files import fingerprint_of


def test_build_writes_the_data_and_prints_their_hash(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["windtunnel", "build", "--out", str(tmp_path / "data")])
    assert result.exit_code == 0, result.output
    written = {
        file.relative_to(tmp_path / "data").as_posix(): file.read_text(encoding="utf-8")
        for file in (tmp_path / "data").rglob("*")
        if file.is_file()
    }
    assert fingerprint_of(written) in result.output and f"{len(written)} files" in result.output


def test_build_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    result = CliRunner().invoke(app, ["windtunnel", "build", "--out", str(tmp_path / "data")])
    assert result.exit_code == 2 and "is a file" in result.output
