"""What the tables of a comparison speak of: the tree of effects, the two records, how to call things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.results.comparison import Comparison, Comparisons, Effect, LanguageComparison, TaskComparison
from harness.results.examples import read_examples
from harness.results.findings import name_language
from harness.results.folder import RunFolder
from harness.results.record import RunRecord, read_record

# (task, language).
CellKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the compared systems: its record, and the cells that its folder holds scored."""

    record: RunRecord
    folder: RunFolder
    held: frozenset[CellKey]

    def runs(self, tasks: Iterable[str]) -> int:
        """Return the number of runs of these tasks: one where nothing was trained, whatever the seeds."""
        return self.record.runs(tasks)

    def failed(self, task: str) -> tuple[str, ...]:
        """The languages that the run was to have and has no score of."""
        entry = self.record.tasks.get(task)
        return tuple(code for code in entry.languages if (task, code) not in self.held) if entry else ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate and the baseline, with what was found of them.

    `alike` are the cells in which every example, in every run, was scored the same on both sides.
    """

    settings: Comparisons
    comparison: Comparison
    baseline: Side
    candidate: Side
    alike: frozenset[CellKey]

    @property
    def named_sides(self) -> tuple[tuple[str, Side], ...]:
        """Both sides with their names, once where they are one."""
        base, cand = (self.comparison.baseline, self.baseline), (self.comparison.candidate, self.candidate)
        return (base,) if self.itself else (base, cand)

    @property
    def itself(self) -> bool:
        """Whether baseline and candidate are one and the same folder."""
        return self.baseline.folder.path.resolve() == self.candidate.folder.path.resolve()

    @property
    def identical(self) -> bool:
        """Whether every compared cell is the same on both sides."""
        tasks = self.comparison.tasks
        return all((task, code) in self.alike for task in tasks for code in tasks[task].languages)

    @property
    def runs(self) -> tuple[int, int]:
        """The number of runs of the baseline and of the candidate, in the tasks that are compared."""
        tasks = self.comparison.tasks
        return self.baseline.runs(tasks), self.candidate.runs(tasks)

    @property
    def scope(self) -> str:
        """What the numbers speak of, in words."""
        if self.comparison.scope == "checkpoints":
            return "these checkpoints"
        runs = self.runs
        side = f"{runs[0]} runs a side" if runs[0] == runs[1] else f"{runs[0]} and {runs[1]} runs"
        return f"the recipes ({side})"

    def title(self, task: str) -> str:
        """Return the title of a task, else its name."""
        spec = self.baseline.record.spec("task", task)
        return str(spec.content.get("title") or task) if spec else task

    def score_metrics(self, task: str) -> tuple[str, ...]:
        """Return the metrics whose mean a task counts with in the suite."""
        spec = self.baseline.record.spec("task", task)
        members = spec.content.get("benchmark_score") if spec else None
        return tuple(map(str, members or (self.comparison.tasks[task].metric,)))

    def language_name(self, task: str, code: str) -> str:
        """Return the English name of a language, else its code."""
        spec = self.baseline.record.spec("task", task)
        languages = spec.content.get("languages") if spec else None
        entry = languages.get(code) if isinstance(languages, Mapping) else None
        tags = [code, str(entry["tag"])] if isinstance(entry, Mapping) and entry.get("tag") else [code]
        return name_language(tags)

    def languages(self, task: str) -> tuple[str, ...]:
        """Return the compared languages of a task: the source language first, then by name."""
        found = self.comparison.tasks[task]
        return tuple(
            sorted(
                found.languages,
                key=lambda code: (
                    code != found.source_language,
                    self.language_name(task, code).casefold(),
                    code,
                ),
            )
        )

    def source_change(self, task: str) -> Effect | None:
        """Return the change of the source language, or None where it is not compared."""
        found = self.comparison.tasks[task]
        source = found.languages.get(found.source_language or "")
        return source.difference if source else None

    def is_tuned(self, task: str) -> bool:
        """Whether a task has no p since something was chosen on its test rows."""
        return any("tuned" in found.flags for found in self.comparison.tasks[task].languages.values())

    def lost_source(self, task: str) -> bool:
        """Whether the source language became worse, by its own p (not adjusted)."""
        change = self.source_change(task)
        if change is None or change.p is None:
            return False
        return change.value < 0 and change.p <= self.settings.alpha

    def significant(self, effect: Effect) -> bool:
        """Whether an effect is one after adjusting for its family."""
        return effect.p_adjusted is not None and effect.p_adjusted <= self.settings.alpha


def read_pairs(found: Comparisons, folders: Sequence[Path | str]) -> tuple[Pair, ...]:
    """Read the records beside the numbers: `folders` are those of `harness.compare`, baseline first.

    Raises:
        ResultError: a folder has no record that this version reads.
    """
    sides = [_read_side(RunFolder(Path(folder))) for folder in folders]
    return tuple(
        Pair(found, comparison, sides[0], side, _alike(comparison, sides[0], side))
        for comparison, side in zip(found.comparisons, sides[1:], strict=True)
    )


def gapped(task: TaskComparison) -> Iterator[tuple[str, LanguageComparison]]:
    """Yield the languages of a task that have a gap."""
    for code, found in task.languages.items():
        if found.gap is not None:
            yield code, found


def _read_side(folder: RunFolder) -> Side:
    record = read_record(folder.run_json)
    planned = ((task, code) for task, entry in record.tasks.items() for code in entry.languages)
    held = frozenset(cell for cell in planned if folder.examples(*cell).is_file())
    return Side(record, folder, held)


def _alike(comparison: Comparison, baseline: Side, candidate: Side) -> frozenset[CellKey]:
    found = set()
    for task, entry in comparison.tasks.items():
        for code, language in entry.languages.items():
            # Nearly always something differs already.
            if language.difference.value == 0 and _scored_alike(baseline, candidate, (task, code)):
                found.add((task, code))
    return frozenset(found)


def _scored_alike(baseline: Side, candidate: Side, cell: CellKey) -> bool:
    paths = [side.folder.examples(*cell) for side in (baseline, candidate)]
    if _same_bytes(*paths):
        return True
    # The same statistics may stand beside other seeds, or beside other ids of what belongs together.
    first, second = (read_examples(path, task=cell[0], language=cell[1]) for path in paths)
    # A scored submission has fewer metrics than an evaluation of the same task.
    metrics = first.statistics.keys() & second.statistics.keys()
    return first.example_ids == second.example_ids and all(
        np.array_equal(first.statistics[name], second.statistics[name]) for name in metrics
    )


def _same_bytes(first: Path, second: Path) -> bool:
    return first.stat().st_size == second.stat().st_size and first.read_bytes() == second.read_bytes()
