"""Running one step: an intermediate phase, or one target of one model under one seed."""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, IncompleteRun
from harness.evaluate import evaluate
from harness.progress import Progress
from harness.results.continuation import changed_versions, comparable_request
from harness.results.folder import RunFolder
from harness.results.provenance import read_versions
from harness.results.record import RunRecord, TrainingRecord, read_record
from harness.specs.mixture import TrainSpec
from harness.specs.run import RunSpec
from harness.studying.display import Display
from harness.studying.estimate import Estimator
from harness.studying.folder import StudyFolder
from harness.studying.grid import EvaluateStep, Grid, Step, TrainStep
from harness.studying.ground import Machine
from harness.studying.planning import StudyPlan
from harness.training.finetune import RECORD

FAILURES = "failures.txt"
_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Runner:
    """What every step is run with."""

    plan: StudyPlan
    folder: StudyFolder
    machine: Machine
    display: Display
    estimator: Estimator


def run_grid(runner: Runner, grid: Grid) -> dict[str, str]:
    """Run every step that is not finished; return what failed, step -> why.

    A failure never loses another step: all that do not need it go on.
    """
    failed: dict[str, str] = {}
    steps = list(grid.steps())
    left = [step for step in steps if runner.folder.read_seal(step) is None]
    with runner.display.running(steps, left):
        for number, step in enumerate(left):
            if isinstance(step, EvaluateStep) and step.source is not None and step.source.key in failed:
                failed[step.key] = f"{step.label}: not begun, since its intermediate phase failed"
                runner.display.failed(step, failed[step.key])
                continue
            problem = _run(runner, step)
            if problem is not None:
                failed[step.key] = f"{step.label}: {problem}"
                runner.display.failed(step, failed[step.key])
            elif runner.plan.request.discard_models and isinstance(step, EvaluateStep):
                _discard(runner.folder, step, grid, {*failed, *(other.key for other in left[number + 1 :])})
    return failed


def _run(runner: Runner, step: Step) -> str | None:
    """Run one step and seal it; return what kept it from finishing, or None.

    Like the cells of a run, this catches everything: a step that dies of a bug in a model's own code
    must not cost the others. The traceback goes to a file in the study's folder.
    """
    progress = runner.display.of(step)
    begun = time.monotonic()
    try:
        if isinstance(step, TrainStep):
            _train(runner, step, progress)
            runner.folder.seal(step, seconds=time.monotonic() - begun)
        else:
            record = _evaluate(runner, step, progress)
            runs = record.training.get(step.target, ())
            runner.folder.seal(
                step,
                seconds=time.monotonic() - begun,
                trained=tuple(run.key for run in runs),
                dev=_dev_score(runner.folder.store, runs, step),
            )
    except Exception as error:  # noqa: BLE001
        if isinstance(error, HarnessError):
            return " ".join(str(error).split())
        message = f"{type(error).__name__}: {error}"
        try:
            with (runner.folder.path / FAILURES).open("a", encoding="utf-8") as stream:
                stream.write(f"{step.label}\n{traceback.format_exc()}\n")
        except OSError:
            return message
        return f"{message} (traceback in {runner.folder.path / FAILURES})"
    runner.estimator.add(step, time.monotonic() - begun)
    runner.display.finished(step, time.monotonic() - begun)
    return None


def _train(runner: Runner, step: TrainStep, progress: Progress) -> None:
    from harness.train import train

    request = runner.plan.request
    train(
        TrainSpec(
            model=step.parent.model,
            mixture=step.mixture,
            out=str(runner.folder.result(step)),
            data_dir=request.data_dir,
            sources=request.sources,
            adapter=runner.plan.spec.adapter or step.parent.adapter,
            seed=step.seed,
            device=runner.machine.device,
            dtype=runner.machine.dtype,
            threads=runner.machine.threads,
            offline=request.offline,
            allow_pickle=request.allow_pickle,
            trust_remote_code=request.trust_remote_code,
        ),
        progress,
    )


def _evaluate(runner: Runner, cell: EvaluateStep, progress: Progress) -> RunRecord:
    request, study = runner.plan.request, runner.plan.spec
    folder = RunFolder(runner.folder.result(cell))
    asked = RunSpec(
        model=runner.folder.model_of(cell),
        tasks=(runner.plan.named[cell.target],),
        suite=study.suite,
        languages=cell.job.languages if study.languages is not None else None,
        data_dir=request.data_dir,
        sources=request.sources,
        out=str(folder.path),
        adapter=study.adapter or cell.parent.adapter,
        recipe=cell.recipe,
        seeds=(cell.seed,),
        device=runner.machine.device,
        dtype=runner.machine.dtype,
        threads=runner.machine.threads,
        offline=request.offline,
        # Intervals are those of the assembled run.
        resamples=_RESAMPLES,
        # A head that an intermediate phase left behind is not the target's.
        fresh_head=True,
        allow_pickle=request.allow_pickle,
        trust_remote_code=request.trust_remote_code,
    )
    suite = runner.plan.evaluation.suite
    done = evaluate(
        asked.model_copy(update={"resume": _goes_on(folder, asked, suite.sha256 if suite else None)}),
        progress,
        store=runner.folder.store,
    )
    if done.incomplete:
        raise IncompleteRun("; ".join(done.incomplete))
    return read_record(folder.run_json)


def _goes_on(folder: RunFolder, asked: RunSpec, suite: str | None) -> bool:
    """Whether half a cell can be gone on with.

    One that was begun by other versions of the libraries, or with its target named or chosen in another
    way, is begun anew: its key says that the result is the same.
    """
    if not folder.is_run_folder():
        return True
    try:
        old = read_record(folder.run_json)
    except HarnessError:
        return False
    known = old.spec("suite", old.suite) if old.suite else None
    return (
        isinstance(old.request, RunSpec)
        and comparable_request(old.request) == comparable_request(asked)
        and (known.sha256 if known else None) == suite
        and not changed_versions(old, old.model_copy(update={"versions": read_versions()}))
    )


def _dev_score(store: Path, runs: Iterable[TrainingRecord], cell: EvaluateStep) -> tuple[float, str] | None:
    """Return the best score on development data that selected the head, in points, and what scored it."""
    for run in runs:
        phases = list(enumerate(cell.job.phases_of.phases, 1))
        # The last phase is the one that the head comes out of.
        for number, phase in reversed(phases):
            if phase.selection is None:
                continue
            file = store / run.key / f"{number}-{phase.training_set}" / RECORD
            trace = json.loads(file.read_text(encoding="utf-8"))["selection"]
            if trace:
                by = " and ".join(cell.job.trained_as.selected_by(phase))
                return max(float(score) for _, score in trace), by
    return None


def _discard(folder: StudyFolder, step: EvaluateStep, grid: Grid, due: Collection[str]) -> None:
    """Delete the heads of a model and seed whose last cell is done; their scores and predictions stay."""
    alike = [cell for cell in grid.cells.values() if _model_and_seed(cell) == _model_and_seed(step)]
    if any(cell.key in due for cell in alike):
        return
    for cell in alike:
        seal = folder.read_seal(cell)
        for key in seal.trained if seal is not None else ():
            shutil.rmtree(folder.store / key, ignore_errors=True)


def _model_and_seed(cell: EvaluateStep) -> tuple[str, int]:
    return (cell.parent.weights_sha256 if cell.source is None else cell.source.key), cell.seed
