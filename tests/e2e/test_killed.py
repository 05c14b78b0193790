"""A run that is killed again and again ends with the bytes of one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.evaluate import Evaluation

KILLS = 10


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bytes(
    finished: Evaluation, inputs: Any, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    request = inputs.request(out)
    command = [sys.executable, "-m", "harness", "eval", "--quiet", "--model", request.model]
    command += ["--adapter", "generic", "--suite", "demo", "--data-dir", request.data_dir, "--out", str(out)]
    command += ["--threads", "1", "--resamples", str(request.resamples)]
    moments = random.Random(11)
    killed = 0
    while killed < KILLS:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=moments.uniform(3, 25))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        if process.returncode == 0:
            break
    assert killed >= 3, "the run ended before it could be killed often enough"
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (out / "scores.json").read_bytes() == (finished.folder / "scores.json").read_bytes()
    left = [p for p in out.rglob("*") if p.name.startswith(".xharness-tmp-") or p.name.endswith(".part")]
    assert left == []


@pytest.mark.slow
def test_two_processes_cannot_share_a_folder(inputs: Any, tmp_path: Path) -> None:
    from filelock import FileLock

    out = tmp_path / "run"
    out.mkdir()
    request = inputs.request(out)
    command = [sys.executable, "-m", "harness", "eval", "--model", request.model, "--tasks", "demo-bitext"]
    command += ["--adapter", "generic", "--recipe", "none", "--data-dir", request.data_dir, "--out", str(out)]
    with FileLock(out / ".lock"):
        done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"another xharness process" in done.stderr
    assert [p.name for p in out.iterdir()] == [".lock"]
