"""`xharness demo`: everything end to end, without network or data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.outcome import show_outcome


def run(
    *,
    out: Annotated[Path, typer.Option(help="Folder for all that the demo writes.")] = Path("xharness-demo"),
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and the tables.")
    ] = False,
) -> None:
    """Run the main job on a small generated data set with a tiny model; needs no network."""
    from harness.demo.run import run_demo
    from harness.progress import Progress

    show_outcome(run_demo(out, Progress(quiet=quiet)))
