"""Plain text for masked language modelling: one text per line, or a column of texts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import islice

from harness.data.line_stream import LineStream
from harness.data.reading import Option, Reading
from harness.data.text import require
from harness.errors import SpecError
from harness.records import DataSet, Example, SourceFile, TextInputs


def read_text_lines(reading: Reading) -> DataSet:
    """Read the role `text`: every line that is not blank is a text.

    `example_id` is the zero-based line; white space around a text is dropped. `max_lines` (0: all) keeps
    the first so many texts: the rest is read, for the hash, and forgotten.

    Raises:
        DataError: the file is missing, empty or not UTF-8.
        SpecError: `max_lines` is negative.
    """
    limit = _limit(reading.options(max_lines=0), reading)
    stream = LineStream(reading.path("text"), root=reading.root)
    examples: list[Example] = []
    for number, line in stream.lines():
        if len(examples) < limit:
            examples.append(Example(str(number - 1), TextInputs(line.strip()), gold=""))
    return _data(reading, examples, (stream.source,), stream.repairs)


def read_text_rows(reading: Reading) -> DataSet:
    """Read the role `rows`: every line of the column `text` (an option) that is not blank is a text.

    `example_id` is the zero-based row and the zero-based line in it, as in `17.2`. `max_lines` as in
    `read_text_lines`.

    Raises:
        DataError: the column is missing or holds something else.
        SpecError: `max_lines` is negative.
    """
    options = reading.options(text="text", max_lines=0)
    limit, column = _limit(options, reading), str(options["text"])
    rows = reading.rows("rows")
    rows.require_columns([column])
    lines = (
        Example(f"{number}.{at}", TextInputs(line.strip()), gold="")
        for number, (where, row) in enumerate(rows)
        for at, line in enumerate(require(row, column, str, where=where).split("\n"))
        if line.strip()
    )
    return _data(reading, list(islice(lines, limit)), rows.sources, {})


def _limit(options: Mapping[str, Option], reading: Reading) -> int:
    limit = int(options["max_lines"])
    if limit < 0:
        raise SpecError(
            f"reader {reading.source.reader!r}: option 'max_lines' is {limit}; "
            "give how many texts are kept, or 0 for all"
        )
    return limit or sys.maxsize


def _data(
    reading: Reading, examples: list[Example], sources: tuple[SourceFile, ...], repairs: dict[str, int]
) -> DataSet:
    return DataSet(reading.task, reading.language, tuple(examples), (), sources, repairs)
