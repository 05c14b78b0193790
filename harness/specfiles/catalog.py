"""Specs by name or path: the user's folders first, then the built-in ones; never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from harness.errors import SpecError, did_you_mean, raise_all
from harness.paths import search_path
from harness.specfiles.validation import validate
from harness.specfiles.yaml_loader import read_yaml, shown
from harness.specs.adapter import AdapterSpec
from harness.specs.intermediate import IntermediateSpec
from harness.specs.language_table import LanguageTable
from harness.specs.mixture import MixtureFile
from harness.specs.study import StudySpec
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec

S = TypeVar("S", bound=BaseModel)
Named = TypeVar("Named", TaskSpec, IntermediateSpec, SuiteSpec, StudySpec, AdapterSpec, LanguageTable)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A spec with the file it came from and the SHA-256 of that file's bytes."""

    spec: S
    path: Path
    sha256: str


def list_tasks() -> dict[str, Path]:
    """Return the file of every target task by name, sorted by name.

    Raises:
        SpecError: two files have one name.
    """
    return _index("tasks", "targets")


def list_intermediates() -> dict[str, Path]:
    """Return the file of every intermediate task by name, sorted by name; raises as `list_tasks` does."""
    return _index("tasks", "intermediate")


def list_studies() -> dict[str, Path]:
    """Return the file of every study by name, sorted by name; raises as `list_tasks` does."""
    return _index("tasks", "studies")


def list_suites() -> dict[str, Path]:
    """Return the file of every suite by name, sorted by name; raises as `list_tasks` does."""
    return _index("tasks", "suites")


def list_language_tables() -> dict[str, Path]:
    """Return the file of every table of languages by name, sorted by name; raises as `list_tasks` does."""
    return _index("tasks", "languages")


def list_adapters() -> dict[str, Path]:
    """Return the file of every adapter by name, sorted by name; raises as `list_tasks` does."""
    return _index("adapters", "")


def load_task(name_or_path: str) -> Loaded[TaskSpec]:
    """Load a target task by name, or by the path of a YAML file.

    Raises:
        SpecError: no such task, or every problem of its file.
    """
    return load_tasks([name_or_path])[0]


def load_tasks(names_or_paths: Sequence[str]) -> tuple[Loaded[TaskSpec], ...]:
    """Load several target tasks; the problems of all their files are reported together."""
    return _load_all(TaskSpec, "task", list_tasks, names_or_paths)


def load_intermediates(names_or_paths: Sequence[str]) -> tuple[Loaded[IntermediateSpec], ...]:
    """Load several intermediate tasks; the problems of all their files are reported together."""
    return _load_all(IntermediateSpec, "intermediate task", list_intermediates, names_or_paths)


def load_language_tables(names_or_paths: Sequence[str]) -> tuple[Loaded[LanguageTable], ...]:
    """Load several tables of languages; the problems of all their files are reported together."""
    return _load_all(LanguageTable, "table of languages", list_language_tables, names_or_paths)


def load_study(name_or_path: str) -> Loaded[StudySpec]:
    """Load a study by name, or by the path of a YAML file; raises as `load_task` does."""
    return _load_all(StudySpec, "study", list_studies, [name_or_path])[0]


def load_mixture(path: str) -> Loaded[MixtureFile]:
    """Load the YAML file of an intermediate phase, by its path.

    Raises:
        SpecError: every problem of the file.
    """
    document, problems = read_yaml(Path(path))
    if document is not None:
        spec, wrong = validate(MixtureFile, document)
        problems = [*problems, *wrong]
    raise_all(SpecError, problems)
    assert document is not None and spec is not None, "BUG: a file without problems has no content"
    return Loaded(spec, Path(path).resolve(), document.sha256)


def load_suite(name_or_path: str) -> Loaded[SuiteSpec]:
    """Load a suite by name, or by the path of a YAML file; raises as `load_task` does."""
    return load_suites([name_or_path])[0]


def load_suites(names_or_paths: Sequence[str]) -> tuple[Loaded[SuiteSpec], ...]:
    """Load several suites; the problems of all their files are reported together."""
    return _load_all(SuiteSpec, "suite", list_suites, names_or_paths)


def load_adapter(name_or_path: str) -> Loaded[AdapterSpec]:
    """Load an adapter by name, or by the path of a YAML file; raises as `load_task` does."""
    return _load_all(AdapterSpec, "adapter", list_adapters, [name_or_path])[0]


def load_adapters() -> tuple[Loaded[AdapterSpec], ...]:
    """Load every adapter, sorted by name; the problems of all files are reported together."""
    return _load_all(AdapterSpec, "adapter", list_adapters, list(list_adapters()))


def load_any_tasks(
    names_or_paths: Sequence[str],
) -> tuple[Loaded[TaskSpec] | Loaded[IntermediateSpec], ...]:
    """Load target and intermediate tasks, each by its name or the path of a YAML file.

    Raises:
        SpecError: a file holds something else, a name is that of both kinds, or as `load_task`.
    """
    targets, intermediates = list_tasks(), list_intermediates()
    both = {**targets, **intermediates}
    found: list[Loaded[TaskSpec] | Loaded[IntermediateSpec]] = []
    problems = []
    for name in names_or_paths:
        try:
            found.append(_any_task(name, targets, intermediates, both))
        except SpecError as error:
            problems.append(str(error))
    raise_all(SpecError, problems)
    return tuple(found)


