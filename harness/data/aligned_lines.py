"""Aligned sentence files, as LASER publishes Tatoeba: line i of one is line i of the other."""

from __future__ import annotations

from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import BitextInputs, Candidate, DataSet, Example

SOURCE_PREFIX = "en:"


def read_aligned_lines(reading: Reading) -> DataSet:
    """Read the roles `source` (English) and `target` (the language of the test set).

    Examples come in the code-point order of the stripped source side, ties in file order: the row
    order of XTREME's submissions. `example_id` and `gold` are both the zero-based line number, the
    row of the target file that is right. `parallel_id` is the source sentence itself, so that
    pairs of one English sentence are one unit over all languages.

    `candidates` holds both pools, complete and in file order whatever is later cut from the
    examples: first the target side with the line number as id (`12`), then the source side
    (`en:12`). Lines are stripped; empty ones stay, since line numbers are ids, and are counted as
    `empty_line`.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (tatoeba_preprocess).

    Raises:
        DataError: the files have different numbers of lines.
    """
    reading.options()
    source, target = reading.text("source"), reading.text("target")
    left = [line.strip() for line in source.lines()]
    right = [line.strip() for line in target.lines()]
    if len(left) != len(right):
        raise DataError(
            f"{source.name} has {len(left):,} lines and {target.name} has {len(right):,}: "
            "line i of one must translate line i of the other; get both files from the same release"
        )
    order = sorted(range(len(left)), key=left.__getitem__)
    examples = tuple(
        Example(str(row), BitextInputs(left[row], right[row]), gold=str(row), parallel_id=left[row])
        for row in order
    )
    candidates = [Candidate(str(row), text) for row, text in enumerate(right)]
    candidates += [Candidate(f"{SOURCE_PREFIX}{row}", text) for row, text in enumerate(left)]
    repairs = {
        "bom": source.had_bom + target.had_bom,
        "empty_line": sum(not line for line in [*left, *right]),
    }
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=examples,
        candidates=tuple(candidates),
        sources=(source.source, target.source),
        repairs={name: count for name, count in repairs.items() if count},
    )
