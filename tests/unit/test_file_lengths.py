from __future__ import annotations

from pathlib import Path

HARD_LIMIT = 500


def test_no_file_of_code_is_longer_than_500_lines(repository: Path) -> None:
    lengths = {
        path.relative_to(repository): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("harness", "tests", "benchmarks")
        for path in (repository / folder).rglob("*.py")
    }
    assert lengths
    assert {path: n for path, n in lengths.items() if n > HARD_LIMIT} == {}


def test_no_file_is_named_for_nothing(repository: Path) -> None:
    vague = {"utils.py", "common.py", "helpers.py", "core.py", "types.py", "misc.py"}
    assert [p for p in (repository / "harness").rglob("*.py") if p.name in vague] == []
