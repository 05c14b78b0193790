"""Kind name -> implementation, imported on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from harness.errors import SpecError
from harness.kinds.base import Head, Kind, Labelled

TABLE = {
    "classification": "harness.kinds.classification:Classification",
    "tagging": "harness.kinds.tagging:Tagging",
    "span_qa": "harness.kinds.span_qa:SpanQA",
    "multiple_choice": "harness.kinds.multiple_choice:MultipleChoice",
    "bitext_retrieval": "harness.kinds.bitext_retrieval:BitextRetrieval",
    "bitext_mining": "harness.kinds.bitext_mining:BitextMining",
    "entity_retrieval": "harness.kinds.entity_retrieval:EntityRetrieval",
    "passage_retrieval": "harness.kinds.passage_retrieval:PassageRetrieval",
}


@cache
def kind_named(name: str) -> Kind:
    """Return the kind's one object.

    Raises:
        SpecError: if this version does not run tasks of that kind.
    """
    if name not in TABLE:
        raise SpecError(f"this version runs no tasks of kind {name!r}; it runs {', '.join(sorted(TABLE))}")
    module, _, attribute = TABLE[name].partition(":")
    return cast(Kind, getattr(import_module(module), attribute)())


def head_for(kind: str, task: Labelled) -> Head:
    """Return the head that a task of this kind trains; `masked_lm` is no kind of target task.

    Raises:
        SpecError: the kind trains no head.
    """
    if kind == "masked_lm":
        from harness.kinds.masked_lm import MaskedLMHead

        return MaskedLMHead()
    head = kind_named(kind).head(task)
    if head is None:
        raise SpecError(f"tasks of kind {kind!r} train no head")
    return head
