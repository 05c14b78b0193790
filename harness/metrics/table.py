"""Metric id -> implementation, imported on first use.

Ids are what task files write under `computes`. Those in `AT_K` take a cut-off: `average_precision@20`.
A user's own metric is an importable name, `package.module:Class`, without arguments.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import cast

from harness.errors import SpecError, did_you_mean
from harness.metrics.base import Metric
from harness.specs.base import is_class_path

TABLE = {
    "accuracy": "harness.metrics.accuracy:Accuracy",
    "token_accuracy": "harness.metrics.accuracy:TokenAccuracy",
    "chunk_f1_legacy": "harness.metrics.chunks:LegacyChunkF1",
    "chunk_precision_legacy": "harness.metrics.chunks:LegacyChunkPrecision",
    "chunk_recall_legacy": "harness.metrics.chunks:LegacyChunkRecall",
    "squad_f1": "harness.metrics.squad:SquadF1",
    "squad_exact_match": "harness.metrics.squad:SquadExactMatch",
    "squad_v2_f1": "harness.metrics.squad:SquadV2F1",
    "mlqa_f1": "harness.metrics.mlqa:MlqaF1",
    "mlqa_exact_match": "harness.metrics.mlqa:MlqaExactMatch",
    "pair_f1": "harness.metrics.pairs:PairF1",
    "pair_precision": "harness.metrics.pairs:PairPrecision",
    "pair_recall": "harness.metrics.pairs:PairRecall",
}
AT_K = {"average_precision": "harness.metrics.ranking:AveragePrecision"}


@cache
def metric_named(metric: str) -> Metric:
    """Return the metric's one object.

    Raises:
        SpecError: if there is no metric of that id, its cut-off is wrong, or a user's class cannot be
            imported or is no metric.
    """
    if metric in TABLE:
        return cast(Metric, _load(TABLE[metric])())
    name, _, k = metric.partition("@")
    if name in AT_K:
        if not re.fullmatch("[1-9][0-9]{0,8}", k):
            raise SpecError(
                f"metric {metric!r} needs a cut-off of at least 1 in plain digits, as in '{name}@20'"
            )
        return cast(Metric, _load(AT_K[name])(int(k)))
    if is_class_path(metric):
        return _user_metric(metric)
    known = [*TABLE, *(f"{n}@20" for n in AT_K)]
    raise SpecError(
        f"there is no metric {metric!r}{did_you_mean(metric, known)}; "
        f"known are {', '.join(known)}, and 'package.module:Class' for your own"
    )


def _load(path: str) -> type:
    module, _, attribute = path.partition(":")
    return cast(type, getattr(import_module(module), attribute))


def _user_metric(path: str) -> Metric:
    module, _, attribute = path.partition(":")
    try:
        imported = import_module(module)
    except Exception as error:  # importing runs the user's code, which may fail in any way
        raise SpecError(
            f"metric {path!r}: the module {module!r} cannot be imported ({type(error).__name__}: {error}); "
            "it must be importable by that name in this environment"
        ) from error
    named = getattr(imported, attribute, None)
    if not isinstance(named, type):
        seen = f"is {named!r:.60}" if hasattr(imported, attribute) else "is not there"
        raise SpecError(f"metric {path!r}: {attribute!r} {seen}; name a class of the module {module!r}")
    try:
        made: object = named()
    except Exception as error:
        raise SpecError(
            f"metric {path!r}: {attribute} cannot be made without arguments ({type(error).__name__}: {error})"
        ) from error
    lacking = [part for part in ("columns", "per_example", "value") if not hasattr(made, part)]
    if lacking:
        raise SpecError(
            f"metric {path!r}: the class has no {' or '.join(repr(part) for part in lacking)}; "
            "see harness.metrics.base.Metric for what a metric is"
        )
    return cast(Metric, made)
