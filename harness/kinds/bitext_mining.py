"""Bitext mining: which sentences of two monolingual corpora translate each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import SpecError
from harness.kinds.base import Head, Kind, Labelled, Work
from harness.records import NO_GOLD, Candidate, Cell, DataSet, MiningInputs, Outputs
from harness.specs.settings import BitextMiningSettings

if TYPE_CHECKING:
    from harness.backends.encoder import Encoder, Vectors

Pair = tuple[str, str]  # the ids of the foreign sentence and of the English one
_THRESHOLD = "threshold"


class BitextMining(Kind):
    """BUCC: pairs are mined by margin score, and those above a threshold are the prediction.

    Sentences of equal text (without outer white space) are embedded and searched once, and a mined
    pair stands for the first id on either side. The official code drops repeated sentences from its
    table of ids instead, and loses the gold pairs among them.

    `prediction` holds the pairs above the threshold of the settings; `best_on_test` those above the
    threshold that the test gold itself favours, an upper bound; `threshold` says, for both, the
    threshold, what it was chosen on, and F1 there. The corpora are never cut. With `--limit` only the
    pairs of foreign sentences that the remaining gold speaks of are kept, before any threshold is chosen on
    test gold: pairs of the other sentences could not be told right from wrong.
    Source: google-research/xtreme@838c13b third_party/evaluate_retrieval.py (bucc2018).
    """

    formats: ClassVar[Mapping[str, str]] = {
        "prediction": "pairs_tsv",
        "best_on_test": "pairs_tsv",
        _THRESHOLD: "thresholds_tsv",
    }

    def decode_gold(self, gold: str) -> bool:
        """Return whether the row is a gold pair; a pair that was only predicted is none."""
        return gold != NO_GOLD

    def head(self, task: Labelled) -> Head | None:
        """Return None: the encoder alone is used."""
        return None

    def line_up(
        self, gold: Cell, outputs: Sequence[Mapping[str, Outputs]]
    ) -> tuple[Cell, Sequence[Mapping[str, Outputs]]]:
        """Return one row per gold pair, then one per pair that any seed or output predicts beside them.

        The rows beside gold are sorted by id and have `NO_GOLD`; like the others they belong to the
        cluster of their foreign sentence. Outputs become true where a row is predicted.
        """
        listed = [
            {name: {_pair(p) for p in found} for name, found in seed.items() if name != _THRESHOLD}
            for seed in outputs
        ]
        known = [_pair(json.loads(text)) for text in gold.golds]
        beside = sorted(
            set().union(*(pairs for seed in listed for pairs in seed.values())).difference(known),
            key=_row_id,
        )
        rows = [*known, *beside]
        cell = replace(
            gold,
            example_ids=(*gold.example_ids, *(_row_id(pair) for pair in beside)),
            parallel_ids=(*gold.parallel_ids, *(None for _ in beside)),
            cluster_ids=(*gold.cluster_ids, *(foreign for foreign, _ in beside)),
            golds=(*gold.golds, *(NO_GOLD for _ in beside)),
        )
        return cell, [
            {**seed, **{name: [row in pairs for row in rows] for name, pairs in found.items()}}
            for seed, found in zip(outputs, listed, strict=True)
        ]

    def predict(self, work: Work) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
        """Yield (language, outputs): lists of pairs, best first, and one threshold for each list.

        Raises:
            SpecError: if the threshold is to be chosen on development data that the task does not have.
        """
        if not work.languages:
            return
        from harness.backends.encoder import open_encoder

        settings = work.settings
        assert isinstance(settings, BitextMiningSettings)
        if settings.threshold == "dev" and (lacking := set(work.languages) - set(work.dev)):
            raise SpecError(
                f"task {work.task.name!r}: threshold 'dev' needs development data (data.dev), and there is "
                f"none in {', '.join(sorted(lacking))}; give a number, or 'test' under a name that says so"
            )
        encoder = open_encoder(work.model, say=work.progress.say)
        for language in work.languages:
            test = _mine(work, encoder, work.data[language], "test")
            if work.limited:
                test = test.about(work.data[language])
            best = test.tuned("test")
            chosen = best
            if settings.threshold == "dev":
                chosen = _mine(work, encoder, work.dev[language], "dev").tuned("dev")
            elif settings.threshold != "test":
                chosen = Threshold(float(settings.threshold), "fixed", None)
            outputs: dict[str, Outputs] = {
                "prediction": test.above(chosen.value),
                "best_on_test": test.above(best.value),
                _THRESHOLD: [
                    ("prediction", chosen.value, chosen.chosen_on, chosen.f1),
                    ("best_on_test", best.value, best.chosen_on, best.f1),
                ],
            }
            there = "" if chosen.f1 is None else f", F1 {chosen.f1:.2f} there"
            work.progress.say(
                f"{work.task.name} {language}: threshold {chosen.value:.6g} ({chosen.chosen_on}{there}), "
                f"{len(outputs['prediction']):,} of {len(test.pairs):,} mined pairs are above it"
            )
            yield language, outputs


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest score of a pair that is predicted; `f1` in percent, on the data it was chosen on."""

    value: float
    chosen_on: str  # dev, test or fixed
    f1: float | None


