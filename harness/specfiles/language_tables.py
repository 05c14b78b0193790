"""All languages there are: the reviewed table, and the tables of `tasks/languages`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from harness.errors import SpecError, raise_all
from harness.languages import LANGUAGES, LanguageInfo
from harness.specfiles.catalog import list_language_tables, load_language_tables
from harness.specfiles.yaml_loader import shown

_Stamp = tuple[Path, int, int]  # a file, its size, its time of change


def known_languages() -> Mapping[str, LanguageInfo]:
    """Return the languages of the reviewed table and of every file of `tasks/languages`, by code.

    Files are found as tasks are, so that `XHARNESS_PATH` may bring others; they add languages and change
    none.

    Raises:
        SpecError: a file is wrong, or has a language that the table or another file has.
    """
    files = list_language_tables().values()
    return _merged(tuple((p, p.stat().st_size, p.stat().st_mtime_ns) for p in files))


# Distances are asked for language by language. Size and time of change are part of the key, so that a
# file that was changed is read again.
@lru_cache(maxsize=8)
def _merged(stamps: tuple[_Stamp, ...]) -> Mapping[str, LanguageInfo]:
    found = dict(LANGUAGES)
    origin = dict.fromkeys(LANGUAGES, "the built-in table")
    problems = []
    for loaded in load_language_tables([str(path) for path, _, _ in stamps]):
        for code, info in loaded.spec.infos().items():
            if code in found:
                problems.append(
                    f"{shown(loaded.path)}: rows: language {code!r} is in {origin[code]} already; "
                    "take another code"
                )
            found[code], origin[code] = info, shown(loaded.path)
    raise_all(SpecError, problems)
    return MappingProxyType(found)
