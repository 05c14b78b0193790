"""Sentence pairs with a label: what their readers share, and one for tables of any columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.data.hidden import PLACEHOLDERS, refuse_constant, refuse_hidden
from harness.data.reading import Reading
from harness.data.text import TextFile
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import ClassificationInputs, DataSet, Example

# What SNLI writes for a label where the annotators did not agree.
UNLABELLED = "-"


def read_pair_table(reading: Reading) -> DataSet:
    """Read the role `pairs`: a tab-separated file whose first line names its columns; nothing is quoted.

    `first`, `second` and `label` name the columns that are read. `rename` gives labels their names in the
    task, as in `0=not_duplicate,1=duplicate`. `example_id` is the zero-based number of the row.
    `drop_unlabelled` (false): rows whose label is `-` are left out (`unlabelled`; SNLI, where annotators
    did not agree). `drop_broken` (false): so are rows that lack a field or have an empty one
    (`broken_row`; QQP in its first release).

    Raises:
        DataError: a malformed row, or a label that is unknown or hidden.
        SpecError: `rename` is of another form.
    """
    options = reading.options(
        first="sentence1",
        second="sentence2",
        label="label",
        rename="",
        drop_unlabelled=False,
        drop_broken=False,
    )
    names = renames(str(options["rename"]), reading)
    file = reading.text("pairs")
    dropped: Counter[str] = Counter()
    examples = []
    header = [str(options[key]) for key in ("first", "second", "label")]
    for number, (where, row) in enumerate(_numbered(file, header, allow_short=bool(options["drop_broken"]))):
        if options["drop_broken"] and (row is None or "" in row):
            dropped["broken_row"] += 1
            continue
        assert row is not None, "BUG: a short row was not refused"
        first, second, label = row
        if options["drop_unlabelled"] and label == UNLABELLED:
            dropped["unlabelled"] += 1
            continue
        label = names.get(label, label)
        examples.append(pair_example(number, (first, second), label, where=where, reading=reading))
    return pair_data(reading, file, examples, dropped)


def renames(text: str, reading: Reading) -> dict[str, str]:
    """Return what `e=entailment,n=neutral` says: a label of the files -> its name in the task.

    Raises:
        SpecError: it is of another form.
    """
    pairs = [part.strip().partition("=") for part in text.split(",")] if text else []
    if not all(old and new for old, _, new in pairs):
        raise SpecError(
            f"reader {reading.source.reader!r}: option 'rename' is {text!r}; write each label of the files "
            "and its name in the task as 'e=entailment,n=neutral'"
        )
    return {old.strip(): new.strip() for old, _, new in pairs}


def table_rows(file: TextFile, *headers: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (`file:line`, values) of a tab-separated file whose first line names its columns.

    Nothing is quoted: a quotation mark is part of its field. The values are those of the first of
    `headers` whose names are all there, stripped, in its order.

    Raises:
        DataError: no header is there, or a row has more fields than columns or lacks one that is read.
    """
    for where, row in _numbered(file, *headers, allow_short=False):
        assert row is not None, "BUG: a short row was not refused"
        yield where, row


def _numbered(
    file: TextFile, *headers: Sequence[str], allow_short: bool
) -> Iterator[tuple[str, list[str] | None]]:
    """Yield the rows as `table_rows`; a row that lacks a field is None where that is allowed."""
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
        if allow_short and len(fields) <= max(places):
            yield f"{file.name}:{number}", None
            continue
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


def pair_data(
    reading: Reading, file: TextFile, examples: Sequence[Example], dropped: Mapping[str, int] | None = None
) -> DataSet:
    """Return the data set of a file that was read; `dropped` counts what was left out, by reason.

    Raises:
        DataError: every one of at least 50 rows has the same label, which stands in for hidden ones.
    """
    refuse_constant([example.gold for example in examples], file.name)
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples),
        sources=(file.source,),
        repairs={**file.repairs, **(dropped or {})},
    )