@dataclass(frozen=True, slots=True)
class MinedPairs:
    """The pairs mined from two corpora, best first, beside the gold pairs that were to be found.

    `scores` float64 [p], one per pair.
    """

    pairs: list[Pair]
    scores: NDArray[np.float64]
    gold: frozenset[Pair]

    def tuned(self, chosen_on: str) -> Threshold:
        """Return the threshold of the highest F1 on these very pairs; see `retrieval.mining`."""
        from harness.retrieval.mining import best_threshold

        correct = np.array([pair in self.gold for pair in self.pairs], dtype=bool)
        value, f1 = best_threshold(self.scores, correct, len(self.gold))
        return Threshold(value, chosen_on, 100 * f1)

    def above(self, threshold: float) -> Outputs:
        """Return the pairs whose score is at least the threshold."""
        return [pair for pair, score in zip(self.pairs, self.scores, strict=True) if score >= threshold]

    def about(self, data: DataSet) -> MinedPairs:
        """Return only the pairs of foreign sentences that the examples of `data` speak of."""
        wanted = {cast(MiningInputs, example.inputs).target for example in data.examples}
        kept = np.array([foreign in wanted for foreign, _ in self.pairs], dtype=bool)
        return replace(
            self,
            pairs=[pair for pair, keep in zip(self.pairs, kept, strict=True) if keep],
            scores=self.scores[kept],
        )


def _mine(work: Work, encoder: Encoder, data: DataSet, split: str) -> MinedPairs:
    from harness.retrieval.mining import first_rows, mine

    settings = work.settings
    assert isinstance(settings, BitextMiningSettings)
    where = f"{work.task.name} {data.language} ({split})"
    sides = []
    for corpus in (data.candidates, data.counterpart):
        rows = first_rows([sentence.text.strip() for sentence in corpus])
        sides.append([corpus[row] for row in rows])
    foreign, english = sides
    total = len(foreign) + len(english)
    with work.progress.phase(f"encoding {where}", total, "sentences") as advance:

        def encode(side: Sequence[Candidate]) -> Vectors:
            return encoder.encode(
                [sentence.text.strip() for sentence in side],
                role="symmetric",
                max_length=settings.max_length,
                advance=advance,
            )

        vectors = [encode(side) for side in sides]
    with work.progress.phase(f"mining {where}", total, "sentences") as advance:
        mined = mine(
            *vectors,
            neighbours=settings.neighbours,
            margin=settings.margin,
            engine=work.search,
            device=work.model.device,
            advance=advance,
        )
    gold = frozenset(_pair(json.loads(example.gold)) for example in data.examples)
    known = [{sentence.candidate_id for sentence in side} for side in sides]
    hidden = sum(pair[0] not in known[0] or pair[1] not in known[1] for pair in gold)
    recall = "" if mined.recall is None else f", recall {100 * mined.recall:.1f}%"
    repeated = f"; {hidden:,} gold pairs name a repetition and cannot be found" if hidden else ""
    work.progress.say(
        f"{where}: {len(foreign):,} x {len(english):,} distinct sentences, {mined.engine}{recall}{repeated}"
    )
    pairs = [
        (foreign[i].candidate_id, english[j].candidate_id)
        for i, j in zip(mined.sources.tolist(), mined.targets.tolist(), strict=True)
    ]
    return MinedPairs(pairs, mined.scores, gold)


def _pair(ids: Sequence[str]) -> Pair:
    foreign, english = ids
    return foreign, english


def _row_id(pair: Pair) -> str:
    return "\t".join(pair)
