"""XQuAD-R, the data of LAReQA: a question's answer is the sentence around it, in any language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.data.reading import Reading
from harness.data.squad import paragraphs_of
from harness.data.text import TextFile, read_text
from harness.errors import DataError
from harness.records import Candidate, DataSet, Example, QueryInputs, SourceFile, canonical_json


@dataclass(frozen=True, slots=True)
class _Question:
    question_id: str
    text: str
    cluster_id: str
    relevant: tuple[str, ...]  # in this language


@dataclass(frozen=True, slots=True)
class _Share:
    """One language's share of the pool."""

    questions: tuple[_Question, ...]
    candidates: tuple[Candidate, ...]
    source: SourceFile
    repairs: Mapping[str, int]


def read_squad_sentences(reading: Reading) -> DataSet:
    """Read the role `articles` of every language: the pool is one, whatever languages are asked for.

    A candidate is a sentence with its whole context behind it, joined without a space, newlines
    removed; its id is `<language>_<paragraph>_<sentence>`, paragraphs counted from 1 and sentences
    from 0. The gold of a question is the JSON list of the relevant candidates of all languages, in
    the order of the languages: those of its paragraph whose sentence equals the one that holds the
    start of the first answer. `example_id` and `parallel_id` are the question's id.

    A question without such a sentence is left out (`no_answer_sentence`; none in XQuAD-R), a
    paragraph without questions has no candidates.

    Source: google-research/xtreme@838c13b, third_party/utils_lareqa.py (load_data,
    generate_examples), third_party/evaluate_retrieval.py.

    Raises:
        DataError: a file of any language of the pool is missing, malformed or without sentence breaks.
    """
    reading.options()
    pool = {}
    for code in reading.languages:
        path = reading.paths("articles", language=code)[0]
        status = path.stat()
        pool[code] = _share(code, path, reading.root, status.st_size, status.st_mtime_ns)
    relevant: dict[str, list[str]] = {}
    for share in pool.values():
        for question in share.questions:
            relevant.setdefault(question.question_id, []).extend(question.relevant)
    own = pool[reading.language]
    examples = tuple(
        Example(
            question.question_id,
            QueryInputs(question.text),
            gold=canonical_json(relevant[question.question_id]),
            parallel_id=question.question_id,
            cluster_id=question.cluster_id,
        )
        for question in own.questions
    )
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=examples,
        candidates=own.candidates,
        sources=tuple(share.source for share in pool.values()),
        repairs=own.repairs,
    )


# Every language's gold needs every language's file. Size and time of change are part of the key,
# so that a file that was replaced is read again.
@lru_cache(maxsize=16)
def _share(code: str, path: Path, root: Path, size: int, changed: int) -> _Share:
    return _share_of(code, read_text(path, root=root))


def _share_of(code: str, file: TextFile) -> _Share:
    repairs = Counter(file.repairs)
    questions: list[_Question] = []
    candidates: list[Candidate] = []
    for paragraph in paragraphs_of(file, repairs):
        spans = paragraph.sentence_breaks
        if spans is None:
            raise DataError(
                f"{paragraph.where}: 'sentence_breaks' is missing; use the files of the LAReQA release "
                "(xquad-r), which plain XQuAD and the copies on the Hub cannot replace"
            )
        if not paragraph.questions:
            continue
        sentences = [paragraph.context[start:end] for start, end in spans]
        ids = [f"{code}_{paragraph.number}_{i}" for i in range(len(spans))]
        for question in paragraph.questions:
            start = question.answers[0].start
            holding = (
                text for (low, high), text in zip(spans, sentences, strict=True) if low <= start < high
            )
            sentence = next(holding, None)
            if sentence is None:
                repairs["no_answer_sentence"] += 1
                continue
            relevant = tuple(i for i, text in zip(ids, sentences, strict=True) if text == sentence)
            questions.append(_Question(question.question_id, question.text, paragraph.cluster_id, relevant))
        candidates += [
            Candidate(candidate_id, (sentence + paragraph.context).replace("\n", ""))
            for candidate_id, sentence in zip(ids, sentences, strict=True)
        ]
    return _Share(tuple(questions), tuple(candidates), file.source, dict(repairs))
