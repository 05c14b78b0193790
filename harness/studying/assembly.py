"""One run folder per system out of the runs of its cells: every target, every seed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.errors import ResultError, raise_all
from harness.evaluate import publish_run
from harness.progress import Progress
from harness.records import canonical_json
from harness.results.examples import read_examples, write_examples
from harness.results.folder import RunFolder, write_bytes
from harness.results.provenance import read_versions
from harness.results.record import DataRecord, RunRecord, SpecRecord, read_record
from harness.specs.run import RunSpec
from harness.studying.folder import SEAL, Seal, StudyFolder, is_whole, read_seal_file, sizes_of
from harness.studying.grid import EvaluateStep
from harness.studying.planning import Arm, StudyPlan

_TREES = ("predictions", "extra")
Cells = Mapping[tuple[str, int], EvaluateStep]


def complete_targets(cells: Cells, folder: StudyFolder) -> tuple[str, ...]:
    """Return the targets all of whose cells are finished, in order."""
    targets = dict.fromkeys(target for target, _ in cells)
    lacking = {target for (target, _), cell in cells.items() if folder.read_seal(cell) is None}
    return tuple(target for target in targets if target not in lacking)


def assemble_system(
    plan: StudyPlan, arm: Arm, cells: Cells, folder: StudyFolder, progress: Progress
) -> RunFolder | None:
    """Write the run folder of a system; None where none of its targets is finished.

    The first seed lies at the top, further seeds under `seeds/`, as `xharness eval` writes them, and
    `xharness score --run` gives the same bytes. Targets of which a cell is missing are left out.

    Raises:
        ResultError: a cell was changed or damaged since, or the file system refuses.
    """
    targets = complete_targets(cells, folder)
    out = folder.system(arm.name)
    if not targets:
        return None
    if (found := find_system(plan, arm, cells, folder)) is not None:
        return found
    held = {place: cell for place, cell in cells.items() if place[0] in targets}
    key = _key(plan, arm, held)
    records = {place: _record(folder, cell) for place, cell in held.items()}
    record = _merged(plan, arm, held, records, folder)
    part = RunFolder(out.path.with_name(f".{out.path.name}.part"))
    try:
        shutil.rmtree(part.path, ignore_errors=True)
        for target in targets:
            _copy_target(target, held, records, folder, part, record)
        publish_run(part, record, progress)
        _seal(part, key)
        shutil.rmtree(out.path, ignore_errors=True)
        part.path.rename(out.path)
    except OSError as error:
        raise ResultError(
            f"{out.path} cannot be written: {error.strerror or error}; make room, and the same command "
            "goes on"
        ) from error
    return out


def find_system(plan: StudyPlan, arm: Arm, cells: Cells, folder: StudyFolder) -> RunFolder | None:
    """Return the run folder of a system that holds its finished cells, all of them and nothing else.

    None where there is none, or only that of earlier cells.
    """
    targets = complete_targets(cells, folder)
    key = _key(plan, arm, {place: cell for place, cell in cells.items() if place[0] in targets})
    out = folder.system(arm.name)
    seal = read_seal_file(out.path / SEAL)
    whole = seal is not None and seal.key == key and is_whole(out.path, seal.files)
    return out if targets and whole else None


def _copy_target(
    target: str,
    cells: Cells,
    records: Mapping[tuple[str, int], RunRecord],
    folder: StudyFolder,
    out: RunFolder,
    record: RunRecord,
) -> None:
    seeds = [seed for of, seed in cells if of == target]
    for seed in seeds:
        source = folder.result(cells[target, seed])
        home = out.path if seed == record.seeds[0] else out.path / "seeds" / str(seed)
        for tree in _TREES:
            if (source / tree / target).is_dir():
                shutil.copytree(source / tree / target, home / tree / target, dirs_exist_ok=True)
    first = RunFolder(folder.result(cells[target, seeds[0]]))
    for code in records[target, seeds[0]].tasks[target].languages:
        gold = read_examples(first.examples(target, code), task=target, language=code).without_statistics()
        write_examples(out.examples(target, code), replace(gold, seeds=tuple(seeds)), {})


def _record(folder: StudyFolder, cell: EvaluateStep) -> RunRecord:
    return read_record(folder.result(cell) / "run.json")


def _merged(
    plan: StudyPlan,
    arm: Arm,
    cells: Cells,
    records: Mapping[tuple[str, int], RunRecord],
    folder: StudyFolder,
) -> RunRecord:
    """Return the record of the whole system, out of those of its cells."""
    targets = tuple(dict.fromkeys(target for target, _ in cells))
    seeds = plan.spec.seeds
    of_target = {target: records[target, seeds[0]] for target in targets}
    _check_data(records)
    first = of_target[targets[0]]
    own = len(arm.training_seeds(seeds)) > 1
    suite = plan.evaluation.suite
    models = []
    for seed in seeds if own else seeds[:1]:
        cell, record = next((cells[place], records[place]) for place in cells if place[1] == seed)
        assert record.model is not None, "BUG: an evaluation has a model"
        name = record.model.id
        if cell.source is not None:
            # Where the study lies is nobody's business.
            name = folder.result(cell.source).relative_to(folder.path).as_posix()
        models.append(record.model.model_copy(update={"id": name}))
    due = {
        entry.task.spec.name: entry.expected
        for entry in plan.evaluation.selected
        if entry.task.spec.name not in targets
    }
    return first.model_copy(
        update={
            "request": RunSpec(
                model=models[0].id,
                tasks=tuple(plan.named[target] for target in targets),
                suite=plan.spec.suite,
                languages=plan.spec.languages,
                adapter=plan.spec.adapter,
                recipe=plan.spec.recipe,
                seeds=seeds,
                resamples=plan.request.resamples,
                fresh_head=True,
            ),
            "recipe": _profile(list(of_target.values())),
            "specs": _specs(list(of_target.values())),
            "tasks": {target: record.tasks[target] for target, record in of_target.items()},
            "absent": {**plan.evaluation.absent, **due} if suite else {},
            "model": models[0],
            "further_models": tuple(models[1:]),
            "data": {target: record.data[target] for target, record in of_target.items()},
            "beside": {
                target: record.beside[target]
                for target, record in of_target.items()
                if target in record.beside
            },
            "seeds": seeds,
            "training": {
                target: tuple(run for seed in seeds for run in records[target, seed].training[target])
                for target in targets
                if target in of_target[target].training
            },
            "versions": _versions(list(records.values())),
            "started": min(record.started for record in records.values()),
            "finished": max(record.finished or "" for record in records.values()),
            "failures": (),
            "smoke": any(record.smoke for record in of_target.values()) or plan.spec.stamp == "smoke",
        }
    )


def _check_data(records: Mapping[tuple[str, int], RunRecord]) -> None:
    """Refuse cells of one target that were not tested on the same rows; that would be a bug, or an edit."""
    seen: dict[tuple[str, str], DataRecord] = {}
    problems = []
    for (target, seed), record in records.items():
        for code, data in record.data[target].items():
            known = seen.setdefault((target, code), data)
            if known.fingerprint != data.fingerprint:
                problems.append(
                    f"target {target!r}, seed {seed}: language {code!r} was tested on other rows than in the "
                    "first seed; delete that cell's folder, and the same command runs it again"
                )
    raise_all(ResultError, problems)


def _profile(records: Sequence[RunRecord]) -> str | None:
    names = dict.fromkeys(record.recipe for record in records)
    return next(iter(names)) if len(names) == 1 else " + ".join(str(name) for name in names)


def _specs(records: Sequence[RunRecord]) -> tuple[SpecRecord, ...]:
    """Return the suite, the tasks and the adapter of all records, each once, in this order."""
    found: dict[tuple[str, str], SpecRecord] = {}
    for kind in ("suite", "task", "adapter"):
        for record in records:
            for spec in record.specs:
                if spec.kind == kind:
                    found.setdefault((kind, spec.name), spec)
    return tuple(found.values())


def _versions(records: Sequence[RunRecord]) -> dict[str, str]:
    """Return the versions behind the cells, the scoring's own among them; several stand side by side."""
    found: dict[str, dict[str, None]] = {}
    for versions in (*(record.versions for record in records), read_versions()):
        for name, version in versions.items():
            found.setdefault(name, {})[version] = None
    return {name: " and ".join(each) for name, each in found.items()}


def _key(plan: StudyPlan, arm: Arm, cells: Cells) -> str:
    suite = plan.evaluation.suite
    content = {
        "cells": [[target, seed, cell.key] for (target, seed), cell in cells.items()],
        "seeds": plan.spec.seeds,
        "suite": suite.sha256 if suite else None,
        "once": arm.spec.once,
        "stamp": plan.spec.stamp,
        "resamples": plan.request.resamples,
        "versions": read_versions(),
    }
    return hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()[:16]


def _seal(out: RunFolder, key: str) -> None:
    record = read_record(out.run_json)
    seal = Seal(
        key=key,
        step="assemble",
        alike="assemble",
        seconds=0.0,
        finished=record.finished or "",
        files=sizes_of(out.path),
        read={},
    )
    write_bytes(out.path / SEAL, (seal.model_dump_json(indent=1) + "\n").encode("utf-8"))
