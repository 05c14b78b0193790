"""The fingerprint of a test set: what was asked, in which order, and what counts as right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from harness.records import DataSet, canonical_json


def fingerprint(data: DataSet) -> str:
    """Return the SHA-256 (64 hexadecimal digits) over the examples' ids and golds, in order."""
    return fingerprint_of([e.example_id for e in data.examples], [e.gold for e in data.examples])


def fingerprint_of(example_ids: Sequence[str], golds: Sequence[str]) -> str:
    """Return the same from stored ids and golds alone.

    Each pair is one canonical JSON line, so that no two different lists give the same text. Raw
    bytes of the files do not enter: the same test set from another container has the same
    fingerprint. No examples: the hash of nothing.

    Raises:
        ValueError: if there are not as many golds as ids.
    """
    digest = hashlib.sha256()
    for example_id, gold in zip(example_ids, golds, strict=True):
        digest.update(canonical_json([example_id, gold]).encode("utf-8") + b"\n")
    return digest.hexdigest()


def content_digest(data: DataSet) -> str:
    """Return the SHA-256 over ids, inputs and golds of training data, in order, and over candidates.

    What a model learns depends on the texts: translations of one set share ids and golds.
    """
    digest = hashlib.sha256()
    for side in (data.candidates, data.counterpart):
        for candidate in side:
            digest.update(canonical_json([candidate.candidate_id, candidate.text]).encode("utf-8") + b"\n")
    for e in data.examples:
        row = [data.language, e.example_id, type(e.inputs).__name__, asdict(e.inputs), e.gold]
        digest.update(canonical_json(row).encode("utf-8") + b"\n")
    return digest.hexdigest()
