"""Step 9: what `run.json` says of a run, and what a later `score` reads out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.backends.model import Model
from harness.data.fingerprint import content_digest, fingerprint, fingerprint_of, shared_rows
from harness.errors import ResultError
from harness.execution import seeds_of, training_keys
from harness.planning import DEFAULT_PROFILE, Job, Plan
from harness.preparation import Prepared
from harness.records import DataSet, canonical_json
from harness.results.card import Card, read_card
from harness.results.provenance import read_clock, read_git_state, read_versions
from harness.results.record import (
    DataRecord,
    Environment,
    Failure,
    MergedRecord,
    ModelRecord,
    RunRecord,
    SourceRecord,
    SpecRecord,
    SubmissionRecord,
    TaskRecord,
    TrainingRecord,
)
from harness.retrieval.screening import resolve_engine
from harness.specfiles.catalog import Loaded
from harness.specs.adapter import AdapterSpec
from harness.specs.run import ScoreSpec
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec
from harness.submission import Submission

S = TypeVar("S", SuiteSpec, TaskSpec)


def begin_record(
    plan: Plan,
    jobs: Sequence[Job],
    *,
    model: Model,
    adapter_reason: str,
    data: Mapping[str, Prepared],
    training: frozenset[str],
) -> RunRecord:
    """Return the record of a run that is about to begin."""
    request = plan.request
    card = read_card(model.path)
    return RunRecord(
        request=request,
        suite=plan.suite.spec.name if plan.suite else None,
        recipe=profile_of(plan, jobs),
        specs=_spec_records(plan, jobs, model.adapter),
        tasks={
            selected.task.spec.name: TaskRecord(
                recipe=job.recipe_name,
                head=_head_origin(job, training),
                zero_shot=job.recipe.zero_shot,
                languages=job.languages,
                expected=selected.expected,
                settings=job.settings.model_dump(mode="json"),
                seen=_seen(job.task, card),
            )
            for selected, job in zip(plan.selected, jobs, strict=True)
        },
        absent=dict(plan.absent),
        model=ModelRecord(
            id=model.model_id,
            revision=model.revision,
            weights_sha256=model.weights_sha256,
            settings_sha256=model.settings_sha256,
            adapter=model.adapter.name,
            adapter_version=model.adapter.version,
            adapter_reason=adapter_reason,
            merged=MergedRecord.model_validate(asdict(model.merged)) if model.merged else None,
            card=card,
        ),
        data={
            name: {code: _data_record(found, fingerprint(found)) for code, found in prepared.test.items()}
            for name, prepared in data.items()
        },
        beside={
            name: {
                code: _data_record(found, content_digest(found))
                for code, found in [*prepared.pool.items(), *prepared.tuning.items()]
            }
            for name, prepared in data.items()
            if prepared.pool or prepared.tuning
        },
        seeds=request.seeds,
        training={
            job.task.name: tuple(
                TrainingRecord(
                    key=key,
                    seed=seed,
                    recipe=job.recipe_name,
                    task=job.trained_as.name,
                    phases=tuple(phase.model_dump(mode="json") for phase in job.phases_of.phases),
                    data={
                        f"{name}/{part.language}": _data_record(part, content_digest(part))
                        for name, parts in data[job.task.name].train.items()
                        for part in parts
                    },
                    # By the fingerprint of test sets, so that one can be told to be the other.
                    selected_on={
                        f"{name}/{dev.language}": _data_record(dev, fingerprint(dev))
                        for name, dev in data[job.task.name].dev.items()
                        if dev is not None
                    },
                    test_rows=_selecting_rows(job, data[job.task.name]),
                )
                for seed, key in training_keys(
                    job, data[job.task.name], model, seeds_of(request, trains=True)
                ).items()
            )
            for job in jobs
            if job.task.name in training
        },
        versions=read_versions(),
        environment=_environment(model, request.search),
        git=read_git_state(),
        started=read_clock(),
        limit=request.limit,
        smoke=any(job.recipe.stamp == "smoke" for job in jobs),
    )


def _seen(task: TaskSpec, card: Card | None) -> dict[str, tuple[str, ...]]:
    """Return the languages of a task that an intermediate phase has seen, and why they count as such."""
    if card is None:
        return {}
    tags = {code: language.tag for code, language in task.languages.items()}
    return card.seen(task.name, tags, source=task.source_language)


def _selecting_rows(job: Job, prepared: Prepared) -> dict[str, int]:
    """Count by language the rows of a job's test sets that its checkpoint is selected on; none: left out."""
    found: dict[str, int] = {}
    for phase in job.phases_of.phases:
        dev = prepared.dev.get(phase.training_set)
        if phase.selection is None or dev is None:
            continue
        seen = dev.examples[: phase.selection.first_examples]
        for code, test in prepared.test.items():
            found[code] = max(found.get(code, 0), shared_rows(test, seen))
    return {code: count for code, count in found.items() if count}


