"""Readers of tables (Parquet, JSON): sentence pairs, tagged words, questions, choices.

They give the ids and golds that the readers of the release files give, so that a test set has one
fingerprint from either. All read the role `rows`; the names of columns are options.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from harness.data.choices import (
    copa_example,
    question_of,
    questions_by_index,
    siqa_example,
    xcopa_examples,
)
from harness.data.hidden import refuse_constant, refuse_hidden
from harness.data.reading import Reading
from harness.data.rows import Rows
from harness.data.sentence_pairs import UNLABELLED, pair_example, renames
from harness.data.squad import RELEASE, article_id, checked_question, rules_of
from harness.data.tag_lines import checked_label
from harness.data.text import require
from harness.errors import DataError, SpecError
from harness.records import DataSet, Example, SpanQAInputs, TaggingInputs, canonical_json

_PARALLEL = ("", "row", "id")
_HIDDEN = (-1, None, "")


def read_pair_rows(reading: Reading) -> DataSet:
    """Read sentence pairs: columns `first`, `second` and `label`.

    `label_names` are the names of whole-number labels in index order, empty where the column holds
    text; `rename` gives text labels their names in the task, as in `e=entailment,n=neutral`.
    `example_id` is the zero-based row; of a source with several roles, all are read in the order of
    their names, and the role and a slash stand before it. `parallel` says what translations share: the
    `row`, the `id` (a column that the option `id` names), or nothing. `drop_unlabelled` (false): rows
    whose label is -1 are left out and counted (`unlabelled`; SNLI, where annotators did not agree).

    Raises:
        DataError: a column is missing, the file orders its labels otherwise, or a label is unknown or
            hidden.
        SpecError: options that make no sense together.
    """
    given = reading.options(
        first="premise",
        second="hypothesis",
        label="label",
        label_names="",
        rename="",
        id="",
        parallel="",
        drop_unlabelled=False,
    )
    options = {name: str(value) for name, value in given.items()}
    first, second, label, id_column = (options[key] for key in ("first", "second", "label", "id"))
    if options["parallel"] not in _PARALLEL or (options["parallel"] == "id" and not id_column):
        raise SpecError(
            f"reader {reading.source.reader!r}: option 'parallel' is {options['parallel']!r}; allowed are '' "
            "(rows of different languages are no translations), 'row', and 'id' with the option id"
        )
    known, repairs, files = renames(options["rename"], reading), Counter[str](), list[Rows]()
    examples = []
    roles = sorted(reading.source.files)
    for role in roles:
        rows = reading.rows(role)
        files.append(rows)
        rows.require_columns([first, second, label, *([id_column] if id_column else [])])
        names = label_names(rows, label, options["label_names"])
        for number, (where, row) in enumerate(rows):
            if given["drop_unlabelled"] and row[label] in (-1, UNLABELLED):
                repairs["unlabelled"] += 1
                continue
            texts = (require(row, first, str, where=where), require(row, second, str, where=where))
            parallel = {"": None, "row": str(number)}.get(
                options["parallel"], _pair_id(row, id_column, where)
            )
            name = _label(row[label], names, f"{where}: {label!r}")
            name = known.get(name, name)
            example = pair_example(number, texts, name, where=where, reading=reading, parallel_id=parallel)
            if len(roles) > 1:
                example = replace(example, example_id=f"{role}/{number}")
            examples.append(example)
    return _finish(reading, files, examples, repairs)


def read_tagging_rows(reading: Reading) -> DataSet:
    """Read tagged sentences: columns `tokens` and `tags`, one list each per row.

    `tag_names` are the names of whole-number tags in index order, empty where the column holds text.
    `example_id` is the zero-based row; a sentence without words stays and counts as `empty_sentence`.

    Raises:
        DataError: as `read_pair_rows`; or a row has not as many tags as tokens.
    """
    options = _texts(reading, tokens="tokens", tags="tags", tag_names="")
    tokens, tags = options["tokens"], options["tags"]
    rows = reading.rows("rows")
    rows.require_columns([tokens, tags])
    names = label_names(rows, tags, options["tag_names"])
    examples = []
    repairs: Counter[str] = Counter()
    for number, (where, row) in enumerate(rows):
        words, values = require(row, tokens, list, where=where), require(row, tags, list, where=where)
        if len(words) != len(values) or not all(isinstance(word, str) for word in words):
            raise DataError(
                f"{where}: {len(words)} tokens and {len(values)} tags; one tag per token is due, "
                "and tokens are text"
            )
        labels = [
            checked_label(_label(value, names, f"{where}: {tags!r}"), where, reading.labels)
            for value in values
        ]
        repairs["empty_sentence"] += not words
        examples.append(Example(str(number), TaggingInputs(tuple(words)), canonical_json(labels)))
    return _finish(reading, [rows], examples, repairs)


def read_squad_rows(reading: Reading) -> DataSet:
    """Read questions: columns `id`, `context`, `question`, `answers`, and `title` where it is there.

    As the reader of SQuAD JSON: the id is the `example_id`, and the `parallel_id` unless `parallel` is
    false; articles (without titles contexts) are clusters; an answer that does not stand at its offset
    is found again (`answer_offset`), since many copies stripped the contexts and kept the offsets.
    With `id_prefix` only questions whose ids begin so are read. An empty `title` names no column.
    `unanswerable`, `drop_lost` and `original` are those of SQuAD JSON too.

    Raises:
        DataError: a column is missing, a question has no answer, an answer is not in its context, or
            no id begins with the prefix.
    """
    options = reading.options(
        id="id",
        context="context",
        question="question",
        answers="answers",
        title="title",
        id_prefix="",
        parallel=True,
        unanswerable=False,
        drop_lost=False,
        original=RELEASE,
    )
    columns = {key: str(options[key]) for key in ("id", "context", "question", "answers")}
    title, prefix = str(options["title"]), str(options["id_prefix"])
    rows = reading.rows("rows")
    # Repositories with and without titles are common; any other name was meant.
    rows.require_columns([*columns.values(), *([title] if title not in ("", "title") else [])])
    examples = []
    repairs: Counter[str] = Counter()
    for where, row in rows:
        question_id = require(row, columns["id"], str, where=where)
        if not question_id.startswith(prefix):
            continue
        context = require(row, columns["context"], str, where=where)
        raw = {
            "id": question_id,
            "question": row[columns["question"]],
            "answers": _answers(row[columns["answers"]], where),
        }
        question = checked_question(raw, context, where, repairs, rules=rules_of(options))
        if question is None:
            continue
        examples.append(
            Example(
                question_id,
                SpanQAInputs(question.text, context, question.answers),
                gold=question.gold,
                parallel_id=question_id if options["parallel"] else None,
                cluster_id=article_id(row.get(title), context),
            )
        )
    if not examples:
        raise DataError(
            f"{rows.name}: no question id begins with {prefix!r}; is this the file of another set?"
        )
    return _finish(reading, [rows], examples, repairs)


def read_choice_rows(reading: Reading) -> DataSet:
    """Read choices: the columns of Social IQa (answerA to answerC) or of COPA and XCOPA.

    With a role `reference` the questions are taken from it by `idx`, as the reader of XCOPA's files does
    (repair `question`), unless `raw_questions` is true. `label_names` are the names that the file must
    give its whole-number labels, if it names them; empty: whatever it says.

    Raises:
        DataError: columns of neither, a hidden label, or an idx that the reference lacks.
    """
    options = reading.options(raw_questions=False, label_names="")
    rows = reading.rows("rows")
    repairs: Counter[str] = Counter()
    files = [rows]
    if "answerA" in rows.dataset.column_names:
        rows.require_columns(["context", "question", "answerB", "answerC"])
        examples = [siqa_example(number, row, where) for number, (where, row) in enumerate(rows)]
    else:
        rows.require_columns(["premise", "choice1", "choice2", "question", "idx", "label"])
        label_names(rows, "label", str(options["label_names"]))
        if "reference" in reading.source.files and not options["raw_questions"]:
            files.append(reading.rows("reference"))
            reference = questions_by_index(files[1], files[1].name)
            examples = xcopa_examples(rows, reference, repairs, reference_name=files[1].name)
        elif "reference" in reading.source.files:
            examples = xcopa_examples(rows, None, repairs)
        else:
            examples = [
                copa_example(row, question_of(row, where), where, parallel_id=None) for where, row in rows
            ]
    return _finish(reading, files, examples, repairs)


def label_names(rows: Rows, column: str, given: str) -> tuple[str, ...]:
    """Return the names of a column's whole-number labels in index order; empty for a column of text.

    `given` are the names that the source expects, separated by commas; they must be those of the file,
    in its order, wherever the file says them.

    Raises:
        DataError: the file has others, or in another order.
    """
    expected = tuple(name.strip() for name in given.split(",")) if given else ()
    found = rows.label_names.get(column, ())
    if found and expected and found != expected:
        raise DataError(
            f"{rows.name}: the labels of {column!r} are {', '.join(found)} in this order, the source expects "
            f"{', '.join(expected)}; numbers would stand for other labels. Correct the names in the "
            "specification if the data are right"
        )
    return found or expected


def _pair_id(row: dict[str, Any], column: str, where: str) -> str:
    value = row.get(column)
    if column and value in (None, ""):
        raise DataError(
            f"{where}: {column!r} is empty; rows of other languages with the same id are translations"
        )
    return str(value)


def _label(value: Any, names: tuple[str, ...], where: str) -> str:
    if value in _HIDDEN or isinstance(value, bool):
        refuse_hidden(f"the label is {value!r}", where)
    if isinstance(value, str):
        return value
    if not isinstance(value, int) or not 0 <= value < len(names):
        allowed = f"0 to {len(names) - 1} ({', '.join(names)})" if names else "text, since no names are given"
        raise DataError(f"{where} is {value!r:.40}; allowed are {allowed}")
    return names[value]


def _answers(value: Any, where: str) -> Any:
    """Return a list of answers, whichever way the table nests them."""
    if not isinstance(value, dict):
        return value
    texts, starts = (require(value, key, list, where=where) for key in ("text", "answer_start"))
    if len(texts) != len(starts):
        raise DataError(f"{where}: {len(texts)} answer texts and {len(starts)} offsets")
    return [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]


def _texts(reading: Reading, **defaults: str) -> dict[str, str]:
    return {name: str(value) for name, value in reading.options(**defaults).items()}


def _finish(reading: Reading, files: list[Rows], examples: list[Example], repairs: Counter[str]) -> DataSet:
    refuse_constant([example.gold for example in examples], files[0].name)
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=tuple(examples),
        sources=tuple(dict.fromkeys(source for rows in files for source in rows.sources)),
        repairs={name: count for name, count in repairs.items() if count},
    )
