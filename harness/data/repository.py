"""Which files of a dataset repository belong to a configuration and split: its card, else usual layouts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from harness.data.reading import fill
from harness.data.rows import JSON, PARQUET
from harness.errors import DataError, did_you_mean
from harness.specs.task import HubPart

CARD = "README.md"
# The configuration that a repository without configurations has.
DEFAULT = "default"
# Split -> patterns, by configuration.
Card = Mapping[str, Mapping[str, tuple[str, ...]]]

_NAMED = ("{c}/{s}-*", "{c}/{s}/*", "{c}/{s}", "{s}/{c}", "data/{c}/{s}-*", "data/{c}/{s}")
_UNNAMED = ("{s}-*", "data/{s}-*", "{s}/*", "data/{s}/*", "{s}", "data/{s}")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|.", re.DOTALL)


def part_files(
    part: HubPart, values: Mapping[str, str], *, files: Collection[str], card: Card, where: str
) -> tuple[str, ...]:
    """Return the files of one role, in code-point order of their paths; `files` are all of the commit.

    The part's own patterns count before the card, and the card before the usual layouts; what they match may
    be of any format, for readers of their own. A layout
    without the configuration's name is tried only where none is asked for, so that no language is
    read for another.

    Raises:
        DataError: there are none, or the card names files that are no tables; `where` begins the message.
        SpecError: a pattern asks for a value that the language lacks.
    """
    if part.files:
        patterns = [fill(pattern, values) for pattern in part.files]
        return _matching(patterns, files, f"{where}: the files {' or '.join(patterns)}")
    config = DEFAULT if part.config is None else fill(part.config, values)
    split, what = fill(part.split, values), f"{where}: configuration {config!r}"
    if config in card:
        splits = card[config]
        if split not in splits:
            raise DataError(
                f"{what} has no split {split!r}{did_you_mean(split, splits)}; it has {', '.join(splits)}"
            )
        found = _matching(splits[split], files, f"{what}, split {split!r}")
        unreadable = [name for name in found if not name.endswith((*PARQUET, *JSON))]
        if unreadable:
            raise DataError(
                f"{what}, split {split!r}: {unreadable[0]} is neither Parquet nor JSON; only these are read "
                "as tables. Name `files` in the specification for a reader of its own"
            )
        return found
    layouts = _UNNAMED if config == DEFAULT else _NAMED
    names = {"c": _escape(config), "s": _escape(split)}
    for suffix in (*PARQUET, *JSON):
        for layout in layouts:
            pattern = re.compile(_expression(fill(layout, names) + suffix))
            there = tuple(sorted(name for name in files if pattern.fullmatch(name)))
            if there:
                return there
    known = f"; its card has {', '.join(card)}" if card else "; its card names no configurations"
    raise DataError(
        f"{what}, split {split!r}: the repository has no files for it{did_you_mean(config, card)}{known}"
    )


def _matching(patterns: Iterable[str], files: Collection[str], what: str) -> tuple[str, ...]:
    expressions = [re.compile(_expression(pattern)) for pattern in patterns]
    found = sorted(name for name in files if any(e.fullmatch(name) for e in expressions))
    if not found:
        raise DataError(f"{what}: no file of the repository matches; it was made for another revision")
    return tuple(found)


def _expression(pattern: str) -> str:
    """Return the regular expression of a glob pattern: `*` stays within a folder, `**` does not."""
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(_part(token, special) for token in _TOKEN.findall(pattern.removeprefix("./")))


def _part(token: str, special: Mapping[str, str]) -> str:
    if token in special:
        return special[token]
    if len(token) > 1:
        inside = token[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(token)


def _escape(name: str) -> str:
    return re.sub(r"[*?\[]", lambda match: f"[{match[0]}]", name)


@lru_cache(maxsize=32)
def parse_card(text: str, where: str) -> Card:
    """Return the configurations of a card's YAML header; empty where it names none.

    Raises:
        DataError: the header is no YAML, or its configurations are of an unknown form.
    """
    import yaml

    front = _FRONT.match(text.removeprefix("\ufeff"))
    if front is None:
        return {}
    # Cards with hundreds of configurations take seconds without the library in C.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        header = yaml.load(front[1], Loader=loader)
    except yaml.YAMLError as error:
        line = str(error).splitlines()[0]
        raise DataError(
            f"{where}: its header is no YAML: {line}; name `files` in the specification"
        ) from None
    configs = header.get("configs") if isinstance(header, dict) else None
    if configs is None:
        return {}
    if not isinstance(configs, list) or not all(isinstance(c, dict) for c in configs):
        raise DataError(f"{where}: 'configs' is no list of configurations; name `files` in the specification")
    card = {}
    for config in configs:
        name = str(config.get("config_name", DEFAULT))
        splits = dict(_splits(config.get("data_files"), where, name))
        folder = str(config.get("data_dir") or "").strip("/")
        if splits:
            card[name] = {
                split: tuple(f"{folder}/{path}" if folder else path for path in paths)
                for split, paths in splits.items()
            }
    return card


def _splits(entry: Any, where: str, config: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (split, patterns) of the forms that a card may write them in."""
    if entry is None:
        return
    if isinstance(entry, dict):
        entry = [{"split": split, "path": path} for split, path in entry.items()]
    if isinstance(entry, str) or (isinstance(entry, list) and all(isinstance(e, str) for e in entry)):
        entry = [{"split": "train", "path": entry}]
    for item in entry if isinstance(entry, list) else [entry]:
        paths = item.get("path") if isinstance(item, dict) else None
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise DataError(
                f"{where}: configuration {config!r} has data files of an unknown form ({item!r:.60}); "
                "name `files` in the specification"
            )
        yield str(item.get("split", "train")), paths
