"""`xharness eval`: a checkpoint on a suite or on tasks, into a run folder."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.lists import parse_integer, split_integers, split_list
from harness.commands.outcome import show_outcome
from harness.commands.requests import build_request

_MODEL, _DATA, _TRAINING, _RUN = "Model", "Tasks and data", "Training", "Run"


def run(
    *,
    model: Annotated[
        str,
        typer.Option(
            help="Local folder, or hub id, best with @revision; a checkpoint or a PEFT adapter.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ],
    base_model: Annotated[
        str | None,
        typer.Option(
            help="Base of a PEFT adapter, folder or hub id; default: the one it names.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    merge_cache: Annotated[
        str | None,
        typer.Option(
            help="Where merged adapters are kept; default: beside the hub's cache.", rich_help_panel=_MODEL
        ),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(
            help="Adapter by name or YAML file; default: by the checkpoint.", rich_help_panel=_MODEL
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="Suite by name or YAML file.", rich_help_panel=_DATA)
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(help="Tasks by name or YAML file, comma-separated.", rich_help_panel=_DATA),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            help="Only these languages, comma-separated, where a task has them.", rich_help_panel=_DATA
        ),
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="Folder with the data sets.", rich_help_panel=_DATA)
    ] = None,
    sources: Annotated[
        str,
        typer.Option(
            metavar="local,hub",
            help="Where data may come from, in this order: the data folder, the hub.",
            rich_help_panel=_DATA,
        ),
    ] = "local,hub",
    limit: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Only the first N examples per language; such a run is stamped.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="How heads are trained: xtreme, jiant, smoke, none, or another the task has.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Training seeds, comma-separated.", rich_help_panel=_TRAINING)
    ] = "1",
    fresh_head: Annotated[
        bool,
        typer.Option(
            "--fresh-head", help="Train a new head even if the checkpoint has one.", rich_help_panel=_TRAINING
        ),
    ] = False,
    discard_models: Annotated[
        bool,
        typer.Option(
            "--discard-models", help="Delete fine-tuned weights once predicted.", rich_help_panel=_TRAINING
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=_RUN)] = "auto",
    dtype: Annotated[
        str, typer.Option(help="auto, float32, bfloat16 or float16.", rich_help_panel=_RUN)
    ] = "auto",
    threads: Annotated[
        str | None,
        typer.Option(metavar="N", help="CPU threads; default: torch's choice.", rich_help_panel=_RUN),
    ] = None,
    search: Annotated[
        str,
        typer.Option(help="auto, exact, faiss-flat, faiss-ivf or faiss-hnsw.", rich_help_panel=_RUN),
    ] = "auto",
    out: Annotated[
        str | None, typer.Option(help="Run folder; default: one under runs/.", rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume", help="Go on with what the run folder holds.", rich_help_panel=_RUN
        ),
    ] = True,
    resamples: Annotated[
        str, typer.Option(metavar="N", help="Bootstrap draws behind the intervals.", rich_help_panel=_RUN)
    ] = "10000",
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.", rich_help_panel=_RUN)] = False,
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle", help="Load pickled weights, which can run code.", rich_help_panel=_MODEL
        ),
    ] = False,
    trust_remote_code: Annotated[
        bool,
        typer.Option(
            "--trust-remote-code", help="Run code that the checkpoint brings.", rich_help_panel=_MODEL
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Say nothing but warnings and the tables.", rich_help_panel=_RUN),
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
