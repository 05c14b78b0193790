"""Lines of files too large to be held as text: read once, line by line, hashed on the way."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from harness.data.text import parse_object
from harness.errors import DataError
from harness.records import SourceFile

_BOM = "\ufeff"
_BUFFER = 1 << 20
_ARCHIVES = (".tar", ".tar.gz", ".tgz")


class LineStream:
    """The lines of a UTF-8 file, or of one file in a tar archive, for a single pass.

    `member` is the last part of the name of a file in an archive; other files take none. `source`
    (the SHA-256 is that of the file on disk, the archive's where it is one) and `repairs` are known
    when the last line has been read.
    """

    def __init__(self, path: Path, *, root: Path, member: str = "") -> None:
        self._path = path
        self._root = root
        self._member = member
        self._digest = hashlib.sha256()
        self._complete = False
        self._had_bom = False
        self._file = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        self.name = f"{self._file}/{member}" if member else self._file

    @property
    def source(self) -> SourceFile:
        """The file that was read."""
        assert self._complete, "BUG: the hash is asked for before the last line was read"
        return SourceFile(self._file, self._digest.hexdigest())

    @property
    def repairs(self) -> dict[str, int]:
        """The repairs of the file as a whole, by name."""
        return {"bom": 1} if self._had_bom else {}

    def json_lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (`file:line`, object) for each line; blank lines are passed over.

        Raises:
            DataError: as `lines`, or a line is not a JSON object.
        """
        for number, line in self.lines():
            where = f"{self.name}:{number}"
            yield where, parse_object(line, where)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (line, counted from 1; its text) for each line that is not blank.

        Raises:
            DataError: the file cannot be opened, is empty or damaged, lacks the member, or a line is
                not UTF-8.
        """
        try:
            with self._path.open("rb") as raw:
                hashed = io.BufferedReader(_Hashed(raw, self._digest), _BUFFER)
                with self._opened(hashed) as lines:
                    yield from self._decoded(lines)
                while hashed.read(_BUFFER):
                    pass
        except (EOFError, zlib.error, tarfile.TarError) as error:
            raise DataError(
                f"{self._file}: the archive is damaged or cut off ({error}); get it again"
            ) from None
        except OSError as error:
            raise DataError(
                f"{self._file}: cannot be read under {self._root}: {error.strerror or error}"
            ) from None
        self._complete = True

    @contextmanager
    def _opened(self, hashed: IO[bytes]) -> Iterator[Iterable[bytes]]:
        if not self._path.name.endswith(_ARCHIVES):
            if self._member:
                raise DataError(
                    f"{self._file}: the reader option 'member' names a file in an archive "
                    f"({', '.join(_ARCHIVES)}), and this is none"
                )
            yield hashed
            return
        # As a stream: nothing is unpacked to disk, and the file is read from front to back.
        with tarfile.open(fileobj=hashed, mode="r|*") as archive:
            seen = []
            for entry in archive:
                if entry.isfile() and PurePosixPath(entry.name).name == self._member:
                    content = archive.extractfile(entry)
                    assert content is not None, "BUG: a plain file of an archive has no content"
                    yield content
                    return
                seen.append(entry.name)
            raise DataError(
                f"{self._file}: the archive holds no {self._member!r} (reader option 'member'); "
                f"it holds {', '.join(seen[:20]) or 'nothing'}"
            )

    def _decoded(self, lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
        empty = True
        for number, data in enumerate(lines, 1):
            try:
                line = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{self.name}:{number}: byte {error.start} (0x{data[error.start]:02x}) is not valid "
                    "UTF-8; get the original file again"
                ) from None
            if number == 1 and line.startswith(_BOM):
                self._had_bom, line = True, line.removeprefix(_BOM)
            if line.strip():
                empty = False
                yield number, line
        if empty:
            raise DataError(f"{self.name}: the file is empty; get it again")


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, raw: io.BufferedReader, digest: Any) -> None:
        self._raw = raw
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer)
        self._digest.update(memoryview(buffer)[:count])
        return count
