"""The layout of a submission: which prediction files a folder holds, and which of them belong to a suite.

Source: google-research/xtreme@838c13b, evaluate.py (`evaluate`, `get_suffix`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import RequestError, ResultError, did_you_mean
from harness.kinds.table import kind_named
from harness.results.formats import Format, format_named
from harness.scoring import PREDICTION
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec


@dataclass(slots=True)
class Survey:
    """What was found in a folder of predictions, before any file is read.

    `files` are those to be scored, by task and language; `problems` must be mended, `remarks` only said.
    """

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def find_folder(option: str, given: str) -> Path:
    """Return a folder that the user named.

    Raises:
        RequestError: there is none; `option` is the flag that named it.
    """
    try:
        path = Path(given).expanduser()
    except RuntimeError as error:
        raise RequestError(f"{option} {given}: {error}") from None
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "there is no such folder"
        raise RequestError(f"{option} {given}: {what}")
    return path


def survey_predictions(
    root: Path,
    suite: SuiteSpec,
    tasks: Mapping[str, TaskSpec],
    expected: Mapping[str, Sequence[str]],
    known: Container[str],
) -> Survey:
    """Sort everything in a folder of predictions into what is scored, what is wrong, and what is passed over.

    `tasks` are the suite's with a specification, `expected` their languages in it, `known` the names of all
    tasks there are. What could be a slip of the pen (`test-xx.tsv`, a folder of predictions for an unknown
    task) is a problem; what belongs to another suite, and files of other names, are left out with a
    remark; hidden files without.
    """
    survey = Survey()
    for entry in _entries(root, survey):
        name = entry.name
        if name in tasks:
            if entry.is_dir():
                survey.files[name] = _survey_task(entry, tasks[name], expected[name], survey)
            else:
                survey.problems.append(
                    f"{entry}: is a file; a folder with the predictions of {name!r} is due"
                )
        elif name in suite.tasks:
            survey.problems.append(
                f"{entry}: task {name!r} of suite {suite.name!r} has no specification in this version, so it "
                "cannot be scored"
            )
        elif name in known or not _looks_like_task(entry):
            survey.remarks.append(f"{entry}: is not of suite {suite.name!r} and was left out")
        else:
            survey.problems.append(
                f"{entry}: suite {suite.name!r} has no task {name!r}{did_you_mean(name, suite.tasks)}; "
                f"it has {', '.join(suite.tasks)}"
            )
    return survey


def _survey_task(folder: Path, task: TaskSpec, expected: Sequence[str], survey: Survey) -> dict[str, Path]:
    """Return the prediction files of one task by language; the rest goes into problems and remarks."""
    suffix = format_of(task).suffix
    names = {f"test-{code}.{suffix}": code for code in task.languages}
    found: dict[str, Path] = {}
    for entry in _entries(folder, survey):
        code = names.get(entry.name)
        if code in expected:
            found[str(code)] = entry
        elif code is not None:
            survey.remarks.append(f"{entry}: the suite does not test {code!r} in {task.name!r}; left out")
        elif entry.name.startswith("test-"):
            allowed = [f"test-{known}.{suffix}" for known in expected]
            survey.problems.append(
                f"{entry}: is no prediction file of {task.name!r}{did_you_mean(entry.name, allowed)}; "
                f"due are test-<language>.{suffix} for {', '.join(expected)}"
            )
        else:
            survey.remarks.append(f"{entry}: is no prediction file and was left out")
    return found


def _entries(folder: Path, survey: Survey) -> list[Path]:
    """Return what a folder holds, hidden files excepted, sorted by name."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        survey.problems.append(f"{folder}: cannot be read ({error.strerror})")
        return []


def _looks_like_task(entry: Path) -> bool:
    try:
        return entry.is_dir() and any(inner.name.startswith("test-") for inner in entry.iterdir())
    except OSError:
        return True


def check_place(path: Path, root: Path) -> None:
    """Refuse what is no plain file inside its folder: links that lead out of it, pipes, folders.

    Raises:
        ResultError: it is none.
    """
    try:
        place = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "a link leads in a circle"
        raise ResultError(f"{path}: cannot be read ({reason})") from None
    if not place.is_relative_to(root.resolve()):
        raise ResultError(f"{path}: leads out of {root}; put the file itself there")
    if not place.is_file():
        raise ResultError(f"{path}: is no file")


def format_of(task: TaskSpec) -> Format:
    """Return the format of a task's official predictions."""
    return format_named(kind_named(task.kind).formats[PREDICTION])
