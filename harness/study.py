"""A study: systems x targets x seeds, one call per step, top to bottom.

Every step leaves a sealed result under a key of everything that decides it. So nothing is done twice, a
study that was killed goes on where it was, and one that was edited keeps what is still valid.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.errors import DataError, HarnessError, IncompleteRun, raise_all
from harness.progress import Progress
from harness.results.study import read_study
from harness.results.study_report import JSON, StudyReport, is_written, read_report, write_study
from harness.specs.study import StudyRequest
from harness.studying.assembly import assemble_system
from harness.studying.cells import Runner, run_grid
from harness.studying.checking import fetch_everything, find_problems
from harness.studying.display import Display
from harness.studying.estimate import Estimate, Estimator
from harness.studying.folder import StudyFolder
from harness.studying.grid import Grid, Step, build_grid
from harness.studying.ground import lay_ground
from harness.studying.inventory import Inventory
from harness.studying.planning import StudyPlan, plan_study
from harness.studying.summary import find_systems, results_key, summarise_study


@dataclass(frozen=True, slots=True)
class Studied:
    """What a study came to. `incomplete` has a line per step that failed."""

    folder: Path
    report: StudyReport
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a study has left to do, with an estimate each; `problems` are what keeps it from beginning."""

    steps: int
    left: tuple[tuple[Step, Estimate], ...]
    problems: tuple[str, ...]


def study(request: StudyRequest, progress: Progress | None = None) -> Studied:
    """Run whatever a study still lacks, compare its systems, and write its report.

    Of `progress` only counts whether it is quiet; the study has a display of its own.

    Raises:
        HarnessError: the input is wrong; nothing was run then.
        IncompleteRun: no system has a result.
    """
    display = Display(quiet=progress.quiet if progress is not None else False)
    # 1: the study and everything that it names
    plan = plan_study(request)
    folder = StudyFolder(Path(request.out).expanduser())
    with folder.held():
        # 2: parents, machine, libraries
        ground = lay_ground(plan, folder.path, display)
        # 3: the data
        fetch_everything(plan, ground, display)
        raise_all(DataError, find_problems(plan, ground))
        inventory = Inventory(folder.path, plan.places)
        # 4: the steps
        grid = build_grid(plan, ground, inventory)
        inventory.save()
        # 5: train and evaluate
        estimator = Estimator(plan, folder, ground.machine)
        display.guess_by(estimator.guess)
        failures = list(run_grid(Runner(plan, folder, ground.machine, display, estimator), grid).values())
        # 6: one run folder per system
        failures += _assemble(plan, grid, folder, display)
        # 7, 8: contrasts and choice
        report = _report(plan, grid, folder, failures, display)
    return Studied(folder.path, report, tuple(failures))


def rehearse(request: StudyRequest, progress: Progress | None = None) -> Rehearsal:
    """Say what a study has left to do and how long it may take; nothing is written or fetched.

    Raises:
        HarnessError: the study itself is wrong, or its folder is another's.
    """
    progress = progress or Progress()
    problems: list[str] = []
    plan = plan_study(request.model_copy(update={"offline": True}), problems)
    folder = StudyFolder(Path(request.out).expanduser())
    folder.check()
    ground = lay_ground(plan, folder.path, progress, writes=False)
    problems += find_problems(plan, ground)
    grid = build_grid(plan, ground, Inventory(folder.path, plan.places))
    steps = list(grid.steps())
    estimator = Estimator(plan, folder, ground.machine)
    left = tuple((step, estimator.estimate(step)) for step in steps if folder.read_seal(step) is None)
    return Rehearsal(len(steps), left, tuple(problems))


def _assemble(plan: StudyPlan, grid: Grid, folder: StudyFolder, progress: Progress) -> list[str]:
    """Write the run folder of every system that has results; return what failed."""
    failures = []
    for arm in plan.arms.values():
        try:
            assemble_system(plan, arm, grid.cells_of(arm.name), folder, progress)
        except HarnessError as error:
            failures.append(f"assemble {arm.name}: {error}")
            progress.warn(failures[-1])
    return failures


def _report(
    plan: StudyPlan, grid: Grid, folder: StudyFolder, failures: Sequence[str], progress: Progress
) -> StudyReport:
    """Return the report, written anew unless it is that of these very results.

    Raises:
        IncompleteRun: there is nothing to report.
    """
    systems = find_systems(plan, grid, folder)
    if not systems:
        raise IncompleteRun("no system has a result:\n" + "\n".join(f"  {line}" for line in failures))
    kept = read_study(folder.path / JSON)
    if kept is not None and kept.key == results_key(plan, systems, failures):
        found = kept
    else:
        found = summarise_study(plan, grid, folder, systems, failures, progress)
    report = read_report(found, folder.path / "systems")
    if found is not kept or not is_written(folder.path, found):
        write_study(folder.path, report)
    return report


class _Callable(ModuleType):
    """Makes `harness.study(request)` work, where Python binds this module and not its function."""

    def __call__(self, request: StudyRequest, progress: Progress | None = None) -> Studied:
        return study(request, progress)


sys.modules[__name__].__class__ = _Callable
