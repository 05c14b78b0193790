"""Multiple choice in JSON lines: XCOPA, COPA as SuperGLUE publishes it, Social IQa."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from harness.data.hidden import CONSTANT_FROM, refuse_constant
from harness.data.reading import Reading
from harness.data.text import TextFile, require
from harness.errors import DataError
from harness.records import ChoiceInputs, DataSet, Example

QUESTIONS = ("cause", "effect")
_LETTERS = {"A": 0, "B": 1, "C": 2}


def read_xcopa(reading: Reading) -> DataSet:
    """Read the role `items`, with `question` taken from the role `reference` by `idx`.

    `question` is wrong in some languages of the release (Thai: always `effect`), while labels and
    idx agree, so it is taken from a language where it is right; each change counts as the repair
    `question`. The option `raw_questions: true` keeps the released values and reads no reference.
    `example_id` and `parallel_id` are `idx`; the gold is `0` or `1`. The prompt is the premise
    followed by the English question of the official code, whatever the language.

    Source: google-research/xtreme@838c13b, third_party/run_xcopa.py (preprocess_function).

    Raises:
        DataError: a malformed row, a hidden label, or an idx that the reference lacks.
    """
    raw = reading.options(raw_questions=False)["raw_questions"]
    items = reading.text("items")
    reference_file = None if raw else reading.text("reference")
    reference = None
    if reference_file is not None:
        reference = questions_by_index(reference_file.json_lines(), reference_file.name)
    repairs = Counter(items.repairs)
    name = reference_file.name if reference_file else ""
    examples = xcopa_examples(items.json_lines(), reference, repairs, reference_name=name)
    refuse_constant([e.gold for e in examples], items.name)
    files = [items] if reference_file is None else [items, reference_file]
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples),
        sources=tuple(dict.fromkeys(file.source for file in files)),
        repairs={name: count for name, count in repairs.items() if count},
    )


def read_copa(reading: Reading) -> DataSet:
    """Read the role `items` of English COPA: the fields of XCOPA, but nothing to mend.

    Raises:
        DataError: a malformed row or a hidden label.
    """
    reading.options()
    items = reading.text("items")
    examples = [
        copa_example(row, question_of(row, where), where, parallel_id=None)
        for where, row in items.json_lines()
    ]
    return _finish(reading, items, examples)


def read_siqa(reading: Reading) -> DataSet:
    """Read the role `items`: context, question, answerA to answerC.

    The right answer is `correct` (`A` to `C`, release 1.4) or `label` (`1` to `3`, the other
    release). `example_id` is the zero-based line among the items; the gold is `0` to `2`.

    Source: google-research/xtreme@838c13b, third_party/run_xcopa.py and siqa_data/siqa_data.py.

    Raises:
        DataError: a malformed row or a hidden label.
    """
    reading.options()
    items = reading.text("items")
    examples = [siqa_example(number, row, where) for number, (where, row) in enumerate(items.json_lines())]
    return _finish(reading, items, examples)


def xcopa_examples(
    rows: Iterable[tuple[str, dict[str, Any]]],
    reference: Mapping[int, str] | None,
    repairs: Counter[str],
    *,
    reference_name: str = "",
) -> list[Example]:
    """Return the items of XCOPA, their questions taken from the reference by `idx` if there is one.

    Each question that this changes counts as the repair `question`.

    Raises:
        DataError: as `read_xcopa`.
    """
    examples = []
    for where, row in rows:
        index, question = require(row, "idx", int, where=where), question_of(row, where)
        if reference is not None:
            if index not in reference:
                raise DataError(
                    f"{where}: idx {index} is not in {reference_name}, from which 'question' is taken; "
                    "use files of one release, or the reader option raw_questions: true"
                )
            repairs["question"] += question != reference[index]
            question = reference[index]
        examples.append(copa_example(row, question, where, parallel_id=str(index)))
    return examples


def siqa_example(number: int, row: dict[str, Any], where: str) -> Example:
    """Return the item `number` (from 0) of Social IQa.

    Raises:
        DataError: as `read_siqa`.
    """
    context, question = (require(row, key, str, where=where) for key in ("context", "question"))
    choices = tuple(require(row, f"answer{letter}", str, where=where) for letter in _LETTERS)
    inputs = ChoiceInputs(prompt=f"{context} {question}", choices=choices)
    return Example(str(number), inputs, gold=str(_siqa_label(row, where)))


def _siqa_label(row: dict[str, Any], where: str) -> int:
    if "correct" in row:
        letter = require(row, "correct", str, where=where)
        if letter in _LETTERS:
            return _LETTERS[letter]
        raise DataError(f"{where}: 'correct' is {letter!r}; allowed are A, B and C")
    label = str(row.get("label", "")).strip()
    if label in ("1", "2", "3"):
        return int(label) - 1
    raise DataError(
        f"{where}: no usable label ('label' is {row.get('label')!r}); expected 'correct' A to C or "
        "'label' '1' to '3'. Files with hidden labels cannot be trained on or scored"
    )


def copa_example(row: dict[str, Any], question: str, where: str, *, parallel_id: str | None) -> Example:
    """Return an item of COPA, asked with this question (`cause` or `effect`).

    Raises:
        DataError: a field is missing, or the label is hidden or neither 0 nor 1.
    """
    premise, first, second = (
        require(row, key, str, where=where) for key in ("premise", "choice1", "choice2")
    )
    if "label" not in row or row["label"] == -1:
        raise DataError(
            f"{where}: the label is hidden ({row.get('label')!r}); this file was published without its "
            "answers and can be neither trained on nor scored"
        )
    label = require(row, "label", int, where=where)
    if label not in (0, 1):
        raise DataError(f"{where}: 'label' is {label}; allowed are 0 (choice1) and 1 (choice2)")
    inputs = ChoiceInputs(prompt=f"{premise} What was the {question}?", choices=(first, second))
    example_id = str(require(row, "idx", int, where=where))
    return Example(example_id, inputs, gold=str(label), parallel_id=parallel_id)


def question_of(row: dict[str, Any], where: str) -> str:
    """Return the question of an item, `cause` or `effect`.

    Raises:
        DataError: it is neither.
    """
    question = require(row, "question", str, where=where)
    if question not in QUESTIONS:
        raise DataError(f"{where}: 'question' is {question!r}; allowed are 'cause' and 'effect'")
    return question


def questions_by_index(rows: Iterable[tuple[str, dict[str, Any]]], name: str) -> dict[int, str]:
    """Return the question of each `idx` of the files `name`, which others are mended from.

    Raises:
        DataError: a malformed row, or one question throughout.
    """
    questions = {require(row, "idx", int, where=where): question_of(row, where) for where, row in rows}
    if len(questions) >= CONSTANT_FROM and len(set(questions.values())) == 1:
        raise DataError(
            f"{name}: every 'question' is {next(iter(questions.values()))!r}, so the file cannot be "
            "the one that others are mended from; use et, ht, qu, ta, vi or zh of the original release"
        )
    return questions


def _finish(reading: Reading, items: TextFile, examples: list[Example]) -> DataSet:
    refuse_constant([e.gold for e in examples], items.name)
    return DataSet(reading.task, reading.language, tuple(examples), (), (items.source,), items.repairs)
