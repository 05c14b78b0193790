"""`xharness score`: the numbers of a submission, or of a run again, from predictions alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.outcome import is_stdout, show_outcome
from harness.errors import IncompleteRun, RequestError, raise_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.evaluate import Evaluation

_RUN, _SUBMISSION = "A run folder", "A submission"


def run(
    *,
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="Run folder to score again.", rich_help_panel=_RUN)
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Read the gold from the source again; it must agree.", rich_help_panel=_RUN),
    ] = None,
    predictions: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder of predictions, <task>/test-<lang>.tsv, .json or .jsonl.",
            rich_help_panel=_SUBMISSION,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Folder of label files with the same names.", rich_help_panel=_SUBMISSION
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="xtreme, xtreme-r, or a YAML file.", rich_help_panel=_SUBMISSION)
    ] = None,
    require_complete: Annotated[
        bool, typer.Option("--require-complete", help="Exit with 3 if anything of the suite is missing.")
    ] = False,
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
    """Score a folder of predictions against label files, or a run folder again; no model is needed.

    With --run: equal bytes prove that the folder is consistent; with --data-dir its gold must be the
    source's. With --predictions, --labels and --suite: what is there is scored as the benchmark does it, and
    what is missing is said.
    """
    _check_options(run_folder, data_dir, predictions, labels, suite)
    if json_file is not None:
        _check_json(json_file, {"--predictions": predictions, "--labels": labels}, (run_folder, out))
    from harness.progress import Progress

    progress = Progress(quiet=quiet)
    if run_folder is not None:
        from harness.evaluate import score_run

        outcome = score_run(run_folder, data_dir=data_dir, out=out, progress=progress)
    else:
        from harness.evaluate import score_submission
        from harness.specs.run import ScoreSpec

        asked = {"predictions": predictions, "labels": labels, "suite": suite}
        request = ScoreSpec.model_validate(asked)
        outcome = score_submission(request, out=out, progress=progress)
    _show(outcome, json_file)
    if require_complete and outcome.scores.missing:
        lines = "\n".join(f"  {task}: {', '.join(codes)}" for task, codes in outcome.scores.missing.items())
        raise IncompleteRun(f"--require-complete: the suite is not complete; missing are\n{lines}")


def _check_options(
    run_folder: Path | None,
    data_dir: Path | None,
    predictions: str | None,
    labels: str | None,
    suite: str | None,
) -> None:
    """Refuse what belongs to neither way of scoring, or to both.

    Raises:
        RequestError: naming every option that lacks or is too many.
    """
    due = {"--predictions": predictions, "--labels": labels, "--suite": suite}
    given = [name for name, value in due.items() if value is not None]
    problems = [f"{name}: is empty" for name, value in due.items() if value is not None and not value.strip()]
    # What was asked goes into run.json.
    problems += [
        f"{name} {value!a}: is not UTF-8; rename the file or folder"
        for name, value in due.items()
        if value is not None and any("\udc80" <= letter <= "\udcff" for letter in value)
    ]
    if run_folder is not None and given:
        problems.append(f"--run scores a run folder, {given[0]} a submission; give one of them")
    elif run_folder is None and not given:
        problems.append("give --run, or --predictions with --labels and --suite")
    elif run_folder is None:
        problems += [f"{name} is missing: a submission needs it" for name in due if name not in given]
        if data_dir is not None:
            problems.append("--data-dir goes with --run; the gold of a submission is in --labels")
    raise_all(RequestError, problems)


def _check_json(file: Path, submission: Mapping[str, str | None], runs: Iterable[Path | None]) -> None:
    """Refuse a place that would take a file away from what is read, or from a run, before any work is done.

    Raises:
        RequestError: it is such a place, or a folder.
    """
    from harness.layout import find_folder
    from harness.results.folder import RunFolder

    if file == Path("-"):
        return
    if file.is_dir():
        raise RequestError(f"--json {file}: is a folder; name the file")
    for option, given in submission.items():
        if given is not None and file.resolve().is_relative_to(find_folder(option, given).resolve()):
            raise RequestError(f"--json {file} lies inside {given}; choose another place")
    for run in runs:
        if run is not None and RunFolder(run).owns(file):
            raise RequestError(f"--json {file} is a file of the run folder {run}; choose another place")


def _show(outcome: Evaluation, json_file: Path | None) -> None:
    if json_file is None:
        show_outcome(outcome)
        return
    from harness.results.folder import write_bytes
    from harness.results.scores import encode_plain

    data = encode_plain(outcome.scores)
    if json_file == Path("-") or is_stdout(json_file):
        # No tables: they would make the JSON unreadable. Bytes: JSON is UTF-8 whatever the terminal is.
        typer.echo(data, nl=False)
        return
    write_bytes(json_file, data)
    show_outcome(outcome)
