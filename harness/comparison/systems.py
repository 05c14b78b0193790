"""The systems of a comparison: run folders, and whether they were tested on the same data."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import ResultError, raise_all
from harness.languages import language_of
from harness.metrics.table import metric_named
from harness.recording import task_of
from harness.records import Cell
from harness.results.continuation import first_difference
from harness.results.examples import read_examples
from harness.results.folder import RunFolder
from harness.results.foreign_code import refuse_foreign_code
from harness.results.record import RunRecord, read_record
from harness.specfiles.language_tables import known_languages
from harness.specs.task import TaskSpec

_NOISE = 1e-9  # what rounding may add to a score
_NAMED = 10  # seeds that a message names
# What of a task's specification decides its numbers and how they are averaged and paired; the metrics
# that are compared come on top.
_COMPARED = ("version", "kind", "main_metric", "benchmark_score", "source_language", "unit_space")


@dataclass(frozen=True, slots=True)
class System:
    """A run folder with its record; `name` is how tables call it, `held` the languages it holds scored."""

    name: str
    folder: RunFolder
    record: RunRecord
    tasks: Mapping[str, TaskSpec]
    held: Mapping[str, tuple[str, ...]]

    def languages(self, task: str) -> tuple[str, ...]:
        """The languages of a task that the folder holds scored, in its order."""
        return self.held.get(task, ())

    def without(self, languages: Mapping[str, Collection[str]]) -> System:
        """Return the system as if it did not hold these languages, by task."""
        held = {
            task: tuple(code for code in codes if code not in languages.get(task, ()))
            for task, codes in self.held.items()
        }
        return replace(self, held=held)

    def runs(self, tasks: Sequence[str]) -> int:
        """The number of runs of these tasks: 1 where nothing is trained, whatever seeds were asked for."""
        return self.record.runs(tasks)

    def is_tuned(self, task: str) -> bool:
        """Whether threshold, layer or checkpoint was chosen on rows that are tested: then there is no p.

        A checkpoint chosen on the test rows of one language is so for the whole task: all its gaps hold them.
        """
        settings = {**self.tasks[task].settings, **self.record.tasks[task].settings}
        by_threshold = settings.get("threshold") == "test"
        return by_threshold or self.record.settings_chosen_on(task) or bool(self.record.selected_on(task))

    def has_seen(self, task: str, language: str) -> bool:
        """Whether an intermediate phase trained on a task in this language."""
        return task in self.record.tasks and language in self.record.tasks[task].seen

    @property
    def intermediate_languages(self) -> tuple[str, ...]:
        """The languages of its intermediate phases, in whatever task, by the codes of the language table."""
        card = self.record.model.card if self.record.model is not None else None
        if card is None:
            return ()
        primary = {code: language_of(tag) for code, tag in card.languages.items()}
        known = known_languages()
        found = (code if code in known else primary[code] for code in primary)
        return tuple(dict.fromkeys(code for code in found if code in known))

    def cell(self, task: str, language: str) -> Cell:
        """Read gold and the statistics of the metrics that are compared.

        Raises:
            ResultError: the file is damaged, or holds no statistics, or other runs than the record.
        """
        path = self.folder.examples(task, language)
        wanted = {name: metric_named(id_) for name, id_ in compared_metrics(self.tasks[task]).items()}
        columns = {name: metric.columns for name, metric in wanted.items()}
        cell = read_examples(path, task=task, language=language, columns=columns)
        if absent := sorted(set(wanted) - set(cell.statistics)):
            raise ResultError(
                f"{path}: holds no statistics of {', '.join(absent)}; `xharness score --run "
                f"{self.folder.path} --out NEW` scores the run anew"
            )
        # Runs of several tasks are joined by their place, which must mean the same seed in all of them.
        due = self.record.seeds_of(task)
        if cell.seeds != due:
            raise ResultError(
                f"{path}: holds the seeds {_listed(cell.seeds)}, and by run.json {_listed(due)} are due; "
                "delete it and run the same `xharness eval` again"
            )
        for name, metric in wanted.items():
            scores = metric.value(cell.statistics[name].sum(axis=1))
            # Here, where the file can be named: draws of many systems know no files.
            if not ((scores > -_NOISE) & (scores < 100 + _NOISE)).all():
                raise ResultError(
                    f"{path}: by its statistics {name} is {scores.min():g} to {scores.max():g}, and scores "
                    "lie between 0 and 100; delete it and run the same `xharness eval` again"
                )
        return replace(cell, statistics={name: cell.statistics[name] for name in wanted})


def _listed(seeds: Sequence[int]) -> str:
    """Name seeds, of very many the first and how many more."""
    more = f" and {len(seeds) - _NAMED:,} more" if len(seeds) > _NAMED else ""
    return f"{list(seeds[:_NAMED])}{more}"


def compared_metrics(task: TaskSpec) -> dict[str, str]:
    """Return the main metric and those whose mean is the benchmark's score, with what computes them."""
    wanted = {task.main_metric, *task.score_metrics}
    return {m.name: m.computes for m in task.metrics if m.name in wanted}


