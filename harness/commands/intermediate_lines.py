"""Intermediate tasks as `xharness tasks` lists, shows and reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.data.wanted import Part
    from harness.results.table import Table
    from harness.specfiles.catalog import Loaded
    from harness.specs.intermediate import IntermediateSpec, Overlap
    from harness.specs.task import Source


def list_table(tasks: Sequence[Loaded[IntermediateSpec]]) -> Table:
    """Return the table of all intermediate tasks."""
    from harness.results.table import Column, Row, Table, Text
    from harness.specfiles.yaml_loader import shown

    columns = (
        Column("name", "left"),
        Column("kind", "left"),
        Column("languages"),
        Column("examples"),
        Column("selected by", "left"),
        Column("file", "left"),
    )
    rows = tuple(
        Row(
            (
                Text(t.spec.name, "strong"),
                Text(t.spec.kind),
                Text(str(len(t.spec.languages))),
                Text(_count(t.spec)),
                Text(", ".join(m.name for m in t.spec.metrics) or "-"),
                Text(shown(t.path)),
            )
        )
        for t in tasks
    )
    note = (
        "Examples are those that a source counts, over all languages; + where it does not count all of them."
    )
    return Table("Intermediate tasks", columns, rows, notes=(note,))


def describe(loaded: Loaded[IntermediateSpec], data_dir: Path | None) -> list[str]:
    """Return the lines that show one task; with a data folder also what it misses there."""
    from harness.specfiles.yaml_loader import shown

    task = loaded.spec
    codes = (code if code == lang.tag else f"{code} ({lang.tag})" for code, lang in task.languages.items())
    labels = list(task.labels)
    if task.labels_file is not None:
        labels = [f"those of {' or '.join(task.labels_file.files)} in the data folder"]
    lines = [
        f"{task.name}  {task.version}  {task.title}",
        "",
        f"kind        {task.kind}, an intermediate task",
        f"licence     {task.licence}",
        f"citation    {task.citation}",
        *([f"homepage    {task.homepage}"] if task.homepage else []),
        f"file        {shown(loaded.path)}",
        f"languages   {len(task.languages)}: {', '.join(codes)}",
        f"examples    {_count(task)}",
        *([f"joins       {', '.join(task.joins)}"] if task.joins else []),
        *([f"metrics     {', '.join(m.name for m in task.metrics)}"] if task.metrics else []),
        *([f"labels      {', '.join(labels)}"] if labels else []),
    ]
    if task.notes:
        lines += ["", *task.notes.strip().splitlines()]
    places = [*_places(task.train, "training data"), *_places(task.dev, "development set")]
    lines += ["", *places] if places else []
    if task.overlaps:
        lines += ["", "test sets that are no longer unseen", *(f"  {_overlap(o)}" for o in task.overlaps)]
    if data_dir is not None and task.train is not None:
        lines += ["", *_missing(task, data_dir)]
    return lines


def reading_problems(task: IntermediateSpec, data_dir: Path, *, absent_is_wrong: bool) -> list[str]:
    """Read all that the data folder has of a task, say how much that is, and return what is wrong.

    Missing files are wrong only if asked for; a task that joins others has none of its own. Numbers of
    examples are not compared: `data check` does that.
    """
    from harness.data.wanted import intermediate_parts

    problems: list[str] = []
    said = []
    for part in intermediate_parts(task, None):
        there, examples, wrong = _read(part, data_dir)
        absent = [code for code in part.codes if code not in there]
        if absent and absent_is_wrong:
            problems.append(f"{part.what}: no files for {len(absent)} languages ({', '.join(absent)})")
        problems += wrong
        what = "training" if part.role == "intermediate" else "development"
        said.append(f"{what} {examples:,} examples in {len(there)} of {len(part.codes)} languages")
    if said:
        typer.echo(f"{task.name}: {'; '.join(said)}")
    return problems


def _read(part: Part, data_dir: Path) -> tuple[list[str], int, list[str]]:
    """Return the languages that are there, the number of their examples, and what is wrong with them."""
    from harness.data.places import Places, find_places
    from harness.errors import HarnessError

    places, problems, examples = Places(data_dir, ("local",)), list[str](), 0
    there = [
        code
        for code in part.codes
        if not find_places(part.source, [code], part.values, places, what=part.what)[1]
    ]
    for code in there:
        try:
            examples += sum(len(data.examples) for data in part.read(code, places))
        except HarnessError as error:
            problems.append(str(error))
    return there, examples, problems


def _count(task: IntermediateSpec) -> str:
    rows = [language.rows for language in task.languages.values()]
    known = sum(count for count in rows if count is not None)
    if not known:
        return "not counted" if task.kind != "masked_lm" else "-"
    return f"{known:,}{'+' if None in rows else ''}"


def _places(source: Source | None, what: str) -> Iterator[str]:
    if source is None:
        return
    yield f"{what}: files wanted under --data-dir (the first that exists is read)"
    for layout in source.layouts:
        for role, patterns in layout.files.items():
            yield f"  {role}: {' or '.join(patterns)}"
    if source.hub is not None:
        yield f"  hub: {source.hub.repo} at {source.hub.revision}"
        if source.hub.seen:
            yield f"    {source.hub.seen}"
    if source.hint:
        yield f"  {source.hint}"


def _overlap(overlap: Overlap) -> str:
    when = "after training" if overlap.part == "train" else "after a selection on the development set"
    which = "in the languages of it" if overlap.languages == "same" else "in every language"
    return f"{overlap.target}, {when}, {which}: {overlap.why}"


def _missing(task: IntermediateSpec, data_dir: Path) -> list[str]:
    from harness.data.intermediate import part_problems
    from harness.data.places import Places

    places = Places(data_dir, ("local",))
    lacking = {code: part_problems(task, [code], places, with_dev=True) for code in task.languages}
    there = [code for code, lines in lacking.items() if not lines]
    lines = [f"complete in  {len(there)} of {len(lacking)} languages in {data_dir}"]
    absent = [code for code, found in lacking.items() if found]
    if absent:
        lines.append(f"  missing: {', '.join(absent)}")
        lines += [f"  {line}" for line in lacking[absent[0]]]
    return lines
