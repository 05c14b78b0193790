"""`xharness tasks`: what can be evaluated, from which files, and whether the YAML is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.data.places import Places
    from harness.specfiles.catalog import Loaded
    from harness.specs.recipe import CountBySize, Recipe
    from harness.specs.task import DataSpec, TaskSpec

app = typer.Typer(no_args_is_help=True, help="List, show and validate tasks.")

DataDir = Annotated[Path | None, typer.Option(help="Folder with the data sets.")]


@app.command("list")
def list_all() -> None:
    """List tasks, intermediate tasks and suites: kind, languages, metrics, and where each file lies."""
    from harness.commands.intermediate_lines import list_table
    from harness.results.table import Column, Row, Table, Text
    from harness.results.table_writers import print_tables
    from harness.specfiles.catalog import (
        list_intermediates,
        list_suites,
        list_tasks,
        load_intermediates,
        load_suites,
        load_tasks,
    )
    from harness.specfiles.yaml_loader import shown

    known = list_tasks()
    tasks = Table(
        "Tasks",
        (
            Column("name", "left"),
            Column("kind", "left"),
            Column("languages"),
            Column("metrics", "left"),
            Column("recipes", "left"),
            Column("file", "left"),
        ),
        tuple(
            Row(
                (
                    Text(t.spec.name, "strong"),
                    Text(t.spec.kind),
                    Text(str(len(t.spec.languages))),
                    Text(", ".join(m.name for m in t.spec.metrics)),
                    Text(", ".join(t.spec.recipes)),
                    Text(shown(t.path)),
                )
            )
            for t in load_tasks(list(known))
        ),
    )
    suites = Table(
        "Suites",
        tuple(Column(h, "left") for h in ("name", "tasks", "not there yet", "recipe", "file")),
        tuple(
            Row(
                (
                    Text(s.spec.name, "strong"),
                    Text(", ".join(name for name in s.spec.tasks if name in known)),
                    Text(", ".join(name for name in s.spec.tasks if name not in known)),
                    Text(s.spec.default_recipe),
                    Text(shown(s.path)),
                )
            )
            for s in load_suites(list(list_suites()))
        ),
        notes=("A suite's number is never averaged over tasks that are not there yet.",),
    )
    print_tables([tasks, list_table(load_intermediates(list(list_intermediates()))), suites])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Task by name or YAML file.")], *, data_dir: DataDir = None
) -> None:
    """Show one task: licence, languages, the files it wants, its recipes and what they miss.

    Of an intermediate task: the targets of which it makes test sets seen ones, too.
    """
    from harness.commands.intermediate_lines import describe
    from harness.specfiles.catalog import Loaded, load_any_tasks
    from harness.specs.intermediate import IntermediateSpec

    (loaded,) = load_any_tasks([name])
    spec, path, digest = loaded.spec, loaded.path, loaded.sha256
    if isinstance(spec, IntermediateSpec):
        lines = describe(Loaded(spec, path, digest), data_dir)
    else:
        lines = _described(Loaded(spec, path, digest), data_dir)
    typer.echo("\n".join(lines))


@app.command()
def validate(
    path: Annotated[Path | None, typer.Argument(help="A YAML file; default: all that can be found.")] = None,
    *,
    data_dir: DataDir = None,
) -> None:
    """Check specifications; with --data-dir also read every language of every task.

    All problems are reported together, each with file, line and key.
    """
    from harness.commands.consistency import everything_problems, file_problems
    from harness.commands.intermediate_lines import reading_problems
    from harness.errors import DataError, SpecError, raise_all
    from harness.specfiles.catalog import load_everything, load_file
    from harness.specfiles.yaml_loader import shown
    from harness.specs.intermediate import IntermediateSpec
    from harness.specs.task import TaskSpec

    there = load_everything()
    if path is None:
        tasks = [*(t.spec for t in there.tasks), *(t.spec for t in there.intermediates)]
        problems = everything_problems(there)
        valid = (
            f"valid: {len(there.tasks)} tasks, {len(there.intermediates)} intermediate tasks, "
            f"{len(there.suites)} suites, {len(there.studies)} studies, {len(there.adapters)} adapters"
        )
    else:
        loaded = load_file(path)
        problems = file_problems(loaded, there)
        tasks = [loaded.spec] if isinstance(loaded.spec, TaskSpec | IntermediateSpec) else []
        what = type(loaded.spec).__name__.removesuffix("Spec").lower()
        what = {"intermediate": "intermediate task", "languagetable": "table of languages"}.get(what, what)
        valid = f"{shown(loaded.path)}: a valid {what}"
    raise_all(SpecError, problems)
    typer.echo(valid)
    if not tasks:
        return
    if data_dir is None:
        typer.echo("only the structure was checked; --data-dir DIR reads the data too")
        return
    if not data_dir.is_dir():
        raise DataError(f"--data-dir {data_dir}: there is no such folder")
    # Of all tasks there are, few have their data in one folder; of one task by name, all is wanted.
    wanted = path is not None
    problems = []
    for task in tasks:
        if isinstance(task, IntermediateSpec):
            problems += reading_problems(task, data_dir, absent_is_wrong=wanted)
        elif isinstance(task, TaskSpec):
            problems += _read_problems(task, data_dir, absent_is_wrong=wanted)
    raise_all(DataError, problems)


def _read_problems(task: TaskSpec, data_dir: Path, *, absent_is_wrong: bool) -> list[str]:
    from harness.data.sources import available_languages, load_test, test_problems
    from harness.errors import HarnessError

    places = _folder_alone(data_dir)
    there = available_languages(task, places)
    absent = [code for code in task.languages if code not in there]
    problems, examples = [], 0
    if absent and absent_is_wrong:
        first = test_problems(task, [absent[0]], places)[0]
        problems.append(f"no files for {len(absent)} languages ({', '.join(absent)}); the first: {first}")
    for code in there:
        try:
            examples += len(load_test(task, code, places).examples)
        except HarnessError as error:
            problems.append(str(error))
    note = f"; no files for {', '.join(absent)}" if there and absent else ""
    typer.echo(f"{task.name}: {examples:,} examples in {len(there)} of {len(task.languages)} languages{note}")
    return problems


def _described(loaded: Loaded[TaskSpec], data_dir: Path | None) -> list[str]:
    from harness.specfiles.yaml_loader import shown

    task = loaded.spec
    codes = (code if code == lang.tag else f"{code} ({lang.tag})" for code, lang in task.languages.items())
    lines = [
        f"{task.name}  {task.version}  {task.title}",
        "",
        f"kind        {task.kind}",
        f"licence     {task.licence}",
        f"citation    {task.citation}",
        *([f"homepage    {task.homepage}"] if task.homepage else []),
        f"file        {shown(loaded.path)}",
        f"source      {task.source_language or 'none: the benchmark does not test its source language'}",
        f"languages   {len(task.languages)}: {', '.join(codes)}",
        f"metrics     {', '.join(_metric(task, m.name) for m in task.metrics)}",
        *([f"labels      {', '.join(task.labels)}"] if task.labels else []),
    ]
    if task.notes:
        lines += ["", *task.notes.strip().splitlines()]
    lines += ["", *_places(task.data), "", "recipes"]
    for name, recipe in task.recipes.items():
        lines += [f"  {line}" for line in _recipe(task, name, recipe, data_dir)]
    if data_dir is None:
        lines.append("  (--data-dir DIR says what they miss there)")
    else:
        lines += ["", *_test_sets(task, data_dir)]
    return lines


def _metric(task: TaskSpec, name: str) -> str:
    return f"{name} (main)" if name == task.main_metric else name


def _places(data: DataSpec) -> list[str]:
    lines, hubs = ["files wanted under --data-dir (the first that exists is read)"], list[str]()
    for source, note in ((data, ""), (data.dev, " (development set)"), (data.pool, " (pool)")):
        for layout in source.layouts if source else ():
            patterns = [f"{role}{note}: {' or '.join(found)}" for role, found in layout.files.items()]
            lines += [f"  {pattern}" for pattern in patterns]
        if source is not None and source.hub is not None:
            hubs.append(f"hub{note}: {source.hub.repo} at {source.hub.revision}")
            hubs += [f"  {source.hub.seen}"] if source.hub.seen else []
    return lines + hubs


def _folder_alone(data_dir: Path) -> Places:
    from harness.data.places import Places

    return Places(data_dir, order=("local",))


def _recipe(task: TaskSpec, name: str, recipe: Recipe, data_dir: Path | None) -> list[str]:
    lines = [f"{name}: {recipe.source}"]
    if recipe.encoder_of:
        lines.append(f"  uses the encoder that task {recipe.encoder_of} trains")
    elif not recipe.phases:
        lines.append("  trains nothing")
    for phase in recipe.phases:
        title = task.training_sets[phase.training_set].title
        lines.append(f"  trains on {title}, {phase.epochs:g} epochs, batch {_batch(phase.batch_size)}")
        if data_dir is not None:
            from harness.data.sources import training_problems

            missing = training_problems(
                task, phase.training_set, _folder_alone(data_dir), with_dev=phase.selection is not None
            )
            lines += [f"  missing: {line}" for line in missing]
    if recipe.stamp:
        lines.append(f"  runs are stamped `{recipe.stamp}`: not comparable with published numbers")
    return lines


def _batch(size: int | CountBySize) -> str:
    return str(size) if isinstance(size, int) else f"{size.base} ({size.large} for large encoders)"


def _test_sets(task: TaskSpec, data_dir: Path) -> list[str]:
    from harness.data.sources import available_languages

    there = available_languages(task, _folder_alone(data_dir))
    absent = [code for code in task.languages if code not in there]
    lines = [f"test sets   {len(there)} of {len(task.languages)} languages in {data_dir}"]
    return lines + ([f"  missing: {', '.join(absent)}"] if absent else [])
