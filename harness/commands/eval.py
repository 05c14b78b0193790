"""`xharness eval`: a checkpoint on a suite or on tasks, into a run folder."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.lists import parse_integer, split_integers, split_list
from harness.commands.options import (
    DATA,
    MODEL,
    RUN,
    TRAINING,
    AdapterOption,
    AllowPickleOption,
    DataDirOption,
    DeviceOption,
    DTypeOption,
    OfflineOption,
    ResamplesOption,
    SourcesOption,
    ThreadsOption,
    TrustRemoteCodeOption,
)
from harness.commands.outcome import show_outcome
from harness.commands.requests import build_request


def run(
    *,
    model: Annotated[
        str,
        typer.Option(
            help="Local folder, or hub id, best with @revision; a checkpoint or a PEFT adapter.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ],
    base_model: Annotated[
        str | None,
        typer.Option(
            help="Base of a PEFT adapter, folder or hub id; default: the one it names.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    merge_cache: Annotated[
        str | None,
        typer.Option(
            help="Where merged adapters are kept; default: beside the hub's cache.", rich_help_panel=MODEL
        ),
    ] = None,
    adapter: AdapterOption = None,
    suite: Annotated[
        str | None, typer.Option(help="Suite by name or YAML file.", rich_help_panel=DATA)
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(help="Tasks by name or YAML file, comma-separated.", rich_help_panel=DATA),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            help="Only these languages, comma-separated, where a task has them.", rich_help_panel=DATA
        ),
    ] = None,
    data_dir: DataDirOption = None,
    sources: SourcesOption = "local,hub",
    limit: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Only the first N examples per language; such a run is stamped.",
            rich_help_panel=DATA,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="How heads are trained: xtreme, jiant, smoke, none, or another the task has.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Training seeds, comma-separated.", rich_help_panel=TRAINING)
    ] = "1",
    fresh_head: Annotated[
        bool,
        typer.Option(
            "--fresh-head", help="Train a new head even if the checkpoint has one.", rich_help_panel=TRAINING
        ),
    ] = False,
    discard_models: Annotated[
        bool,
        typer.Option(
            "--discard-models", help="Delete fine-tuned weights once predicted.", rich_help_panel=TRAINING
        ),
    ] = False,
    device: DeviceOption = "auto",
    dtype: DTypeOption = "auto",
    threads: ThreadsOption = None,
    search: Annotated[
        str,
        typer.Option(help="auto, exact, faiss-flat, faiss-ivf or faiss-hnsw.", rich_help_panel=RUN),
    ] = "auto",
    out: Annotated[
        str | None, typer.Option(help="Run folder; default: one under runs/.", rich_help_panel=RUN)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume", help="Go on with what the run folder holds.", rich_help_panel=RUN
        ),
    ] = True,
    resamples: ResamplesOption = "10000",
    offline: OfflineOption = False,
    allow_pickle: AllowPickleOption = False,
    trust_remote_code: TrustRemoteCodeOption = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Say nothing but warnings and the tables.", rich_help_panel=RUN),
    ] = False,
) -> None:
    """Evaluate a checkpoint and print its scores per language, with confidence intervals.

    Killed at any moment and started again, the same command does only what is missing.
    """
    from harness.specs.run import RunSpec

    fields = dict(
        model=model,
        base_model=base_model,
        merge_cache=merge_cache,
        adapter=adapter,
        suite=suite,
        tasks=() if tasks is None else split_list("--tasks", tasks),
        languages=None if languages is None else split_list("--languages", languages),
        data_dir=data_dir,
        sources=split_list("--sources", sources),
        limit=None if limit is None else parse_integer("--limit", limit),
        recipe=recipe,
        seeds=split_integers("--seeds", seeds),
        fresh_head=fresh_head,
        discard_models=discard_models,
        device=device,
        dtype=dtype,
        threads=None if threads is None else parse_integer("--threads", threads),
        search=search,
        out=out,
        resume=resume,
        resamples=parse_integer("--resamples", resamples),
        offline=offline,
        allow_pickle=allow_pickle,
        trust_remote_code=trust_remote_code,
    )
    request = build_request(RunSpec, fields)
    from harness.evaluate import evaluate
    from harness.progress import Progress

    show_outcome(evaluate(request, Progress(quiet=quiet)))
