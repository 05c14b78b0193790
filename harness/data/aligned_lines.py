"""Aligned sentence files, as LASER publishes Tatoeba: line i of one is line i of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import BitextInputs, Candidate, DataSet, Example, SourceFile

# From so many sentences on, an English side in code-point order is no coincidence.
SORTED_ROWS = 50


def read_aligned_lines(reading: Reading) -> DataSet:
    """Read the roles `source` (English) and `target` (the language of the test set).

    Examples come in the code-point order of the stripped source side, ties in file order: the row
    order of XTREME's submissions. `example_id` is the position in that order and `gold` the row of
    the target file that is right, both from zero. `parallel_id` is the source sentence itself, so that
    pairs of one English sentence are one unit over all languages.

    `candidates` (the target side) and `counterpart` (the source side) are complete and in file order,
    whatever is later cut from the examples; their ids are line numbers. Lines are stripped; empty ones
    stay, since line numbers are ids, and are counted as `empty_line`.

    With the option `refuse_sorted` an English side of 50 lines or more in code-point order is refused:
    XTREME's download script sorts it and leaves the other side, so that the files are no longer aligned.
    `original` says what to get instead.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (tatoeba_preprocess).

    Raises:
        DataError: the files have different numbers of lines, or are not aligned.
    """
    options = reading.options(refuse_sorted=False, original="the files of the original release")
    source, target = reading.text("source"), reading.text("target")
    left = [line.strip() for line in source.lines()]
    right = [line.strip() for line in target.lines()]
    if len(left) != len(right):
        raise DataError(
            f"{source.name} has {len(left):,} lines and {target.name} has {len(right):,}: "
            "line i of one must translate line i of the other; get both files from the same release"
        )
    if options["refuse_sorted"] and len(left) >= SORTED_ROWS and left == sorted(left):
        raise DataError(
            f"{source.name}: the {len(left):,} English lines stand in code-point order, as XTREME's download "
            f"script leaves them, while {target.name} keeps its own order: which line translates which is "
            f"lost, so nothing can be scored. Get {options['original']}"
        )
    repairs = {"bom": source.had_bom + target.had_bom}
    return bitext(reading, left, right, sources=(source.source, target.source), repairs=repairs)


def bitext(
    reading: Reading,
    left: Sequence[str],
    right: Sequence[str],
    *,
    sources: tuple[SourceFile, ...],
    repairs: Mapping[str, int],
) -> DataSet:
    """Return the data set of aligned sentences, English on the left, as `read_aligned_lines` describes it.

    The texts are stripped already; empty ones are added to the repairs here.
    """
    order = sorted(range(len(left)), key=left.__getitem__)
    examples = tuple(
        Example(str(position), BitextInputs(left[row], right[row]), gold=str(row), parallel_id=left[row])
        for position, row in enumerate(order)
    )
    counts = {**repairs, "empty_line": sum(not line for line in [*left, *right])}
    return DataSet(
        task=reading.task,
        language=reading.language,
        examples=examples,
        candidates=tuple(Candidate(str(row), text) for row, text in enumerate(right)),
        counterpart=tuple(Candidate(str(row), text) for row, text in enumerate(left)),
        sources=sources,
        repairs={name: count for name, count in counts.items() if count},
    )
