"""A run folder on disk: where each file lies, atomic writes, and the lock that keeps others out."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import ResultError

LOCK = ".lock"
_TEMPORARY = ".xharness-tmp-"
_TREES = frozenset({"predictions", "extra", "seeds", "examples", "training"})
_OTHER_OUT = "choose another --out, or give yourself the right to write there"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]*")


def _part(what: str, value: str) -> str:
    """Return a name that is safe as one part of a path."""
    if not _PART.fullmatch(value):
        raise ResultError(
            f"{what} {value!r} cannot be part of a file name in a run folder: use letters, digits "
            "and '.', '_', '-', '+', '@', beginning with a letter or digit"
        )
    return value


@contextmanager
def refusing(path: Path, what: str, way_out: str) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the path, the reason and a way out."""
    try:
        yield
    except OSError as error:
        inner = f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
        raise ResultError(f"{path} {what}: {error.strerror or error}{inner}; {way_out}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; when the block ends well, it becomes `path`.

    The content is on disk before the name changes, so a reader (and a later run, after a kill) sees
    the old file or the new one and nothing between. When the block raises, the old file stays.
    A symbolic link stays one: the file that it leads to is replaced.

    Raises:
        ResultError: the file system refuses, in the block or after it.
    """
    # A rename puts the file in the place of the link, so the link is followed first.
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
    with refusing(path, "cannot be written", "make room, or give a place that can be written to"):
        if place.is_dir():
            # The rename would say so too, in other words on every system.
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically, creating its folder; a pipe or device is written to as it is.

    Raises:
        ResultError: the file system refuses.
    """
    with refusing(path, "cannot be written", "make room, or give a place that can be written to"):
        if _is_special(path):
            # A rename would put a regular file in the place of the device.
            with path.open("wb") as stream:
                stream.write(data)
            return
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _is_special(path: Path) -> bool:
    """Whether a path leads to something that is neither a file nor a folder: a pipe, a device."""
    try:
        # Asked of the system, not of the resolved name: what /dev/stdout leads to may have none.
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows cannot open folders and needs no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class RunFolder:
    """The files of one run.

    A seed of None means the first seed, whose files lie at the top; every further seed has the
    same trees under `seeds/<seed>/`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def run_json(self) -> Path:
        """What was asked, of what, with what."""
        return self.path / "run.json"

    @property
    def scores_json(self) -> Path:
        """The scores tree."""
        return self.path / "scores.json"

    def prediction(self, task: str, language: str, suffix: str, *, further_seed: int | None = None) -> Path:
        """Return the place of the official predictions of a task in a language."""
        return (
            self._seed(further_seed) / "predictions" / _part("task", task) / _leaf("test", language, suffix)
        )

    def extra(
        self, task: str, what: str, language: str, suffix: str, *, further_seed: int | None = None
    ) -> Path:
        """Return the place of an output that the official layout has no place for."""
        leaf = _leaf(_part("output", what), language, suffix)
        return self._seed(further_seed) / "extra" / _part("task", task) / leaf

    def examples(self, task: str, language: str) -> Path:
        """Return the place of gold and statistics of a task in a language, all seeds together."""
        return self.path / "examples" / _part("task", task) / f"{_part('language', language)}.parquet"

    def report(self, suffix: str) -> Path:
        """Return the place of the report in a format: `md`, `html`, `tex` or `csv`."""
        return self.path / f"report.{_part('suffix', suffix)}"

    def training(self, key: str) -> Path:
        """Return the folder of one training run."""
        return self.path / "training" / _part("training key", key)

    def _seed(self, seed: int | None) -> Path:
        return self.path if seed is None else self.path / "seeds" / str(seed)

    def is_run_folder(self) -> bool:
        """Whether a run was begun here.

        Raises:
            ResultError: the folder cannot be looked into.
        """
        with refusing(self.path, "cannot be read", _OTHER_OUT):
            return self.run_json.is_file()

    def owns(self, path: Path) -> bool:
        """Whether a path is the place of something that a run writes, there or not."""
        place, root = path.resolve(), self.path.resolve()
        if not place.is_relative_to(root):
            return False
        name = (*place.relative_to(root).parts, "")[0]
        return name in {*_TREES, self.run_json.name, self.scores_json.name, LOCK} or name.startswith(
            "report."
        )

    def prepare(self) -> None:
        """Make the folder ready to be written to.

        Raises:
            ResultError: if the path is a file, a folder that holds something else than a run, or
                one that cannot be made or read.
        """
        with refusing(self.path, "cannot be used as a run folder", _OTHER_OUT):
            if self.path.exists() and not self.path.is_dir():
                raise ResultError(
                    f"{self.path} is a file; --out takes a folder, new, empty or of an earlier run"
                )
            if self.path.is_dir() and not self.is_run_folder():
                self._refuse_foreign()
            self.path.mkdir(parents=True, exist_ok=True)

    def _refuse_foreign(self) -> None:
        names = sorted(p.name for p in self.path.iterdir() if not _is_ours(p.name))
        if not names:
            return
        shown = ", ".join(names[:3]) + (", .." if len(names) > 3 else "")
        way_out = (
            "restore its run.json, or choose another --out"
            if _TREES & set(names)
            else "--out takes a new or an empty folder, or one of an earlier run"
        )
        raise ResultError(f"{self.path} is not a run folder (no run.json) and holds {shown}; {way_out}")

    def clear(self) -> None:
        """Remove what a run wrote, and nothing else; the folder must be held by `locked`.

        Raises:
            ResultError: something cannot be removed; a new run must not be mixed with the old.
        """
        with refusing(self.path, "cannot be cleared", _OTHER_OUT):
            for name in sorted(_TREES):
                tree = self.path / name
                if tree.is_symlink():
                    tree.unlink()
                elif tree.is_dir():
                    shutil.rmtree(tree)
            # run.json goes last: without it the folder would not be known as ours after a kill.
            for file in [*self.path.glob("report.*"), self.scores_json, self.run_json]:
                file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process, after clearing what a killed run left half-written.

        Raises:
            ResultError: at once, if another process holds it or the folder cannot be used.
        """
        from filelock import FileLock, Timeout

        self.prepare()
        lock = FileLock(self.path / LOCK, timeout=0)
        with refusing(self.path, "cannot be locked", _OTHER_OUT):
            try:
                lock.acquire()
            except Timeout:
                raise ResultError(
                    f"another xharness process is working in {self.path}; "
                    "wait for it to end, or choose another --out"
                ) from None
        try:
            with refusing(self.path, "cannot be used as a run folder", _OTHER_OUT):
                self._clear_temporaries()
            yield
        finally:
            lock.release()

    def _clear_temporaries(self) -> None:
        for left in sorted(self.path.rglob(f"{_TEMPORARY}*")):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


@contextmanager
def held_beside(out: Path, *, waits: bool = False) -> Iterator[None]:
    """Hold the place of a folder that is yet to appear, by a hidden lock file beside it.

    `waits`: until another process that holds it lets go.

    Raises:
        ResultError: at once, if another process holds it or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    with refusing(out, "cannot be locked", _OTHER_OUT):
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out.with_name(f".{out.name}.lock"), timeout=-1 if waits else 0)
        try:
            lock.acquire()
        except Timeout:
            raise ResultError(
                f"another xharness process is working on {out}; wait for it to end, or choose another --out"
            ) from None
    try:
        yield
    finally:
        lock.release()


def _leaf(stem: str, language: str, suffix: str) -> str:
    return f"{stem}-{_part('language', language)}.{_part('suffix', suffix)}"


def _is_ours(name: str) -> bool:
    """Whether a name is what a run leaves before its run.json is there."""
    return name == LOCK or name.startswith(_TEMPORARY)
