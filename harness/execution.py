"""Steps 5 and 6: train where something is to be trained, predict, and write what scoring reads."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.backends.checkpoint import Parts
from harness.backends.heads import FoundHead, describe_kept, find_head
from harness.backends.kept_heads import read_kept
from harness.backends.loading import open_config, position_limit
from harness.backends.model import Model
from harness.data.fingerprint import fingerprint_of
from harness.errors import HarnessError, ModelError, ResultError, raise_all
from harness.kinds.base import Work
from harness.kinds.table import kind_named
from harness.planning import Job
from harness.preparation import Prepared
from harness.progress import Progress
from harness.records import Cell, DataSet, Outputs
from harness.results.examples import read_examples, write_examples
from harness.results.folder import RunFolder, held_beside, write_bytes
from harness.results.formats import format_named
from harness.results.record import Failure
from harness.scoring import PREDICTION, read_outputs
from harness.specs.run import RunSpec
from harness.specs.task import TaskSpec
from harness.training.finetune import run_phases, training_key

FAILURES = "failures.txt"


def find_training(
    jobs: Sequence[Job], model: Model, *, fresh_head: bool, progress: Progress
) -> frozenset[str]:
    """Return the tasks that will train, and say for each what its head will be.

    A task trains where its recipe does and the checkpoint has no head for it. What training starts
    from, the head or its absence, is checked here, before anything is written.

    Raises:
        ModelError: a head of the wrong size or labels; no head where the recipe trains none. All at once.
    """
    training, problems = set(), []
    longest = position_limit(open_config(model))
    for job in jobs:
        name = job.task.name
        # With `encoder_of` it is the other task's head that tells whether the encoder was trained.
        head = kind_named(job.trained_as.kind).head(job.trained_as)
        if head is None or (job.task.embeds and not job.recipe.trains):
            continue
        problems += [f"task {name!r}: {problem}" for problem in _too_long(job, longest)]
        if fresh_head and job.recipe.trains:
            training.add(name)
            continue
        try:
            found = find_head(model, head, name=name)
        except ModelError as error:
            problems.append(f"task {name!r}: {error}")
            continue
        if found is not None:
            progress.say(f"{name}: the checkpoint has a {job.trained_as.kind} head that fits{_which(found)}")
        elif job.recipe.trains:
            training.add(name)
        else:
            trains = [r for r, recipe in job.task.recipes.items() if recipe.trains]
            holds = describe_kept(model)
            problems.append(
                f"task {name!r}: the checkpoint has no head for it{holds} and recipe {job.recipe_name!r} "
                f"trains none; recipes that do: {', '.join(trains) or 'none'}"
            )
    raise_all(ModelError, problems)
    return frozenset(training)


def describe_use(parts: Parts, jobs: Sequence[Job], model: Model, training: frozenset[str]) -> str:
    """Return in one line what the checkpoint holds: the encoder, each head and its tasks, what is unused."""
    own: list[str] = []
    users: dict[str, list[str]] = {}
    for job in jobs:
        head = kind_named(job.trained_as.kind).head(job.trained_as)
        if head is None or job.task.embeds or job.task.name in training:
            continue
        found = find_head(model, head, name=job.task.name)
        if found is not None:
            (own if found.kept is None else users.setdefault(found.kept.name, [])).append(job.task.name)
    used, unused = [f"encoder ({parts.encoder} tensors)"], []
    for kept in read_kept(model.path):
        what = f"head {kept.name} ({kept.kind}{f', {len(kept.labels)} labels' if kept.labels else ''})"
        used += [f"{what} for {', '.join(users[kept.name])}"] if kept.name in users else []
        unused += [] if kept.name in users else [what]
    for part, count in parts.beside.items():
        tensors = f"{part} ({count} {'tensor' if count == 1 else 'tensors'})"
        (used if own else unused).append(f"{tensors} for {', '.join(own)}" if own else tensors)
    left = f"; left unused: {', '.join(unused)}" if unused else ""
    return f"checkpoint: {'; '.join(used)}{left}"


def _which(found: FoundHead) -> str:
    if found.kept is None:
        return "; used as it is"
    others = f" (also fitting: {', '.join(found.others)})" if found.others else ""
    return f": {found.kept.name}{others}; used as it is"


def embeds(job: Job, training: frozenset[str]) -> bool:
    """Whether the checkpoint itself, untrained, makes the vectors of a job."""
    return job.task.embeds and job.task.name not in training


def _too_long(job: Job, longest: int | None) -> list[str]:
    """Return a problem if inputs may have more tokens than the checkpoint has positions for."""
    wanted = [getattr(job.trained_as.settings_for(job.phases_of), "max_length", None)]
    wanted += [phase.max_length for phase in job.phases_of.phases]
    most = max((length for length in wanted if length is not None), default=0)
    if longest is None or most <= longest:
        return []
    return [
        f"recipe {job.recipe_name!r} reads up to {most} tokens, the checkpoint has positions for {longest}; "
        "use a copy of the task's YAML with a smaller max_length"
    ]


def seeds_of(request: RunSpec, *, trains: bool) -> tuple[int, ...]:
    """Return the seeds of a job: a task that trains nothing has one set of predictions."""
    return request.seeds if trains else request.seeds[:1]


@dataclass(frozen=True, slots=True)
class Execution:
    """Where a job writes, with what, and under which seeds.

    `store` is a folder of trained heads that several runs share, by key; without it each has its own.
    """

    folder: RunFolder
    model: Model
    request: RunSpec
    progress: Progress
    store: Path | None = None


def training_keys(job: Job, data: Prepared, model: Model, seeds: Sequence[int]) -> dict[int, str]:
    """Return the name of the training run behind each seed; tasks that can share a run get one name."""
    head = kind_named(job.trained_as.kind).head(job.trained_as)
    assert head is not None, f"BUG: {job.trained_as.name} trains without a head"
    settings = job.trained_as.settings_for(job.phases_of)
    return {
        seed: training_key(
            model=model,
            head=head,
            recipe=job.phases_of,
            settings=settings,
            fingerprints=data.digests,
            seed=seed,
            selects_by=" ".join(
                "+".join(job.trained_as.selected_by(phase)) for phase in job.phases_of.phases
            ),
        )
        for seed in seeds
    }


def run_job(run: Execution, job: Job, data: Prepared, *, trains: bool) -> list[Failure]:
    """Train and predict whatever the folder does not hold yet; return what failed.

    A failure never loses what succeeded: other seeds, languages and tasks go on.
    """
    seeds = seeds_of(run.request, trains=trains)
    for code in job.languages:
        _write_gold(run.folder, data.test[code], seeds)
    keys = training_keys(job, data, run.model, seeds) if trains else {}
    failures: list[Failure] = []
    for index, seed in enumerate(seeds):
        further = seed if index else None
        due = tuple(
            code
            for code in job.languages
            if not _is_predicted(run.folder, job.task, data.test[code], further)
        )
        if not due:
            continue
        with _kept(run, job, seed, failures):
            model = run.model
            if trains:
                model = model.at(_train(run, job, data, seed=seed, key=keys[seed]))
            work = Work(
                task=job.task,
                settings=job.settings,
                data=data.test,
                languages=due,
                model=model,
                search=run.request.search,
                progress=run.progress,
                pool={code: share.candidates for code, share in data.pool.items()},
                dev=data.tuning,
                limited=run.request.limit is not None,
            )
            for code, outputs in job.kind.predict(work):
                _write_outputs(run.folder, job, code, further, data.test[code], outputs)
            run.progress.say(
                f"{job.task.name}{f', seed {seed}' if trains else ''}: predicted {', '.join(due)}"
            )
    return failures


def _train(run: Execution, job: Job, data: Prepared, *, seed: int, key: str) -> Path:
    task, recipe = job.trained_as, job.phases_of
    kind = kind_named(task.kind)
    head = kind.head(task)
    assert head is not None, f"BUG: {task.name} trains without a head"
    out = run.folder.training(key) if run.store is None else run.store / key
    # Whoever comes second to a shared training waits, and then finds it done.
    with nullcontext() if run.store is None else held_beside(out, waits=True):
        return run_phases(
            task=task,
            recipe=recipe,
            head=head,
            settings=task.settings_for(recipe),
            decode_gold=kind.decode_gold,
            model=run.model,
            train=data.train,
            dev=data.dev,
            fingerprints=data.digests,
            out=out,
            seed=seed,
            progress=run.progress,
        )


def _write_gold(folder: RunFolder, data: DataSet, seeds: tuple[int, ...]) -> None:
    """Write what the predictions will be scored against, unless it is there already."""
    path = folder.examples(data.task, data.language)
    ids, golds = tuple(e.example_id for e in data.examples), tuple(e.gold for e in data.examples)
    if path.is_file():
        try:
            found = read_examples(path, task=data.task, language=data.language).without_statistics()
            same = found.seeds == seeds and fingerprint_of(found.example_ids, found.golds) == fingerprint_of(
                ids, golds
            )
        except HarnessError:
            same = False  # damaged by something else than us; it is written anew
        if same:
            return
    cell = Cell(
        task=data.task,
        language=data.language,
        seeds=seeds,
        example_ids=ids,
        parallel_ids=tuple(e.parallel_id for e in data.examples),
        cluster_ids=tuple(e.cluster_id for e in data.examples),
        golds=golds,
        statistics={},
    )
    write_examples(path, cell, {})


def _paths(folder: RunFolder, job: Job, code: str, further_seed: int | None) -> dict[str, Path]:
    name, paths = job.task.name, {}
    for output, format_name in job.kind.formats.items():
        suffix = format_named(format_name).suffix
        paths[output] = (
            folder.prediction(name, code, suffix, further_seed=further_seed)
            if output == PREDICTION
            else folder.extra(name, output, code, suffix, further_seed=further_seed)
        )
    return paths


def _is_predicted(folder: RunFolder, task: TaskSpec, data: DataSet, further_seed: int | None) -> bool:
    """Whether every output is there and can be read; what was damaged is predicted anew."""
    ids = [e.example_id for e in data.examples]
    try:
        read_outputs(folder, task, data.language, example_ids=ids, further_seed=further_seed)
    except ResultError:
        return False
    return True


def _write_outputs(
    folder: RunFolder,
    job: Job,
    code: str,
    further_seed: int | None,
    data: DataSet,
    outputs: Mapping[str, Outputs],
) -> None:
    ids = [e.example_id for e in data.examples]
    for output, path in _paths(folder, job, code, further_seed).items():
        write_bytes(path, format_named(job.kind.formats[output]).encode(ids, outputs[output]))


@contextmanager
def _kept(run: Execution, job: Job, seed: int, failures: list[Failure]) -> Iterator[None]:
    """Turn an error into a recorded failure, so that the other cells go on.

    This is the one place that catches everything: a cell that dies of a bug in a model's own code
    must not cost the night's other results. The traceback goes to a file in the run folder.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001
        message = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        where = f"{job.task.name}, seed {seed}"
        if not isinstance(error, HarnessError):
            log = run.folder.path / FAILURES
            with log.open("a", encoding="utf-8") as stream:
                stream.write(f"{where}\n{traceback.format_exc()}\n")
            message += f" (traceback in {log})"
        run.progress.warn(f"{where} failed: {message}")
        failures.append(Failure(task=job.task.name, message=f"seed {seed}: {message}"))
