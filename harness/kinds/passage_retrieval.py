"""Passage retrieval: rank one multilingual pool of passages for each question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar, cast

from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.dual_encoder import DualEncoderHead
from harness.kinds.ranking import Lengths, rank_pool
from harness.records import Outputs
from harness.specs.settings import PassageRetrievalSettings


class PassageRetrieval(Kind):
    """LAReQA: questions of one language against the candidates of all.

    The pool is that of every language of the benchmark, ordered by language code and then as in the
    file, whatever languages are asked for; equal scores are ranked in that order. Each language's
    passages and questions are embedded by themselves.
    Source: google-research/xtreme@838c13b third_party/run_retrieval_qa.py, evaluate_retrieval.py.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "ranking_json"}

    def decode_gold(self, gold: str) -> list[str]:
        """Return the ids of all candidates that answer the question."""
        return cast(list[str], json.loads(gold))

    def head(self, task: Labelled) -> Head | None:
        """Return the dual encoder: what a recipe with phases trains is an encoder, not a head."""
        return DualEncoderHead()

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": the ids of the top_k candidates, best first, per question})."""
        settings = work.settings
        assert isinstance(settings, PassageRetrievalSettings)
        yield from rank_pool(
            work,
            [work.pool[code] for code in sorted(work.pool)],
            representation=settings.representation,
            lengths=Lengths(settings.query_max_length, settings.passage_max_length),
            top_k=settings.top_k,
            things=("questions", "passages"),
        )
