"""The fingerprint of a test set: what was asked, in which order, and what counts as right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from harness.records import DataSet, Example, Inputs, canonical_json


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


def shared_rows(test: DataSet, others: Iterable[Example]) -> int:
    """Return how many examples of a test set are among others too: the same id, and the same texts.

    White space and gold do not count (XQuAD keeps one of SQuAD's answers), nor do texts that one of the two
    does not have (a query has no passage). An id or a text alone may recur by chance. Ids may begin with
    the language and a slash, as in development data of several languages.
    """
    known = {example.example_id: example.inputs for example in others}
    return sum(
        any(
            _same_texts(example.inputs, known[name])
            for name in (example.example_id, f"{test.language}/{example.example_id}")
            if name in known
        )
        for example in test.examples
    )


def _same_texts(one: Inputs, other: Inputs) -> bool:
    return all(a == b for a, b in zip(_texts(one), _texts(other), strict=False))


def _texts(inputs: Inputs) -> list[str]:
    """Return the texts of an example in order, words and choices joined; not its answers."""
    values = (value for name, value in asdict(inputs).items() if name != "answers")
    return [" ".join(" ".join(v if isinstance(v, tuple) else [v]).split()) for v in values if v is not None]
