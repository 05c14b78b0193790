"""SQuAD JSON: XQuAD, MLQA, TyDiQA-GoldP, SQuAD v1.1 and everything in their shape."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.data.reading import Option, Reading
from harness.data.text import TextFile, require
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import Answer, DataSet, Example, SpanQAInputs, canonical_json

CLUSTERS = ("article", "context")
RELEASE = "the original file of the release"


class LostAnswer(DataError):
    """An answer that its context does not hold."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a reader makes of questions that are not as SQuAD v1.1 has them.

    `unanswerable`: a question without answers is one that has none (SQuAD v2.0), and not one whose answers
    are hidden. `drop_lost`: answers that their context lacks are left out, as translating machines lose
    some, and a question without any other is left out too (`lost_answer`). `original`: what to get instead
    of blanked answers.
    """

    unanswerable: bool = False
    drop_lost: bool = False
    original: str = RELEASE


DEFAULT = Rules()


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all its gold answers, their offsets already checked; none: it has no answer."""

    question_id: str
    text: str
    answers: tuple[Answer, ...]

    @property
    def gold(self) -> str:
        """The JSON list of the answer texts; without answers it holds the empty text."""
        return canonical_json([answer.text for answer in self.answers] or [""])


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A context with its questions. `number` counts the paragraphs of the file from 1."""

    where: str
    number: int
    cluster_id: str
    context: str
    questions: tuple[Question, ...]
    sentence_breaks: tuple[tuple[int, int], ...] | None


def read_squad(reading: Reading) -> DataSet:
    """Read the role `articles`: one example per question, in file order.

    `example_id` is the question's id. The gold is the JSON list of the answer texts. An answer that
    does not stand at its offset is looked for elsewhere in its context and the nearest place taken: the
    repair `answer_offset` (copies of XQuAD exist whose contexts were stripped but not their offsets).

    Options: `parallel` (true): translations share their ids, so that the id is the `parallel_id` too.
    `cluster`: what is no independent unit, the `article` (the context where titles are missing) or the
    `context`. `id_prefix`: only questions whose ids begin so are read. `number_repeats` (false): an id
    seen before is replaced by the question's number in the file, as in `#17` (`repeated_id`); that is for
    training files, which nobody submits answers for. `unanswerable` (false), `drop_lost` (false) and
    `original`: see `Rules`.

    Raises:
        DataError: a malformed file, a question without answer, an answer that its context lacks, no id
            that begins with the prefix.
        SpecError: another kind of cluster.
    """
    options = reading.options(
        parallel=True,
        cluster="article",
        id_prefix="",
        number_repeats=False,
        unanswerable=False,
        drop_lost=False,
        original=RELEASE,
    )
    cluster, prefix = str(options["cluster"]), str(options["id_prefix"])
    if cluster not in CLUSTERS:
        raise SpecError(
            f"reader {reading.source.reader!r}: option 'cluster' is {cluster!r}"
            f"{did_you_mean(cluster, CLUSTERS)}; allowed are {' and '.join(CLUSTERS)}"
        )
    file = reading.text("articles")
    repairs = Counter(file.repairs)
    examples: list[Example] = []
    seen: set[str] = set()
    for paragraph in paragraphs_of(file, repairs, id_prefix=prefix, rules=rules_of(options)):
        cluster_id = paragraph.cluster_id if cluster == "article" else article_id(None, paragraph.context)
        for question in paragraph.questions:
            example_id = question.question_id
            if options["number_repeats"] and example_id in seen:
                example_id = f"#{len(examples)}"
                repairs["repeated_id"] += 1
            seen.add(example_id)
            inputs = SpanQAInputs(question.text, paragraph.context, question.answers)
            parallel_id = example_id if options["parallel"] else None
            examples.append(Example(example_id, inputs, question.gold, parallel_id, cluster_id))
    if prefix and not examples:
        raise DataError(
            f"{file.name}: no question id begins with {prefix!r}; is this the file of another set?"
        )
    mended = {name: count for name, count in repairs.items() if count}
    return DataSet(reading.task, reading.language, tuple(examples), (), (file.source,), mended)


def rules_of(options: Mapping[str, Option]) -> Rules:
    """Return the rules that a reader's options make."""
    return Rules(bool(options["unanswerable"]), bool(options["drop_lost"]), str(options["original"]))


