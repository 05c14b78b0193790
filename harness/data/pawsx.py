"""PAWS-X in the layout of its release."""

from __future__ import annotations

from harness.data.reading import Reading
from harness.data.sentence_pairs import pair_data, pair_example, table_rows
from harness.errors import DataError
from harness.records import DataSet


def read_pawsx(reading: Reading) -> DataSet:
    """Read the role `pairs`: the columns id, sentence1, sentence2 and label; nothing is quoted.

    `example_id` is the zero-based number of the row. `parallel_id` is the id of the release: the labels
    of one id differ between languages, and so may the rows. Sentences that were never translated
    (`NS`) stay, since the benchmark scores them too.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (pawsx_preprocess).

    Raises:
        DataError: a malformed row, an unknown label or an empty id.
    """
    reading.options()
    file = reading.text("pairs")
    examples = []
    for number, (where, row) in enumerate(table_rows(file, ("id", "sentence1", "sentence2", "label"))):
        pair_id, first, second, label = row
        if not pair_id:
            raise DataError(
                f"{where}: the id is empty; rows of other languages with the same id are translations"
            )
        examples.append(
            pair_example(number, (first, second), label, where=where, reading=reading, parallel_id=pair_id)
        )
    return pair_data(reading, file, examples)
