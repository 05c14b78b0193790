"""What a study stands on: its parent checkpoints, the machine, the libraries; kept in `study.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import ModelError, RequestError, ResultError, raise_all
from harness.progress import Progress
from harness.records import canonical_json
from harness.results.folder import write_bytes
from harness.results.provenance import read_clock, read_versions
from harness.results.trees import decode_tree
from harness.specfiles.catalog import load_adapter, load_adapters
from harness.specs.adapter import AdapterSpec
from harness.specs.study import StudyRequest
from harness.studying.planning import StudyPlan

RECORD = "study.json"
# Of all libraries those whose versions decide what is reused: another one may move every number.
DECISIVE = ("xharness", "torch", "transformers", "tokenizers")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Parent(_Part):
    """A checkpoint as it was when the study began.

    `model` is what opens it again: a folder, or a hub id at its commit. `files` are size and time of
    change of the files of a folder, so that it is hashed anew only where one of them changed.
    """

    model: str
    weights_sha256: str
    settings_sha256: str
    adapter: str
    adapter_sha256: str
    sentence_encoder: bool
    hidden_size: int
    parameters: int
    files: dict[str, tuple[int, int]] = {}


class Machine(_Part):
    """Where the study runs, as far as it can change a number."""

    device: Literal["cpu", "cuda"]
    dtype: Literal["float32", "bfloat16", "float16"]
    threads: int


class StudyRecord(_Part):
    """The whole of `study.json`. `parents` are by the name that the study gives them."""

    schema_version: Literal[1] = 1
    name: str
    version: str
    sha256: str
    study: dict[str, Any]
    mixtures: dict[str, dict[str, Any]]
    parents: dict[str, Parent]
    machine: Machine
    versions: dict[str, str]
    started: str

    @property
    def decisive(self) -> dict[str, str]:
        """The versions that decide what is reused."""
        return {name: self.versions[name] for name in DECISIVE if name in self.versions}


def lay_ground(plan: StudyPlan, folder: Path, progress: Progress, *, writes: bool = True) -> StudyRecord:
    """Open the parents, or check that they are what they were when the study began; write `study.json`.

    Nothing heavy is loaded where nothing changed. A study that was edited keeps its folder; parents that
    were there before must be the same.

    Raises:
        ResultError: the folder belongs to another study.
        ModelError: a parent changed since, or cannot be opened.
        RequestError: the study was begun on another device, or with another dtype or number of threads.
    """
    from harness.backends.hub import looks_like_hub_id

    path = folder / RECORD
    old = _read_record(path) if path.is_file() else None
    if old is not None and old.name != plan.spec.name:
        raise ResultError(
            f"--out {folder}: holds the study {old.name!r}, not {plan.spec.name!r}; choose another --out"
        )
    machine = _machine(plan.request, old.machine if old else None, folder)
    parents: dict[str, Parent] = {}
    problems: list[str] = []
    for name in plan.parents:
        known = old.parents.get(name) if old else None
        try:
            parents[name] = _parent(name, plan, known, machine, progress)
        except ModelError as error:
            if not writes and looks_like_hub_id(name) and not Path(name).expanduser().exists():
                parents[name] = _unopened(name, plan)
                progress.warn(f"{name} is not here, so nothing is known of its size and of what is finished")
                continue
            used = ", ".join(arm.name for arm in plan.arms.values() if arm.parent == name)
            problems.append(f"parent of {used}: {error}")
    raise_all(ModelError, problems)
    found = StudyRecord(
        name=plan.spec.name,
        version=plan.spec.version,
        sha256=plan.loaded.sha256,
        study=plan.spec.model_dump(mode="json"),
        mixtures={
            name: mixture.model_dump(mode="json")
            for name, arm in plan.arms.items()
            if (mixture := arm.resolved) is not None
        },
        parents={**(old.parents if old else {}), **parents},
        machine=machine,
        versions=read_versions(),
        started=old.started if old else read_clock(),
    )
    if writes and found != old:
        write_bytes(path, (found.model_dump_json(indent=2) + "\n").encode("utf-8"))
    return found


def adapter_of(plan: StudyPlan, parent: Parent) -> AdapterSpec:
    """Return the adapter that a parent was opened with, and that all its descendants are."""
    return load_adapter(plan.spec.adapter or parent.adapter).spec


def _machine(request: StudyRequest, old: Machine | None, folder: Path) -> Machine:
    asked: Mapping[str, Any] = {
        "device": request.device,
        "dtype": request.dtype,
        "threads": request.threads if request.threads is not None else "auto",
    }
    if old is not None:
        problems = [
            f"--{name} {value}: the study in {folder} was begun with {getattr(old, name)}, and numbers of "
            "one study must not mix them; leave the option out, or choose another --out"
            for name, value in asked.items()
            if value not in ("auto", getattr(old, name))
        ]
        raise_all(RequestError, problems)
        return old
    from harness.backends.devices import resolve_device, resolve_dtype

    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    threads = request.threads
    if threads is None:
        import torch

        threads = torch.get_num_threads()
    return Machine.model_validate({"device": device, "dtype": dtype, "threads": threads})


def _parent(name: str, plan: StudyPlan, known: Parent | None, machine: Machine, progress: Progress) -> Parent:
    folder = Path(name).expanduser()
    if known is not None:
        # A hub id was resolved to a commit, which cannot change.
        files = _files(folder) if folder.is_dir() else {}
        if files == known.files and _adapter_hash(adapter_of(plan, known)) == known.adapter_sha256:
            return known
    found = _open(known.model if known is not None else name, plan, machine, progress)
    if known is not None:
        changed = [
            what
            for what, one, other in (
                ("weights", known.weights_sha256, found.weights_sha256),
                ("configuration or tokenizer", known.settings_sha256, found.settings_sha256),
            )
            if one != other
        ]
        if changed:
            raise ModelError(
                f"{name}: its {' and '.join(changed)} changed since the study began; restore the checkpoint, "
                "or begin anew with another --out"
            )
    return found


def _unopened(name: str, plan: StudyPlan) -> Parent:
    """Return what is assumed of a checkpoint of the hub that is not here, for a rehearsal."""
    return Parent(
        model=name,
        weights_sha256="",
        settings_sha256="",
        adapter=plan.spec.adapter or "generic",
        adapter_sha256="",
        sentence_encoder=False,
        hidden_size=0,
        parameters=0,
    )


def _open(name: str, plan: StudyPlan, machine: Machine, progress: Progress) -> Parent:
    from harness.backends.checkpoint import open_model
    from harness.backends.sentence_modules import has_modules
    from harness.backends.weights import tensor_shapes

    request = plan.request
    model, reason = open_model(
        name,
        adapters={loaded.spec.name: loaded.spec for loaded in load_adapters()},
        asked_adapter=load_adapter(plan.spec.adapter).spec if plan.spec.adapter else None,
        device=request.device,
        dtype=request.dtype,
        offline=request.offline,
        allow_pickle=request.allow_pickle,
        trust_remote_code=request.trust_remote_code,
        say=progress.say,
    )
    progress.say(f"{name}: {reason}")
    folder = Path(name).expanduser()
    return Parent(
        model=name if folder.is_dir() or model.revision is None else f"{model.model_id}@{model.revision}",
        weights_sha256=model.weights_sha256,
        settings_sha256=model.settings_sha256,
        adapter=model.adapter.name,
        adapter_sha256=_adapter_hash(model.adapter),
        sentence_encoder=has_modules(model.path),
        hidden_size=model.hidden_size,
        parameters=_count(tensor_shapes(model.path, allow_pickle=request.allow_pickle)),
        files=_files(folder) if folder.is_dir() else {},
    )


def _adapter_hash(adapter: AdapterSpec) -> str:
    return hashlib.sha256(canonical_json(adapter.model_dump(mode="json")).encode("utf-8")).hexdigest()


def _count(shapes: Mapping[str, tuple[int, ...]]) -> int:
    total = 0
    for shape in shapes.values():
        size = 1
        for length in shape:
            size *= length
        total += size
    return total


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of the files of a folder and of the folders in it."""
    found = {}
    for pattern in ("*", "*/*"):
        for path in folder.glob(pattern):
            if path.is_file():
                entry = path.stat()
                found[path.relative_to(folder).as_posix()] = (entry.st_size, entry.st_mtime_ns)
    return dict(sorted(found.items()))


def _read_record(path: Path) -> StudyRecord:
    way_out = "restore it from a copy, or choose another --out"
    try:
        return StudyRecord.model_validate(decode_tree(path.read_bytes(), path, way_out))
    except (OSError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        place = ".".join(map(str, first["loc"]))
        raise ResultError(f"{path}: {place}{': ' if place else ''}{first['msg']}; {way_out}") from None
