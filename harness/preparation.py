"""Step 3: the examples of every job, with everything that is missing said before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data import sources
from harness.data.fingerprint import content_digest
from harness.errors import DataError, RequestError, raise_all
from harness.planning import Job
from harness.progress import Progress
from harness.records import Candidate, DataSet


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of one job. `train`, `dev` and `digests` go by the name of the training set."""

    test: Mapping[str, DataSet]
    pool: Mapping[str, tuple[Candidate, ...]]
    train: Mapping[str, Sequence[DataSet]]
    dev: Mapping[str, DataSet | None]
    digests: Mapping[str, str]


def data_folder(data_dir: str | None, jobs: Sequence[Job]) -> Path:
    """Return the data folder.

    Raises:
        RequestError: if none was named, or it does not exist.
    """
    if data_dir is None:
        wanted = ", ".join(job.task.name for job in jobs)
        raise RequestError(
            f"no --data-dir: say where the files of {wanted} lie; `xharness tasks show NAME` lists them, "
            "and where the releases come from"
        )
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise RequestError(f"--data-dir {data_dir}: there is no such folder")
    return folder


def check_files(jobs: Sequence[Job], training: frozenset[str], data_dir: Path) -> None:
    """Refuse a run whose files are not all there; nothing is read yet.

    `training` names the tasks that will train.

    Raises:
        DataError: every missing file, with what to do.
    """
    problems: list[str] = []
    for job in jobs:
        missing = [
            line for code in job.languages for line in sources.test_files_missing(job.task, code, data_dir)
        ]
        if missing:
            there = sources.available_languages(job.task, data_dir)
            problems += dict.fromkeys(missing)
            if there:
                problems.append(
                    f"task {job.task.name!r}: the folder has {', '.join(there)}; "
                    f"--languages {','.join(there)} evaluates these"
                )
        if job.task.name in training:
            for phase in job.phases_of.phases:
                absent = sources.training_files_missing(
                    job.trained_as, phase.training_set, data_dir, with_dev=phase.selection is not None
                )
                problems += [
                    f"{line}; recipe {job.recipe_name!r} trains on it. Get the files, or choose "
                    f"{_other_recipes(job)}"
                    for line in absent
                ]
    raise_all(DataError, problems)


def _other_recipes(job: Job) -> str:
    ways = {"smoke": "a quick head from the release itself", "none": "the checkpoint as it is"}
    return " or ".join(f"--recipe {name} ({why})" for name, why in ways.items() if name in job.task.recipes)


def read_data(job: Job, data_dir: Path, *, trains: bool, limit: int | None, progress: Progress) -> Prepared:
    """Read the test sets of a job, the pool where there is one, and the training data if it trains.

    Articles that the training set holds out are left out of the test set of every language, then
    `limit` cuts the examples; pools are never cut.

    Raises:
        DataError: a file is malformed; the message names file and line.
    """
    task = job.task
    held_out: frozenset[str] = frozenset()
    # Held out whether or not this checkpoint still has to be trained: a head trained under the same
    # recipe before has seen those articles too.
    for phase in job.phases_of.phases:
        if job.trained_as is task:
            held_out |= sources.held_out_clusters(task, phase.training_set, data_dir)
    test = {}
    with progress.phase(f"reading {task.name}", len(job.languages), "languages") as advance:
        for code in job.languages:
            data = sources.leave_out(sources.load_test(task, code, data_dir), held_out)
            test[code] = sources.apply_limit(data, limit)
            advance(1)
    train: dict[str, Sequence[DataSet]] = {}
    dev: dict[str, DataSet | None] = {}
    digests: dict[str, str] = {}
    for phase in job.phases_of.phases if trains else ():
        name = phase.training_set
        train[name] = sources.load_training(job.trained_as, name, data_dir)
        found = sources.load_dev(job.trained_as, name, data_dir) if phase.selection else None
        dev[name] = _joined(found) if found else None
        digests[name] = "+".join(content_digest(data) for data in [*train[name], *(found or ())])
    return Prepared(test, sources.load_pool(task, data_dir), train, dev, digests)


def _joined(parts: Sequence[DataSet]) -> DataSet:
    """Return one data set with the examples of all parts, ids made distinct by language."""
    if len(parts) == 1:
        return parts[0]
    examples = tuple(
        replace(example, example_id=f"{part.language}/{example.example_id}")
        for part in parts
        for example in part.examples
    )
    return replace(parts[0], language="+".join(part.language for part in parts), examples=examples)
