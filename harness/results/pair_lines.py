"""Mined pairs and their thresholds as lines of tab-separated fields.

A file of pairs has as many lines as there are pairs, not one per example. Source of its layout:
google-research/xtreme@838c13b, evaluate.py (`bucc_f1`) and third_party/utils_retrieve.py
(`bucc_extract`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import ResultError
from harness.records import Outputs

# Where a threshold is from: development data, the gold of the test set itself, or the task's file.
CHOSEN_ON = ("dev", "test", "fixed")
_NONE = "-"


def join_pairs(outputs: Outputs) -> str:
    """Return one line `foreign id<TAB>English id` per pair; no pair gives an empty text.

    Raises:
        ResultError: an output is no pair of ids, an id cannot stand in such a line, or a pair repeats.
    """
    pairs = [_pair(tuple(pair), f"pair {number}") for number, pair in enumerate(outputs, 1)]
    _refuse_repeats(pairs, "the pairs")
    return "".join(f"{target}\t{source}\n" for target, source in pairs)


def parse_pairs(lines: Sequence[str], path: Path) -> Outputs:
    """Return the pairs (foreign id, English id) of a file's lines.

    Raises:
        ResultError: a line is not two ids with one tab between, or a pair repeats.
    """
    pairs = [_pair(tuple(line.split("\t")), f"{path}, line {n}") for n, line in enumerate(lines, 1)]
    _refuse_repeats(pairs, str(path))
    return list(pairs)


def _pair(fields: tuple[Any, ...], where: str) -> tuple[str, str]:
    if len(fields) != 2:
        raise ResultError(
            f"{where}: {len(fields)} fields where two are due: the id of the foreign sentence, a tab, "
            "the id of the English one"
        )
    for field in fields:
        if not isinstance(field, str) or not field or field != field.strip() or set(field) & set("\t\n\r"):
            raise ResultError(
                f"{where}: {field!r} cannot be the id of a sentence; it must not be empty, hold a tab or a "
                "line break, or begin or end with a space"
            )
    return fields[0], fields[1]


def _refuse_repeats(pairs: Sequence[tuple[str, str]], where: str) -> None:
    first: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs, 1):
        if pair in first:
            raise ResultError(
                f"{where}, line {number}: the pair {pair[0]!r}, {pair[1]!r} stands in line {first[pair]} "
                "already; each pair is due once"
            )
        first[pair] = number


def join_thresholds(outputs: Outputs) -> str:
    """Return one line per output: its name, the threshold, what it was chosen on, F1 there in percent.

    The F1 is `-` for a threshold that was fixed in advance.
    """
    return "".join(
        f"{name}\t{threshold!r}\t{chosen_on}\t{_NONE if f1 is None else repr(f1)}\n"
        for name, threshold, chosen_on, f1 in outputs
    )


def parse_thresholds(lines: Sequence[str], path: Path) -> Outputs:
    """Return (output, threshold, what it was chosen on, F1 or None) of a file's lines.

    Raises:
        ResultError: a line is not of that form.
    """
    found: Outputs = []
    for number, line in enumerate(lines, 1):
        fields = line.split("\t")
        try:
            name, threshold, chosen_on, f1 = fields
            row = (name, float(threshold), chosen_on, None if f1 == _NONE else float(f1))
        except ValueError:
            row = ("", math.nan, "", None)
        if not row[0] or math.isnan(row[1]) or row[2] not in CHOSEN_ON:
            raise ResultError(
                f"{path}, line {number}: {line[:80]!r} is no threshold; an output, a number, one of "
                f"{', '.join(CHOSEN_ON)}, and F1 or '{_NONE}' are due, with tabs between"
            )
        found.append(row)
    return found
