"""Sentence pairs as XTREME's download script leaves them on disk."""

from __future__ import annotations

import csv

from harness.data.hidden import refuse_hidden
from harness.data.reading import Reading
from harness.data.sentence_pairs import pair_data, pair_example
from harness.errors import DataError, SpecError
from harness.records import DataSet

_PARALLEL = ("", "row")


def read_pair_lines(reading: Reading) -> DataSet:
    """Read the role `pairs`: lines of sentence1, sentence2 and label, without a header.

    The script writes them with Python's `csv.writer`, tabs between: a sentence that holds a quotation mark
    stands in quotes, and its own marks are doubled. They are undone here. The official models were
    given the sentences with the added marks, since transformers' `DataProcessor._read_tsv`, which reads
    the files there, calls `csv.reader(.., quotechar=None)`, and that undoes nothing.

    The script writes test files without labels; they are refused. `example_id` is the zero-based
    line number. The option `parallel: row` makes it the `parallel_id` too, where line i of one language
    translates line i of another.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (xnli_preprocess, pawsx_preprocess).

    Raises:
        DataError: a malformed line, an unknown label, or no labels.
    """
    parallel = reading.options(parallel="")["parallel"]
    if parallel not in _PARALLEL:
        raise SpecError(
            f"reader {reading.source.reader!r}: option 'parallel' is {parallel!r}; allowed are '' (lines of "
            "different languages are not translations) and 'row'"
        )
    file = reading.text("pairs")
    examples = []
    for number, line in enumerate(file.lines()):
        where = f"{file.name}:{number + 1}"
        fields = _fields(line, where)
        if len(fields) == 2:
            refuse_hidden("the line has two sentences and no label", where)
        if len(fields) != 3:
            raise DataError(
                f"{where}: {len(fields)} fields, expected 3 separated by tabs: sentence1, sentence2, label"
            )
        first, second, label = (field.strip() for field in fields)
        examples.append(
            pair_example(
                number,
                (first, second),
                label,
                where=where,
                reading=reading,
                parallel_id=str(number) if parallel else None,
            )
        )
    return pair_data(reading, file, examples)


def _fields(line: str, where: str) -> list[str]:
    # Line by line: a sentence never holds a line break here, and a quote left open must not swallow rows.
    try:
        return next(csv.reader([line], delimiter="\t", strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{where}: the quotation marks are not as Python's csv.writer puts them ({error}): a field that "
            "begins with one ends with one, and those inside are doubled. Run XTREME's download script "
            "again, or use the original release"
        ) from None
