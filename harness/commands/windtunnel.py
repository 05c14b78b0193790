"""`xharness windtunnel`: the generated languages and their data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.errors import RequestError

app = typer.Typer(no_args_is_help=True, help="The generated languages of the suite `windtunnel`.")


@app.callback()
def root() -> None:
    """Keep `build` a command of its own, although it is the only one."""


@app.command()
def build(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the data, to be given as --data-dir.")] = Path(
        "windtunnel"
    ),
) -> None:
    """Write the data of the suite `windtunnel`, the same on every machine, and print their hash."""
    from harness.windtunnel.files import fingerprint_of, generate_files, write_files

    if out.exists() and not out.is_dir():
        raise RequestError(f"--out {out}: is a file; name a folder")
    files = generate_files()
    write_files(out, files)
    size = sum(len(text.encode("utf-8")) for text in files.values())
    typer.echo(f"{out}: {len(files)} files, {size / 1e6:.1f} MB, sha256 {fingerprint_of(files)}")
