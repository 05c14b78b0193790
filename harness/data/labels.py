"""Label files in the layout of a submission: the gold of a test set, without its texts.

They have the names of the prediction files (`<task>/test-<lang>.tsv|json|jsonl`), and per kind of task
the contents that XTREME's own evaluation reads: a label, an integer, a tag or a pair of ids on each
line; rows with a `label`; questions as SQuAD has them; ids with the ids that are right.

Ids and golds are those of the local readers, so that a test set has one fingerprint from either.

Source: google-research/xtreme@838c13b, evaluate.py (`read_label`, `read_tag`, `read_squad`,
`read_xcopa`) and mock_test_data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.hidden import PLACEHOLDERS, refuse_constant, refuse_hidden
from harness.data.squad import article_id
from harness.data.text import TextFile, read_text, require
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import Cell, SourceFile, canonical_json
from harness.specs.task import TaskSpec

_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Row:
    """One gold item; `where` names file and line, or the place inside the file."""

    where: str
    example_id: str
    gold: str
    parallel_id: str | None = None
    cluster_id: str | None = None


def read_labels(task: TaskSpec, language: str, path: Path, *, root: Path) -> tuple[Cell, SourceFile]:
    """Read the gold of one language as a cell without statistics, under one seed.

    `parallel_id` and `cluster_id` are what label files can tell: rows of `parallel_rows` tasks and
    choices by id or line, questions by id, articles by title or context, mined pairs by their foreign
    sentence. Where answers stand in their contexts is not looked at.

    Raises:
        DataError: the file is empty, malformed or saved in another way than the benchmark's (CRLF, byte
            order mark), an id occurs twice, a label is not one of the task's, or the gold is hidden.
        SpecError: the kind of task has no label files.
    """
    if task.kind not in READERS:
        raise SpecError(f"task {task.name!r}: there are no label files of kind {task.kind!r}")
    file = read_text(path, root=root)
    if file.had_bom:
        raise DataError(f"{file.name}:1: begins with a byte order mark; save the file as UTF-8 without one")
    rows = list(READERS[task.kind](file, task))
    if not rows:
        raise DataError(f"{file.name}: holds no example; one per line, or per id, is due")
    _refuse_repeats(rows)
    refuse_constant([row.gold for row in rows], file.name)
    cell = Cell(
        task=task.name,
        language=language,
        seeds=(1,),
        example_ids=tuple(row.example_id for row in rows),
        parallel_ids=tuple(row.parallel_id for row in rows),
        cluster_ids=tuple(row.cluster_id for row in rows),
        golds=tuple(row.gold for row in rows),
        statistics={},
    )
    return cell, file.source


def _lines(file: TextFile) -> list[str]:
    """Return the lines; carriage returns are refused here alone, since to JSON they are white space.

    Some files of XCOPA's release end their lines with them.
    """
    place = file.text.find("\r")
    if place >= 0:
        line = file.text.count("\n", 0, place) + 1
        raise DataError(
            f"{file.name}:{line}: holds a carriage return (CRLF); save the file with line feeds alone"
        )
    return file.lines()


def _values(file: TextFile) -> list[str]:
    """Return the lines of a file with one value on each."""
    lines = _lines(file)
    if not lines[-1].strip():
        raise DataError(f"{file.name}:{len(lines)}: a blank line at the end; each line stands for an example")
    return lines


def _refuse_repeats(rows: list[Row]) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.example_id, row)
        if first is not row:
            raise DataError(
                f"{row.where}: the id {row.example_id!r:.80} occurs twice (first at {first.where}); "
                "ids must be unique"
            )


def _label_lines(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    for number, line in enumerate(_values(file)):
        where, label = f"{file.name}:{number + 1}", line.strip()
        _check_label(label, task, where)
        parallel = str(number) if task.parallel_rows else None
        yield Row(where, str(number), label, parallel)


def _check_label(label: str, task: TaskSpec, where: str) -> None:
    if label in task.labels or (label and not task.labels):
        return
    if label in PLACEHOLDERS:
        refuse_hidden(f"the label is {label!r}", where)
    raise DataError(
        f"{where}: the label is {label!r:.60}{did_you_mean(label, task.labels)}; the line must hold a label "
        f"and nothing else, one of {', '.join(task.labels)}"
    )


def _tag_lines(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    """Yield the sentences: every blank line ends one, also one without words, as in the official reader."""
    first, tags, number = 1, list[str](), 0
    for at, line in enumerate(_lines(file), 1):
        if tag := line.strip():
            _check_label(tag, task, f"{file.name}:{at}")
            tags.append(tag)
            continue
        yield Row(f"{file.name}:{first}", str(number), canonical_json(tags))
        first, tags, number = at + 1, [], number + 1
    if tags:
        yield Row(f"{file.name}:{first}", str(number), canonical_json(tags))


def _integer_lines(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    for number, line in enumerate(_values(file)):
        where, text = f"{file.name}:{number + 1}", line.strip()
        if not _INTEGER.fullmatch(text):
            if text in PLACEHOLDERS:
                refuse_hidden(f"the row number is {text!r}", where)
            raise DataError(
                f"{where}: {text!r:.60} is not a row number; an integer from 0 on is due, nothing else"
            )
        yield Row(where, str(number), text)


def _choice_rows(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    for number, (where, row) in enumerate(file.json_lines()):
        if "label" not in row or row["label"] in (-1, None, ""):
            refuse_hidden(f"the label is {row.get('label', 'not there')!r}", where)
        label = require(row, "label", int, where=where)
        if label < 0 or (task.labels and str(label) not in task.labels):
            allowed = ", ".join(task.labels) or "integers from 0 on"
            raise DataError(f"{where}: 'label' is {label!r:.30}; allowed are {allowed}")
        example_id = str(require(row, "idx", int, where=where)) if "idx" in row else str(number)
        # Choices are translated item by item.
        yield Row(where, example_id, str(label), parallel_id=example_id)


def _pair_lines(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    for number, line in enumerate(_lines(file), 1):
        where, pair = f"{file.name}:{number}", [field.strip() for field in line.split("\t")]
        if len(pair) != 2 or not all(pair):
            raise DataError(
                f"{where}: {line[:80]!r} is no gold pair; the id of the foreign sentence, a tab and the id "
                "of the English one are due"
            )
        yield Row(where, "\t".join(pair), canonical_json(pair), cluster_id=pair[0])


def _questions(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    """Yield the questions of SQuAD JSON, the outer object with `data` or the list of articles alone.

    What belongs together, and whether ids are shared between languages, is what the task's own layout says.
    """
    options = task.data.layouts[0].options if task.data.layouts else {}
    tree = file.json(refuse_repeats=True)
    articles = require(tree, "data", list, where=file.name) if isinstance(tree, dict) else tree
    if not isinstance(articles, list):
        raise DataError(f"{file.name}: holds neither an object with 'data' nor a list of articles")
    for position, article in enumerate(articles, 1):
        where = f"{file.name}: article {position}"
        for paragraph in require(article, "paragraphs", list, where=where):
            questions = require(paragraph, "qas", list, where=where)
            title = None if options.get("cluster") == "context" else article.get("title")
            cluster = article_id(title, str(paragraph.get("context", "")))
            for raw in questions:
                question_id, gold = _question(raw, where)
                parallel = question_id if options.get("parallel", True) else None
                yield Row(f"{where}, question {question_id!r}", question_id, gold, parallel, cluster)


def _question(raw: Any, where: str) -> tuple[str, str]:
    question_id = require(raw, "id", str, where=where)
    where = f"{where}, question {question_id!r}"
    answers = require(raw, "answers", list, where=where)
    texts = [require(answer, "text", str, where=where) for answer in answers]
    if not texts or "" in texts:
        refuse_hidden("the answer is empty" if texts else "there is no answer", where)
    return question_id, canonical_json(texts)


def _relevant(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    for where, query_id, ids in _id_lists(file):
        yield Row(where, query_id, canonical_json(ids), parallel_id=query_id)


def _entities(file: TextFile, task: TaskSpec) -> Iterator[Row]:
    """Yield the mentions; the official code takes the first entity of the list, which has but one."""
    for where, mention_id, ids in _id_lists(file):
        if len(ids) != 1:
            raise DataError(f"{where}: {len(ids)} entities; a mention has exactly one right one")
        yield Row(where, mention_id, canonical_json([ids[0].strip()]))


def _id_lists(file: TextFile) -> Iterator[tuple[str, str, list[str]]]:
    tree = file.json(refuse_repeats=True)
    if not isinstance(tree, dict):
        raise DataError(f"{file.name}: holds no object; {{id: [ids that are right]}} is due")
    for key, ids in tree.items():
        where = f"{file.name}, id {key!r}"
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise DataError(f"{where}: {str(ids)[:60]!r} is no list of ids (text)")
        if not ids or any(not one.strip() for one in ids):
            refuse_hidden("the right id is empty", where)
        if twice := [one for one, count in Counter(ids).items() if count > 1]:
            raise DataError(f"{where}: {twice[0]!r:.60} is listed twice")
        yield where, key, ids


# Kind of task -> how its label files are read.
READERS: dict[str, Callable[[TextFile, TaskSpec], Iterator[Row]]] = {
    "classification": _label_lines,
    "multiple_choice": _choice_rows,
    "tagging": _tag_lines,
    "span_qa": _questions,
    "bitext_retrieval": _integer_lines,
    "bitext_mining": _pair_lines,
    "passage_retrieval": _relevant,
    "entity_retrieval": _entities,
}
