"""What one file cannot show by itself: names that must exist in the code or in another file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.intermediate import part_values
from harness.data.reading import expand
from harness.data.sources import POOL
from harness.data.table import reader_named
from harness.errors import SpecError, did_you_mean
from harness.kinds.table import TABLE as KINDS
from harness.kinds.table import kind_named
from harness.metrics.table import metric_named
from harness.specfiles.catalog import Everything, Loaded
from harness.specfiles.joins import expand_joins
from harness.specfiles.yaml_loader import Key, key_text, read_yaml, shown
from harness.specs.intermediate import IntermediateSpec
from harness.specs.suite import SuiteSpec
from harness.specs.task import LocalSource, Source, TaskSpec


def everything_problems(there: Everything) -> list[str]:
    """Return what is wrong between the files of all there is."""
    known = {t.spec.name: t.spec for t in there.tasks}
    return [
        *(p for t in there.tasks for p in task_problems(t, list(known))),
        *(p for t in there.intermediates for p in intermediate_problems(t, list(known))),
        *(p for s in there.suites for p in suite_problems(s, known)),
    ]


def file_problems(loaded: Loaded[Any], there: Everything) -> list[str]:
    """Return what is wrong between one file and all there is."""
    known = {t.spec.name: t.spec for t in there.tasks}
    if isinstance(loaded.spec, TaskSpec):
        return task_problems(loaded, list(known))
    if isinstance(loaded.spec, IntermediateSpec):
        return intermediate_problems(loaded, list(known))
    return suite_problems(loaded, known) if isinstance(loaded.spec, SuiteSpec) else []


def task_problems(loaded: Loaded[TaskSpec], names: Sequence[str]) -> list[str]:
    """Return readers, metrics, outputs, file patterns and tasks that a task names in vain.

    `names` are all tasks there are.
    """
    return [_located(loaded.path, key, message) for key, message in _task_problems(loaded.spec, names)]


def intermediate_problems(loaded: Loaded[IntermediateSpec], targets: Sequence[str]) -> list[str]:
    """Return readers, metrics, file patterns, tasks and targets that an intermediate task names in vain.

    `targets` are all target tasks there are.
    """
    problems = [
        _located(loaded.path, key, message) for key, message in _intermediate_problems(loaded.spec, targets)
    ]
    try:
        expand_joins(loaded)
    except SpecError as error:
        problems.append(str(error))
    return problems


def suite_problems(loaded: Loaded[SuiteSpec], tasks: Mapping[str, TaskSpec]) -> list[str]:
    """Return languages and recipes that a suite wants of a task and the task has not.

    A suite may name tasks that have no specification: they count as missing, not as wrong.
    """
    problems = []
    for name, entry in loaded.spec.tasks.items():
        if name not in tasks:
            continue
        task = tasks[name]
        for number, code in enumerate(entry.languages or ()):
            if code not in task.languages:
                message = f"task {name!r} has no language {code!r}{did_you_mean(code, task.languages)}"
                problems.append(_located(loaded.path, ("tasks", name, "languages", number), message))
        for profile, recipe in entry.recipes.items():
            if recipe not in task.recipes:
                message = f"task {name!r} has no recipe {recipe!r}{did_you_mean(recipe, task.recipes)}"
                problems.append(_located(loaded.path, ("tasks", name, "recipes", profile), message))
    return problems


def _located(path: Path, key: Key, message: str) -> str:
    document, _ = read_yaml(path)
    line = document.line_of(key) if document else 1
    return f"{shown(path)}:{line}: {key_text(key)}: {message}"


def _task_problems(task: TaskSpec, names: Sequence[str]) -> Iterator[tuple[Key, str]]:
    values = {code: {**lang.values, "code": code} for code, lang in task.languages.items()}
    yield from _source_problems(task.data, ("data",), values)
    if task.data.dev is not None:
        yield from _source_problems(task.data.dev, ("data", "dev"), values)
    if task.data.pool is not None:
        yield from _source_problems(task.data.pool, ("data", "pool"), {POOL: {"code": POOL}})
    for number, metric in enumerate(task.metrics):
        try:
            metric_named(metric.computes)
        except SpecError as error:
            yield ("metrics", number, "computes"), str(error)
        # Kinds that this version does not run may be described all the same.
        outputs = kind_named(task.kind).formats if task.kind in KINDS else {metric.output: ""}
        if metric.output not in outputs:
            hint = did_you_mean(metric.output, outputs)
            message = (
                f"kind {task.kind!r} gives no output {metric.output!r}{hint}; it gives {', '.join(outputs)}"
            )
            yield ("metrics", number, "output"), message
    for name, recipe in task.recipes.items():
        for number, phase in enumerate(recipe.phases):
            for place, metric_id in enumerate(phase.selection.computes if phase.selection else ()):
                try:
                    metric_named(metric_id)
                except SpecError as error:
                    key = ("recipes", name, "phases", number, "selection", "computes", place)
                    yield key, str(error)
    for name, training in task.training_sets.items():
        # Training languages need not be among the tested ones; those carry no values of their own.
        wanted = {code: values.get(code, {"code": code}) for code in training.languages}
        yield from _source_problems(training.train, ("training_sets", name, "train"), wanted)
        if training.dev is not None:
            yield from _source_problems(training.dev, ("training_sets", name, "dev"), wanted)
    for name, recipe in task.recipes.items():
        if recipe.encoder_of is not None and recipe.encoder_of not in names:
            hint = did_you_mean(recipe.encoder_of, names)
            yield ("recipes", name, "encoder_of"), f"there is no task {recipe.encoder_of!r}{hint}"


def _intermediate_problems(task: IntermediateSpec, targets: Sequence[str]) -> Iterator[tuple[Key, str]]:
    values = part_values(task)
    for name, source in (("train", task.train), ("dev", task.dev)):
        if source is not None:
            yield from _source_problems(source, (name,), values)
    if task.labels_file is not None:
        labels = LocalSource(reader="labels", files={"labels": task.labels_file.files})
        try:
            expand(labels, "labels", {})
        except SpecError as error:
            yield ("labels_file", "files"), str(error)
    for number, metric in enumerate(task.metrics):
        try:
            metric_named(metric.computes)
        except SpecError as error:
            yield ("metrics", number, "computes"), str(error)
    if task.name in targets:
        yield ("name",), f"{task.name!r} is a target task already; give this one another name"
    for number, overlap in enumerate(task.overlaps):
        if overlap.target not in targets:
            hint = did_you_mean(overlap.target, targets)
            yield ("overlaps", number, "target"), f"there is no target task {overlap.target!r}{hint}"


def _source_problems(
    source: Source, at: Key, values: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[Key, str]]:
    for name, layout in (("local", source.local), ("xtreme", source.xtreme)):
        if layout is not None:
            yield from _layout_problems(layout, (*at, name), values)
    if source.hub is not None:
        try:
            reader_named(source.hub.reader)
        except SpecError as error:
            yield (*at, "hub", "reader"), str(error)


def _layout_problems(
    source: LocalSource, at: Key, values: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[Key, str]]:
    try:
        reader_named(source.reader)
    except SpecError as error:
        yield (*at, "reader"), str(error)
    for role in source.files:
        seen = set()
        for code, filled in values.items():
            try:
                expand(source, role, filled)
            except SpecError as error:
                if str(error) not in seen:
                    seen.add(str(error))
                    yield (*at, "files", role), f"language {code}: {error}"
