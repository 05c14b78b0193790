"""`xharness data`: what there is, what the hub has, and at which commit."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.data_parts import specs_to_pin, wanted_parts
from harness.commands.lists import split_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.data.inspection import Inspection
    from harness.data.places import Places
    from harness.progress import Progress
    from harness.results.table import Table

app = typer.Typer(no_args_is_help=True, help="Fetch, pin and check data sets.")

Suite = Annotated[str | None, typer.Option(help="Suite by name or YAML file.")]
Tasks = Annotated[str | None, typer.Option(help="Tasks by name or YAML file, comma-separated.")]
Intermediate = Annotated[
    str | None,
    typer.Option(
        help="Intermediate tasks by name or YAML file, comma-separated; alone, or beside --suite and --tasks."
    ),
]
Languages = Annotated[
    str | None, typer.Option(help="Only these languages, comma-separated, where a task has them.")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder with the data sets; xharness.lock lies in it too.")
]
Sources = Annotated[
    str,
    typer.Option(
        metavar="local,hub", help="Where data may come from, in this order: the data folder, the hub."
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option("--recipe", help="Training data of this recipe; default: the suite's own, else xtreme."),
]
Training = Annotated[
    bool, typer.Option("--with-training/--no-training", help="Also what the recipe trains on.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.")]


@app.command()
def fetch(
    *,
    suite: Suite = None,
    tasks: Tasks = None,
    intermediate: Intermediate = None,
    languages: Languages = None,
    data_dir: DataDir = None,
    sources: Sources = "local,hub",
    recipe: RecipeName = None,
    with_training: Training = True,
    quiet: Quiet = False,
) -> None:
    """Fetch from the hub what is not in the data folder: afterwards `--offline` works.

    What is there is hashed again and kept, so the same command goes on where it was cut short. Exit
    code 3: everything was fetched that can be, the rest must be brought by hand.
    """
    from harness.data.hub import UNCONFIRMED
    from harness.data.wanted import fetch_missing
    from harness.errors import DataError, HarnessError, HubUnreachable, IncompleteRun, raise_all
    from harness.progress import Progress

    places = _places(data_dir, sources, offline=False)
    progress = Progress(quiet=quiet)
    wrong: list[str] = []
    absent: list[str] = []
    for part in wanted_parts(suite, tasks, intermediate, languages, recipe, with_training=with_training):
        try:
            missing = fetch_missing([part], places, progress, thorough=True)
        except HubUnreachable as error:
            # It would be no other for the next part: what is here is looked for, and no more.
            wrong.append(f"{part.what}: {error}")
            places = replace(places, offline=True)
            continue
        except HarnessError as error:
            wrong.append(f"{part.what}: {error}")
            continue
        refused = "hub" in places.order and part.source.hub and part.source.hub.revision == UNCONFIRMED
        (wrong if refused else absent).extend(missing)
    raise_all(DataError, list(dict.fromkeys([*wrong, *(absent if wrong else [])])))
    raise_all(IncompleteRun, list(dict.fromkeys(absent)))
    typer.echo("everything is there")


@app.command()
def pin(
    tasks: Annotated[
        list[str],
        typer.Argument(help="Tasks, intermediate ones too, by name or YAML file.", show_default=False),
    ],
    *,
    data_dir: Annotated[
        Path,
        typer.Option(help="Folder with the data sets; xharness.lock is written to it.", show_default=False),
    ],
    update: Annotated[
        bool, typer.Option("--update", help="Take the newest commit, not the one that is pinned.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Resolve unconfirmed repositories of the hub: fetch, check and write them to xharness.lock.

    Columns, label names, answer offsets and numbers of examples must be right, or nothing is written.
    """
    from harness.data.pinning import pin_task
    from harness.errors import DataError, HarnessError, HubUnreachable, raise_all
    from harness.progress import Progress

    folder = _places(data_dir, "hub", offline=False).folder
    assert folder is not None, "BUG: --data-dir is required"
    problems = []
    for spec in specs_to_pin(tasks):
        try:
            pinned = pin_task(spec, folder, Progress(quiet=quiet), update=update)
        except HubUnreachable as error:
            problems.append(f"task {spec.name!r} is not pinned, nor what follows it: {error}")
            break
        except HarnessError as error:
            problems.append(f"task {spec.name!r} is not pinned: {error}")
            continue
        for found in pinned:
            note = f"; its default branch is at {found.newer} now (--update takes it)" if found.newer else ""
            typer.echo(f"{spec.name}: {found.repo}@{found.commit}, {found.files} files{note}")
    raise_all(DataError, problems)