def read_systems(folders: Sequence[Path]) -> tuple[System, ...]:
    """Open run folders. Names are those of the folders, with as much of their path as tells them apart.

    Of a run in which some cells failed, the others are compared.

    Raises:
        ResultError: a folder is no run, was killed before its end, was cut by `--limit`, or lacks example
            files; all of them at once.
    """
    opened, problems = [], []
    for path, name in zip(folders, _names(folders), strict=True):
        folder = RunFolder(path)
        if not path.is_dir():
            what = "is a file; give the run folder" if path.exists() else "there is no such folder; give one"
            problems.append(f"{path}: {what} that `xharness eval --out` or `xharness score --out` wrote")
            continue
        try:
            record = read_record(folder.run_json)
            refuse_foreign_code(record)
        except ResultError as error:
            problems.append(str(error))
            continue
        try:
            tasks = {task: task_of(record, task) for task in record.tasks}
        except ResultError as error:
            problems.append(
                f"{path}: {error}; evaluate or score anew with this version, or compare with that one"
            )
            continue
        found = _unfit(folder, record)
        problems += found
        if not found:
            opened.append(System(name, folder, record, tasks, _held(folder, record)))
    raise_all(ResultError, list(dict.fromkeys(problems)))
    return tuple(opened)


def _unfit(folder: RunFolder, record: RunRecord) -> list[str]:
    """Say why a run cannot be compared; nothing where it can."""
    path, problems = folder.path, []
    if record.limit is not None:
        problems.append(
            f"{path}: was run with --limit {record.limit}; its rows are no sample of the test set, so "
            "nothing follows from a difference. Run it without"
        )
    if not record.tasks:
        problems.append(f"{path}: holds no task")
    if record.finished is None and not record.failures:
        problems.append(f"{path}: the run was not finished; the same `xharness eval` finishes it")
        return problems
    failed = {failure.task for failure in record.failures}
    for name, task in record.tasks.items():
        absent = [code for code in task.languages if not folder.examples(name, code).is_file()]
        if absent and name not in failed:
            problems.append(
                f"{path}: the example files of task {name!r} are missing ({', '.join(absent)}), and without "
                f"them nothing can be compared; run the same `xharness eval` again, or copy the whole folder"
            )
    return problems


def _held(folder: RunFolder, record: RunRecord) -> dict[str, tuple[str, ...]]:
    """Return the languages of each task that have statistics: of tasks that failed not all may."""
    failed = {failure.task for failure in record.failures}
    held = {name: task.languages for name, task in record.tasks.items() if name not in failed}
    for name in failed & set(record.tasks):
        files = {code: folder.examples(name, code) for code in record.tasks[name].languages}
        held[name] = tuple(
            code
            for code, path in files.items()
            if path.is_file() and read_examples(path, task=name, language=code).statistics
        )
    return held


