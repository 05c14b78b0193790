"""What the golds and the predictions themselves say of a system: chance level, constant answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.comparison.systems import System
from harness.errors import ResultError
from harness.kinds.table import kind_named
from harness.records import NO_GOLD, Cell
from harness.results.formats import format_named
from harness.scoring import PREDICTION, is_constant, read_outputs
from harness.specs.task import TaskSpec

# How much of a file is looked at, in bytes: nearly always the first few answers differ already.
_HEADS = (4_096, 65_536)


def chance_of(task: TaskSpec, cell: Cell) -> float | None:
    """Return the score in percent that guessing reaches, where the main metric is the accuracy of labels.

    That is the share of the commonest gold: the majority class, or one of as many as there are rows.
    None for other metrics.
    """
    computes = next(m.computes for m in task.metrics if m.name == task.main_metric)
    golds = [gold for gold in cell.golds if gold != NO_GOLD]
    if computes != "accuracy" or not golds:
        return None
    return 100 * max(Counter(golds).values()) / len(golds)


def answers_alike(system: System, task: TaskSpec, cell: Cell) -> bool:
    """Whether a run of a system predicts one answer throughout; unknown, hence no, without its files."""
    if not _may_be_constant(task, cell):
        return False
    suffix = format_named(kind_named(task.kind).formats[PREDICTION]).suffix
    ids: tuple[str, ...] | None = None
    for index, seed in enumerate(cell.seeds):
        further = seed if index else None
        path = system.folder.prediction(task.name, cell.language, suffix, further_seed=further)
        if _begins_varied(path, suffix):
            continue
        ids = cell.without_statistics().example_ids if ids is None else ids
        try:
            outputs = read_outputs(
                system.folder,
                task,
                cell.language,
                example_ids=ids,
                further_seed=further,
                names={PREDICTION},
            )[PREDICTION]
        except ResultError:
            continue
        if is_constant(outputs):
            return True
    return False


def _begins_varied(path: Path, suffix: str) -> bool:
    """Whether the beginning of a file holds two different answers; where that cannot be told, no.

    Decoding a whole test set of tags takes a hundred times longer.
    """
    try:
        with path.open("rb") as stream:
            for length in _HEADS:
                head = stream.read(length)
                stream.seek(0)
                if _IS_VARIED[suffix](head):
                    return True
    except OSError:
        return False
    return False


def _varied_lines(head: bytes) -> bool:
    """Whether two of the lines, each a label, a tag or a row number, differ."""
    *lines, _ = head.split(b"\n")
    answers = {line.rpartition(b"\t")[2].strip() for line in lines if line.strip()}
    # A blank line ends a sentence; sentences that are all tagged the same are one answer too.
    *sentences, _ = head.split(b"\n\n")
    return len(answers) > 1 and (len(sentences) < 2 or len(set(sentences)) > 1)


def _varied_entries(head: bytes) -> bool:
    """Whether two entries of an object that is written with one entry a line differ."""
    _, *lines, _ = head.split(b"\n") if b"\n" in head else (b"", b"")
    return _differ([b"{" + line.rstrip(b",") + b"}" for line in lines if line != b"}"], _only_value)


def _varied_rows(head: bytes) -> bool:
    """Whether two lines, each an object with a label, differ in it."""
    *lines, _ = head.split(b"\n")
    return _differ(lines, lambda row: row["label"])


def _only_value(entry: dict[str, Any]) -> Any:
    (value,) = entry.values()
    return value


def _differ(texts: Sequence[bytes], answer_of: Callable[[Any], Any]) -> bool:
    try:
        answers = [answer_of(json.loads(text)) for text in texts]
    except (ValueError, LookupError, TypeError, AttributeError):
        # Another layout, or damage: reading the file as a whole tells.
        return False
    return len(answers) > 1 and not is_constant(answers)


_IS_VARIED: dict[str, Callable[[bytes], bool]] = {
    "tsv": _varied_lines,
    "json": _varied_entries,
    "jsonl": _varied_rows,
}


def _may_be_constant(task: TaskSpec, cell: Cell) -> bool:
    """Whether the statistics allow for a constant prediction: reading the files takes far longer.

    Where labels are compared, one label throughout is right in all rows of one gold and in no other.
    """
    if chance_of(task, cell) is None:
        return True
    correct = cell.statistics[task.main_metric][:, :, 0] > 0
    golds = [gold for gold in cell.golds if gold != NO_GOLD]
    counts = Counter(golds)
    for run in correct:
        right = Counter(gold for gold, hit in zip(golds, run.tolist(), strict=True) if hit)
        if not right or (len(right) == 1 and all(counts[gold] == n for gold, n in right.items())):
            return True
    return False
