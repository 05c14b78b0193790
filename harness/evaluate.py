"""The main path: one call per step, top to bottom.

Steps 7 to 10 read only what step 6 wrote, so `score_run` repeats them without model or data.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.backends.checkpoint import check_model, open_model
from harness.backends.devices import use_threads
from harness.backends.sentence_modules import has_modules
from harness.errors import IncompleteRun, RequestError, ResultError
from harness.execution import Execution, describe_use, embeds, find_training, run_job
from harness.planning import choose_recipes, make_plan
from harness.preparation import check_files, data_places, fetch_data, read_data
from harness.progress import Progress
from harness.recording import begin_record, finish_record, record_submission, suite_of, task_of
from harness.records import canonical_json
from harness.results.continuation import changed_versions, check_same_run, comparable_request
from harness.results.examples import write_examples
from harness.results.findings import Findings, constant_note
from harness.results.folder import RunFolder, write_bytes
from harness.results.foreign_code import refuse_foreign_code
from harness.results.record import (
    RunRecord,
    read_record,
    write_record,
)
from harness.results.report import report_tables, write_report
from harness.results.scores import Scores, encode_scores
from harness.results.table import Table
from harness.retrieval.screening import resolve_engine
from harness.scoring import Scored, score_language, statistics_columns, summarise
from harness.specfiles.catalog import load_adapter, load_adapters
from harness.specs.run import RunSpec, ScoreSpec
from harness.submission import place_for, read_submission, write_submission
from harness.verification import check_gold, check_source


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run came to. `folder` is what was written or read; `incomplete` has a line per failed cell."""

    folder: Path
    findings: Findings
    incomplete: tuple[str, ...] = ()

    @property
    def scores(self) -> Scores:
        """The scores tree, as `scores.json` holds it."""
        return self.findings.scores

    @property
    def tables(self) -> list[Table]:
        """The tables in reading order."""
        return report_tables(self.findings)


def evaluate(request: RunSpec, progress: Progress | None = None, *, store: Path | None = None) -> Evaluation:
    """Evaluate a checkpoint: fine-tune where a task trains, predict, score, and write a run folder.

    Started again on the same folder, the same request does only what is missing. `store` is a folder of
    trained heads that several runs share: what one of them trained, no other trains again.

    Raises:
        HarnessError: the input is wrong; nothing was written then.
        IncompleteRun: not a single cell could be predicted.
    """
    progress = progress or Progress()
    # 1, 2: the request and the specs
    plan = make_plan(request)
    if request.threads is not None:
        use_threads(request.threads)
    # 4: the model (which recipe is the default depends on it; its weights stay on disk)
    model, reason = open_model(
        request.model,
        adapters={loaded.spec.name: loaded.spec for loaded in load_adapters()},
        asked_adapter=load_adapter(request.adapter).spec if request.adapter else None,
        base_model=request.base_model,
        merge_cache=Path(request.merge_cache).expanduser() if request.merge_cache else None,
        device=request.device,
        dtype=request.dtype,
        offline=request.offline,
        allow_pickle=request.allow_pickle,
        trust_remote_code=request.trust_remote_code,
        say=progress.say,
    )
    progress.say(reason)
    progress.say(
        f"on {model.device} in {model.dtype}, search: {resolve_engine(request.search, model.device)}"
    )
    jobs = choose_recipes(plan, model.adapter, sentence_encoder=has_modules(model.path))
    # 3: the examples
    places = data_places(request)
    training = find_training(jobs, model, fresh_head=request.fresh_head, progress=progress)
    fetch_data(jobs, training, places, progress)
    check_files(jobs, training, places)
    parts = check_model(model, embeds=any(embeds(job, training) for job in jobs))
    if parts is not None:
        progress.say(describe_use(parts, jobs, model, training))
    data = {
        job.task.name: read_data(
            job, places, trains=job.task.name in training, limit=request.limit, progress=progress
        )
        for job in jobs
    }
    record = begin_record(plan, jobs, model=model, adapter_reason=reason, data=data, training=training)
    folder = RunFolder(_choose_out(request, record))
    with folder.locked():
        record = _continue(folder, record, resume=request.resume, progress=progress)
        write_record(folder.run_json, record)
        # 5, 6: fine-tune, predict
        run = Execution(folder, model, request, progress, store)
        failures = [
            failure
            for job in jobs
            for failure in run_job(run, job, data[job.task.name], trains=job.task.name in training)
        ]
        record = finish_record(record, failures)
        # 7 to 10: score, estimate, record, publish
        findings = _score(folder, folder, record, progress)
        if not findings.scores.tasks:
            write_record(folder.run_json, record)
            raise IncompleteRun(
                "no cell could be predicted:\n" + "\n".join(f"  {f.message}" for f in failures)
            )
        _publish(folder, findings)
        if request.discard_models and not failures:
            shutil.rmtree(folder.path / "training", ignore_errors=True)
    return Evaluation(folder.path, findings, tuple(f"{f.task}: {f.message}" for f in failures))


