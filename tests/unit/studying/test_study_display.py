"""Times in words, time left, and what is said where there is no terminal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.studying.display import Display, clock


def step(key: str) -> Any:
    return SimpleNamespace(key=key, label=f"step {key}", alike="x")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (47.9 * 3600, "47 h 54 min"),
        (51 * 3600, "2 d 3 h"),
    ],
)
def test_times_in_words(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    display, steps = Display(), [step("a"), step("b"), step("c")]
    with display.running(steps, steps[1:]):
        with display.of(steps[1]).phase("inner", 3, "things") as advance:
            advance(1)
        display.of(steps[1]).say("nothing of this")
        display.finished(steps[1], 75)
        display.of(steps[2]).warn("look out")
        display.failed(steps[2], "step c: it broke")
    assert capsys.readouterr().err.splitlines() == [
        "3 steps, 2 of them left",
        "[2/3] step b: 1 min 15 s",
        "warning: step c: look out",
        "warning: [3/3] step c: it broke",
    ]


def test_quiet_says_warnings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display(quiet=True)
    with display.running([step("a")], [step("a")]):
        display.finished(step("a"), 1)
        display.failed(step("a"), "it broke")
    assert capsys.readouterr().err == "warning: [2/1] it broke\n"


def test_time_left_is_known_where_every_step_is() -> None:
    display, steps = Display(quiet=True), [step("a"), step("b")]
    display.guess_by(lambda one: {"a": 10.0, "b": 5.0}[one.key])
    with display.running(steps, steps):
        assert display.time_left() == 15.0
        display.finished(steps[0], 1)
        assert display.time_left() == 5.0
        display.guess_by(lambda one: None)
        assert display.time_left() is None


def test_the_live_display_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    display, steps = Display(), [step("a"), step("b"), step("c")]
    display.guess_by(lambda one: 60.0)
    with display.running(steps, steps):
        display.finished(steps[0], 1)
        display.failed(steps[1], "it broke")
        display.of(steps[2])
        console = Console(width=100)
        with console.capture() as captured:
            console.print(display._render())
    first, second = captured.get().splitlines()[:2]
    assert first.startswith("1 of 3 done, 1 running, 1 failed, time left about 1 min 00 s")
    assert second.startswith("  step c, 0 s")
