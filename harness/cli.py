"""The command line: which commands there are, and what becomes of their errors.

The command modules import nothing heavy; each body imports what it needs when it runs, so that
`xharness --help` loads neither torch nor pydantic.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from harness import __version__
from harness.commands import adapters, data, demo, doctor, mine, tasks, windtunnel
from harness.commands import compare as compare_command
from harness.commands import convert_jiant as convert_jiant_command
from harness.commands import eval as eval_command
from harness.commands import score as score_command
from harness.commands import study as study_command
from harness.commands import train as train_command
from harness.errors import HarnessError

# Commands that keep what is done and go on with it.
_RESUMABLE = frozenset({"eval", "demo", "train", "study"})
_WRONG = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_PIPE_CLOSED = 141  # 128 + SIGPIPE


class Commands(TyperGroup):
    """The group of all commands: the one place where errors become messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the user's errors end in one message on stderr, not in a traceback."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except HarnessError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            goes_on = ctx.invoked_subcommand in _RESUMABLE
            typer.echo("interrupted" + ("; the same command continues" if goes_on else ""), err=True)
            raise typer.Exit(_INTERRUPTED) from interrupt
        except BrokenPipeError as error:
            # `xharness .. | head` has seen enough.
            _abandon_output()
            raise typer.Exit(_PIPE_CLOSED) from error
        except OSError as error:
            # The last resort: places that know more have said it in their own words.
            _abandon_output()
            typer.echo(f"error: {_in_words(error)}", err=True)
            raise typer.Exit(_WRONG) from error
        except RuntimeError as error:
            # pathlib's own word for `~name/..` where the machine has no such user.
            if "home directory" not in str(error):
                raise
            typer.echo(
                f"error: a path begins with '~': {error} For a folder of that very name write ./~name",
                err=True,
            )
            raise typer.Exit(_WRONG) from error


def _in_words(error: OSError) -> str:
    # Libraries raise OSErrors with a text of their own and no number.
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _abandon_output() -> None:
    """Let go of what stdout did not take, or Python would complain of it once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"xharness {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Evaluate how well multilingual checkpoints transfer between languages.

    Exit codes: 0 ok, 2 the input is wrong, 3 the run is incomplete, 130 interrupted, 141 output closed.
    """


app.command("eval")(eval_command.run)
app.command("score")(score_command.run)
app.command("compare")(compare_command.run)
app.command("train")(train_command.run)
app.command("study")(study_command.run)
app.command("convert-jiant")(convert_jiant_command.run)
app.command("mine")(mine.run)
app.add_typer(tasks.app, name="tasks")
app.add_typer(adapters.app, name="adapters")
app.add_typer(data.app, name="data")
app.command("demo")(demo.run)
app.add_typer(windtunnel.app, name="windtunnel")
app.command("doctor")(doctor.run)


def _reopen_closed_streams() -> None:
    """Let what was closed (`>&-`) lead nowhere, before a file that is opened takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest number that is free is the one that was closed.
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))


def main() -> None:
    """Run the command line and exit with its exit code."""
    _reopen_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows `?` for what it lacks, where Python would give up.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="xharness")