def _any_task(
    name: str, targets: dict[str, Path], intermediates: dict[str, Path], both: dict[str, Path]
) -> Loaded[TaskSpec] | Loaded[IntermediateSpec]:
    if _is_path(name):
        loaded = load_file(Path(name))
        if isinstance(loaded.spec, TaskSpec | IntermediateSpec):
            return loaded
        raise SpecError(f"{shown(loaded.path)}: holds no task")
    if name in targets and name in intermediates:
        raise SpecError(
            f"{name!r} is a target ({shown(targets[name])}) and an intermediate task "
            f"({shown(intermediates[name])}); give the path of one of them"
        )
    if name in intermediates:
        return load_intermediates([name])[0]
    return _load_all(TaskSpec, "task", lambda: both, [name])[0]


@dataclass(frozen=True, slots=True)
class Everything:
    """All specifications there are, each sort sorted by name."""

    tasks: tuple[Loaded[TaskSpec], ...]
    suites: tuple[Loaded[SuiteSpec], ...]
    adapters: tuple[Loaded[AdapterSpec], ...]
    intermediates: tuple[Loaded[IntermediateSpec], ...]
    studies: tuple[Loaded[StudySpec], ...]
    language_tables: tuple[Loaded[LanguageTable], ...]


def load_everything() -> Everything:
    """Load all specifications; the problems of all files are reported together."""
    problems: list[str] = []
    everything = Everything(
        _collect(TaskSpec, "task", list_tasks, list_tasks(), problems),
        _collect(SuiteSpec, "suite", list_suites, list_suites(), problems),
        _collect(AdapterSpec, "adapter", list_adapters, list_adapters(), problems),
        _collect(IntermediateSpec, "intermediate task", list_intermediates, list_intermediates(), problems),
        _collect(StudySpec, "study", list_studies, list_studies(), problems),
        _collect(LanguageTable, "table of languages", list_language_tables, list_language_tables(), problems),
    )
    raise_all(SpecError, problems)
    return everything


def load_file(
    path: Path,
) -> (
    Loaded[TaskSpec]
    | Loaded[IntermediateSpec]
    | Loaded[SuiteSpec]
    | Loaded[StudySpec]
    | Loaded[AdapterSpec]
    | Loaded[LanguageTable]
):
    """Load a file of whatever it holds.

    A study has `systems`, a suite lists `tasks`, an adapter has `match` or `embedding`, an intermediate
    task `train` or `joins`, a table of languages `rows`; all else is a target task.

    Raises:
        SpecError: every problem of the file.
    """
    document, problems = read_yaml(path)
    raise_all(SpecError, problems)
    assert document is not None, "BUG: read_yaml returned neither a document nor a problem"
    keys, absolute = document.root.key_lines, str(path.resolve())
    if "systems" in keys:
        return load_study(absolute)
    if "tasks" in keys:
        return load_suite(absolute)
    if "match" in keys or "embedding" in keys:
        return load_adapter(absolute)
    if "rows" in keys:
        return load_language_tables([absolute])[0]
    if "train" in keys or "joins" in keys:
        return load_intermediates([absolute])[0]
    return load_task(absolute)


def _index(kind: str, folder: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    problems = []
    roots = dict.fromkeys((root / folder).resolve() for root in search_path(kind))
    for root in roots:
        for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
            if path.stem in found:
                problems.append(
                    f"{path.stem!r} is in two files, {shown(found[path.stem])} and {shown(path)}; rename one"
                )
            found.setdefault(path.stem, path)
    raise_all(SpecError, problems)
    return dict(sorted(found.items()))


def _load_all(
    model: type[Named], what: str, index: Callable[[], dict[str, Path]], names_or_paths: Iterable[str]
) -> tuple[Loaded[Named], ...]:
    problems: list[str] = []
    loaded = _collect(model, what, index, names_or_paths, problems)
    raise_all(SpecError, problems)
    return loaded


def _collect(
    model: type[Named],
    what: str,
    index: Callable[[], dict[str, Path]],
    names_or_paths: Iterable[str],
    problems: list[str],
) -> tuple[Loaded[Named], ...]:
    loaded: list[Loaded[Named]] = []
    files: dict[str, Path] | None = None
    for name in names_or_paths:
        is_path = _is_path(name)
        if is_path:
            path = Path(name)
        else:
            files = index() if files is None else files
            if name not in files:
                there_are = ", ".join(files) or "none"
                problems.append(
                    f"no {what} {name!r}{did_you_mean(name, files)}; there are: {there_are}; "
                    "XHARNESS_PATH names folders of your own"
                )
                continue
            path = files[name]
        document, wrong = read_yaml(path)
        if document is None:
            problems += wrong
            continue
        spec, wrong = validate(model, document)
        problems += wrong
        if spec is None:
            continue
        if not is_path and spec.name != name:
            # A file is found by its file name and recorded by its `name`: two names would be two tasks.
            problems.append(
                f"{shown(path)}:{document.line_of(('name',))}: name: is {spec.name!r}, "
                f"but the file is called {path.name}; make them agree"
            )
        loaded.append(Loaded(spec, path.resolve(), document.sha256))
    return tuple(loaded)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))
