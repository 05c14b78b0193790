"""Checkpoints that survive being killed at any moment.

A checkpoint counts once its seal is there: a small file, written and synced after everything else
in the folder was. What has no seal is thrown away. The seal carries what the training loop keeps
beside weights and optimizer: the losses and the trace of checkpoint selection.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

SEAL = "sealed.json"
_KEEP = 2


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
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            sync(file)
    temporary = folder / (SEAL + ".tmp")
    temporary.write_text(json.dumps(asdict(trace)), encoding="utf-8")
    sync(temporary)
    temporary.replace(folder / SEAL)
    sync(folder)
    sync(folder.parent)


def read_seal(folder: Path) -> Trace:
    """Return the trace that a sealed checkpoint carries."""
    stored = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    return Trace(
        losses=[(step, loss) for step, loss in stored["losses"]],
        pending=(stored["pending"][0], stored["pending"][1]),
        selection=[(step, score) for step, score in stored["selection"]],
    )


def clean(work: Path) -> Path | None:
    """Throw away what is incomplete or too old, and return the newest complete checkpoint.

    Kept are the newest complete checkpoints and the weights that one of them calls the best.
    """
    if not work.is_dir():
        return None
    folders = sorted(work.glob("checkpoint-*"), key=_step)
    complete = [f for f in folders if (f / SEAL).is_file()]
    kept = complete[-_KEEP:]
    for folder in folders:
        if folder not in kept:
            # The seal goes first: a half-deleted checkpoint must not count.
            (folder / SEAL).unlink(missing_ok=True)
            shutil.rmtree(folder)
    _forget_weights(work, (read_seal(folder).best_step for folder in kept))
    return kept[-1] if kept else None


def _forget_weights(work: Path, referenced: Iterable[int | None]) -> None:
    wanted = {best_file(work, step) for step in referenced if step is not None}
    for file in work.glob("best-*"):
        if file not in wanted:
            file.unlink()


def _step(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def sync(path: Path) -> None:
    """Force a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
