"""WikiANN in the splits of Rahimi et al. (2019), as released: lines of `en:Token`, a tab and a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.data.reading import Reading
from harness.data.tag_lines import Line, checked_label, data_set_of, refuse_unlabelled
from harness.data.text import TextFile
from harness.errors import DataError
from harness.records import DataSet


def read_wikiann(reading: Reading) -> DataSet:
    """Read the role `sentences` by the rules of the official preprocessing.

    The word is what follows the first colon, the label is the second field. One empty last line does
    not count. Every other line without exactly two fields ends a sentence, an empty word too; a line
    of two fields without a colon is passed over. What is not simply an empty line is counted:
    `broken_line`, `empty_token`, `no_colon`. Ids and empty sentences are those of
    `data_set_of`; the option `keep_empty` (true) set to false drops empty sentences.

    Source: google-research/xtreme@838c13b, utils_preprocess.py (panx_preprocess).

    Raises:
        DataError: an unknown label, or a file of another form.
    """
    options = reading.options(keep_empty=True, original="<language>/test of the release")
    file = reading.text("sentences")
    repairs = Counter(file.repairs)
    refuse_unlabelled(file, str(options["original"]))
    lines = list(_lines(file, reading, repairs))
    words = sum(line is not None for line in lines)
    if repairs["no_colon"] > words:
        raise DataError(
            f"{file.name}: {repairs['no_colon']:,} of {repairs['no_colon'] + words:,} words have no language "
            "and colon before them ('en:Token'), so this is not a file of the release; XTREME's own files "
            "are read under their own names (panx/dev-<language>.tsv)"
        )
    return data_set_of(lines, reading, file, repairs, keep_empty=bool(options["keep_empty"]))


def _lines(file: TextFile, reading: Reading, repairs: Counter[str]) -> Iterator[Line]:
    lines = file.lines()
    if not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, 1):
        fields = line.strip().split("\t")
        if len(fields) != 2:
            repairs["broken_line"] += fields != [""]
            yield None
            continue
        _, colon, word = fields[0].partition(":")
        if not colon:
            repairs["no_colon"] += 1
            continue
        if not word.strip():
            repairs["empty_token"] += 1
            yield None
            continue
        yield word.strip(), checked_label(fields[1].strip(), f"{file.name}:{number}", reading.labels)
