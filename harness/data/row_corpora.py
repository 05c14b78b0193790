"""Readers of tables (Parquet, JSON) of sentences to be retrieved: aligned pairs, corpora to be mined."""

from __future__ import annotations

from typing import Any

from harness.data.aligned_lines import bitext
from harness.data.reading import Reading
from harness.data.text import require
from harness.errors import DataError
from harness.records import Candidate, DataSet, Example, MiningInputs, canonical_json


def read_bitext_rows(reading: Reading) -> DataSet:
    """Read the role `rows` of aligned sentences: the columns `source` (English) and `target`.

    Ids, order and golds are those of `read_aligned_lines`, with the row in the place of the line.

    Raises:
        DataError: a column is missing or holds something else than text.
    """
    options = reading.options(source="sentence2", target="sentence1")
    source, target = str(options["source"]), str(options["target"])
    rows = reading.rows("rows")
    rows.require_columns([source, target])
    left, right = [], []
    for where, row in rows:
        left.append(require(row, source, str, where=where).strip())
        right.append(require(row, target, str, where=where).strip())
    return bitext(reading, left, right, sources=rows.sources, repairs={})


def read_mining_rows(reading: Reading) -> DataSet:
    """Read the role `rows`, one row that holds two corpora and the gold pairs, as mteb/BUCC does.

    Columns: `target` (a list of sentences in the language of the test set), `source` (one in
    English) and `gold`, a list of [i, j]: sentence i of `target` and sentence j of `source`, both from
    1. The release numbers its sentences so, hence the ids `de-000000001` and `en-000000001`. Texts,
    order and repairs are those of `read_bucc`.

    Raises:
        DataError: more than one row, a column is missing, or a pair names a sentence that is not there.
    """
    options = reading.options(source="sentence2", target="sentence1", gold="gold")
    source, target, gold = (str(options[key]) for key in ("source", "target", "gold"))
    rows = reading.rows("rows")
    rows.require_columns([source, target, gold])
    if len(rows) != 1:
        raise DataError(f"{rows.name}: {len(rows):,} rows; one row with both corpora and the gold is due")
    where, row = next(iter(rows))
    foreign = _corpus(require(row, target, list, where=where), reading.language, where)
    english = _corpus(require(row, source, list, where=where), "en", where)
    examples: dict[str, Example] = {}
    repeated = 0
    for number, pair in enumerate(require(row, gold, list, where=where), 1):
        sides = _pair(pair, foreign, english, f"{where}: {gold!r} {number}")
        example_id = "\t".join(sides)
        repeated += example_id in examples
        examples.setdefault(
            example_id,
            Example(example_id, MiningInputs(*sides), canonical_json(sides), cluster_id=sides[0]),
        )
    empty = sum(not candidate.text for candidate in [*foreign, *english])
    repairs = {"repeated_pair": repeated, "empty_text": empty}
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples.values()),
        candidates=foreign,
        counterpart=english,
        sources=rows.sources,
        repairs={name: count for name, count in repairs.items() if count},
    )


def _corpus(sentences: list[Any], language: str, where: str) -> tuple[Candidate, ...]:
    for number, sentence in enumerate(sentences, 1):
        if not isinstance(sentence, str):
            raise DataError(
                f"{where}: sentence {number} of the {language} corpus is no text: {sentence!r:.60}"
            )
    return tuple(Candidate(f"{language}-{n:09d}", text.strip()) for n, text in enumerate(sentences, 1))


def _pair(
    pair: Any, foreign: tuple[Candidate, ...], english: tuple[Candidate, ...], where: str
) -> tuple[str, str]:
    good = isinstance(pair, list) and len(pair) == 2 and all(type(index) is int for index in pair)
    if not good or not (1 <= pair[0] <= len(foreign) and 1 <= pair[1] <= len(english)):
        raise DataError(
            f"{where} is {pair!r:.40}; two numbers are due, from 1 to {len(foreign):,} "
            f"and from 1 to {len(english):,}"
        )
    return foreign[pair[0] - 1].candidate_id, english[pair[1] - 1].candidate_id
