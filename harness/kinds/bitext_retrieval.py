"""Bitext retrieval: for each sentence, the nearest on the other side of an aligned file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from harness.kinds.base import Head, Kind, Labelled, Work
from harness.records import Outputs
from harness.specs.settings import BitextRetrievalSettings


class BitextRetrieval(Kind):
    """Tatoeba: English to the language of the test set is official, the way back stands beside it.

    The vectors of both sides are compared by inner product; an output is the line number of the
    nearest candidate, the lowest where several are equally near. Each side is embedded as a whole
    and each language by itself, so that neither `--limit` nor the choice of languages changes a
    vector.
    Source: google-research/xtreme@838c13b third_party/evaluate_retrieval.py (tatoeba).
    """

    formats: ClassVar[Mapping[str, str]] = {"prediction": "index_tsv", "to_en": "index_tsv"}

    def decode_gold(self, gold: str) -> str:
        """Return the right line number, as text."""
        return gold

    def head(self, task: Labelled) -> Head | None:
        """Return None: the encoder alone is used."""
        return None

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, {"prediction": line numbers, "to_en": line numbers}) language by language."""
        if not work.languages:
            return
        from harness.backends.encoder import open_encoder
        from harness.retrieval.search import nearest

        assert isinstance(work.settings, BitextRetrievalSettings)
        encoder = open_encoder(work.model, say=work.progress.say)
        for language in work.languages:
            data = work.data[language]
            foreign, english = data.candidates, data.counterpart
            total = len(foreign) + len(english)
            with work.progress.phase(f"encoding {work.task.name} {language}", total, "texts") as advance:
                foreign_vectors, english_vectors = (
                    encoder.encode(
                        [c.text for c in side],
                        role="symmetric",
                        max_length=work.settings.max_length,
                        advance=advance,
                    )
                    for side in (foreign, english)
                )
            places = {c.candidate_id: i for i, c in enumerate(foreign)}
            rows = np.array([places[e.gold] for e in data.examples], dtype=np.int64)
            outputs: dict[str, Outputs] = {}
            phase = f"searching {work.task.name} {language}"
            with work.progress.phase(phase, 2 * len(rows), "queries") as advance:
                for name, queries, pool in (
                    ("prediction", english_vectors, foreign_vectors),
                    ("to_en", foreign_vectors, english_vectors),
                ):
                    found = nearest(
                        queries[rows],
                        pool,
                        k=1,
                        engine=work.search,
                        device=work.model.device,
                        advance=advance,
                    )
                    outputs[name] = [int(foreign[i].candidate_id) for i in found.indices[:, 0]]
                    if found.recall is not None:
                        work.progress.say(
                            f"{work.task.name} {language}: {found.engine}, recall {100 * found.recall:.1f}%"
                        )
            yield language, outputs
