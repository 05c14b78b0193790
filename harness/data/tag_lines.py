"""Tagged words, one to a line, an empty line after each sentence: XTREME's own tagging files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.data.reading import Reading
from harness.data.text import TextFile
from harness.errors import DataError, did_you_mean
from harness.records import DataSet, Example, TaggingInputs, canonical_json

# A word with its label; None: the sentence ends.
Line = tuple[str, str] | None


def read_tag_lines(reading: Reading) -> DataSet:
    """Read the role `sentences`: lines of a word, a tab and a label.

    Ids and empty sentences are those of `data_set_of`, and so is the option `keep_empty`. An empty
    word ends a sentence, as in the files that XTREME tests on (`empty_token`). The option `original`
    says what to get instead of a file without labels.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (panx_preprocess, udpos_preprocess).

    Raises:
        DataError: a file without labels, as XTREME leaves its test sets; a broken line; an unknown label.
    """
    options = reading.options(keep_empty=True, original="the original release of the data set")
    file = reading.text("sentences")
    repairs = Counter(file.repairs)
    refuse_unlabelled(file, str(options["original"]))
    lines = _lines(file, reading, repairs)
    return data_set_of(lines, reading, file, repairs, keep_empty=bool(options["keep_empty"]))


def refuse_unlabelled(file: TextFile, original: str) -> None:
    """Refuse a file of words alone.

    Raises:
        DataError: no line of it has a second field; `original` is what the message says to get.
    """
    if any("\t" in line.strip() for line in file.lines()):
        return
    raise DataError(
        f"{file.name}: the lines hold words and no labels: XTREME's download script takes the labels out of "
        f"its test sets, so nothing can be scored against them. Get {original}"
    )


def checked_label(label: str, where: str, allowed: tuple[str, ...]) -> str:
    """Return the label.

    Raises:
        DataError: it is not one of the task's.
    """
    if label in allowed:
        return label
    raise DataError(
        f"{where}: the label is {label!r:.40}{did_you_mean(label, allowed)}; allowed are {', '.join(allowed)}"
    )


def data_set_of(
    lines: Iterable[Line], reading: Reading, file: TextFile, repairs: Counter[str], *, keep_empty: bool
) -> DataSet:
    """Gather lines into sentences.

    Every end makes a sentence, also one without words (`empty_sentence`), and words after the last end
    make another: so the official script counts the sentences of labels and predictions, and
    `example_id`, the running number from zero, is the sentence's place in its files. Without `keep_empty`
    empty sentences are dropped before they are numbered. The gold is the JSON list of labels.

    Source: google-research/xtreme@838c13b, evaluate.py (read_tag).
    """
    sentences: list[list[tuple[str, str]]] = [[]]
    for line in lines:
        if line is None:
            sentences.append([])
        else:
            sentences[-1].append(line)
    if not sentences[-1]:
        sentences.pop()
    repairs["empty_sentence"] += sum(not sentence for sentence in sentences)
    examples = [
        Example(
            str(number),
            TaggingInputs(tuple(word for word, _ in sentence)),
            gold=canonical_json([label for _, label in sentence]),
        )
        for number, sentence in enumerate(s for s in sentences if s or keep_empty)
    ]
    counts = {name: count for name, count in repairs.items() if count}
    return DataSet(reading.task, reading.language, tuple(examples), (), (file.source,), counts)


def _lines(file: TextFile, reading: Reading, repairs: Counter[str]) -> Iterator[Line]:
    for number, line in enumerate(file.lines(), 1):
        if not line.strip():
            yield None
            continue
        where = f"{file.name}:{number}"
        fields = line.split("\t")
        if len(fields) != 2:
            raise DataError(
                f"{where}: {len(fields)} fields, expected a word, a tab and its label; "
                f"the line is {line!r:.80}"
            )
        word, label = (part.strip() for part in fields)
        label = checked_label(label, where, reading.labels)
        repairs["empty_token"] += not word
        yield (word, label) if word else None
