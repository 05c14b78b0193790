"""Tagged sentences, one to a line: words, a tab, tags; and labels that stand in a file of their own."""

from __future__ import annotations

from harness.data.reading import Reading
from harness.data.tag_lines import checked_label
from harness.data.text import TextFile, require
from harness.errors import DataError
from harness.records import DataSet, Example, TaggingInputs, canonical_json


def read_tagged_sentences(reading: Reading) -> DataSet:
    """Read the role `sentences`: words and their tags, a space between them and a tab between the two.

    `example_id` is the zero-based line; blank lines are passed over. The gold is the JSON list of tags.
    That is the form of the files that jiant makes of CCGbank.

    Source: nyu-mll/jiant@daa5a25, jiant/tasks/lib/ccg.py (CCGTask._create_examples).

    Raises:
        DataError: a broken line, not as many tags as words, or an unknown tag.
    """
    reading.options()
    file = reading.text("sentences")
    examples = []
    for number, line in enumerate(file.lines()):
        if not line.strip():
            continue
        where = f"{file.name}:{number + 1}"
        fields = line.split("\t")
        if len(fields) != 2:
            raise DataError(
                f"{where}: {len(fields)} fields, expected the words, a tab, and their tags; "
                f"the line is {line!r:.80}"
            )
        words, tags = (field.split() for field in fields)
        if len(words) != len(tags):
            raise DataError(f"{where}: {len(words)} words and {len(tags)} tags; one tag per word is due")
        labels = [checked_label(tag, where, reading.labels) for tag in tags]
        examples.append(Example(str(number), TaggingInputs(tuple(words)), canonical_json(labels)))
    return DataSet(reading.task, reading.language, tuple(examples), (), (file.source,), file.repairs)


def labels_of(file: TextFile) -> tuple[str, ...]:
    """Return the labels of a JSON object, label -> number, in the order of their numbers.

    Raises:
        DataError: it is no such object, or the numbers are not 0, 1, 2 and so on.
    """
    tree = file.json(refuse_repeats=True)
    if not isinstance(tree, dict) or not tree:
        raise DataError(f"{file.name}: holds no object; {{label: its number, from 0 on}} is due")
    # jiant takes the numbers as text too.
    numbered: dict[str, str] = {}
    for label, value in tree.items():
        number = value if isinstance(value, str) else str(require(tree, label, int, where=file.name))
        if number in numbered:
            raise DataError(f"{file.name}: {label!r:.40} and {numbered[number]!r:.40} both have {number}")
        numbered[number] = label
    wanted = [str(number) for number in range(len(numbered))]
    for number in wanted:
        if number not in numbered:
            raise DataError(
                f"{file.name}: no label has the number {number}; {len(wanted)} labels are numbered 0 to "
                f"{len(wanted) - 1}, each number once"
            )
    return tuple(numbered[number] for number in wanted)
