"""The labels of a head by name: in what order a checkpoint has them, and how a configuration does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# How a checkpoint may write all of the task's labels: as they are, ENTAILMENT, entailment, Entailment.
_STYLES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.capitalize)


def label_order(own: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Return for each label of the task its row in the head, or None where they are other labels.

    Names must be equal, all of them written as they are, in capitals, in small letters or capitalised.
    Labels without names (`LABEL_0` ..) count as the task's own in the task's order.
    """
    if len(own) != len(wanted):
        return None
    if list(own) == list(wanted) or are_unnamed(own):
        return list(range(len(own)))
    for write in _STYLES:
        written = [write(label) for label in wanted]
        # Labels that only differ by case cannot be told apart in another case.
        if sorted(own) == sorted(written) and len(set(written)) == len(own):
            return [own.index(label) for label in written]
    return None


def are_unnamed(labels: Sequence[str]) -> bool:
    """Whether these are the names that transformers gives to labels without names; of none, no."""
    return bool(labels) and list(labels) == unnamed(len(labels))


def unnamed(count: int) -> list[str]:
    """Return what transformers calls labels without names."""
    return [f"LABEL_{i}" for i in range(count)]


def config_labels(config: PretrainedConfig) -> list[str]:
    """Return a configuration's labels in the order of the head's rows."""
    named = cast("dict[int, str]", config.id2label or {})
    return [str(named[i]) for i in sorted(named)]


def name_labels(config: PretrainedConfig, labels: Sequence[str]) -> None:
    """Write labels into a configuration; the number of labels follows from them."""
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}


def some(labels: Sequence[str]) -> str:
    """Return the first six labels in one line, and how many more there are."""
    shown = ", ".join(labels[:6])
    return shown if len(labels) <= 6 else f"{shown}, .. {len(labels) - 6} more"
