"""A small submission with its label files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from make_submission import write_submission

KEPT = {
    "xtreme": (
        "xnli/test-de.tsv",
        "panx/test-jv.tsv",
        "bucc2018/test-fr.tsv",
        "tatoeba/test-af.tsv",
        "xquad/test-el.json",
    ),
    "xtreme-r": ("xcopa/test-et.jsonl", "mewslix/test-pl.json", "lareqa/test-th.json"),
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One language of eight tasks, out of both suites."""
    folder = tmp_path_factory.mktemp("full")
    for suite, names in KEPT.items():
        write_submission(folder / suite, suite, size=10)
        for part in ("predictions", "labels"):
            for name in names:
                (folder / part / name).parent.mkdir(parents=True)
                shutil.copy(folder / suite / part / name, folder / part / name)
    return folder


@pytest.fixture
def folder(full: Path, tmp_path: Path) -> Path:
    for part in ("predictions", "labels"):
        shutil.copytree(full / part, tmp_path / part)
    return tmp_path
