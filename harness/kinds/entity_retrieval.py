"""Entity retrieval: rank one pool of entity descriptions for each mention."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar, cast

from harness.kinds.base import Head, Kind, Labelled, Work
from harness.kinds.dual_encoder import DualEncoderHead
from harness.kinds.ranking import Lengths, rank_pool
from harness.records import Outputs
from harness.specs.settings import EntityRetrievalSettings

# Candidates are tokenised and embedded so many at a time: what lies beside a million vectors in
# memory is one block's tokens.
_BLOCK = 32_768


class EntityRetrieval(Kind):
    """Mewsli-X: mentions of one language against the descriptions of a million entities.

    The pool is the task's own and the same for every language, in the order of its file; equal scores
    are ranked in that order.
    Source: google-research/xtreme@838c13b third_party/run_retrieval_el.py, evaluate_retrieval.py.
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "ranking_json"}

    def decode_gold(self, gold: str) -> list[str]:
        """Return the one entity of the mention, as a list."""
        return cast(list[str], json.loads(gold))

    def head(self, task: Labelled) -> Head | None:
        """Return the dual encoder: what a recipe with phases trains is an encoder, not a head."""
        return DualEncoderHead()

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": the ids of the top_k entities, best first, per mention})."""
        settings = work.settings
        assert isinstance(settings, EntityRetrievalSettings)
        pool = [candidate for code in sorted(work.pool) for candidate in work.pool[code]]
        yield from rank_pool(
            work,
            [pool[start : start + _BLOCK] for start in range(0, len(pool), _BLOCK)],
            representation=settings.representation,
            lengths=Lengths(settings.max_length, settings.max_length),
            top_k=settings.top_k,
            things=("mentions", "entities"),
        )