@app.command()
def check(
    *,
    suite: Suite = None,
    tasks: Tasks = None,
    intermediate: Intermediate = None,
    languages: Languages = None,
    data_dir: DataDir = None,
    sources: Sources = "local,hub",
    recipe: RecipeName = None,
    with_training: Training = True,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the hub for what is not here.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read all data that is there and compare: numbers of examples, columns, label names, offsets.

    Exit code 2: something is wrong. Exit code 3: nothing is wrong, but something is not there.
    """
    from harness.data.inspection import inspect_part
    from harness.errors import DataError, IncompleteRun, raise_all
    from harness.progress import Progress
    from harness.results.table_writers import print_tables

    places, progress = _places(data_dir, sources, offline=offline), Progress(quiet=quiet)
    parts = wanted_parts(suite, tasks, intermediate, languages, recipe, with_training=with_training)
    found = []
    with progress.phase("checking", len(parts), "parts") as advance:
        for part in parts:
            found.append(inspect_part(part, places))
            advance(1)
    print_tables([_table(found)])
    sys.stdout.flush()
    for line in dict.fromkeys(line for one in found for line in one.remarks):
        progress.say(line)
    wrong = [line for one in found for line in one.problems]
    if not offline:
        wrong += _asked([one for one in found if one.absent], places, progress)
    absent = [line for one in found for line in one.absent]
    raise_all(DataError, list(dict.fromkeys([*wrong, *(absent if wrong else [])])))
    raise_all(IncompleteRun, list(dict.fromkeys(absent)))


def _asked(found: Sequence[Inspection], places: Places, progress: Progress) -> list[str]:
    """Ask the hub for what is not here, say what it has, and return what is wrong with it."""
    from harness.data.wanted import ask_hub
    from harness.errors import HarnessError, HubUnreachable

    wrong = []
    for part in (one.part for one in found):
        if part.source.hub is None or "hub" not in places.order:
            continue
        try:
            progress.say(ask_hub(part, places, progress))
        except HarnessError as error:
            wrong.append(f"{part.what}: {error}")
            if isinstance(error, HubUnreachable):
                break
    return wrong


def _places(data_dir: Path | None, sources: str, *, offline: bool) -> Places:
    from harness.commands.requests import build_request
    from harness.data.places import Places
    from harness.specs.run import RunSpec

    asked = {"model": "-", "suite": "-", "sources": split_list("--sources", sources)}
    order = build_request(RunSpec, asked).sources
    return Places(data_dir, order, offline).checked()


def _table(found: Sequence[Inspection]) -> Table:
    from harness.results.table import Column, Row, Table, Text

    rows = []
    for one in found:
        part, state = one.part, "right"
        if one.problems:
            state = "wrong"
        elif one.absent:
            state = "missing" if not one.there else "incomplete"
        repairs = ", ".join(f"{name} {count:,}" for name, count in one.repairs.items())
        rows.append(
            Row(
                (
                    Text(part.task.name, "strong"),
                    Text(part.role + (f" {part.name}" if part.name else "")),
                    Text(", ".join(one.origins) or "nowhere"),
                    Text(f"{len(one.there)} of {len(part.codes)}"),
                    Text(f"{one.examples:,}"),
                    Text(repairs or "-"),
                    Text(state, "plain" if state == "right" else "strong"),
                )
            )
        )
    columns = (
        Column("task", "left"),
        Column("part", "left"),
        Column("read from", "left"),
        Column("languages"),
        Column("examples"),
        Column("repairs", "left"),
        Column("state", "left"),
    )
    return Table("Data", columns, tuple(rows))
