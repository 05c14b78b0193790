"""`xharness train`: the intermediate phase, from a checkpoint to a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.lists import parse_integer, shortened, split_list
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
    SourcesOption,
    ThreadsOption,
    TrustRemoteCodeOption,
)
from harness.commands.requests import build_request
from harness.errors import RequestError

if TYPE_CHECKING:
    from harness.specs.mixture import MixtureFile
    from harness.train import Trained


def run(
    recipe: Annotated[
        str | None,
        typer.Argument(metavar="[RECIPE.yaml]", help="The phase as a YAML file.", show_default=False),
    ] = None,
    *,
    out: Annotated[
        str, typer.Option(help="Folder of the new checkpoint.", show_default=False, rich_help_panel=RUN)
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Local folder, or hub id, best with @revision.", rich_help_panel=MODEL),
    ] = None,
    adapter: AdapterOption = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="T,..",
            help="Intermediate tasks by name or YAML file, in place of a recipe.",
            rich_help_panel=DATA,
        ),
    ] = None,
    languages: Annotated[
        str,
        typer.Option(
            metavar="L,..|all|diverse:K|close:K",
            help="Languages of the tasks of --on; picked by typological distance from English.",
            rich_help_panel=DATA,
        ),
    ] = "all",
    examples: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="So many examples of each task of --on, shared out among its languages.",
            rich_help_panel=DATA,
        ),
    ] = None,
    data_dir: DataDirOption = None,
    sources: SourcesOption = "local,hub",
    max_steps: Annotated[
        str | None,
        typer.Option(metavar="N", help="Updates, in place of the recipe's.", rich_help_panel=TRAINING),
    ] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="N", help="Training seed [default: 1].", rich_help_panel=TRAINING)
    ] = None,
    report_to: Annotated[
        str | None,
        typer.Option(
            metavar="tensorboard,wandb", help="Also send the losses there.", rich_help_panel=TRAINING
        ),
    ] = None,
    device: DeviceOption = "auto",
    dtype: DTypeOption = "auto",
    threads: ThreadsOption = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--no-resume", help="Go on with what is there.", rich_help_panel=RUN),
    ] = True,
    offline: OfflineOption = False,
    allow_pickle: AllowPickleOption = False,
    trust_remote_code: TrustRemoteCodeOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.", rich_help_panel=RUN)
    ] = False,
) -> None:
    """Train a checkpoint on intermediate tasks; write an ordinary checkpoint with a card.

    `xharness eval --model OUT` takes it as it is. Killed at any moment and started again, the same command
    goes on.
    """
    if (recipe is None) == (on is None):
        raise RequestError("give a RECIPE.yaml, or --model and --on with the names of tasks, one of them")
    if recipe is not None and (languages != "all" or examples is not None):
        raise RequestError("--languages and --examples belong to --on; in a recipe they stand with each task")
    from harness.specs.mixture import TrainSpec

    named = _from_file(recipe) if recipe is not None else None
    mixture = named.mixture().model_dump() if named else _from_options(on or "", languages, examples)
    if max_steps is not None:
        mixture["max_steps"] = _positive("--max-steps", max_steps)
    asked = {
        "model": model or (named.model if named else None),
        "mixture": mixture,
        "out": out,
        "data_dir": data_dir,
        "sources": split_list("--sources", sources),
        "adapter": adapter or (named.adapter if named else None),
        "device": device,
        "dtype": dtype,
        "threads": None if threads is None else parse_integer("--threads", threads),
        "offline": offline,
        "resume": resume,
        "allow_pickle": allow_pickle,
        "trust_remote_code": trust_remote_code,
        "report_to": () if report_to is None else split_list("--report-to", report_to),
    }
    if seed is not None:
        asked["seed"] = parse_integer("--seed", seed)
    elif named and named.seed is not None:
        asked["seed"] = named.seed
    if asked["model"] is None:
        raise RequestError(
            "--model: say what to begin from, a local folder or a hub id; the recipe names none"
        )
    request = build_request(TrainSpec, asked)
    from harness.progress import Progress
    from harness.train import train

    _show(train(request, Progress(quiet=quiet)))


def _from_file(path: str) -> MixtureFile:
    from harness.specfiles.catalog import load_mixture

    return load_mixture(path).spec


def _from_options(on: str, languages: str, examples: str | None) -> dict[str, Any]:
    """Return the mixture that --on describes, with jiant's hyper-parameters."""
    chosen = _languages(languages)
    count = None if examples is None else _positive("--examples", examples)
    parts = [{"task": task, "languages": chosen, "examples": count} for task in split_list("--on", on)]
    return {"on": parts, "source": "jiant's simple API"}


def _languages(text: str) -> Any:
    if text == "all":
        return text
    how, colon, count = text.partition(":")
    if colon:
        if how not in ("diverse", "close"):
            raise RequestError(
                f"--languages {shortened(text)}: codes, or `all`, or diverse:K or close:K with a number"
            )
        return {how: _positive("--languages", count)}
    return split_list("--languages", text)


def _positive(option: str, text: str) -> int:
    # Said here, where the option is known: the request has these numbers inside the mixture.
    number = parse_integer(option, text)
    if number < 1:
        raise RequestError(f"{option}: must be at least 1, not {number}")
    return number


def _show(trained: Trained) -> None:
    """Print what was trained, and the command that evaluates it."""
    card = trained.card
    for task in card.tasks:
        total = sum(language.examples for language in task.languages.values())
        each = ", ".join(f"{code} {language.examples:,}" for code, language in task.languages.items())
        typer.echo(f"{task.name}: {total:,} examples ({each})")
    best = f", the best of them {card.best_step:,}" if card.best_step else ""
    typer.echo(f"{card.steps:,} updates{best}; training {card.key}")
    typer.echo(f"{trained.folder}")