def score_run(
    run: Path | str,
    *,
    data_dir: Path | str | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a run folder again from its predictions and gold: steps 7 to 10, no model, no data.

    Equal bytes prove that the folder is consistent. With `data_dir` gold is read from the source
    again and must agree. Without `out` nothing is written; with it, a new run folder is.

    Raises:
        ResultError: the folder is damaged, its gold is not what run.json says (or what the source
            holds), or its scores.json is not what its predictions give.
    """
    progress = progress or Progress()
    folder = RunFolder(Path(run))
    record = read_record(folder.run_json)
    refuse_foreign_code(record)
    check_gold(folder, record)
    if data_dir is not None:
        check_source(record, Path(data_dir), progress)
    findings = _score(folder, None, record, progress)
    if out is not None:
        _copy(folder, RunFolder(Path(out)), record, progress)
        return Evaluation(Path(out), findings)
    written = folder.scores_json.read_bytes() if folder.scores_json.is_file() else None
    digest = hashlib.sha256(encode_scores(findings.scores)).hexdigest()
    if written is None:
        raise ResultError(f"{folder.path}: the run has no scores.json; --out writes a new folder with one")
    if written != encode_scores(findings.scores):
        raise ResultError(
            f"{folder.scores_json} (by xharness {record.versions.get('xharness', '?')}) is not what the "
            f"predictions of the folder give (sha256 {digest[:16]}): it was edited, or a metric has changed "
            "since. --out writes the new scores into a new folder"
        )
    progress.say(f"scores.json: the same bytes (sha256 {digest[:16]})")
    return Evaluation(folder.path, findings)


def score_submission(
    request: ScoreSpec, *, out: Path | str | None = None, progress: Progress | None = None
) -> Evaluation:
    """Score predictions that another program made, in the official layout, against label files.

    Scored is what is there; the languages and tasks of the suite that are not are warned of, and
    have no average. With `out` a new run folder is written, like that of an evaluation; without it
    none is, and `folder` of the result is that of the predictions.

    Raises:
        HarnessError: a file of either folder is wrong (all of them are named); nothing was written then.
    """
    progress = progress or Progress()
    submission = read_submission(request, progress)
    record = record_submission(request, submission)
    with place_for(out, request) as folder, folder.locked():
        write_submission(folder, submission)
        findings = _score(folder, folder, record, progress)
        _publish(folder, findings)
    for task, languages in findings.scores.missing.items():
        progress.warn(f"missing: {task} ({', '.join(languages)})")
    return Evaluation(Path(request.predictions if out is None else out), findings)


def publish_run(folder: RunFolder, record: RunRecord, progress: Progress) -> None:
    """Score what lies in a folder as its record says, and write scores, record and report: steps 7 to 10.

    Raises:
        ResultError: a file of the folder is missing or malformed, or the file system refuses.
    """
    _publish(folder, _score(folder, folder, record, progress))


def _score(source: RunFolder, target: RunFolder | None, record: RunRecord, progress: Progress) -> Findings:
    """Score every cell that `source` holds; write statistics to `target` if there is one."""
    failed = {failure.task for failure in record.failures}
    scored = []
    with progress.phase("scoring", sum(len(t.languages) for t in record.tasks.values()), "cells") as advance:
        for name, entry in record.tasks.items():
            task, cells, constant = task_of(record, name), [], []
            for code in entry.languages:
                try:
                    cell, is_constant = score_language(source, task, code)
                except ResultError:
                    # A cell that failed may lack files; any other must have them.
                    if name not in failed:
                        raise
                    continue
                if target is not None:
                    write_examples(target.examples(name, code), cell, statistics_columns(task))
                cells.append(cell)
                constant += [code] if is_constant else []
                advance(1)
            scored.append(Scored(task, entry.expected, tuple(cells), tuple(constant)))
    with progress.phase("resampling", 1, "runs"):
        scores, partial, few_units = summarise(
            scored,
            suite=suite_of(record),
            recipe=record.recipe,
            missing=record.absent,
            resamples=record.request.resamples,
        )
    findings = Findings(
        scores, record, partial, few_units, {s.task.name: s.constant for s in scored if s.constant}
    )
    if note := constant_note(findings):
        progress.warn(note)
    return findings


def _publish(folder: RunFolder, findings: Findings) -> None:
    """Write scores, record and report; run.json last, since its `finished` says that all is there."""
    write_bytes(folder.scores_json, encode_scores(findings.scores))
    write_report(folder, findings)
    write_record(folder.run_json, findings.record)


def _copy(source: RunFolder, target: RunFolder, record: RunRecord, progress: Progress) -> None:
    """Write a new run folder with the predictions of another and scores of its own."""
    if target.path.resolve().is_relative_to(source.path.resolve()):
        raise RequestError(
            f"--out {target.path} lies inside the run folder {source.path}; choose another place"
        )
    if target.is_run_folder():
        raise ResultError(f"{target.path} is a run folder already; --out takes a new one")
    with target.locked():
        for tree in ("predictions", "extra", "seeds"):
            if (source.path / tree).is_dir():
                shutil.copytree(source.path / tree, target.path / tree, dirs_exist_ok=True)
        _publish(target, _score(source, target, record, progress))


def _choose_out(request: RunSpec, record: RunRecord) -> Path:
    if request.out is not None:
        return Path(request.out).expanduser()
    digest = hashlib.sha256(canonical_json(comparable_request(request)).encode("utf-8")).hexdigest()
    assert record.model is not None, "BUG: an evaluation has a model"
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in Path(record.model.id).name) or "model"
    return Path("runs") / f"{stem}-{record.model.weights_sha256[:8]}-{digest[:8]}"


def _continue(folder: RunFolder, record: RunRecord, *, resume: bool, progress: Progress) -> RunRecord:
    """Return the record to go on with: the folder's own start, if it holds the same run.

    Raises:
        ResultError: the folder belongs to another run.
    """
    if not folder.is_run_folder():
        return record
    if not resume:
        # Even half a run.json of ours begins so, or is empty; anything else is not ours to delete.
        begun = folder.run_json.read_bytes()[:64]
        if begun and b'"schema_version"' not in begun:
            raise ResultError(
                f"{folder.run_json} is not a record of a run; --no-resume deletes only what a run wrote. "
                "Choose another --out"
            )
        folder.clear()
        return record
    old = read_record(folder.run_json)
    check_same_run(old, record, folder.path)
    if changed := changed_versions(old, record):
        raise RequestError(
            f"{folder.path} was begun with other versions ({', '.join(changed)}): numbers of one run must "
            "not mix them. Use the old versions, another --out, or --no-resume to begin anew"
        )
    progress.say(f"{folder.path}: going on with the run of {old.started}")
    return record.model_copy(update={"started": old.started, "finished": old.finished})


class _Callable(ModuleType):
    """Makes `harness.evaluate(request)` work, where Python binds this module and not its function."""

    def __call__(self, request: RunSpec, progress: Progress | None = None) -> Evaluation:
        return evaluate(request, progress)


sys.modules[__name__].__class__ = _Callable
