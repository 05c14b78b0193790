"""A study's folder: where results lie by their keys, and the seals of those that are finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import ResultError
from harness.results.folder import RunFolder, held_beside, write_bytes
from harness.results.provenance import read_clock
from harness.studying.grid import EvaluateStep, Step, TrainStep
from harness.studying.ground import RECORD

SEAL = "done.json"
_CHECKPOINT = "checkpoint"
_TREES = frozenset({"cells", "models", "systems", "training"})


class Seal(BaseModel):
    """That a step is finished: written last.

    `files` are the sizes of what it wrote, `read` the data files by their hashes. `dev` is the mean over
    the step's heads of the best score on development data, in points; None where nothing was selected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    key: str
    step: str
    alike: str
    seconds: float
    finished: str
    files: dict[str, int]
    read: dict[str, str]
    trained: tuple[str, ...] = ()  # the heads that it trained or found trained, by their keys
    dev: float | None = None
    dev_by: str = ""


class StudyFolder:
    """The places of a study."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def store(self) -> Path:
        """Heads that were trained, by their keys."""
        return self.path / "training"

    def system(self, name: str) -> RunFolder:
        """Return the run folder of a system: all its targets and seeds."""
        return RunFolder(self.path / "systems" / name)

    def result(self, step: Step) -> Path:
        """Return what a step writes: a checkpoint folder, or a run folder."""
        home = self._home(step)
        return home / _CHECKPOINT if isinstance(step, TrainStep) else home

    def _home(self, step: Step) -> Path:
        return self.path / ("models" if isinstance(step, TrainStep) else "cells") / step.key

    def model_of(self, cell: EvaluateStep) -> str:
        """Return the checkpoint that a cell evaluates."""
        return cell.parent.model if cell.source is None else str(self.result(cell.source))

    def seal(
        self,
        step: Step,
        *,
        seconds: float,
        trained: tuple[str, ...] = (),
        dev: tuple[float, str] | None = None,
    ) -> None:
        """Declare a step finished.

        Raises:
            ResultError: the file system refuses.
        """
        found = Seal(
            key=step.key,
            step=step.label,
            alike=step.alike,
            seconds=round(seconds, 1),
            finished=read_clock(),
            files=sizes_of(self.result(step)),
            read=step.read,
            trained=trained,
            dev=None if dev is None else dev[0],
            dev_by="" if dev is None else dev[1],
        )
        text = found.model_dump_json(indent=1) + "\n"
        write_bytes(self._home(step) / SEAL, text.encode("utf-8"))

    def read_seal(self, step: Step) -> Seal | None:
        """Return the seal of a finished step; None where it is not finished, or was damaged since."""
        seal = read_seal_file(self._home(step) / SEAL)
        if seal is None or seal.key != step.key or not is_whole(self.result(step), seal.files):
            return None
        return seal

    def all_seals(self) -> Iterator[Seal]:
        """Yield the seals of all finished steps, whether this study still wants them or not."""
        for path in sorted(self.path.glob(f"*/*/{SEAL}")):
            seal = read_seal_file(path)
            if seal is not None:
                yield seal

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process, made where it is missing.

        Raises:
            ResultError: another process holds it, it holds something else, or nothing can be written.
        """
        self.check()
        with held_beside(self.path / "study"):
            yield

    def check(self) -> None:
        """Refuse a place that is not a study's.

        Raises:
            ResultError: it is a file, a run folder, or a folder that holds something else.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ResultError(
                f"--out {self.path} is a file; it takes a folder, new, empty or of an earlier call"
            )
        if not self.path.is_dir() or (self.path / RECORD).is_file():
            return
        names = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
        if names:
            shown = ", ".join(names[:3]) + (", .." if len(names) > 3 else "")
            lost = f"restore its {RECORD}, or " if _TREES & set(names) else ""
            raise ResultError(
                f"--out {self.path} holds no {RECORD} but {shown}; {lost}choose a new or an empty folder"
            )


def read_seal_file(path: Path) -> Seal | None:
    """Return a seal; None where there is none that can be read."""
    try:
        return Seal.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, RecursionError):
        return None


def sizes_of(folder: Path) -> dict[str, int]:
    """Return the sizes of all files of a folder, seals and hidden ones at its top left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.name != SEAL and not name.parts[0].startswith("."):
            found[name.as_posix()] = path.stat().st_size
    return found


def is_whole(folder: Path, files: Mapping[str, int]) -> bool:
    """Whether a folder holds these files in these sizes."""
    try:
        return bool(files) and all((folder / name).stat().st_size == size for name, size in files.items())
    except OSError:
        return False