def paragraphs_of(
    file: TextFile, repairs: Counter[str], *, id_prefix: str = "", rules: Rules = DEFAULT
) -> Iterator[Paragraph]:
    """Yield the paragraphs of a file in order; what is mended is added to `repairs`.

    Questions whose ids do not begin with `id_prefix` are left out; a paragraph may then have none.

    Raises:
        DataError: as `read_squad`.
    """
    number = 0
    for position, article in enumerate(require(file.json(), "data", list, where=file.name), 1):
        title = article.get("title") if isinstance(article, dict) else None
        label = f"{file.name}: article {position}" + (f" ({title})" if title else "")
        for entry in require(article, "paragraphs", list, where=label):
            number += 1
            where = f"{label}, paragraph {number}"
            context = require(entry, "context", str, where=where)
            raws = [
                raw
                for raw in require(entry, "qas", list, where=where)
                if require(raw, "id", str, where=where).startswith(id_prefix)
            ]
            found = (checked_question(raw, context, where, repairs, rules=rules) for raw in raws)
            questions = tuple(question for question in found if question is not None)
            breaks = _sentence_breaks(entry, context, where)
            yield Paragraph(where, number, article_id(title, context), context, questions, breaks)


def article_id(title: Any, context: str) -> str:
    """Return the id of an article: its title, else a hash of the context.

    Underscores, spacing and Unicode forms do not count, so that XQuAD and XQuAD-R agree.
    """
    if isinstance(title, str) and title.strip():
        return " ".join(unicodedata.normalize("NFC", title).replace("_", " ").split())
    return "context:" + hashlib.sha256(context.encode("utf-8")).hexdigest()[:16]


def checked_question(
    raw: Any, context: str, where: str, repairs: Counter[str], *, rules: Rules = DEFAULT
) -> Question | None:
    """Return a question (`id`, `question`, `answers` with `text` and `answer_start`) over its context.

    An answer that does not stand at its offset is found again: `answer_offset` among the repairs. None
    stands for a question that the rules leave out.

    Raises:
        DataError: a field is missing, there is no answer or an empty one, or the context lacks it.
    """
    question_id = require(raw, "id", str, where=where)
    where = f"{where}, question {question_id}"
    text = require(raw, "question", str, where=where)
    answers = []
    for answer in require(raw, "answers", list, where=where):
        try:
            answers.append(_checked_answer(answer, context, where, repairs, rules))
        except LostAnswer:
            if not rules.drop_lost:
                raise
    impossible = raw.get("is_impossible")
    if answers and impossible:
        raise DataError(f"{where}: it has an answer, but is_impossible is true; the file was changed")
    if not answers and rules.drop_lost:
        repairs["lost_answer"] += 1
        return None
    if not answers and not (rules.unanswerable and impossible in (True, None)):
        raise DataError(
            f"{where}: there is no answer; unanswerable or hidden questions can be neither trained on "
            f"nor scored. Get {rules.original}"
        )
    return Question(question_id, text, tuple(answers))


def _checked_answer(answer: Any, context: str, where: str, repairs: Counter[str], rules: Rules) -> Answer:
    text, start = require(answer, "text", str, where=where), require(answer, "answer_start", int, where=where)
    if not text and not rules.drop_lost:
        raise DataError(
            f"{where}: the answer is empty; XTREME's download script blanks the answers of its test "
            f"files, so nothing can be scored against them. Get {rules.original}"
        )
    # A translated answer without a place may stand anywhere: no occurrence is known to be it.
    lost = rules.drop_lost and (start < 0 or not text)
    found = None if lost else _find(text, context, start)
    if found is None:
        raise LostAnswer(
            f"{where}: the answer {text!r:.80} (answer_start {start}) is nowhere in its context; "
            "context and answers must come from one release"
        )
    if found != start:
        repairs["answer_offset"] += 1
    return Answer(text, found)


def _find(text: str, context: str, start: int) -> int | None:
    """Return where `text` stands in `context`, nearest to `start`; of two as near, the earlier."""
    if start >= 0 and context.startswith(text, start):
        return start
    before = context.rfind(text, 0, max(start, 0) + len(text))
    after = context.find(text, max(start, 0))
    places = [place for place in (before, after) if place >= 0]
    return min(places, key=lambda place: abs(place - start), default=None)


def _sentence_breaks(entry: dict[str, Any], context: str, where: str) -> tuple[tuple[int, int], ...] | None:
    if "sentence_breaks" not in entry:
        return None
    breaks = []
    for pair in require(entry, "sentence_breaks", list, where=where):
        good = isinstance(pair, list) and len(pair) == 2 and all(type(value) is int for value in pair)
        if not good or not 0 <= pair[0] <= pair[1] <= len(context):
            raise DataError(
                f"{where}: sentence break {pair!r:.60} is not [start, end] within the context of "
                f"{len(context)} characters"
            )
        breaks.append((pair[0], pair[1]))
    return tuple(breaks)
