"""`xharness score`: the numbers of a run again, from what it wrote."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.outcome import show_outcome


def run(
    *,
    run_folder: Annotated[
        Path, typer.Option("--run", help="Run folder that `xharness eval` wrote.", show_default=False)
    ],
    data_dir: Annotated[
        Path | None, typer.Option(help="Read the gold from the source again; it must agree.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a new run folder; without it none is written.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Also write the scores as plain numbers to this file; -: print them, no tables."
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and the tables.")
    ] = False,
) -> None:
    """Score a run folder again, without model or data, and compare with its scores.json.

    Equal bytes prove that the folder is consistent. With --data-dir the gold must be the source's.
    """
    from harness.evaluate import score_run
    from harness.progress import Progress

    outcome = score_run(run_folder, data_dir=data_dir, out=out, progress=Progress(quiet=quiet))
    if json_file is None:
        show_outcome(outcome)
        return
    from harness.results.folder import write_bytes
    from harness.results.scores import encode_plain

    data = encode_plain(outcome.scores)
    if json_file == Path("-") or _is_stdout(json_file):
        # No tables: they would make the JSON unreadable. Bytes: JSON is UTF-8 whatever the terminal is.
        typer.echo(data, nl=False)
        return
    write_bytes(json_file, data)
    show_outcome(outcome)


def _is_stdout(path: Path) -> bool:
    """Whether a path (`/dev/stdout`) is where this command prints to anyway."""
    try:
        # The terminal counts too: a table below the JSON would be no better there.
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except OSError:
        # No such file yet, or an output that is none of the system's.
        return False
