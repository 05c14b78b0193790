"""BUCC 2018: two monolingual corpora of which a few sentences translate each other."""

from __future__ import annotations

from harness.data.reading import Reading
from harness.data.text import TextFile
from harness.errors import DataError
from harness.records import Candidate, DataSet, Example, MiningInputs, canonical_json


def read_bucc(reading: Reading) -> DataSet:
    """Read the roles `corpus_target` (the language of the test set), `corpus_source` (English) and `gold`.

    Lines of a corpus are `id<TAB>text`, those of the gold file `foreign id<TAB>English id`. Examples
    are the gold pairs in the order of the gold file: `example_id` is the line itself, `gold` the JSON
    list of both ids, `cluster_id` the foreign id. `candidates` is the foreign corpus and
    `counterpart` the English one, complete, in file order. Texts are stripped of outer white space,
    as the official code does before it tokenises.

    Repairs: `bom`; `blank_line`, passed over; `empty_text`, kept, since a gold pair may name it;
    `repeated_pair`, a gold pair that stands there before (the official scorer takes sets).

    Source: google-research/xtreme@838c13b scripts/download_data.sh (`download_bucc18`),
    third_party/evaluate_retrieval.py.

    Raises:
        DataError: a line is not of that form, or the gold names a sentence that is in no corpus.
    """
    reading.options()
    target, source, gold = (reading.text(role) for role in ("corpus_target", "corpus_source", "gold"))
    repairs = {
        "bom": target.had_bom + source.had_bom + gold.had_bom,
        "blank_line": sum(not line.strip() for file in (target, source, gold) for line in file.lines()),
    }
    foreign, english = _read_corpus(target), _read_corpus(source)
    examples, repairs["repeated_pair"] = _read_gold(gold, (target.name, foreign), (source.name, english))
    repairs["empty_text"] = sum(not candidate.text for candidate in [*foreign, *english])
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=examples,
        candidates=foreign,
        counterpart=english,
        sources=(target.source, source.source, gold.source),
        repairs={name: count for name, count in repairs.items() if count},
    )


def _read_corpus(file: TextFile) -> tuple[Candidate, ...]:
    sentences = []
    for number, line in enumerate(file.lines(), 1):
        if not line.strip():
            continue
        sentence_id, tab, text = line.partition("\t")
        if not tab or not sentence_id.strip():
            raise DataError(
                f"{file.name}:{number}: {line[:80]!r} is no sentence of a corpus; an id, a tab and the text "
                "are due, as in 'de-000000001<TAB>Ein Satz.'"
            )
        sentences.append(Candidate(sentence_id.strip(), text.strip()))
    return tuple(sentences)


def _read_gold(
    file: TextFile, foreign: tuple[str, tuple[Candidate, ...]], english: tuple[str, tuple[Candidate, ...]]
) -> tuple[tuple[Example, ...], int]:
    """Return the gold pairs and how many lines repeat one; each side is (file name, its sentences)."""
    known = [(name, {sentence.candidate_id for sentence in corpus}) for name, corpus in (foreign, english)]
    examples: dict[str, Example] = {}
    repeated = 0
    for number, line in enumerate(file.lines(), 1):
        if not line.strip():
            continue
        pair = [field.strip() for field in line.split("\t")]
        if len(pair) != 2 or not all(pair):
            raise DataError(
                f"{file.name}:{number}: {line[:80]!r} is no gold pair; the id of the foreign sentence, a tab "
                "and the id of the English one are due"
            )
        for sentence_id, (name, ids) in zip(pair, known, strict=True):
            if sentence_id not in ids:
                raise DataError(
                    f"{file.name}:{number}: {sentence_id!r:.80} is not in {name}, so the pair cannot be "
                    "found; gold and corpora must come from one archive, the foreign id first"
                )
        example_id = "\t".join(pair)
        repeated += example_id in examples
        examples.setdefault(
            example_id,
            Example(example_id, MiningInputs(*pair), gold=canonical_json(pair), cluster_id=pair[0]),
        )
    return tuple(examples.values()), repeated
