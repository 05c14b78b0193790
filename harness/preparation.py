"""Step 3: the examples of every job, with everything that is missing said before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data import sources
from harness.data.fingerprint import content_digest
from harness.data.places import Places, settle
from harness.data.sources import task_values
from harness.data.wanted import fetch_or_warn, parts_of, training_of
from harness.errors import DataError, raise_all
from harness.planning import Job
from harness.progress import Progress
from harness.records import DataSet
from harness.specs.run import RunSpec


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of one job. `train`, `dev` and `digests` go by the name of the training set.

    `pool` are the data sets whose candidates every language is searched among, and `tuning` the
    development data that decoding itself needs, by language; both are empty for most kinds.
    """

    test: Mapping[str, DataSet]
    pool: Mapping[str, DataSet]
    tuning: Mapping[str, DataSet]
    train: Mapping[str, Sequence[DataSet]]
    dev: Mapping[str, DataSet | None]
    digests: Mapping[str, str]


def data_places(request: RunSpec) -> Places:
    """Return where a request lets data come from.

    Raises:
        RequestError: the data folder does not exist.
    """
    folder = Path(request.data_dir) if request.data_dir is not None else None
    return Places(folder, request.sources, request.offline).checked()


def fetch_data(jobs: Sequence[Job], training: frozenset[str], places: Places, progress: Progress) -> None:
    """Fetch from the hub what the data folder lacks, where the hub's copy is pinned.

    What cannot be had is warned of; `check_files` then says all that is missing.
    """
    groups = []
    for job in jobs:
        parts = list(parts_of(job.task, job.languages, {}))
        if job.task.name in training:
            parts += parts_of(job.trained_as, (), training_of(job.phases_of))
        groups.append(parts)
    fetch_or_warn(groups, places, progress)


def check_files(jobs: Sequence[Job], training: frozenset[str], places: Places) -> None:
    """Refuse a run whose files are not all there; nothing is read yet.

    `training` names the tasks that will train.

    Raises:
        DataError: every missing file, with what to do.
    """
    problems: list[str] = []
    for job in jobs:
        missing = sources.test_problems(job.task, job.languages, places)
        if missing:
            there = sources.available_languages(job.task, places)
            problems += dict.fromkeys(missing)
            if there:
                problems.append(
                    f"task {job.task.name!r}: there are {', '.join(there)}; "
                    f"--languages {','.join(there)} evaluates these"
                )
        if job.task.name in training:
            for phase in job.phases_of.phases:
                absent = sources.training_problems(
                    job.trained_as, phase.training_set, places, with_dev=phase.selection is not None
                )
                problems += [
                    f"{line}; recipe {job.recipe_name!r} trains on it. Get the files{_other_recipes(job)}"
                    for line in absent
                ]
    raise_all(DataError, problems)


def _other_recipes(job: Job) -> str:
    """Return the recipes that need no more files, in words; where `smoke` trains nothing, it is `none`."""
    ways = {"smoke": "a quick head from the release itself", "none": "the checkpoint as it is"}
    recipes = job.task.recipes
    if "smoke" not in recipes or job.recipe_name == "smoke" or not recipes["smoke"].phases:
        del ways["smoke"]
    found = [f"--recipe {name} ({why})" for name, why in ways.items() if name in recipes]
    return f", or choose {' or '.join(found)}" if found else ""


def read_data(job: Job, places: Places, *, trains: bool, limit: int | None, progress: Progress) -> Prepared:
    """Read the test sets of a job, the pool where there is one, and the training data if it trains.

    Articles that the training set holds out are left out of the test set of every language, then
    `limit` cuts the examples; pools are never cut.

    Raises:
        DataError: a file is malformed; the message names file and line. Or an answer is not in the pool.
    """
    task = job.task
    held_out: frozenset[str] = frozenset()
    # Held out whether or not this checkpoint still has to be trained: a head trained under the same
    # recipe before has seen those articles too.
    for phase in job.phases_of.phases:
        if job.trained_as is task:
            held_out |= sources.held_out_clusters(task, phase.training_set, places)
    what = f"the test set of task {task.name!r}"
    settled = settle(task.data, job.languages, task_values(task), places, what=what)
    test = {}
    with progress.phase(f"reading {task.name}", len(job.languages), "languages") as advance:
        for code in job.languages:
            data = sources.leave_out(sources.load_test(task, code, settled), held_out)
            test[code] = sources.apply_limit(data, limit)
            advance(1)
    train: dict[str, Sequence[DataSet]] = {}
    dev: dict[str, DataSet | None] = {}
    digests: dict[str, str] = {}
    for phase in job.phases_of.phases if trains else ():
        name = phase.training_set
        train[name] = sources.load_training(job.trained_as, name, places)
        found = sources.load_dev(job.trained_as, name, places) if phase.selection else None
        dev[name] = _joined(found) if found else None
        digests[name] = "+".join(content_digest(data) for data in [*train[name], *(found or ())])
    if task.data.dev is not None:
        what = f"the development set of task {task.name!r}"
        settled = settle(task.data.dev, job.languages, task_values(task), places, what=what)
    tuning = {code: sources.load_tuning(task, code, settled) for code in job.languages}
    pool = sources.load_pool(task, places)
    _refuse_lost_golds(job, test, pool)
    return Prepared(
        test=test,
        pool=pool,
        tuning={code: found for code, found in tuning.items() if found is not None},
        train=train,
        dev=dev,
        digests=digests,
    )


def _refuse_lost_golds(job: Job, test: Mapping[str, DataSet], pool: Mapping[str, DataSet]) -> None:
    """Refuse queries none of whose answers is in the pool: no model could find them."""
    if not pool:
        return
    known, problems = {c.candidate_id for share in pool.values() for c in share.candidates}, []
    for code, data in test.items():
        lost = [e for e in data.examples if known.isdisjoint(job.kind.decode_gold(e.gold))]
        if lost:
            problems.append(
                f"task {job.task.name!r}, language {code!r}: {len(lost)} of {len(data.examples)} queries "
                f"have no answer among the {len(known):,} candidates of the pool (first: "
                f"{lost[0].example_id!r}, {lost[0].gold:.60}); both must be of one version of the data"
            )
    raise_all(DataError, problems)


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
