"""What a person sees while a study runs: counts and time left, and the running step's own bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.progress import Advance, Progress
from harness.studying.grid import Step

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import Progress as Bars

# Seconds that a step is going to take; None: unknown.
Guess = Callable[[Step], float | None]


class Display(Progress):
    """One live display on a terminal's stderr; elsewhere one plain line per step that ends."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self._guess: Guess = lambda step: None
        self._left: list[Step] = []
        self._counts = {"done": 0, "failed": 0}
        self._total = 0
        self._running: Step | None = None
        self._begun = 0.0
        self._bars: Bars | None = None

    def guess_by(self, guess: Guess) -> None:
        """Take over how long steps are thought to take."""
        self._guess = guess

    @contextmanager
    def running(self, steps: Sequence[Step], left: Sequence[Step]) -> Iterator[None]:
        """Show the display while the block runs; `left` are the steps that are not finished."""
        self._left, self._total = list(left), len(steps)
        self._counts = {"done": len(steps) - len(left), "failed": 0}
        if not left:
            self.say(f"all {len(steps)} steps are finished")
            yield
            return
        self.say(f"{len(steps)} steps, {len(left)} of them left")
        if not self.live:
            yield
            return
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}", markup=False),
            TimeRemainingColumn(),
            console=console,
        )
        try:
            with Live(console=console, transient=True, refresh_per_second=4, get_renderable=self._render):
                yield
        finally:
            self._bars = None

    def of(self, step: Step) -> Progress:
        """Begin a step; return where it reports to."""
        self._running, self._begun = step, time.monotonic()
        return _Within(self, step)

    def finished(self, step: Step, seconds: float) -> None:
        """Count a step that ended well."""
        self._end(step, "done")
        self.say(f"{self._count()} {step.label}: {clock(seconds)}")

    def failed(self, step: Step, why: str) -> None:
        """Count a step that failed; always said."""
        self._end(step, "failed")
        self.warn(f"{self._count()} {why}")

    @contextmanager
    def bar(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Show a bar under the counts while the block runs."""
        bars = self._bars
        if bars is None:
            yield lambda done: None
            return
        task = bars.add_task(name, total=total, unit=unit)
        try:
            yield lambda done: bars.advance(task, done)
        finally:
            bars.remove_task(task)

    def time_left(self) -> float | None:
        """Return the seconds that are left; None where of some step it is not known how long it takes."""
        total = 0.0
        for step in self._left:
            guess = self._guess(step)
            if guess is None:
                return None
            total += max(0.0, guess - (time.monotonic() - self._begun)) if step is self._running else guess
        return total

    def _end(self, step: Step, how: str) -> None:
        self._left = [other for other in self._left if other.key != step.key]
        self._counts[how] += 1
        self._running = None

    def _count(self) -> str:
        return f"[{self._counts['done'] + self._counts['failed']}/{self._total}]"

    def _render(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        left = self.time_left()
        failed = self._counts["failed"]
        line = Text.assemble(
            (f"{self._counts['done']} of {self._total} done", "green"),
            f", {1 if self._running else 0} running, ",
            (f"{failed} failed", "red" if failed else ""),
            f", time left {'unknown' if left is None else f'about {clock(left)}'}",
        )
        parts: list[Any] = [line]
        if self._running is not None:
            parts.append(Text(f"  {self._running.label}, {clock(time.monotonic() - self._begun)}"))
        if self._bars is not None:
            parts.append(self._bars)
        return Group(*parts)


class _Within(Progress):
    """What a step reports to: its bars stand in the study's display, its warnings name it."""

    def __init__(self, display: Display, step: Step) -> None:
        super().__init__(quiet=display.quiet)
        self._display = display
        self._step = step

    def say(self, message: str) -> None:
        """Say nothing: what a step says of itself stands in what it writes."""

    def warn(self, message: str) -> None:
        """Print one line that names the step."""
        self._display.warn(f"{self._step.label}: {message}")

    @contextmanager
    def phase(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Show a bar while the block runs."""
        with self._display.bar(name, total, unit) as advance:
            yield advance


def clock(seconds: float) -> str:
    """Return a time in words: `12 s`, `3 min 05 s`, `7 h 12 min`, `2 d 3 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
