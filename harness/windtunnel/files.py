"""Every data file of the wind tunnel, in the release formats that the ordinary readers read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from harness.windtunnel.articles import article_files
from harness.windtunnel.choices import choice_files
from harness.windtunnel.corpora import corpus_files
from harness.windtunnel.inference import inference_files
from harness.windtunnel.retrieval import bitext_files, mining_files
from harness.windtunnel.tagging import entity_files, pos_files

SEED = 0
_WRITERS = (
    bitext_files,
    mining_files,
    article_files,
    pos_files,
    entity_files,
    inference_files,
    choice_files,
    corpus_files,
)


def generate_files(seed: int = SEED) -> dict[str, str]:
    """Return the text of every file by its path relative to the data folder, sorted by path."""
    return dict(sorted(pair for writer in _WRITERS for pair in writer(seed)))


def fingerprint_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over paths and contents, whatever order they come in: 64 hexadecimal digits.

    The same seed gives the same on every machine.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(files[path].encode("utf-8")).hexdigest()
        digest.update(f"{content}  {path}\n".encode())
    return digest.hexdigest()


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Write all files under a folder, which is made; line feeds alone end lines, on every system."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode("utf-8"))
