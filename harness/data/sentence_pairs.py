"""Sentence pairs with a label: what the readers of XNLI, MultiNLI and PAWS-X share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.data.hidden import PLACEHOLDERS, refuse_constant, refuse_hidden
from harness.data.reading import Reading
from harness.data.text import TextFile
from harness.errors import DataError, did_you_mean
from harness.records import ClassificationInputs, DataSet, Example


def table_rows(file: TextFile, *headers: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (`file:line`, values) of a tab-separated file whose first line names its columns.

    Nothing is quoted: a quotation mark is part of its field. The values are those of the first of
    `headers` whose names are all there, stripped, in its order.

    Raises:
        DataError: no header is there, or a row has more fields than columns or lacks one that is read.
    """
    lines = file.lines()
    names = lines[0].split("\t")
    chosen = next((header for header in headers if set(header) <= set(names)), None)
    if chosen is None:
        wanted = " or ".join(", ".join(header) for header in headers)
        raise DataError(
            f"{file.name}:1: the first line must name the columns {wanted}, separated by tabs; "
            f"found {lines[0]!r:.80}"
        )
    places = [names.index(name) for name in chosen]
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) > len(names) or len(fields) <= max(places):
            raise DataError(
                f"{file.name}:{number}: {len(fields)} fields, expected {len(names)} separated by tabs "
                f"({', '.join(names)}); the file is cut off or was changed: get it again"
            )
        yield f"{file.name}:{number}", [fields[place].strip() for place in places]


def pair_example(
    number: int,
    texts: tuple[str, str],
    label: str,
    *,
    where: str,
    reading: Reading,
    parallel_id: str | None = None,
) -> Example:
    """Return the example `number` (from 0), which is its id too.

    Raises:
        DataError: the label is not one of the task's, or hidden.
    """
    if reading.labels and label not in reading.labels:
        if label in PLACEHOLDERS:
            refuse_hidden(f"the label is {label!r}", where)
        raise DataError(
            f"{where}: the label is {label!r:.60}; allowed are {', '.join(reading.labels)}"
            f"{did_you_mean(label, reading.labels)}"
        )
    return Example(str(number), ClassificationInputs(*texts), gold=label, parallel_id=parallel_id)


def pair_data(reading: Reading, file: TextFile, examples: Sequence[Example]) -> DataSet:
    """Return the data set of a file that was read.

    Raises:
        DataError: every one of at least 50 rows has the same label, which stands in for hidden ones.
    """
    refuse_constant([example.gold for example in examples], file.name)
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples),
        sources=(file.source,),
        repairs=file.repairs,
    )
