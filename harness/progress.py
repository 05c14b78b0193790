"""One live line per phase on stderr: what is being done, how far, how fast, time left.

Silent when stderr is not a terminal or when the user asked for quiet; then only the messages
said with `say` and `warn` appear, one line each (`say` not even that when quiet).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


class Progress:
    """Where a run reports to. One instance per run, handed down explicitly."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = not quiet and sys.stderr.isatty()

    def say(self, message: str) -> None:
        """Print one line of information to stderr, unless quiet."""
        if not self.quiet:
            self._print(message)

    def warn(self, message: str) -> None:
        """Print one line to stderr, always: the user must see it."""
        self._print(f"warning: {message}")

    def _print(self, message: str) -> None:
        # Written plainly so that a message is never wrapped, highlighted or read as markup.
        sys.stderr.write(message + "\n")
        sys.stderr.flush()

    @contextmanager
    def phase(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Show one live line while the block runs; call what it yields with the units done.

        The line disappears when the block ends, so that finished phases do not pile up.
        """
        if not self.live:
            yield lambda done: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Live
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.speed or 0.0
                return Text(f"{speed:,.0f} {unit}/s" if speed >= 10 else f"{speed:.2g} {unit}/s")

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            Rate(),
            TimeRemainingColumn(),
        )
        with Live(*columns, console=Console(stderr=True), transient=True) as live:
            task = live.add_task(name, total=total)
            yield lambda done: live.advance(task, done)
