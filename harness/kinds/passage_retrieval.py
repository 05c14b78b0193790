"""Passage retrieval: rank one multilingual pool of passages for each question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from harness.kinds.base import Head, Work
from harness.kinds.dual_encoder import DualEncoderHead
from harness.records import Outputs, PassageInputs
from harness.specs.settings import PassageRetrievalSettings
from harness.specs.task import TaskSpec

if TYPE_CHECKING:
    from harness.backends.encoder import Encoder, Vectors


class PassageRetrieval:
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

    def head(self, task: TaskSpec) -> Head | None:
        """Return the dual encoder: what a recipe with phases trains is an encoder, not a head."""
        return DualEncoderHead()

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": the ids of the top_k candidates, best first, per question})."""
        if not work.languages:
            return
        from harness.backends.encoder import open_encoder
        from harness.retrieval.search import nearest

        settings = work.settings
        assert isinstance(settings, PassageRetrievalSettings)
        encoder = open_encoder(work.model, representation=settings.representation, say=work.progress.say)
        ids = [c.candidate_id for code in sorted(work.pool) for c in work.pool[code]]
        pool = _embed_pool(work, encoder, settings)
        for language in work.languages:
            questions = [cast(PassageInputs, e.inputs).question for e in work.data[language].examples]
            phase = f"searching {work.task.name} {language}"
            with work.progress.phase(phase, 2 * len(questions), "questions") as advance:
                queries = encoder.encode(
                    questions, role="query", max_length=settings.query_max_length, advance=advance
                )
                found = nearest(
                    queries,
                    pool,
                    k=settings.top_k,
                    engine=work.search,
                    device=work.model.device,
                    advance=advance,
                )
            if found.recall is not None:
                work.progress.say(
                    f"{work.task.name} {language}: {found.engine}, recall {100 * found.recall:.1f}%"
                )
            yield language, {"prediction": [[ids[i] for i in row] for row in found.indices]}


def _embed_pool(work: Work, encoder: Encoder, settings: PassageRetrievalSettings) -> Vectors:
    import numpy as np

    total = sum(map(len, work.pool.values()))
    with work.progress.phase(f"encoding {work.task.name} passages", total, "passages") as advance:
        return np.concatenate(
            [
                encoder.encode(
                    [c.text for c in work.pool[code]],
                    role="passage",
                    max_length=settings.passage_max_length,
                    advance=advance,
                )
                for code in sorted(work.pool)
            ]
        )
