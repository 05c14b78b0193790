"""XNLI and the MultiNLI that it is trained on, in the layout of their releases."""

from __future__ import annotations

from harness.data.reading import Reading
from harness.data.sentence_pairs import pair_data, pair_example, table_rows
from harness.errors import DataError, did_you_mean
from harness.records import DataSet, Example

# The machine-translated training files spell one label in another way.
_SPELLINGS = {"contradictory": "contradiction"}


def read_xnli(reading: Reading) -> DataSet:
    """Read the rows of one language from the role `pairs`, a file that holds all fifteen.

    The first line names the columns, of which language, gold_label, sentence1 and sentence2 are
    read; nothing is quoted. `example_id` is the zero-based number among the rows of the language, and
    `parallel_id` is the same: row i of one language translates row i of another.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (xnli_preprocess).

    Raises:
        DataError: a malformed row (of any language), an unknown label, or no row of the language.
    """
    reading.options()
    file = reading.text("pairs")
    examples: list[Example] = []
    seen: dict[str, None] = {}
    for where, row in table_rows(file, ("language", "gold_label", "sentence1", "sentence2")):
        language, label, first, second = row
        seen[language] = None
        if language == reading.language:
            number = len(examples)
            examples.append(
                pair_example(
                    number,
                    (first, second),
                    _SPELLINGS.get(label, label),
                    where=where,
                    reading=reading,
                    parallel_id=str(number),
                )
            )
    if not examples:
        raise DataError(
            f"{file.name}: no row of the language {reading.language!r}"
            f"{did_you_mean(reading.language, seen)}; the file has {', '.join(list(seen)[:20]) or 'no rows'}"
        )
    return pair_data(reading, file, examples)


def read_multinli(reading: Reading) -> DataSet:
    """Read the role `pairs`: MultiNLI as XNLI ships it (`multinli.train.<l>.tsv`) or as GLUE does.

    XNLI's columns are premise, hypo and label, where `contradictory` means `contradiction`; of GLUE's
    sentence1, sentence2 and gold_label are read. Nothing is quoted. `example_id` is the zero-based
    number of the row.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (xnli_preprocess).

    Raises:
        DataError: a malformed row or an unknown label.
    """
    reading.options()
    file = reading.text("pairs")
    rows = table_rows(file, ("premise", "hypo", "label"), ("sentence1", "sentence2", "gold_label"))
    examples = [
        pair_example(number, (first, second), _SPELLINGS.get(label, label), where=where, reading=reading)
        for number, (where, (first, second, label)) in enumerate(rows)
    ]
    return pair_data(reading, file, examples)
