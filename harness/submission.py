"""A folder of predictions that another program made, and the label files that it is scored against.

The layout is XTREME's: `<task>/test-<lang>.tsv|json|jsonl` in both folders. Everything is read and
checked before anything is written.

Source: google-research/xtreme@838c13b, evaluate.py (`evaluate`, `evaluate_one_task`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.data.labels import read_labels
from harness.errors import DataError, HarnessError, RequestError, ResultError, did_you_mean, raise_all
from harness.kinds.table import kind_named
from harness.layout import check_place, find_folder, format_of, survey_predictions
from harness.progress import Progress
from harness.records import Cell, Outputs, SourceFile, canonical_json
from harness.results.examples import write_examples
from harness.results.folder import RunFolder, write_bytes
from harness.scoring import PREDICTION
from harness.specfiles.catalog import Loaded, list_tasks, load_suite, load_tasks
from harness.specs.run import ScoreSpec
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec

# The tag outside of everything. The official tagging head has it even where no gold label is (UDPOS), so
# an official submission may hold it.
OUTSIDE = "O"


@dataclass(frozen=True, slots=True)
class Part:
    """One language of one task: its gold, where that was read, and the prediction file as it is."""

    gold: Cell
    labels: SourceFile
    data: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission that can be scored.

    `tasks` holds those of the suite of which there is at least one language, in the suite's order;
    `parts` what there is of them; `absent` the others, with their languages.
    """

    suite: Loaded[SuiteSpec]
    tasks: Mapping[str, Loaded[TaskSpec]]
    expected: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, Mapping[str, Part]]
    absent: Mapping[str, tuple[str, ...]]
    sha256: str

    @property
    def files(self) -> int:
        """The number of prediction files."""
        return sum(len(languages) for languages in self.parts.values())


def read_submission(request: ScoreSpec, progress: Progress) -> Submission:
    """Read and check every prediction file of the suite, with its label file.

    Files of other suites and other files (a README) are passed over with a warning, hidden ones without.

    Raises:
        RequestError: a folder is not there, or nothing in it belongs to the suite.
        ResultError: every file that is wrong, with line or id; every prediction without labels.
        SpecError: the suite or a task is specified wrongly.
    """
    suite = load_suite(request.suite)
    predictions, labels = (
        find_folder(option, path)
        for option, path in (("--predictions", request.predictions), ("--labels", request.labels))
    )
    if predictions.resolve() == labels.resolve():
        raise RequestError(
            f"--predictions and --labels are one folder, {predictions}, and whatever it holds would be all "
            "right; name the folder of the gold as --labels"
        )
    known = list_tasks()
    listed = load_tasks([name for name in suite.spec.tasks if name in known])
    loaded = {task.spec.name: _as_submitted(task) for task in listed}
    expected = {
        name: entry.languages or (tuple(loaded[name].spec.languages) if name in loaded else ())
        for name, entry in suite.spec.tasks.items()
    }
    tasks = {name: task.spec for name, task in loaded.items()}
    survey = survey_predictions(predictions, suite.spec, tasks, expected, known)
    parts: dict[str, dict[str, Part]] = {}
    problems = survey.problems
    total = sum(len(languages) for languages in survey.files.values())
    with progress.phase("reading predictions and labels", total, "files") as advance:
        for name, files in survey.files.items():
            for code, path in files.items():
                try:
                    part = _read_part(tasks[name], code, path, predictions=predictions, labels=labels)
                    parts.setdefault(name, {})[code] = part
                except HarnessError as error:
                    problems.append(str(error))
                advance(1)
    raise_all(ResultError, problems)
    for remark in survey.remarks:
        progress.warn(remark)
    if not parts:
        raise RequestError(
            f"--predictions {predictions}: holds nothing of suite {suite.spec.name!r}; due are "
            f"<task>/test-<language>.tsv, .json or .jsonl, with the tasks {', '.join(suite.spec.tasks)}"
        )
    there = [name for name in suite.spec.tasks if name in parts]
    return Submission(
        suite=suite,
        tasks={name: loaded[name] for name in there},
        expected=expected,
        parts={name: {c: parts[name][c] for c in expected[name] if c in parts[name]} for name in there},
        absent={name: expected[name] for name in suite.spec.tasks if name not in parts},
        sha256=_digest(parts),
    )


