"""Options that several commands take, written once: name, help and panel."""

from __future__ import annotations

from typing import Annotated

import typer

MODEL, DATA, TRAINING, RUN = "Model", "Tasks and data", "Training", "Run"

AdapterOption = Annotated[
    str | None,
    typer.Option(help="Adapter by name or YAML file; default: by the checkpoint.", rich_help_panel=MODEL),
]
DataDirOption = Annotated[str | None, typer.Option(help="Folder with the data sets.", rich_help_panel=DATA)]
SourcesOption = Annotated[
    str,
    typer.Option(
        metavar="local,hub",
        help="Where data may come from, in this order: the data folder, the hub.",
        rich_help_panel=DATA,
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=RUN)]
DTypeOption = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.", rich_help_panel=RUN)]
ThreadsOption = Annotated[
    str | None,
    typer.Option(metavar="N", help="CPU threads; default: torch's choice.", rich_help_panel=RUN),
]
ResamplesOption = Annotated[
    str, typer.Option(metavar="N", help="Bootstrap draws behind the intervals.", rich_help_panel=RUN)
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use no network.", rich_help_panel=RUN)]
AllowPickleOption = Annotated[
    bool,
    typer.Option("--allow-pickle", help="Load pickled weights, which can run code.", rich_help_panel=MODEL),
]
TrustRemoteCodeOption = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run code that the checkpoint brings.", rich_help_panel=MODEL),
]