def record_submission(request: ScoreSpec, submission: Submission) -> RunRecord:
    """Return the record of a scored submission: no model, no recipe, nothing of how it was made."""
    now = read_clock()
    return RunRecord(
        request=request,
        suite=submission.suite.spec.name,
        recipe=None,
        specs=(
            _spec_record("suite", submission.suite),
            *(_spec_record("task", task) for task in submission.tasks.values()),
        ),
        tasks={
            name: TaskRecord(
                recipe=None,
                head=None,
                zero_shot=None,
                languages=tuple(languages),
                expected=submission.expected[name],
            )
            for name, languages in submission.parts.items()
        },
        absent=dict(submission.absent),
        model=None,
        submission=SubmissionRecord(
            name="/".join(Path(request.predictions).parts[-2:]),
            sha256=submission.sha256,
            files=submission.files,
        ),
        data={
            name: {
                code: DataRecord(
                    fingerprint=fingerprint_of(part.gold.example_ids, part.gold.golds),
                    examples=len(part.gold.golds),
                    sources=(SourceRecord(path=part.labels.path, sha256=part.labels.sha256),),
                )
                for code, part in languages.items()
            }
            for name, languages in submission.parts.items()
        },
        seeds=(1,),
        versions=read_versions(),
        environment=None,
        git=read_git_state(),
        started=now,
        finished=now,
    )


def profile_of(plan: Plan, jobs: Sequence[Job]) -> str:
    """Return the recipe profile as one word: the common recipe of all tasks, else what they stem from."""
    names = {job.recipe_name for job in jobs}
    if len(names) == 1:
        return names.pop()
    return plan.request.recipe or (plan.suite.spec.default_recipe if plan.suite else DEFAULT_PROFILE)


def suite_of(record: RunRecord) -> SuiteSpec | None:
    """Return the suite of a recorded run as it was then; raises as `task_of` does."""
    found = record.spec("suite", record.suite) if record.suite else None
    return _as_recorded(SuiteSpec, found) if found else None


def task_of(record: RunRecord, name: str) -> TaskSpec:
    """Return a task of a recorded run as it was specified then.

    Raises:
        ResultError: if what is recorded is no specification.
    """
    found = record.spec("task", name)
    assert found is not None, f"BUG: task {name!r} was recorded without its specification"
    return _as_recorded(TaskSpec, found)


def _as_recorded(model: type[S], found: SpecRecord) -> S:
    try:
        return model.model_validate_json(canonical_json(found.content))
    except ValidationError as error:
        first = error.errors()[0]
        raise ResultError(
            f"run.json, specs, {found.kind} {found.name!r}: {'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}; it was edited, or written by another version"
        ) from None


def _head_origin(job: Job, training: frozenset[str]) -> str:
    if job.task.name in training:
        return f"trained as {job.trained_as.name}" if job.trained_as is not job.task else "trained"
    return "none" if job.task.embeds else "the checkpoint's own"


def _spec_records(plan: Plan, jobs: Sequence[Job], adapter: AdapterSpec) -> tuple[SpecRecord, ...]:
    records = []
    if plan.suite:
        records.append(_spec_record("suite", plan.suite))
    records += [_spec_record("task", selected.task) for selected in plan.selected]
    content = adapter.model_dump(mode="json")
    digest = hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()
    records.append(
        SpecRecord(kind="adapter", name=adapter.name, version=adapter.version, sha256=digest, content=content)
    )
    return tuple(records)


def _spec_record(kind: Any, loaded: Loaded[Any]) -> SpecRecord:
    spec = loaded.spec
    return SpecRecord(
        kind=kind,
        name=spec.name,
        version=spec.version,
        sha256=loaded.sha256,
        content=spec.model_dump(mode="json"),
    )


def _data_record(data: DataSet, digest: str) -> DataRecord:
    return DataRecord(
        fingerprint=digest,
        examples=len(data.examples),
        sources=tuple(SourceRecord(path=s.path, sha256=s.sha256) for s in data.sources),
        repairs=dict(data.repairs),
    )


def _environment(model: Model, search: Any) -> Environment:
    import platform

    import torch

    on_gpu = model.device.startswith("cuda")
    return Environment(
        device=model.device,
        dtype=model.dtype,
        search=resolve_engine(search, model.device),
        threads=torch.get_num_threads(),
        deterministic=(
            "as far as the kernels are deterministic" if on_gpu else "same threads and versions, same bytes"
        ),
        hardware=torch.cuda.get_device_name() if on_gpu else platform.machine(),
    )


def finish_record(record: RunRecord, failures: Sequence[Failure]) -> RunRecord:
    """Return the record of a run that is over; `finished` keeps its first value if nothing failed."""
    if failures:
        return record.model_copy(update={"failures": tuple(failures), "finished": None})
    return record.model_copy(update={"failures": (), "finished": record.finished or read_clock()})