@contextmanager
def place_for(out: Path | str | None, request: ScoreSpec) -> Iterator[RunFolder]:
    """Yield the folder to score in: a new run folder, or without `out` one that is gone afterwards.

    Raises:
        RequestError: it lies inside what is scored.
        ResultError: it is a run folder already.
    """
    if out is None:
        with TemporaryDirectory(prefix="xharness-") as temporary:
            yield RunFolder(Path(temporary))
        return
    target = RunFolder(Path(out).expanduser())
    for given in (request.predictions, request.labels):
        if target.path.resolve().is_relative_to(Path(given).expanduser().resolve()):
            raise RequestError(f"--out {target.path} lies inside {given}; choose another place")
    if target.is_run_folder():
        raise ResultError(f"{target.path} is a run folder already; --out takes a new one")
    yield target


def write_submission(folder: RunFolder, submission: Submission) -> None:
    """Write predictions and gold into a run folder; the predictions with the bytes that were submitted."""
    for name, languages in submission.parts.items():
        suffix = format_of(submission.tasks[name].spec).suffix
        for code, part in languages.items():
            write_examples(folder.examples(name, code), part.gold, {})
            write_bytes(folder.prediction(name, code, suffix), part.data)


def _as_submitted(loaded: Loaded[TaskSpec]) -> Loaded[TaskSpec]:
    """Return a task as a submission can be scored in it: with the metrics of the official predictions.

    Raises:
        ResultError: the task's main metric, or its score in the benchmark, is of another output.
    """
    task = loaded.spec
    kept = tuple(metric for metric in task.metrics if metric.output == PREDICTION)
    names = {metric.name for metric in kept}
    if lacking := [name for name in (task.main_metric, *task.score_metrics) if name not in names]:
        raise ResultError(
            f"task {task.name!r}: {lacking[0]!r} is no metric of the predictions, so no submission can be "
            "scored in it"
        )
    return replace(loaded, spec=task.model_copy(update={"metrics": kept}))


def _digest(parts: Mapping[str, Mapping[str, Part]]) -> str:
    """Return the SHA-256 over task, language and hash of every prediction file, sorted."""
    rows = sorted(
        (name, code, hashlib.sha256(part.data).hexdigest())
        for name, languages in parts.items()
        for code, part in languages.items()
    )
    return hashlib.sha256(canonical_json(rows).encode("utf-8")).hexdigest()


# --- one file ----------------------------------------------------------------------------------


def _read_part(task: TaskSpec, code: str, path: Path, *, predictions: Path, labels: Path) -> Part:
    """Read the predictions and the gold of one language.

    Raises:
        HarnessError: one of the files is wrong, or they do not fit each other.
    """
    form = format_of(task)
    gold_path = labels / task.name / path.name
    try:
        gold_path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise ResultError(f"{path}: has no label file; {gold_path} is due") from None
    except OSError as error:
        raise ResultError(f"{gold_path}: cannot be read ({error.strerror})") from None
    check_place(path, predictions)
    check_place(gold_path, labels)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror})") from None
    if not data.strip():
        raise ResultError(f"{path}: the file is empty ({len(data)} bytes)")
    try:
        gold, source = read_labels(task, code, gold_path, root=labels)
    except DataError as error:
        raise ResultError(f"labels in {labels}: {error}") from None
    outputs = form.decode(data, gold.example_ids, path)
    _check_tags(task, gold, outputs, path)
    _check_labels(task, outputs, path)
    return Part(gold, source, data)


def _check_tags(task: TaskSpec, gold: Cell, outputs: Outputs, path: Path) -> None:
    """Refuse a sentence with more or fewer tags than words.

    Raises:
        ResultError: the first such sentence.
    """
    if task.kind != "tagging":
        return
    kind, line = kind_named(task.kind), 1
    for number, (text, tags) in enumerate(zip(gold.golds, outputs, strict=True), 1):
        due = len(kind.decode_gold(text))
        if len(tags) != due:
            raise ResultError(
                f"{path}, line {line}: sentence {number} has {len(tags)} tags, the label file {due}; one tag "
                "per word is due, and a blank line after each sentence"
            )
        line += len(tags) + 1


def _check_labels(task: TaskSpec, outputs: Outputs, path: Path) -> None:
    """Refuse a label that is not one of the task's.

    Raises:
        ResultError: the first such label.
    """
    if not task.labels:
        return
    allowed = {*task.labels, OUTSIDE} if task.kind == "tagging" else set(task.labels)
    for line, label in _labels_by_line(outputs):
        if label not in allowed:
            raise ResultError(
                f"{path}, line {line}: {label[:60]!r} is not a label of {task.name!r}"
                f"{did_you_mean(label, task.labels)}; allowed are {', '.join(task.labels)}"
            )


def _labels_by_line(outputs: Outputs) -> Iterator[tuple[int, str]]:
    line = 1
    for output in outputs:
        if isinstance(output, list):
            for tag in output:
                yield line, str(tag)
                line += 1
        else:
            yield line, str(output)
        # The line of the label itself, or the blank one after a sentence.
        line += 1