def check_comparable(baseline: System, candidate: System) -> None:
    """Refuse runs that were not tested on the same data in the same way.

    Raises:
        ResultError: every task version, data set and pool in which they differ.
    """
    problems = []
    for name in shared_tasks(baseline, candidate):
        found = first_difference(_compared(baseline.tasks[name]), _compared(candidate.tasks[name]))
        if found is not None:
            problems.append(
                f"task {name!r}, {found} ({baseline.name} and {candidate.name}): numbers of different "
                "versions are not compared; score or run one of them anew"
            )
            continue
        problems += _other_pools(baseline, candidate, name)
        for code in shared_languages(baseline, candidate, name):
            prints = [_fingerprint(system, name, code) for system in (baseline, candidate)]
            if prints[0] != prints[1]:
                problems.append(
                    f"task {name!r}, language {code!r}: tested on different data, {baseline.name} on "
                    f"{prints[0][:16]}, {candidate.name} on {prints[1][:16]} (fingerprints of ids and gold)"
                )
    raise_all(ResultError, problems)


def _compared(task: TaskSpec) -> dict[str, Any]:
    spec = task.model_dump(mode="json")
    # A scored submission has fewer metrics than an evaluation of the same task: those of its predictions.
    return {**{key: spec[key] for key in _COMPARED}, "metrics": compared_metrics(task)}


def _other_pools(baseline: System, candidate: System, task: str) -> list[str]:
    """Say that two runs searched different pools of candidates, where both records tell."""
    if not baseline.tasks[task].pooled:
        return []
    pools = [
        {code: data.fingerprint for code, data in system.record.beside.get(task, {}).items()}
        for system in (baseline, candidate)
    ]
    if not all(pools) or pools[0] == pools[1]:
        return []
    codes = sorted(code for code in {*pools[0], *pools[1]} if pools[0].get(code) != pools[1].get(code))
    parts = "" if codes == ["*"] else f" (the candidates of {', '.join(codes)})"
    return [
        f"task {task!r}: {baseline.name} and {candidate.name} searched different pools of candidates{parts}: "
        "in one of them the right ones may be easier to find; run one of them anew on the other's data"
    ]


def _fingerprint(system: System, task: str, language: str) -> str:
    found = system.record.data.get(task, {}).get(language)
    if found is None:
        raise ResultError(
            f"{system.folder.run_json}: has no data fingerprint of task {task!r}, language {language!r}; "
            "was it edited?"
        )
    return found.fingerprint


def shared_tasks(baseline: System, candidate: System) -> tuple[str, ...]:
    """Return the tasks of which both hold a language, in the baseline's order."""
    return tuple(name for name in baseline.tasks if shared_languages(baseline, candidate, name))


def shared_languages(baseline: System, candidate: System, task: str) -> tuple[str, ...]:
    """Return the languages of a task that both hold, in the baseline's order."""
    theirs = set(candidate.languages(task))
    return tuple(code for code in baseline.languages(task) if code in theirs)


def left_out(baseline: System, candidate: System) -> dict[str, tuple[str, ...]]:
    """Return the languages that only one of them holds, by task, sorted."""
    found = {}
    for name in dict.fromkeys([*baseline.tasks, *candidate.tasks]):
        one = set(baseline.languages(name)) ^ set(candidate.languages(name))
        if one:
            found[name] = tuple(sorted(one))
    return found


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the shortest trailing part of each path that no other one has; equal paths share a name."""
    # Not `resolve`, which links that lead in a circle make fail. Bytes that are no UTF-8 are in no output.
    places = (os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace") for path in folders)
    parts = [Path(place).parts for place in places]
    names = []
    for own in parts:
        others = [other for other in parts if other != own]
        length = next(
            (n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), len(own)
        )
        names.append("/".join(own[-length:]))
    return names
