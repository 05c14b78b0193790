"""`xharness eval`: a checkpoint on a suite or on tasks, into a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.lists import parse_integer, split_integers, split_list
from harness.commands.outcome import show_outcome
from harness.errors import RequestError, did_you_mean, raise_all

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from harness.specs.run import RunSpec

_PATHS = ("model", "data_dir", "out")
_MODEL, _DATA, _TRAINING, _RUN = "Model", "Tasks and data", "Training", "Run"


def run(
    *,
    model: Annotated[
        str,
        typer.Option(
            help="Local folder, or hub id, best with @revision.", show_default=False, rich_help_panel=_MODEL
        ),
    ],
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
    request = build_request(
        model=model,
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
    from harness.evaluate import evaluate
    from harness.progress import Progress

    show_outcome(evaluate(request, Progress(quiet=quiet)))


def build_request(**fields: Any) -> RunSpec:
    """Return the validated request.

    Raises:
        RequestError: all that is wrong with the options, in their own words.
    """
    from pydantic import ValidationError

    from harness.specs.run import RunSpec

    problems = [problem for name in _PATHS if (problem := _homeless(name, fields.get(name)))]
    try:
        request = RunSpec.model_validate(fields)
    except ValidationError as error:
        problems += [_in_words(detail) for detail in error.errors(include_url=False)]
        raise_all(RequestError, problems)
        raise AssertionError("BUG: a validation error without details") from error
    raise_all(RequestError, problems)
    return request


def _homeless(name: str, path: str | None) -> str | None:
    """Return what is wrong with a path that begins at the home of a user whom the machine lacks."""
    from pathlib import Path

    try:
        Path(path or "").expanduser()
    except RuntimeError as error:
        return f"{_option(name)}: {path!r}: {error} For a folder of that very name write ./{path}"
    return None


def _in_words(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if not detail["loc"]:
        return str(context["error"])
    option = _option(str(detail["loc"][0]))
    if detail["type"] == "literal_error":
        allowed = str(context["expected"]).replace("'", "")
        names = allowed.replace(" or ", ", ").split(", ")
        return f"{option}: {detail['input']!r} is not {allowed}{did_you_mean(str(detail['input']), names)}"
    if detail["type"] == "value_error":
        return f"{option}: {context['error']}"
    if "le" in context:
        return f"{option}: must be at most {context['le']}, not {detail['input']}"
    if "ge" in context:
        return f"{option}: must be at least {context['ge']}, not {detail['input']}"
    if "gt" in context:
        return f"{option}: must be greater than {context['gt']}, not {detail['input']}"
    return f"{option}: {detail['msg'][:1].lower()}{detail['msg'][1:]}, seen {detail['input']!r}"


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"
