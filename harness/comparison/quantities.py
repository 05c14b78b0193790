"""What is compared: every quantity is a weighted sum of scores, and belongs to a family of tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.comparison.systems import System, shared_languages, shared_tasks
from harness.specs.task import TaskSpec

QuantityName = Literal["difference", "gap reduction"]
# Task, language and metric of a score.
Score = tuple[str, str, str]
Family = tuple[QuantityName, Literal["languages", "averages", "suite"], str]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of one candidate: candidate less baseline in the sum of `terms`, score -> weight.

    `language` is "" for an average, `task` as well for the suite's. Not `tested` is what was tuned on
    the tested rows.
    """

    name: QuantityName
    task: str
    language: str
    terms: Mapping[Score, float]
    tested: bool = True

    @property
    def family(self) -> Family:
        """Over the languages of a task, the averages of the tasks, or the suite; and all candidates."""
        if self.language:
            return self.name, "languages", self.task
        return self.name, "averages" if self.task else "suite", ""


def quantities_of(baseline: System, candidate: System) -> list[Quantity]:
    """Return everything that is compared between two systems.

    Differences of every shared language; gap reductions where the source language is shared, as
    differences of s(l) - s(e), since the gap is s(e) - s(l); their means over the languages of a task,
    in its main metric (of the difference with the source language, of the reduction without); and the means
    of those over the tasks that have them, in the benchmark's score of the task, if two or more tasks are
    compared. Tasks that were tuned on the tested rows are not tested and not in the suite.

    Terms are sorted, so that the order of a folder's languages cannot move the last bits.
    """
    found: list[Quantity] = []
    averages: dict[QuantityName, list[tuple[TaskSpec, Mapping[str, float]]]] = {}
    for name in shared_tasks(baseline, candidate):
        task, codes = baseline.tasks[name], sorted(shared_languages(baseline, candidate, name))
        tested = not (baseline.is_tuned(name) or candidate.is_tuned(name))
        for quantity, by_language in _weights(codes, task.source_language).items():
            for language, weights in by_language.items():
                terms = {(name, code, task.main_metric): weight for code, weight in weights.items()}
                found.append(Quantity(quantity, name, language, terms, tested))
            if tested:
                averages.setdefault(quantity, []).append((task, by_language[""]))
    if len(averages.get("difference", ())) > 1:
        found += [Quantity(quantity, "", "", _suite_terms(tasks)) for quantity, tasks in averages.items()]
    return found


def family_sizes(per_candidate: Sequence[Sequence[Quantity]]) -> Mapping[Family, int]:
    """Return how many tests each family has, over all candidates."""
    return Counter(q.family for quantities in per_candidate for q in quantities if q.tested)


def _weights(codes: Sequence[str], source: str | None) -> dict[QuantityName, dict[str, dict[str, float]]]:
    """Return for each quantity, by language ("" for the average), the weights of the languages' scores."""
    found: dict[QuantityName, dict[str, dict[str, float]]] = {
        "difference": {
            **{code: {code: 1.0} for code in codes},
            "": dict.fromkeys(codes, 1 / len(codes)),
        }
    }
    others = [code for code in codes if code != source]
    if source in codes and others:
        assert source is not None, "BUG: None is no language"
        found["gap reduction"] = {
            **{code: {code: 1.0, source: -1.0} for code in others},
            "": {**dict.fromkeys(others, 1 / len(others)), source: -1.0},
        }
    return found


def _suite_terms(tasks: Sequence[tuple[TaskSpec, Mapping[str, float]]]) -> dict[Score, float]:
    return {
        (task.name, code, metric): weight / len(task.score_metrics) / len(tasks)
        for task, weights in sorted(tasks, key=lambda entry: entry[0].name)
        for code, weight in weights.items()
        for metric in task.score_metrics
    }
