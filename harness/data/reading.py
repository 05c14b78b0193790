"""What a reader is given: a source, a language, a folder; and how file patterns become paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath

from harness.data.rows import Rows, read_rows
from harness.data.text import TextFile, read_text
from harness.errors import DataError, SpecError, did_you_mean
from harness.records import DataSet
from harness.specs.task import LocalSource

Option = str | int | float | bool
_FIELD = re.compile(r"\{(\w+)\}")


def locate(source: LocalSource, role: str, *, root: Path, values: Mapping[str, str]) -> list[Path]:
    """Return the files of a role: those of the first pattern that matches any, sorted by file name.

    Sorting is by name and not by folder, as the official preprocessing gathers all treebanks of a
    language in one folder. Nothing found: an empty list.

    Raises:
        SpecError: a pattern leaves the data folder or needs a value that the language lacks.
        DataError: two files of one name match, so that examples could not be told apart; or the
            folder cannot be searched.
    """
    for pattern in expand(source, role, values):
        try:
            matching = [p for p in root.glob(pattern) if p.is_file()]
        except OSError as error:
            raise DataError(
                f"{pattern!r:.80} cannot be looked for under {root}: {error.strerror or error}"
            ) from None
        found = sorted(matching, key=lambda p: (p.name, p.as_posix()))
        for one, other in pairwise(found):
            if one.name == other.name:
                raise DataError(
                    f"{one.relative_to(root)} and {other.relative_to(root)} both match {pattern!r}; "
                    "keep one of them"
                )
        if found:
            return found
    return []


def expand(source: LocalSource, role: str, values: Mapping[str, str]) -> list[str]:
    """Return the patterns of a role with the language's values filled in.

    Raises:
        SpecError: as `locate`.
    """
    if role not in source.files:
        raise SpecError(
            f"reader {source.reader!r} needs files for the role {role!r}{did_you_mean(role, source.files)}; "
            f"the source has {', '.join(source.files) or 'none'}"
        )
    patterns = []
    for template in source.files[role]:
        pattern = fill(template, values)
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts:
            raise SpecError(f"file pattern {template!r} must stay under the data folder")
        if not path.parts or "\0" in pattern:
            raise SpecError(f"file pattern {template!r} must name a file, as in 'folder/{{code}}.txt'")
        if any("**" in part and part != "**" for part in path.parts):
            raise SpecError(
                f"file pattern {template!r}: '**' must be a whole part of the path, as in 'folder/**/x.txt'; "
                "within a name use '*'"
            )
        patterns.append(pattern)
    return patterns


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template with the language's values in the place of `{name}`.

    Raises:
        SpecError: it asks for a value that the language lacks, or holds a brace of another kind.
    """
    # Not `str.format`, whose fields reach into attributes and make texts of any width.
    unknown = [name for name in _FIELD.findall(template) if name not in values]
    if unknown or re.search(r"[{}]", _FIELD.sub("", template)):
        wrong = f"no value {unknown[0]!r}" if unknown else "a brace that holds no plain name"
        raise SpecError(
            f"{template!r} cannot be filled in ({wrong}); "
            f"allowed are {', '.join('{' + name + '}' for name in values)}"
        )
    return _FIELD.sub(lambda match: values[match[1]], template)


@dataclass(frozen=True, slots=True)
class Reading:
    """One call of a reader.

    `languages` maps every code that is read together with this one (all of the task's, or of the
    training set's) to the values its file patterns may use, `code` included. Readers whose gold
    spans languages look at the others through it. `origin` says where a snapshot of the hub is from;
    there `files` names the files of each role in this language, and no pattern is looked up.
    """

    task: str
    language: str
    source: LocalSource
    root: Path
    languages: Mapping[str, Mapping[str, str]]
    labels: tuple[str, ...] = ()
    origin: str = ""
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def paths(self, role: str, *, language: str | None = None) -> list[Path]:
        """Return the files of a role, at least one.

        Raises:
            DataError: nothing matches; the message lists what was looked for.
        """
        code = language or self.language
        if code == self.language and role in self.files:
            return [self.root / name for name in self.files[role]]
        found = locate(self.source, role, root=self.root, values=self.languages[code])
        if not found:
            tried = " or ".join(expand(self.source, role, self.languages[code]))
            raise DataError(f"task {self.task!r}, language {code!r}: no {tried} under {self.root}")
        return found

    def path(self, role: str, *, language: str | None = None) -> Path:
        """Return the one file of a role.

        Raises:
            DataError: none or several match.
        """
        found = self.paths(role, language=language)
        if len(found) > 1:
            names = ", ".join(p.name for p in found)
            raise DataError(
                f"task {self.task!r}: reader {self.source.reader!r} takes one file as {role!r}, found {names}"
            )
        return found[0]

    def text(self, role: str, *, language: str | None = None) -> TextFile:
        """Read the one file of a role.

        Raises:
            DataError: none or several match, or the file is unreadable.
        """
        return read_text(self.path(role, language=language), root=self.root)

    def rows(self, role: str) -> Rows:
        """Read the Parquet or JSON files of a role as one table, in the order of their names.

        Raises:
            DataError: nothing matches, or a file is unreadable or of another format.
        """
        return read_rows(self.paths(role), root=self.root)

    def options(self, **defaults: Option) -> dict[str, Option]:
        """Return the reader's options: the defaults, overridden by what the source says.

        Texts may hold `{code}` and the language's values, as file patterns do.

        Raises:
            SpecError: an option that the reader does not have, or of another type.
        """
        for name, value in self.source.options.items():
            if name not in defaults:
                raise SpecError(
                    f"reader {self.source.reader!r} has no option {name!r}{did_you_mean(name, defaults)}; "
                    f"it has {', '.join(defaults) or 'none'}"
                )
            if type(value) is not type(defaults[name]):
                raise SpecError(
                    f"reader {self.source.reader!r}: option {name!r} must be of the kind of "
                    f"{defaults[name]!r}, found {value!r}"
                )
        values = self.languages[self.language]
        given = {
            name: fill(value, values) if isinstance(value, str) else value
            for name, value in self.source.options.items()
        }
        return {**defaults, **given}


Reader = Callable[[Reading], DataSet]
