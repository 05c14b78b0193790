"""Checkpoints that survive being killed at any moment.

A checkpoint counts once its seal is there: a small file, written and synced after everything else
in the folder was. What has no seal is thrown away. The seal carries the sizes of the other files, and
what the training loop keeps beside weights and optimizer: the losses and the trace of checkpoint
selection. What was damaged after it was sealed is found before training goes on from it.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SEAL = "sealed.json"
_KEEP = 2
_LOSS_DIGITS = 6


@dataclass(slots=True)
class Trace:
    """What happened so far.

    `losses` holds (step, mean loss since the entry before); `pending` the sum and number of the losses
    since. `selection` holds (step, score) of every evaluation on development data.
    """

    losses: list[tuple[int, float]] = field(default_factory=list)
    pending: tuple[float, int] = (0.0, 0)
    selection: list[tuple[int, float]] = field(default_factory=list)

    @property
    def best_step(self) -> int | None:
        """The step with the highest score, the earliest of equals; None before any evaluation."""
        if not self.selection:
            return None
        return max(self.selection, key=lambda entry: (entry[1], -entry[0]))[0]

    def summary(self, steps: int) -> dict[str, Any]:
        """Return what a record of the training says; `steps` is what was planned."""
        last = self.losses[-1][0] if self.losses else steps
        return {
            "steps_run": last if not self.selection else max(last, self.selection[-1][0]),
            "best_step": self.best_step,
            "losses": [[step, round(loss, _LOSS_DIGITS)] for step, loss in self.losses],
            "selection": [[step, round(value, _LOSS_DIGITS)] for step, value in self.selection],
        }

    def without_gain(self) -> int:
        """Return how many evaluations were made after the best one."""
        best = self.best_step
        return sum(step > best for step, _ in self.selection) if best is not None else 0


def checkpoint_folder(work: Path, step: int) -> Path:
    """Return where transformers writes the checkpoint of a step."""
    return work / f"checkpoint-{step}"


def best_file(work: Path, step: int) -> Path:
    """Return where the weights of an evaluated step are kept."""
    return work / f"best-{step}.safetensors"


def seal(folder: Path, trace: Trace) -> None:
    """Declare a checkpoint complete, once all of it is on the disk."""
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    for file in files:
        sync(file)
    sizes = {f.relative_to(folder).as_posix(): f.stat().st_size for f in files}
    temporary = folder / (SEAL + ".tmp")
    temporary.write_text(json.dumps({**asdict(trace), "files": sizes}), encoding="utf-8")
    sync(temporary)
    temporary.replace(folder / SEAL)
    sync(folder)
    sync(folder.parent)


def read_seal(folder: Path) -> Trace | None:
    """Return the trace that a checkpoint carries; None if the seal is missing or damaged, or files are."""
    try:
        stored = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        if any((folder / name).stat().st_size != size for name, size in stored["files"].items()):
            return None
        return Trace(
            losses=[(int(step), float(loss)) for step, loss in stored["losses"]],
            pending=(float(stored["pending"][0]), int(stored["pending"][1])),
            selection=[(int(step), float(score)) for step, score in stored["selection"]],
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def newest_intact(work: Path) -> tuple[Path, Trace] | None:
    """Return the newest checkpoint that can be continued, and its trace; damaged ones are deleted.

    None where there is none: training then begins at the beginning.
    """
    found = None
    for folder in reversed(_checkpoints(work)):
        trace = read_seal(folder)
        if trace is not None and _intact(folder, trace):
            found = folder, trace
            break
        _drop(folder)
    clean(work)
    return found


def clean(work: Path) -> None:
    """Throw away what is incomplete or too old.

    Kept are the newest complete checkpoints and the weights that one of them calls the best.
    """
    complete = []
    for folder in _checkpoints(work):
        trace = read_seal(folder)
        if trace is None:
            _drop(folder)
        else:
            complete.append((folder, trace))
    for folder, _ in complete[:-_KEEP]:
        _drop(folder)
    _forget_weights(work, (trace.best_step for _, trace in complete[-_KEEP:]))


def _checkpoints(work: Path) -> list[Path]:
    """Return the checkpoint folders by step; anything else in the folder is left alone."""
    numbered = [f for f in work.glob("checkpoint-*") if f.is_dir() and _step(f) is not None]
    return sorted(numbered, key=lambda folder: _step(folder) or 0)


def _drop(folder: Path) -> None:
    # The seal goes first: a half-deleted checkpoint must not count.
    (folder / SEAL).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _intact(folder: Path, trace: Trace) -> bool:
    """Return whether everything that a resumed training reads is whole."""
    from safetensors import SafetensorError, safe_open

    weights = list(folder.glob("*.safetensors"))
    if trace.best_step is not None:
        weights.append(best_file(folder.parent, trace.best_step))
    try:
        for file in weights:
            with safe_open(file, framework="numpy"):
                pass
        for file in folder.glob("*.json"):
            json.loads(file.read_text(encoding="utf-8"))
        for file in (*folder.glob("*.pt"), *folder.glob("*.pth")):
            with zipfile.ZipFile(file) as archive:  # what torch.save writes, with checksums
                if archive.testzip() is not None:
                    return False
    except (OSError, ValueError, RecursionError, SafetensorError, zipfile.BadZipFile):
        return False
    return True


def _forget_weights(work: Path, referenced: Iterable[int | None]) -> None:
    wanted = {best_file(work, step) for step in referenced if step is not None}
    for file in work.glob("best-*"):
        if file not in wanted:
            file.unlink()


def _step(folder: Path) -> int | None:
    number = folder.name.removeprefix("checkpoint-")
    return int(number) if number.isascii() and number.isdigit() else None


@contextmanager
def published(work: Path, out: Path) -> Iterator[Path]:
    """Write a finished model into the folder that this gives, then move it to `out` and drop `work`.

    `out` appears at once and complete; what stood there (damaged since, or not finished) is replaced.
    """
    final = work / "final"
    shutil.rmtree(final, ignore_errors=True)
    final.mkdir(parents=True)
    yield final
    for file in sorted(final.rglob("*")):
        sync(file)
    sync(final)
    if out.exists():
        shutil.rmtree(out)
    final.rename(out)
    sync(out.parent)
    shutil.rmtree(work)


def sync(path: Path) -> None:
    """Force a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
