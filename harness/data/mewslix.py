"""Mewsli-X: mentions of entities in the news, pairs to train on, and the pool of entities.

Data version 20220518_6, format and texts as in google-research/xtreme@838c13b,
third_party/utils_mewslix.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.data.line_stream import LineStream
from harness.data.reading import Reading
from harness.data.text import require
from harness.errors import DataError
from harness.records import (
    Candidate,
    DataSet,
    Example,
    QueryInputs,
    QueryPassageInputs,
    SourceFile,
    canonical_json,
)

_BRACES = re.compile(r"\{(.*?)\}")
_RESTORE = (
    "`bash get-mewsli-x.sh` of google-research/google-research "
    "(dense_representations_for_entity_retrieval/mel) writes wikinews_mentions-test.jsonl with texts and "
    "labels under mewsli_x/output/dataset"
)


@dataclass(frozen=True, slots=True)
class _Mentions:
    """The mentions of one file, by language."""

    examples: Mapping[str, tuple[Example, ...]]
    source: SourceFile
    repairs: Mapping[str, int]


def read_mentions(reading: Reading) -> DataSet:
    """Read the role `mentions`: lines of {context, mentions}, of one or of all languages.

    Kept are the articles whose `context.language` is the language asked for, in file order. The query
    is the mention, then the sentence that holds it with the mention in braces (`mention_text`). The
    gold is the JSON list of the one entity id; `cluster_id` is the article. The option `member` names
    the file within a tar archive.

    Raises:
        DataError: a malformed line; labels that are hidden; texts that the release leaves out and that
            were not restored; a mention that is not in the text or in no one sentence.
    """
    member = str(reading.options(member="")["member"])
    path = reading.path("mentions")
    status = path.stat()
    found = _mentions(path, reading.root, member, status.st_size, status.st_mtime_ns)
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=found.examples.get(reading.language, ()),
        sources=(found.source,),
        repairs=found.repairs,
    )


def read_pairs(reading: Reading) -> DataSet:
    """Read the role `pairs`: lines of {contextual_mention, entity}, to train on.

    Query and passage are the texts of `read_mentions` and `read_entities`; the language is not
    looked at (all of the release are English). The option `member` is as in `read_mentions`.

    Raises:
        DataError: a malformed line, a mention that is not in the text or in no one sentence.
    """
    member = str(reading.options(member="")["member"])
    stream = LineStream(reading.path("pairs"), root=reading.root, member=member)
    examples = []
    for where, row in stream.json_lines():
        paired = require(row, "contextual_mention", dict, where=where)
        context = _context(require(paired, "context", dict, where=where), where)
        mention = require(paired, "mention", dict, where=where)
        entity = require(row, "entity", dict, where=where)
        example_id = require(mention, "example_id", str, where=where)
        inputs = QueryPassageInputs(_query(mention, context, where), entity_text(entity, where=where))
        gold = canonical_json([_entity_id(entity, where)])
        examples.append(Example(example_id, inputs, gold, cluster_id=context.document_id))
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples),
        sources=(stream.source,),
        repairs=stream.repairs,
    )


def read_entities(reading: Reading) -> DataSet:
    """Read the role `entities` as the pool: one entity a line, in file order.

    The option `rows` is the number of entities of the release (0: any number will do): among fewer
    candidates the right one is easier to find. `member` is as in `read_mentions`.

    Raises:
        DataError: a malformed line, or another number of entities.
    """
    options = reading.options(member="", rows=0)
    path = reading.path("entities")
    stream = LineStream(path, root=reading.root, member=str(options["member"]))
    candidates = tuple(
        Candidate(_entity_id(entity, where), entity_text(entity, where=where))
        for where, entity in stream.json_lines()
    )
    if options["rows"] and len(candidates) != options["rows"]:
        raise DataError(
            f"{stream.name}: {len(candidates):,} entities, expected {options['rows']:,}: the file is cut off "
            "or of another version, and a score says nothing without its pool. Get the file again; for a "
            "pool of your own give its number as the reader option 'rows' in a copy of the task's YAML"
        )
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=(),
        candidates=candidates,
        sources=(stream.source,),
        repairs=stream.repairs,
    )


def mention_text(sentence: str, *, start: int, end: int) -> str:
    """Return the query of a mention, `sentence[start:end]`: `mention: left { mention } right`.

    Braces that stand in pairs on either side become parentheses. Line breaks become spaces, each two
    spaces become one (once over, so that three leave two), white space at the ends goes.
    Source: google-research/xtreme@838c13b, third_party/utils_mewslix.py (preprocess_mention).
    """
    mention = sentence[start:end]
    left, right = (_BRACES.sub(r"(\1)", side) for side in (sentence[:start], sentence[end:]))
    return _normalise(f"{mention}: {left} {{ {mention} }} {right}")


def entity_text(entity: Mapping[str, Any], *, where: str) -> str:
    """Return what is embedded of an entity: the sentences of its description, joined by a space.

    What lies outside the sentences is left out; white space is normalised as in `mention_text`.
    Source: google-research/xtreme@838c13b, third_party/utils_mewslix.py
    (preprocess_entity_description).

    Raises:
        DataError: a field is missing, or a sentence lies outside the description.
    """
    description = require(entity, "description", str, where=where)
    spans = _sentences(entity, description, where)
    return _normalise(" ".join(description[start:end] for start, end in spans))


def _normalise(text: str) -> str:
    # splitlines knows more line breaks than LF and CRLF, as the official code does here.
    return " ".join(text.splitlines()).replace("  ", " ").strip()


# One file may hold all languages. Size and time of change are part of the key, so that a file that
# was replaced is read again.
@lru_cache(maxsize=16)
def _mentions(path: Path, root: Path, member: str, size: int, changed: int) -> _Mentions:
    stream = LineStream(path, root=root, member=member)
    examples: dict[str, list[Example]] = {}
    for where, row in stream.json_lines():
        record = require(row, "context", dict, where=where)
        language = require(record, "language", str, where=where)
        context = _context(record, where)
        for mention in require(row, "mentions", list, where=where):
            example_id = require(mention, "example_id", str, where=where)
            gold = canonical_json([_label(mention, example_id, where)])
            inputs = QueryInputs(_query(mention, context, where))
            example = Example(example_id, inputs, gold, cluster_id=context.document_id)
            examples.setdefault(language, []).append(example)
    found = {code: tuple(of_language) for code, of_language in examples.items()}
    return _Mentions(found, stream.source, stream.repairs)


@dataclass(frozen=True, slots=True)
class _Context:
    document_id: str
    text: str
    sentences: tuple[tuple[int, int], ...]


def _context(record: Mapping[str, Any], where: str) -> _Context:
    document_id = require(record, "document_id", str, where=where)
    text = require(record, "text", str, where=where)
    if not text:
        raise DataError(
            f"{where}: article {document_id!r} has no text: the release leaves the WikiNews texts out "
            f"(files *_no_text-*.jsonl). {_RESTORE}; use that file"
        )
    return _Context(document_id, text, tuple(_sentences(record, text, where)))


def _label(mention: Mapping[str, Any], example_id: str, where: str) -> str:
    label = require(mention, "entity_id", str, where=where).strip()
    if not label:
        raise DataError(
            f"{where}: the gold is hidden (mention {example_id!r} has an empty 'entity_id'): XTREME's own "
            "download script empties the labels of the test split, in wikinews_mentions and in "
            f"wikinews_labels; the release has them: {_RESTORE}"
        )
    return label


def _entity_id(entity: Mapping[str, Any], where: str) -> str:
    entity_id = require(entity, "entity_id", str, where=where).strip()
    if not entity_id:
        raise DataError(f"{where}: the entity has an empty 'entity_id'; get the file again")
    return entity_id


def _query(mention: Mapping[str, Any], context: _Context, where: str) -> str:
    example_id = require(mention, "example_id", str, where=where)
    span = require(mention, "mention_span", dict, where=where)
    start, end = _offsets(span, context.text, f"{where}: mention {example_id!r}")
    said = require(span, "text", str, where=where)
    if context.text[start:end] != said:
        raise DataError(
            f"{where}: mention {example_id!r} is said to be {said!r:.60}, but the text has "
            f"{context.text[start:end]!r:.60} at {start}:{end}; the text was not restored from the dumps "
            f"that the release names. {_RESTORE}"
        )
    for low, high in context.sentences:
        if low <= start and end <= high:
            return mention_text(context.text[low:high], start=start - low, end=end - low)
    raise DataError(
        f"{where}: mention {example_id!r} ({start}:{end}) lies within no one of the "
        f"{len(context.sentences)} sentences of its text; the release has none such, so get the file again"
    )


def _sentences(record: Mapping[str, Any], text: str, where: str) -> list[tuple[int, int]]:
    spans = require(record, "sentence_spans", list, where=where)
    return [_offsets(span, text, f"{where}: a sentence") for span in spans]


def _offsets(span: Any, text: str, what: str) -> tuple[int, int]:
    start, end = require(span, "start", int, where=what), require(span, "end", int, where=what)
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{what}: {start}:{end} is no part of a text of {len(text)} characters; offsets count characters "
            "from 0, and the end lies behind the last one"
        )
    return start, end
