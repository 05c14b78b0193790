"""Whether a folder holds the very run that is about to go on: request, weights, specs, data, machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ResultError
from harness.records import canonical_json
from harness.results.record import RunRecord
from harness.specs.run import RunSpec, ScoreSpec

# Where the files lie, and whether earlier work is used, changes no number. The data themselves are
# compared by fingerprint, and the model by the hashes of its files, so that a folder that was moved,
# or is named by another path, is still the same request.
_IRRELEVANT = frozenset(
    {
        "model",
        "base_model",
        "merge_cache",
        "out",
        "resume",
        "offline",
        "data_dir",
        "sources",
        "discard_models",
    }
)
# What these came to is in the record, and is compared there: `auto` may come to what was asked by name.
_RESOLVED = frozenset({"adapter", "device", "dtype", "search", "threads"})


def comparable_request(request: RunSpec) -> dict[str, Any]:
    """Return the part of a request that decides its numbers, as JSON values.

    Left out: where files lie (`model`, `out`, `data_dir`, `sources`) and how to get there (`resume`, ..).
    The order of tasks and languages does not count; that of the seeds does, the first is official.
    """
    tree = {k: v for k, v in request.model_dump(mode="json").items() if k not in _IRRELEVANT}
    tree["tasks"] = sorted(tree["tasks"])
    tree["languages"] = None if tree["languages"] is None else sorted(tree["languages"])
    return tree


def check_same_run(old: RunRecord, new: RunRecord, folder: Path) -> None:
    """Refuse to go on in a folder that was made from other inputs: request, weights, specs, data, dtype.

    Languages whose data were not read yet, in either run, are not compared.

    Raises:
        ResultError: naming the first difference; or the folder holds a scored submission.
    """
    if isinstance(old.request, ScoreSpec) or isinstance(new.request, ScoreSpec):
        raise ResultError(f"{folder} holds a scored submission, not an evaluation; choose another --out")
    asked, asked_now = (
        {k: v for k, v in comparable_request(request).items() if k not in _RESOLVED}
        for request in (old.request, new.request)
    )
    _refuse(first_difference(asked, asked_now), folder)
    _refuse(first_difference(_inputs(old, new), _inputs(new, old)), folder)


def changed_versions(old: RunRecord, new: RunRecord) -> list[str]:
    """Return `torch 2.12.0 -> 2.13.0` for each library that changed between two parts of one run."""
    names = sorted({*old.versions, *new.versions})
    pairs = ((name, old.versions.get(name, "none"), new.versions.get(name, "none")) for name in names)
    return [f"{name} {was} -> {now}" for name, was, now in pairs if was != now]


def first_difference(old: Any, new: Any, place: str = "") -> str | None:
    """Return `place: it was X, now Y` for the first difference of two JSON trees, or None."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(k for k in new if k not in old)]:
            inner = f"{place}.{key}" if place else str(key)
            if found := first_difference(old.get(key), new.get(key), inner):
                return found
        return None
    return None if old == new else f"{place}: it was {_shown(old)}, now {_shown(new)}"


def _inputs(record: RunRecord, other: RunRecord) -> dict[str, Any]:
    # `id` is what the user wrote; the hashes say what it led to.
    model = record.model.model_dump(exclude={"id", "adapter_reason"}, mode="json") if record.model else None
    if model is not None and model["merged"] is not None:
        del model["merged"]["base_id"]
    environment = record.environment
    data = {
        task: {
            code: {"fingerprint": found.fingerprint, "files": [s.sha256 for s in found.sources]}
            for code, found in languages.items()
            if code in other.data.get(task, {})
        }
        for task, languages in record.data.items()
        if task in other.data
    }
    return {
        "recipe": record.recipe,
        "tasks": {name: task.model_dump(mode="json") for name, task in record.tasks.items()},
        "model": model,
        "specs": {f"{s.kind} {s.name}": s.sha256 for s in record.specs},
        "data": data,
        "beside": {
            task: {code: found.fingerprint for code, found in languages.items()}
            for task, languages in record.beside.items()
            if task in other.data
        },
        "training": {
            task: [run.key for run in runs]
            for task, runs in record.training.items()
            if task in other.training
        },
        "seeds": list(record.seeds),
        "device": environment.device if environment else None,
        "dtype": environment.dtype if environment else None,
        "search": environment.search if environment else None,
        # Sums are split between threads, so their number can move the last bits.
        "threads": environment.threads if environment and environment.device == "cpu" else None,
    }


def _refuse(difference: str | None, folder: Path) -> None:
    if difference is not None:
        raise ResultError(
            f"{folder} belongs to a different run ({difference}); "
            "choose another --out, or repeat the first request"
        )


def _shown(value: Any) -> str:
    text = canonical_json(value)
    return text if len(text) <= 80 else text[:77] + "..."
