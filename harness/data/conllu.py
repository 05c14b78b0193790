"""CoNLL-U of any release, turned into words and UPOS tags as XTREME's conversion does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.data.reading import Reading
from harness.data.text import TextFile, read_text
from harness.errors import DataError, did_you_mean
from harness.records import DataSet, Example, TaggingInputs, canonical_json

COLUMNS = 10
_NUMBER = re.compile(r"[0-9]{1,9}")  # no sentence is longer; Python refuses to read very long numbers
MASKED = "_"  # the form of words whose text may not be published
# Which member gives a multiword token its tag when several are equally near the root.
_RANKS = {
    "es": "VERB AUX PRON ADP DET",
    "fr": "VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ CONJ",
    "it": "VERB AUX ADV PRON ADP DET INTJ",
}
_DEFAULT_RANKS = "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT"


@dataclass(frozen=True, slots=True)
class Word:
    """A syntactic word; `heads` are its basic and its enhanced heads, 0 being the root."""

    form: str
    upos: str
    heads: frozenset[int]


@dataclass(slots=True)
class Sentence:
    """A sentence as the file has it.

    `ranges` maps the first word of a multiword token to its last word and its form.
    """

    where: str
    sent_id: str | None = None
    words: list[Word] = field(default_factory=list)
    ranges: dict[int, tuple[int, str]] = field(default_factory=dict)


def read_conllu(reading: Reading) -> DataSet:
    """Read the role `treebanks`: all matching files in the order of their names.

    A multiword token becomes one word with the surface form and the tag of its member nearest the
    root; empty nodes are dropped; U+200C and spaces are removed from forms. A sentence with all
    forms masked (`_`), or all but one, is left out and counted as `masked_sentence`.
    `example_id` is the zero-based number of the sentence over all treebanks of the language, as in
    the files of a submission; `parallel_id` is `pud/<sent_id>` for the parallel treebanks, else None.
    A sentence of theirs whose id is missing or repeated has none (`sent_id`).
    The gold is the JSON list of tags.

    Source: google-research/xtreme@838c13b, third_party/ud-conversion-tools/lib/conll.py,
    utils_preprocess.py (udpos_preprocess). The rank lists stand in conllu_to_conll.py beside it.

    Raises:
        DataError: a broken line, with file and line.
    """
    reading.options()
    repairs: Counter[str] = Counter()
    examples: list[Example] = []
    sources = []
    for path in reading.paths("treebanks"):
        file = read_text(path, root=reading.root)
        sources.append(file.source)
        repairs.update(file.repairs)
        examples += _examples(file, path.stem, reading, repairs, first=len(examples))
    return DataSet(reading.task, reading.language, tuple(examples), (), tuple(sources), dict(repairs))


def _examples(
    file: TextFile, stem: str, reading: Reading, repairs: Counter[str], *, first: int
) -> Iterator[Example]:
    parallel = "_pud-" in stem
    seen: set[str] = set()
    number = first
    for sentence in sentences_of(file, reading.labels):
        sent_id = sentence.sent_id
        if parallel and (sent_id is None or sent_id in seen):
            sent_id = None
            repairs["sent_id"] += 1
        words, tags = fuse(sentence, reading.language)
        masked = words.count(MASKED)
        if masked and masked >= len(words) - 1:
            repairs["masked_sentence"] += 1
            continue
        if sent_id is not None:
            seen.add(sent_id)
        yield Example(
            str(number),
            TaggingInputs(tuple(_clean(word) for word in words)),
            gold=canonical_json(tags),
            parallel_id=f"pud/{sent_id}" if parallel and sent_id is not None else None,
        )
        number += 1


def _clean(form: str) -> str:
    # A form of nothing else is kept: an empty word could carry no label.
    return form.replace("\u200c", "").replace(" ", "") or form


def sentences_of(file: TextFile, labels: Sequence[str]) -> Iterator[Sentence]:
    """Yield the sentences of a file; a last one without an empty line behind it counts too.

    Raises:
        DataError: a broken line, with file and line.
    """
    sentence: Sentence | None = None
    for number, line in enumerate(file.lines(), 1):
        where = f"{file.name}:{number}"
        if not line:
            if sentence is not None:
                yield _checked(sentence, where)
            sentence = None
            continue
        sentence = sentence or Sentence(where)
        if line.startswith("#"):
            match = re.match(r"#\s*sent_id\s*=\s*(\S.*?)\s*$", line)
            if match:
                sentence.sent_id = match.group(1)
            continue
        _add_line(sentence, line, where, labels)
    if sentence is not None:
        yield _checked(sentence, f"{file.name}: end of file")


def _checked(sentence: Sentence, where: str) -> Sentence:
    count = len(sentence.words)
    if not count:
        raise DataError(f"{where}: the sentence that begins at {sentence.where} has no words")
    for first, (last, form) in sentence.ranges.items():
        if last > count:
            raise DataError(
                f"{where}: multiword token {first}-{last} ({form}) ends after the last word, {count}"
            )
    for position, word in enumerate(sentence.words, 1):
        if max(word.heads) > count:
            raise DataError(
                f"{where}: word {position} ({word.form}) has head {max(word.heads)}, "
                f"but the sentence has {count} words"
            )
    return sentence


def _add_line(sentence: Sentence, line: str, where: str, labels: Sequence[str]) -> None:
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise DataError(
            f"{where}: {len(columns)} columns, expected {COLUMNS} separated by tabs; the line is {line!r:.80}"
        )
    identifier, form, upos, head, enhanced = (
        columns[0],
        columns[1].strip(),
        columns[3].strip(),
        columns[6],
        columns[8],
    )
    due = len(sentence.words) + 1
    if re.fullmatch(r"[0-9]+\.[0-9]+", identifier):
        return
    if not form:
        raise DataError(f"{where}: the form (column 2) is empty")
    if match := re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", identifier):
        first, last = int(match.group(1)), int(match.group(2))
        covered = max((end for end, _ in sentence.ranges.values()), default=0)
        if first != due or last <= first or first <= covered:
            raise DataError(f"{where}: multiword token {identifier} where word {due} is due, or out of order")
        sentence.ranges[first] = (last, form)
        return
    if identifier != str(due):
        raise DataError(f"{where}: word {identifier!r:.40} where {due} is due; a line is missing or repeated")
    if upos not in labels:
        raise DataError(
            f"{where}: UPOS (column 4) is {upos!r}{did_you_mean(upos, labels)}; "
            f"allowed are {', '.join(labels)}"
        )
    if head != "_" and not _NUMBER.fullmatch(head):
        raise DataError(f"{where}: HEAD (column 7) is {head!r:.40}; expected the number of a word, 0 or _")
    heads = {0 if head == "_" else int(head)}
    # Enhanced heads count as well: the official conversion adds them to the graph it measures
    # distances in. Those that point to empty nodes (8.1) it passes over.
    for part in (pair.partition(":")[0] for pair in enhanced.split("|")):
        if not part.isdecimal():
            continue
        if not _NUMBER.fullmatch(part):
            raise DataError(
                f"{where}: DEPS (column 9) has the head {part!r:.40}; expected the number of a word"
            )
        heads.add(int(part))
    sentence.words.append(Word(form, upos, frozenset(heads)))


def fuse(sentence: Sentence, language: str) -> tuple[list[str], list[str]]:
    """Return words and tags with every multiword token as one word.

    Distance from the root is the number of a word's ancestors, enhanced dependencies included. Of
    members equally near, the tag ranked first wins, then the leftmost; tags without a rank come
    last (the official code fails on them).
    """
    ranks = _RANKS.get(language, _DEFAULT_RANKS).split()
    words, tags = [], []
    position = 1
    while position <= len(sentence.words):
        word = sentence.words[position - 1]
        form, tag, last = word.form, word.upos, position
        if position in sentence.ranges:
            last, form = sentence.ranges[position]
            tag = _fused_tag(sentence.words, range(position, last + 1), ranks)
        words.append(form)
        tags.append(tag)
        position = last + 1
    return words, tags


def _fused_tag(words: Sequence[Word], members: range, ranks: Sequence[str]) -> str:
    def order(member: int) -> tuple[int, int]:
        tag = words[member - 1].upos
        return _depth(member, words), ranks.index(tag) if tag in ranks else len(ranks)

    return words[min(members, key=order) - 1].upos


def _depth(position: int, words: Sequence[Word]) -> int:
    """Count the ancestors of a word, the root node among them; graphs with cycles are fine."""
    ancestors: set[int] = set()
    due = [position]
    while due:
        current = due.pop()
        for head in words[current - 1].heads if current else ():
            if head not in ancestors:
                ancestors.add(head)
                due.append(head)
    return len(ancestors - {position})
