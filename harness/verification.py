"""Whether the gold of a run folder is what it should be: by its own record, and by the source."""

from __future__ import annotations

from pathlib import Path

from harness.data import sources
from harness.data.fingerprint import fingerprint, fingerprint_of
from harness.data.places import Places, settle
from harness.errors import ResultError, raise_all
from harness.progress import Progress
from harness.recording import task_of
from harness.results.examples import read_examples
from harness.results.folder import RunFolder
from harness.results.record import RunRecord


def check_gold(folder: RunFolder, record: RunRecord) -> None:
    """Compare the stored gold with the fingerprints and seeds in run.json.

    Cells that failed may lack files; all others must have them.

    Raises:
        ResultError: every cell where they differ, or that run.json has no fingerprint of.
    """
    problems = []
    failed = {failure.task for failure in record.failures}
    for task, entry in record.tasks.items():
        for code in entry.languages:
            data = record.data.get(task, {}).get(code)
            if data is None:
                problems.append(f"run.json: task {task!r}, language {code!r} has no data fingerprint")
                continue
            path = folder.examples(task, code)
            if task in failed and not path.is_file():
                continue
            cell = read_examples(path, task=task, language=code)
            cell = cell.without_statistics()
            found = fingerprint_of(cell.example_ids, cell.golds)
            if found != data.fingerprint:
                problems.append(
                    f"{path}: the gold has fingerprint {found[:16]}, run.json says {data.fingerprint[:16]}: "
                    "one of the two was changed after the run"
                )
            # A task that trains nothing has one set of predictions, under the first seed.
            seeds = record.seeds_of(task)
            if cell.seeds != seeds:
                problems.append(f"{path}: seeds {list(cell.seeds)}, run.json says {list(seeds)}")
    raise_all(ResultError, problems)


def check_source(record: RunRecord, data_dir: Path, progress: Progress) -> None:
    """Read the gold from the data folder again and compare fingerprints.

    Raises:
        ResultError: every cell whose gold is not the source's.
        DataError: files are missing or malformed.
    """
    places = Places(data_dir).checked()
    problems = []
    for name, languages in record.data.items():
        task, recipe = task_of(record, name), record.tasks[name].recipe
        held_out = frozenset(
            cluster
            for phase in (task.recipes[recipe].phases if recipe is not None else ())
            for cluster in sources.held_out_clusters(task, phase.training_set, places)
        )
        what = f"the test set of task {name!r}"
        settled = settle(task.data, languages, sources.task_values(task), places, what=what)
        for code, data in languages.items():
            read = sources.leave_out(sources.load_test(task, code, settled), held_out)
            found = fingerprint(sources.apply_limit(read, record.limit))
            if found != data.fingerprint:
                problems.append(
                    f"task {name!r}, language {code!r}: the gold in {data_dir} has fingerprint {found[:16]}, "
                    f"the run was scored against {data.fingerprint[:16]}"
                )
    raise_all(ResultError, problems)
    progress.say(f"gold agrees with {data_dir}")
