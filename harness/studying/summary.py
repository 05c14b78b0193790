"""What a study came to, out of the run folders of its systems."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import __version__
from harness.progress import Progress
from harness.records import canonical_json
from harness.results.card import Card, read_card
from harness.results.folder import RunFolder
from harness.results.record import read_record
from harness.results.study import StudyResults, System
from harness.studying.answers import ALPHA, answer_contrasts, compare_all
from harness.studying.assembly import complete_targets, find_system
from harness.studying.choice import choose_systems
from harness.studying.exposure import find_exposed, intended_card
from harness.studying.folder import SEAL, StudyFolder, read_seal_file
from harness.studying.grid import Grid, TrainStep
from harness.studying.planning import StudyPlan

_SMOKE = "smoke study: small data and few updates, to show that every step runs"


def find_systems(plan: StudyPlan, grid: Grid, folder: StudyFolder) -> dict[str, RunFolder]:
    """Return the run folders of the systems that have one, by name; those of earlier cells do not count."""
    found = {name: find_system(plan, arm, grid.cells_of(name), folder) for name, arm in plan.arms.items()}
    return {name: run for name, run in found.items() if run is not None}


def results_key(plan: StudyPlan, systems: Mapping[str, RunFolder], failures: Sequence[str]) -> str:
    """Return what names the results: equal for the same systems, contrasts and draws."""
    seals = {name: read_seal_file(run.path / SEAL) for name, run in systems.items()}
    content = {
        "systems": {name: seal.key if seal else None for name, seal in seals.items()},
        "study": plan.loaded.sha256,
        "failures": list(failures),
        "resamples": plan.request.resamples,
        "xharness": __version__,
    }
    return hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()[:16]


def summarise_study(
    plan: StudyPlan,
    grid: Grid,
    folder: StudyFolder,
    systems: Mapping[str, RunFolder],
    failures: Sequence[str],
    progress: Progress,
) -> StudyResults:
    """Answer the contrasts that were named, compare all systems, and choose the best on development data.

    Raises:
        HarnessError: run folders cannot be compared.
    """
    study = plan.spec
    cards = {name: _cards(plan, grid, folder, name) for name in plan.arms}
    # Of an arm that failed, what it was going to be trained on: which cells the contrasts are over was
    # settled before anything ran, and a failure must not change it.
    known = {
        name: cards[name] or ([intended_card(arm.mixture)] if arm.mixture is not None else [])
        for name, arm in plan.arms.items()
    }
    exposed = find_exposed(plan.evaluation.selected, known)
    folders = {name: run.path for name, run in systems.items()}
    # What could not be put together is lacking like what did not run.
    complete = {
        name: complete_targets(grid.cells_of(name), folder) if name in systems else () for name in plan.arms
    }
    incomplete = [name for name, targets in complete.items() if len(targets) < len(plan.targets)]
    unseen, seen = compare_all(plan, folders, complete, exposed, progress)
    return StudyResults(
        key=results_key(plan, systems, failures),
        name=study.name,
        version=study.version,
        title=study.title,
        notes=study.notes,
        source=study.source,
        stamps=(_SMOKE,) if study.stamp == "smoke" else (),
        baseline=study.baseline,
        seeds=study.seeds,
        alpha=ALPHA,
        systems={name: _system(plan, grid, name, cards[name]) for name in plan.arms},
        exposed=exposed,
        answers=answer_contrasts(plan, folders, incomplete, exposed, progress),
        choices=choose_systems(plan, grid, folder, systems),
        unseen=unseen,
        seen=seen,
        failures=tuple(failures),
    )


def _cards(plan: StudyPlan, grid: Grid, folder: StudyFolder, name: str) -> list[Card]:
    """Return the cards of a system's models: of each of its phases, or of the parent where it has none."""
    steps = _phases(grid, name)
    if steps:
        found = [read_card(folder.result(step)) for step in steps.values()]
    else:
        # Of a parent that is a hub id, or an adapter to be merged, the runs know the card.
        done = [cell for cell in grid.cells_of(name).values() if folder.read_seal(cell) is not None]
        models = [read_record(folder.result(cell) / "run.json").model for cell in done[:1]]
        found = [model.card for model in models if model is not None]
    return [card for card in found if card is not None]


def _phases(grid: Grid, name: str) -> Mapping[str, TrainStep]:
    sources = [cell.source for cell in grid.cells_of(name).values()]
    return {step.key: step for step in sources if step is not None}


def _system(plan: StudyPlan, grid: Grid, name: str, cards: Sequence[Card]) -> System:
    arm = plan.arms[name]
    trained: dict[str, tuple[str, ...]] = {}
    for card in cards:
        for task in (task for phase in card.phases for task in phase.tasks):
            trained[task.name] = tuple(dict.fromkeys([*trained.get(task.name, ()), *task.languages]))
    return System(
        title=arm.spec.title,
        # Where a folder lies is nobody's business.
        parent="/".join(Path(arm.parent).parts[-2:]),
        trained_on=trained,
        phases=len(_phases(grid, name)),
        cards=tuple(card.key for card in cards),
    )
