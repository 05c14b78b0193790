"""How long the steps that are left are going to take: as measured before, else by arithmetic."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Literal

from harness.mixture.planning import Ingredient, MixturePlan
from harness.specs.recipe import Phase
from harness.studying.folder import StudyFolder
from harness.studying.grid import EvaluateStep, Step, TrainStep
from harness.studying.ground import Machine
from harness.studying.planning import StudyPlan
from harness.training.plan import whole

# A forward pass takes 2 operations per parameter and token, the backward pass twice that.
# Source: Kaplan et al. (2020), Scaling Laws for Neural Language Models, section 2.1.
_FORWARD, _TRAINING = 2, 6
_BENCH_SECONDS = 0.5
_BENCH_SIZE = {"cpu": 512, "cuda": 4096}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds that a step is going to take, and where that is from; None where nothing is known."""

    seconds: float | None
    by: Literal["measured", "arithmetic", "unknown"]


class Estimator:
    """Estimates by what finished steps took, else by operations over the rate of this device."""

    def __init__(self, plan: StudyPlan, folder: StudyFolder, machine: Machine) -> None:
        self._plan = plan
        self._machine = machine
        self._measured: dict[str, list[float]] = {}
        for seal in folder.all_seals():
            self._measured.setdefault(seal.alike, []).append(seal.seconds)

    def measured(self, step: Step) -> float | None:
        """Return the mean of what finished steps of the same kind and task took; None where there is none."""
        found = self._measured.get(step.alike)
        return fmean(found) if found else None

    def guess(self, step: Step) -> float | None:
        """Return what a step may take: measured of the same task, else of the same kind, else by arithmetic.

        For the live display, where a rough number is better than none.
        """
        kind = step.alike.partition(" ")[0]
        found = [s for alike, each in self._measured.items() if alike.startswith(kind) for s in each]
        measured = self.measured(step)
        if measured is None and not found:
            return self.estimate(step).seconds
        return measured if measured is not None else fmean(found)

    def add(self, step: Step, seconds: float) -> None:
        """Count a step that was just finished."""
        self._measured.setdefault(step.alike, []).append(seconds)

    def estimate(self, step: Step) -> Estimate:
        """Return what a step is going to take."""
        measured = self.measured(step)
        if measured is not None:
            return Estimate(measured, "measured")
        tokens = _tokens(self._plan, step)
        if tokens is None or not step.parent.parameters:
            return Estimate(None, "unknown")
        return Estimate(step.parent.parameters * tokens / self._rate, "arithmetic")

    @cached_property
    def _rate(self) -> float:
        return measure_rate(self._machine)


def measure_rate(machine: Machine) -> float:
    """Return operations per second of a product of square matrices, measured for half a second."""
    import torch

    size = _BENCH_SIZE[machine.device]
    dtype = getattr(torch, machine.dtype)
    matrix = torch.ones(size, size, dtype=dtype, device=machine.device)
    done, begun = 0, time.monotonic()
    while time.monotonic() - begun < _BENCH_SECONDS:
        matrix @ matrix
        if machine.device == "cuda":
            torch.cuda.synchronize()
        done += 1
    return 2 * size**3 * done / (time.monotonic() - begun)


def _tokens(plan: StudyPlan, step: Step) -> float | None:
    """Return operations per parameter of a step, counting every input as long as it may be.

    The choices or windows of an example, of which specifications do not know the number, count once.
    """
    if isinstance(step, TrainStep):
        mixture = plan.arms[step.system].mixture
        return None if mixture is None else _of_mixture(mixture, step.parent.hidden_size)
    return _of_cell(step)


def _of_mixture(plan: MixturePlan, hidden_size: int) -> float | None:
    sizes = [_examples(ingredient) for ingredient in plan.ingredients]
    lengths = [getattr(ingredient.settings, "max_length", 0) for ingredient in plan.ingredients]
    if plan.mixture.max_steps is not None:
        batch = whole(plan.mixture.batch_size, hidden_size)
        return _TRAINING * float(plan.mixture.max_steps * batch * max(lengths))
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    pairs = zip(known, lengths, strict=True)
    return _TRAINING * plan.mixture.epochs * sum(size * length for size, length in pairs)


def _examples(ingredient: Ingredient) -> int | None:
    if ingredient.examples is not None:
        return ingredient.examples
    rows = [spec.languages[code].rows for spec in ingredient.read for code in ingredient.languages]
    known = [count for count in rows if count is not None]
    return sum(known) if len(known) == len(rows) else None


def _of_cell(cell: EvaluateStep) -> float | None:
    task = cell.job.task
    rows = [task.languages[code].rows for code in cell.job.languages]
    tested = [count for count in rows if count is not None]
    if len(tested) < len(rows):
        return None
    length = getattr(cell.job.settings, "max_length", None) or 512
    total = _FORWARD * float(sum(tested) * length)
    for phase in cell.job.phases_of.phases if cell.trains else ():
        examples = cell.job.trained_as.training_sets[phase.training_set].rows
        batch = whole(phase.batch_size, cell.parent.hidden_size)
        steps = _steps(phase, examples, batch)
        if steps is None:
            return None
        own = getattr(cell.job.trained_as.settings_for(cell.job.phases_of), "max_length", None) or 512
        total += _TRAINING * float(steps * batch * (phase.max_length or own))
    return total


def _steps(phase: Phase, examples: int | None, batch: int) -> int | None:
    if examples is None:
        return phase.max_steps
    steps = math.ceil(phase.epochs * math.ceil(examples / batch))
    return steps if phase.max_steps is None else min(steps, phase.max_steps)


def sum_of(estimates: Sequence[Estimate]) -> tuple[float, int]:
    """Return the seconds that are known of together, and of how many steps nothing is known."""
    known = [estimate.seconds for estimate in estimates if estimate.seconds is not None]
    return sum(known), len(estimates) - len(known)
