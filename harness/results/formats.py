"""How outputs are written to files: XTREME's submission formats, and plain ones where it has none.

Every format turns outputs into bytes and back, one output per example, but for mined pairs, which are
as many as they are. Reading checks everything that the file alone can tell: counts, ids, types; what
a label means is the metric's business.

Source: google-research/xtreme@838c13b, evaluate.py (`read_label`, `read_tag`, `read_squad`,
`read_xcopa`, `get_suffix`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ResultError
from harness.records import Outputs
from harness.results.pair_lines import join_pairs, join_thresholds, parse_pairs, parse_thresholds
from harness.results.strict_text import BOM, parse_json, read_strictly, split_lines

_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its suffix, and the way from outputs to bytes and back.

    `encode(example_ids, outputs)` raises ResultError on an output that the format cannot hold.
    `decode(data, example_ids, path)` returns one output per example id, in that order (pairs and
    thresholds: one per line); `path` is for messages only. It raises ResultError, naming file and
    line or example.
    """

    suffix: str
    encode: Callable[[Sequence[str], Outputs], bytes]
    decode: Callable[[bytes, Sequence[str], Path], Outputs]


def format_named(name: str) -> Format:
    """Return a format of the table.

    Raises:
        ResultError: if there is none of that name.
    """
    if name not in FORMATS:
        raise ResultError(f"no file format {name!r}; there are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


# --- lines -------------------------------------------------------------------------------------


def _check_count(example_ids: Sequence[str], outputs: Outputs) -> None:
    if len(example_ids) != len(outputs):
        raise ResultError(
            f"{len(outputs)} outputs for {len(example_ids)} examples; one output per example is due"
        )


def _due_lines(data: bytes, example_ids: Sequence[str], path: Path) -> list[str]:
    lines = split_lines(data, path)
    if len(lines) != len(example_ids):
        raise ResultError(
            f"{path}: {len(lines)} lines for {len(example_ids)} examples; one line per example is due"
        )
    return lines


def _label(value: Any, where: str) -> str:
    """Return a label that survives the official readers, which strip each line."""
    if not isinstance(value, str):
        raise ResultError(f"{where}: {value!r:.80} is not a label; text is due")
    if not value or value != value.strip() or "\n" in value or "\r" in value or value.startswith(BOM):
        raise ResultError(
            f"{where}: {value!r:.80} cannot be a label; "
            "it must not be empty, hold a line break, or begin or end with a space"
        )
    return value


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ResultError(
            f"{what} hold the lone surrogate {error.object[error.start]!r}, which UTF-8 cannot store"
        ) from None


def _integer(value: Any, where: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 0:
        raise ResultError(
            f"{where}: {value!r:.80} is not a number of a row or choice; an integer from 0 on is due"
        )
    return int(value.__index__())


def _encode_indices(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    numbers = [_integer(o, f"example {i!r}") for i, o in zip(example_ids, outputs, strict=True)]
    return "".join(f"{n}\n" for n in numbers).encode("ascii")


def _decode_indices(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    numbers: Outputs = []
    for number, line in enumerate(_due_lines(data, example_ids, path), 1):
        if not _INTEGER.fullmatch(line.strip()):
            raise ResultError(
                f"{path}, line {number}: {line[:80]!r} is not a row number; "
                "an integer from 0 on is due, nothing else"
            )
        numbers.append(int(line))
    return numbers


def _encode_label_lines(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    labels = [_label(o, f"example {i!r}") for i, o in zip(example_ids, outputs, strict=True)]
    return _utf8("".join(f"{label}\n" for label in labels), "the labels")


def _decode_label_lines(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    lines = _due_lines(data, example_ids, path)
    return [_label(line.strip(), f"{path}, line {number}") for number, line in enumerate(lines, 1)]


def _encode_tag_lines(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    parts = []
    for example_id, tags in zip(example_ids, outputs, strict=True):
        parts += [_label(tag, f"example {example_id!r}") + "\n" for tag in tags]
        # A line after the last sentence too: an empty last sentence would be lost without it.
        parts.append("\n")
    return _utf8("".join(parts), "the tags")


def _decode_tag_lines(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    sentences: Outputs = []
    tags: list[str] = []
    for number, line in enumerate(split_lines(data, path), 1):
        if tag := line.strip():
            tags.append(_label(tag, f"{path}, line {number}"))
        else:
            sentences.append(tags)
            tags = []
    if tags:
        sentences.append(tags)
    if len(sentences) != len(example_ids):
        raise ResultError(
            f"{path}: {len(sentences)} sentences for {len(example_ids)} examples; "
            "one tag per line and one blank line after each sentence are due"
        )
    return sentences


def _encode_pairs(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    return _utf8(join_pairs(outputs), "the pairs")


def _decode_pairs(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    return parse_pairs(split_lines(data, path), path)


def _encode_thresholds(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    return _utf8(join_thresholds(outputs), "the thresholds")


def _decode_thresholds(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    return parse_thresholds(split_lines(data, path), path)


# --- JSON --------------------------------------------------------------------------------------


def _encode_mapping(example_ids: Sequence[str], values: Sequence[Any], what: str) -> bytes:
    """Write {id: value} with one entry a line, so that two runs can be compared with `diff`."""
    if len(set(example_ids)) != len(example_ids):
        raise ResultError(f"{what}: example ids are not unique")
    entries = [
        f"{json.dumps(i, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}"
        for i, v in zip(example_ids, values, strict=True)
    ]
    return _utf8("{\n" + ",\n".join(entries) + ("\n" if entries else "") + "}\n", what)


def _decode_mapping(data: bytes, example_ids: Sequence[str], path: Path) -> list[tuple[str, Any]]:
    mapping = parse_json(read_strictly(data, path), path)
    if not isinstance(mapping, dict):
        raise ResultError(f"{path}: holds a {type(mapping).__name__}; an object {{id: prediction}} is due")
    missing = [i for i in example_ids if i not in mapping]
    if missing:
        raise ResultError(
            f"{path}: no prediction for {len(missing)} of {len(example_ids)} ids, the first is "
            f"{missing[0]!r:.80}"
        )
    if len(mapping) != len(example_ids):
        due = set(example_ids)
        unknown = [i for i in mapping if i not in due]
        raise ResultError(
            f"{path}: {len(unknown)} ids that the test set does not have, the first is {unknown[0]!r:.80}"
        )
    return [(i, mapping[i]) for i in example_ids]


def _answer(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ResultError(f"{where}: {value!r:.80} is not an answer; text is due (empty for no answer)")
    return value


def _encode_answers(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    answers = [_answer(o, f"example {i!r}") for i, o in zip(example_ids, outputs, strict=True)]
    return _encode_mapping(example_ids, answers, "the answers")


def _decode_answers(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    return [_answer(v, f"{path}, id {i!r}") for i, v in _decode_mapping(data, example_ids, path)]


def _ranking(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(c, str) for c in value):
        raise ResultError(
            f"{where}: {str(value)[:80]!r} is not a ranking; a list of candidate ids (text) is due"
        )
    if len(set(value)) != len(value):
        twice = next(c for c in value if value.count(c) > 1)
        raise ResultError(f"{where}: candidate {twice!r:.80} is ranked twice; each candidate has one rank")
    return value


def _encode_rankings(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    rankings = [_ranking(list(o), f"example {i!r}") for i, o in zip(example_ids, outputs, strict=True)]
    return _encode_mapping(example_ids, rankings, "the rankings")


def _decode_rankings(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    return [_ranking(v, f"{path}, id {i!r}") for i, v in _decode_mapping(data, example_ids, path)]


def _encode_choices(example_ids: Sequence[str], outputs: Outputs) -> bytes:
    _check_count(example_ids, outputs)
    rows = [
        {"id": i, "label": _integer(o, f"example {i!r}")} for i, o in zip(example_ids, outputs, strict=True)
    ]
    return _utf8("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "the example ids")


def _decode_choices(data: bytes, example_ids: Sequence[str], path: Path) -> Outputs:
    """Read `label` of each row; only an `id` that we wrote is compared, other keys are the author's."""
    labels: Outputs = []
    for number, (line, due) in enumerate(
        zip(_due_lines(data, example_ids, path), example_ids, strict=True), 1
    ):
        where = f"{path}, line {number}"
        row = parse_json(line, path, line=number)
        if not isinstance(row, dict) or "label" not in row:
            raise ResultError(f'{where}: {line[:80]!r} has no label; an object like {{"label": 0}} is due')
        if "id" in row and str(row["id"]) != due:
            raise ResultError(
                f"{where}: id {row['id']!r:.80} where {due!r} is due; rows must be in the order of the "
                "test set"
            )
        labels.append(_integer(row["label"], where))
    return labels


FORMATS: dict[str, Format] = {
    "index_tsv": Format("tsv", _encode_indices, _decode_indices),
    "label_tsv": Format("tsv", _encode_label_lines, _decode_label_lines),
    "labels_tsv": Format("tsv", _encode_tag_lines, _decode_tag_lines),
    "pairs_tsv": Format("tsv", _encode_pairs, _decode_pairs),
    "thresholds_tsv": Format("tsv", _encode_thresholds, _decode_thresholds),
    "answers_json": Format("json", _encode_answers, _decode_answers),
    "ranking_json": Format("json", _encode_rankings, _decode_rankings),
    "choice_jsonl": Format("jsonl", _encode_choices, _decode_choices),
}
