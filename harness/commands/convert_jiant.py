"""`xharness convert-jiant`: a model that jiant trained, as an ordinary checkpoint folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.lists import split_list
from harness.errors import RequestError


def run(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.P", help="jiant's best_model.p, last_model.p or model__*.p.")
    ],
    *,
    base: Annotated[
        str,
        typer.Option(
            help="What jiant was started from, folder or hub id: gives architecture and tokenizer.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new checkpoint.", show_default=False)],
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=A,B,..",
            help="Labels of a tagging head in jiant's order, which the file does not hold; once per head.",
        ),
    ] = None,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read the file although it is a pickle.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
) -> None:
    """Turn a model that jiant 2 trained into a checkpoint folder for --model.

    Encoder, span QA heads and tagging heads are taken over; what is left out is listed with the reason. The
    folder says where it comes from; what it was trained on the file does not tell.
    """
    from harness.backends.checkpoint import open_model
    from harness.backends.conversion import convert_jiant
    from harness.backends.jiant import read_state
    from harness.specfiles.catalog import load_adapters

    named = dict(_labels(text) for text in labels or ())
    state = read_state(model, allow_pickle=allow_pickle)
    opened, reason = open_model(
        base,
        adapters={loaded.spec.name: loaded.spec for loaded in load_adapters()},
        device="cpu",
        dtype="float32",
        offline=offline,
        allow_pickle=allow_pickle,
    )
    for line in reason.splitlines()[1:]:
        typer.echo(line, err=True)
    done = convert_jiant(model, state, opened, out, labels=named)
    typer.echo(f"{done.folder}: encoder ({done.encoder} tensors)")
    for name in done.heads:
        typer.echo(f"  head {name}")
    for name, why in done.left_out.items():
        typer.echo(f"  left out: head {name}: {why}")
    if done.unknown:
        typer.echo(f"  left out, of no known part ({len(done.unknown)}): {', '.join(done.unknown)}")


def _labels(text: str) -> tuple[str, tuple[str, ...]]:
    name, equals, listed = text.partition("=")
    if not equals or not name:
        raise RequestError(f"--labels {text!r}: write NAME=A,B,.. with the task model's name in jiant")
    return name, split_list(f"--labels {name}=", listed)
