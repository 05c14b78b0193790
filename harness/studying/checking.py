"""Everything that a study's steps need, checked before the first of them runs."""

from __future__ import annotations

from harness.errors import DataError, HarnessError
from harness.mixture.reading import check_mixture, fetch_mixture
from harness.planning import Job
from harness.preparation import check_files, fetch_data
from harness.progress import Progress
from harness.studying.grid import jobs_of
from harness.studying.ground import StudyRecord
from harness.studying.planning import StudyPlan, problems_of


def fetch_everything(plan: StudyPlan, ground: StudyRecord, progress: Progress) -> None:
    """Fetch from the hub what the data folder lacks; what cannot be had, `find_problems` says."""
    for jobs in _jobs(plan, ground):
        fetch_data(jobs, _training(jobs), plan.places, progress)
    for arm in plan.arms.values():
        if arm.mixture is not None:
            fetch_mixture(arm.mixture, plan.places, progress)


def find_problems(plan: StudyPlan, ground: StudyRecord) -> list[str]:
    """Return the files that are missing for any step, each line once; nothing is read yet."""
    problems: list[str] = []
    for jobs in _jobs(plan, ground):
        try:
            check_files(jobs, _training(jobs), plan.places)
        except DataError as error:
            problems += problems_of(error)
    for arm in plan.arms.values():
        if arm.mixture is None:
            continue
        try:
            check_mixture(arm.mixture, plan.places)
        except HarnessError as error:
            problems += [f"system {arm.name!r}: {line}" for line in problems_of(error)]
    return list(dict.fromkeys(problems))


def _jobs(plan: StudyPlan, ground: StudyRecord) -> list[tuple[Job, ...]]:
    return [tuple(jobs_of(plan, ground.parents[name]).values()) for name in plan.parents]


def _training(jobs: tuple[Job, ...]) -> frozenset[str]:
    """Return the tasks that train: always, where the recipe does, since every cell begins with a new head."""
    return frozenset(job.task.name for job in jobs if job.recipe.trains)
