"""`xharness compare`: run folders against a baseline, with tests of what changed and of the gap."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from harness.commands.lists import parse_integer, shortened, split_list
from harness.commands.outcome import is_stdout
from harness.errors import RequestError, did_you_mean, raise_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results.comparison import IntervalName
    from harness.results.comparison_findings import Pair
    from harness.stats.contrasts import Scope
    from harness.stats.families import Correction

_CHOICES = {
    "--correction": ("holm", "bh", "none"),
    "--interval": ("t", "percentile", "bca"),
    "--scope": ("auto", "checkpoints", "recipes"),
    "--format": ("rich", "md", "tex", "csv", "html"),
}
_TEST, _OUTPUT = "Test", "Output"


def run(
    *,
    baseline: Annotated[Path, typer.Argument(help="Run folder to compare with.", show_default=False)],
    candidates: Annotated[
        list[Path], typer.Argument(help="Run folders to compare, one or more.", show_default=False)
    ],
    resamples: Annotated[
        str, typer.Option(metavar="N", help="Joint draws of units, at least 100.", rich_help_panel=_TEST)
    ] = "10000",
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of the draws.", rich_help_panel=_TEST)] = "0",
    alpha: Annotated[
        str, typer.Option(metavar="P", help="Significance level, between 0 and 1.", rich_help_panel=_TEST)
    ] = "0.05",
    correction: Annotated[
        str, typer.Option(help="For testing many languages at once: holm, bh or none.", rich_help_panel=_TEST)
    ] = "holm",
    interval: Annotated[
        str,
        typer.Option(help="t, percentile or bca; the last two for one run a side.", rich_help_panel=_TEST),
    ] = "t",
    scope: Annotated[
        str,
        typer.Option(
            help="About these checkpoints, or the recipes (several seeds a side); auto: what the runs allow.",
            rich_help_panel=_TEST,
        ),
    ] = "auto",
    check: Annotated[
        bool, typer.Option("--check", help="Add the p of a sign-flip test beside.", rich_help_panel=_TEST)
    ] = False,
    distances: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Typological distances, comma-separated, the one named in advance first: table, or 'uriel "
            "syntactic', featural, genetic, geographic (extra typology).",
            rich_help_panel=_TEST,
        ),
    ] = "table",
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            help="Also write all numbers to this file; -: print them, no tables.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="rich, md, tex, csv or html.", rich_help_panel=_OUTPUT)
    ] = "rich",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for every format, with figures.", rich_help_panel=_OUTPUT),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Say nothing but warnings and the tables.", rich_help_panel=_OUTPUT
        ),
    ] = False,
) -> None:
    """Compare run folders with a baseline: did the gap close, and is it more than noise?

    Per language and task: the difference, the gap to the source language on both sides, and its reduction,
    with intervals and with p values that are adjusted for testing many languages at once.
    """
    level = _check_options(
        alpha, {"--correction": correction, "--interval": interval, "--scope": scope, "--format": form}
    )
    draws, start = parse_integer("--resamples", resamples), parse_integer("--seed", seed)
    from harness.progress import Progress
    from harness.results.comparison_findings import read_pairs
    from harness.results.comparison_report import check_json_file, check_report_folder

    if out is not None:
        check_report_folder(out)
    if json_file is not None and json_file != Path("-"):
        check_json_file(json_file)
    from harness.compare import compare

    found = compare(
        baseline,
        candidates,
        resamples=draws,
        seed=start,
        alpha=level,
        correction=cast("Correction", correction),
        interval=cast("IntervalName", interval),
        scope=None if scope == "auto" else cast("Scope", scope),
        check=check,
        distances=split_list("--distances", distances),
        progress=(progress := Progress(quiet=quiet)),
    )
    pairs = read_pairs(found, [baseline, *candidates])
    if out is not None:
        from harness.results.comparison_report import write_comparison

        written = write_comparison(out, pairs)
        progress.say(f"written: {len(written)} files in {out}")
    _show(pairs, json_file, form)


def _check_options(alpha: str, given: dict[str, str]) -> float:
    """Check what can only be one of a few words, and read the level.

    Raises:
        RequestError: naming every option that is wrong.
    """
    problems = []
    try:
        level = float(alpha)
    except ValueError:
        level = 0.0
    # Also of NaN this is not true.
    if not 0 < level < 1:
        problems.append(f"--alpha {shortened(alpha)}: must be a number above 0 and below 1, such as 0.05")
    for option, value in given.items():
        allowed = _CHOICES[option]
        if value not in allowed:
            near = did_you_mean(value, allowed)
            problems.append(f"{option} {shortened(value)}: must be one of {', '.join(allowed)}{near}")
    raise_all(RequestError, problems)
    return level


def _show(pairs: Sequence[Pair], json_file: Path | None, form: str) -> None:
    from harness.results.comparison import encode_comparisons
    from harness.results.comparison_report import WRITERS, print_comparison
    from harness.results.folder import write_bytes

    if json_file is not None:
        data = encode_comparisons(pairs[0].settings)
        if json_file == Path("-") or is_stdout(json_file):
            # No tables: they would make the JSON unreadable. Bytes: JSON is UTF-8 whatever the terminal is.
            typer.echo(data, nl=False)
            return
        write_bytes(json_file, data)
    if form == "rich":
        print_comparison(pairs)
    else:
        typer.echo(WRITERS[form](pairs).encode("utf-8"), nl=False)
    # A pipe that was closed, or a full disk, shows here and not when Python is gone half-way.
    sys.stdout.flush()
