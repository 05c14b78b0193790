"""Questions with several answers in English: HellaSwag, Cosmos QA, CommonsenseQA.

Prompts and choices are put together as jiant does, and numbered from 0 in the order of the release.
Source: nyu-mll/jiant@daa5a25, jiant/tasks/lib (hellaswag, cosmosqa, commonsenseqa).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.data.hidden import refuse_constant, refuse_hidden
from harness.data.reading import Reading
from harness.data.text import TextFile, require
from harness.errors import DataError
from harness.records import ChoiceInputs, DataSet, Example, SourceFile

ENDINGS = 4
ANSWERS = 4
LETTERS = "ABCDE"
_COSMOS = ("context", "question", *(f"answer{n}" for n in range(ANSWERS)), "label")
_NO_LABEL = (None, "", -1, "-1")

Row = tuple[str, dict[str, Any]]


def read_hellaswag_rows(reading: Reading) -> DataSet:
    """Read the role `rows`: ctx_a, ctx_b, four endings and a label, a number or its digit as text.

    The prompt is ctx_a; a choice is ctx_b with an ending behind it. `example_id` is the zero-based row.

    Raises:
        DataError: a malformed row, or a label that is hidden (the test set's) or none of 0 to 3.
    """
    reading.options()
    rows = reading.rows("rows")
    rows.require_columns(["ctx_a", "ctx_b", "endings"])
    return _data(reading, rows, _hellaswag, rows.name, rows.sources)


def read_commonsense_rows(reading: Reading) -> DataSet:
    """Read the role `rows`: a question, five choices with the letters A to E, and the answer's letter.

    Both forms are read: that of the release (`question` holds `stem` and a list of `choices`) and that of
    the Hub (`choices` holds a list of `label` and one of `text`). Choices are put in the order of their
    letters. `example_id` is the zero-based row.

    Raises:
        DataError: a malformed row, or an answer that is hidden (the test set's) or not among the choices.
    """
    reading.options()
    rows = reading.rows("rows")
    rows.require_columns(["question"])
    return _data(reading, rows, _commonsense, rows.name, rows.sources)


def read_cosmos_rows(reading: Reading) -> DataSet:
    """Read the role `rows`: the columns of `read_cosmos_csv`, in Parquet or JSON; raises as it does."""
    reading.options()
    rows = reading.rows("rows")
    rows.require_columns(_COSMOS)
    return _data(reading, rows, _cosmos, rows.name, rows.sources)


def read_cosmos_csv(reading: Reading) -> DataSet:
    """Read the role `rows` of the release, `train.csv` or `valid.csv`.

    The prompt is the context and the question; the choices are answer0 to answer3 as they stand ("None of
    the above choices" may be any of them). `example_id` is the zero-based number of the record; a quoted
    field may hold commas, quotation marks (doubled) and line breaks.

    Raises:
        DataError: the quoting is broken, a record has not as many fields as columns, or its label is
            hidden (the test set's) or none of 0 to 3.
    """
    reading.options()
    file = reading.text("rows")
    data = _data(reading, _records(file), _cosmos, file.name, (file.source,))
    return (
        data
        if not file.repairs
        else DataSet(data.task, data.language, data.examples, (), data.sources, file.repairs)
    )


def _records(file: TextFile) -> Iterator[Row]:
    records = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    names: list[str] = []
    begin = 1
    try:
        for record in records:
            where, begin = f"{file.name}:{begin}", records.line_num + 1
            if not record:
                continue
            if not names:
                names = record
                missing = [name for name in _COSMOS if name not in names]
                if missing:
                    raise DataError(
                        f"{where}: the first line must name the columns {', '.join(_COSMOS)}; "
                        f"{missing[0]!r} is not there"
                    )
                continue
            if len(record) != len(names):
                raise DataError(
                    f"{where}: {len(record)} fields, expected {len(names)} separated by commas "
                    f"({', '.join(names)}); the file is cut off or was changed: get it again"
                )
            yield where, dict(zip(names, record, strict=True))
    except csv.Error as error:
        raise DataError(
            f"{file.name}:{begin}: the quotation marks of the record that begins here are broken ({error}); "
            "the file is cut off or was changed: get it again"
        ) from None


def _hellaswag(row: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...], int]:
    prompt, start = require(row, "ctx_a", str, where=where), require(row, "ctx_b", str, where=where)
    endings = require(row, "endings", list, where=where)
    if len(endings) != ENDINGS or not all(isinstance(ending, str) for ending in endings):
        raise DataError(f"{where}: 'endings' must be {ENDINGS} texts, found {endings!r:.80}")
    choices = tuple(f"{start} {ending}".strip() for ending in endings)
    return prompt, choices, _number(row.get("label"), ENDINGS, where)


def _cosmos(row: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...], int]:
    context, question = (require(row, key, str, where=where) for key in ("context", "question"))
    choices = tuple(require(row, f"answer{n}", str, where=where) for n in range(ANSWERS))
    return f"{context} {question}", choices, _number(row.get("label"), ANSWERS, where)


def _commonsense(row: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...], int]:
    question = row["question"]
    if isinstance(question, str):
        prompt, choices = question, require(row, "choices", dict, where=where)
        letters, texts = (require(choices, key, list, where=where) for key in ("label", "text"))
    else:
        prompt = require(question, "stem", str, where=where)
        listed = require(question, "choices", list, where=where)
        letters = [require(choice, "label", str, where=where) for choice in listed]
        texts = [require(choice, "text", str, where=where) for choice in listed]
    whole = len(texts) == len(LETTERS) and all(isinstance(text, str) for text in texts)
    if sorted(map(str, letters)) != list(LETTERS) or not whole:
        raise DataError(
            f"{where}: {len(texts)} choices with the letters {letters!r:.60}; "
            f"{len(LETTERS)} texts are due, {LETTERS[0]} to {LETTERS[-1]}, each once"
        )
    by_letter = dict(zip(letters, texts, strict=True))
    answer = row.get("answerKey")
    if answer in _NO_LABEL:
        refuse_hidden(f"the answer is {answer!r}", where)
    if not isinstance(answer, str) or answer not in by_letter:
        raise DataError(f"{where}: 'answerKey' is {answer!r:.40}; allowed are {', '.join(LETTERS)}")
    return prompt, tuple(by_letter[letter] for letter in LETTERS), LETTERS.index(answer)


def _number(label: Any, choices: int, where: str) -> int:
    if label in _NO_LABEL:
        refuse_hidden(f"the label is {label!r}", where)
    if str(label) not in map(str, range(choices)):
        raise DataError(f"{where}: 'label' is {label!r:.40}; allowed are 0 to {choices - 1}")
    return int(label)


def _data(
    reading: Reading,
    rows: Iterable[Row],
    parse: Callable[[Mapping[str, Any], str], tuple[str, tuple[str, ...], int]],
    name: str,
    sources: tuple[SourceFile, ...],
) -> DataSet:
    examples = []
    for number, (where, row) in enumerate(rows):
        prompt, choices, label = parse(row, where)
        examples.append(Example(str(number), ChoiceInputs(prompt, choices), gold=str(label)))
    refuse_constant([example.gold for example in examples], name)
    return DataSet(reading.task, reading.language, tuple(examples), (), sources)
