"""Ranking one pool of candidates for queries of many languages: what the pooled kinds share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.kinds.base import Work
from harness.records import Candidate, Outputs, QueryInputs

if TYPE_CHECKING:
    from harness.backends.encoder import Encoder, Representation, Vectors


@dataclass(frozen=True, slots=True)
class Lengths:
    """How many subwords of a query and of a candidate are read; None leaves it to the adapter."""

    query: int | None
    candidate: int | None


def rank_pool(
    work: Work,
    blocks: Sequence[Sequence[Candidate]],
    *,
    representation: Representation,
    lengths: Lengths,
    top_k: int,
    things: tuple[str, str],
) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
    """Yield (language, {"prediction": the ids of the top_k candidates, best first, per query}).

    The pool is the candidates of all blocks, one after the other; equal scores are ranked in that
    order. Each block and each language's queries are embedded by themselves, so that no language's
    ranking depends on which others are asked for; the pool is embedded and made ready once. `things`
    is what queries and candidates are called while it goes on.

    Raises:
        ModelError: if the checkpoint lacks the layer or the pooler, or a vector is not finite.
    """
    if not work.languages:
        return
    from harness.backends.encoder import open_encoder
    from harness.retrieval.search import Index

    encoder = open_encoder(work.model, representation=representation, say=work.progress.say)
    ids = [candidate.candidate_id for block in blocks for candidate in block]
    pool = _embed(work, encoder, blocks, max_length=lengths.candidate, called=things[1])
    index = Index(pool, engine=work.search, device=work.model.device)
    for language in work.languages:
        texts = [cast(QueryInputs, example.inputs).query for example in work.data[language].examples]
        phase = f"searching {work.task.name} {language}"
        with work.progress.phase(phase, 2 * len(texts), things[0]) as advance:
            queries = encoder.encode(texts, role="query", max_length=lengths.query, advance=advance)
            found = index.nearest(queries, k=top_k, advance=advance)
        if found.recall is not None:
            work.progress.say(
                f"{work.task.name} {language}: {found.engine}, recall {100 * found.recall:.1f}%"
            )
        yield language, {"prediction": [[ids[i] for i in row] for row in found.indices]}


def _embed(
    work: Work,
    encoder: Encoder,
    blocks: Sequence[Sequence[Candidate]],
    *,
    max_length: int | None,
    called: str,
) -> Vectors:
    """Return the vectors of all blocks, float32 [m, d], without ever holding them twice."""
    import numpy as np

    total, done = sum(map(len, blocks)), 0
    vectors = np.empty((0, 0), dtype=np.float32)
    with work.progress.phase(f"encoding {work.task.name} {called}", total, called) as advance:
        for block in blocks:
            part = encoder.encode(
                [candidate.text for candidate in block],
                role="passage",
                max_length=max_length,
                advance=advance,
            )
            if not done:
                vectors = np.empty((total, part.shape[1]), dtype=np.float32)
            vectors[done : done + len(part)] = part
            done += len(part)
    return vectors
