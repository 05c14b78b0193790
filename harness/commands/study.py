"""`xharness study`: systems x targets x seeds, from one YAML file to one report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.lists import parse_integer, split_list
from harness.commands.options import (
    RUN,
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
from harness.commands.requests import build_request
from harness.errors import DataError, IncompleteRun, raise_all

if TYPE_CHECKING:
    from harness.study import Rehearsal, Studied


def run(
    study: Annotated[
        str,
        typer.Argument(metavar="NAME|STUDY.yaml", help="Study by name or YAML file.", show_default=False),
    ],
    *,
    out: Annotated[str, typer.Option(help="Folder of the study.", show_default=False, rich_help_panel=RUN)],
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print every step that is left, with an estimate.", rich_help_panel=RUN
        ),
    ] = False,
    data_dir: DataDirOption = None,
    sources: SourcesOption = "local,hub",
    offline: OfflineOption = False,
    device: DeviceOption = "auto",
    dtype: DTypeOption = "auto",
    threads: ThreadsOption = None,
    executor: Annotated[
        str, typer.Option(help="Where steps run: local, one after the other.", rich_help_panel=RUN)
    ] = "local",
    resamples: ResamplesOption = "10000",
    discard_models: Annotated[
        bool,
        typer.Option(
            "--discard-models",
            help="Delete fine-tuned weights once nothing needs them.",
            rich_help_panel=RUN,
        ),
    ] = False,
    allow_pickle: AllowPickleOption = False,
    trust_remote_code: TrustRemoteCodeOption = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Say nothing but warnings and the report.", rich_help_panel=RUN),
    ] = False,
) -> None:
    """Train, evaluate and compare the systems of a study; answer the question that it names.

    Nothing is done twice. Killed at any moment and started again, the same command goes on; a finished
    study takes seconds.
    """
    from harness.specs.study import StudyRequest

    request = build_request(
        StudyRequest,
        {
            "study": study,
            "out": out,
            "data_dir": data_dir,
            "sources": split_list("--sources", sources),
            "device": device,
            "dtype": dtype,
            "threads": None if threads is None else parse_integer("--threads", threads),
            "executor": executor,
            "resamples": parse_integer("--resamples", resamples),
            "offline": offline,
            "dry_run": dry_run,
            "discard_models": discard_models,
            "allow_pickle": allow_pickle,
            "trust_remote_code": trust_remote_code,
        },
    )
    from harness.progress import Progress
    from harness.study import rehearse
    from harness.study import study as run_study

    progress = Progress(quiet=quiet)
    if dry_run:
        _show_rehearsal(rehearse(request, progress))
    else:
        _show(run_study(request, progress), progress.quiet)


def _show(done: Studied, quiet: bool) -> None:
    from harness.results.study_report import print_study

    print_study(done.report)
    # A pipe that was closed, or a full disk, shows here and not when Python is gone half-way.
    sys.stdout.flush()
    if not quiet:
        typer.echo(f"report: {done.folder / 'report.html'}", err=True)
    if done.incomplete:
        lines = "\n".join(f"  {line}" for line in done.incomplete)
        raise IncompleteRun(
            f"the study is incomplete; the same command tries again what is missing:\n{lines}"
        )


def _show_rehearsal(found: Rehearsal) -> None:
    from harness.studying.display import clock
    from harness.studying.estimate import sum_of

    typer.echo(f"{found.steps} steps, {len(found.left)} of them left")
    width = max((len(step.label) for step, _ in found.left), default=0)
    for step, estimate in found.left:
        seconds = "unknown" if estimate.seconds is None else f"{clock(estimate.seconds)} ({estimate.by})"
        typer.echo(f"  {step.label:<{width}}  {seconds}")
    if found.left:
        total, unknown = sum_of([estimate for _, estimate in found.left])
        rest = f", and {unknown} steps of which nothing is known" if unknown else ""
        typer.echo(f"together: {clock(total)}{rest}")
        ways = {estimate.by for _, estimate in found.left}
        if "measured" in ways:
            typer.echo("measured: the mean of the finished steps of the same kind and task")
        if "arithmetic" in ways:
            typer.echo(
                "arithmetic, a rough guide: 6 x parameters x tokens (2 x without training), every input as "
                "long as it may be, at the rate of a matrix product on this device, which models do not "
                "reach; the choices or windows of one example count once, loading and selection not at all, "
                "heads that cells share in each"
            )
    sys.stdout.flush()
    raise_all(DataError, found.problems)
