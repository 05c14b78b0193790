"""Kind name -> implementation, imported on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from harness.errors import SpecError
from harness.kinds.base import Kind

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
