"""`run.json`: what was asked, of what, with what; enough to know whether two runs are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from harness.errors import ResultError
from harness.records import canonical_json
from harness.results.card import Card
from harness.results.folder import write_bytes
from harness.results.trees import decode_tree
from harness.specs.run import RunSpec, ScoreSpec

_WAY_OUT = "restore it from a copy, or begin anew with `xharness eval --no-resume`"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class SpecRecord(_Part):
    """A resolved specification: its file's hash and what it came down to."""

    kind: Literal["task", "suite", "adapter"]
    name: str
    version: str
    sha256: str
    content: dict[str, Any]


class MergedRecord(_Part):
    """The PEFT adapter and the base that a checkpoint was merged from, by the hashes of their files."""

    method: str
    adapter_sha256: str
    base_id: str
    base_revision: str | None
    base_weights_sha256: str
    base_settings_sha256: str


class ModelRecord(_Part):
    """The checkpoint, and the adapter (how the family is pooled and tuned) that was chosen and why.

    Where it was merged from a PEFT adapter, id and revision are that one's, the hashes what was merged.
    """

    id: str
    revision: str | None
    weights_sha256: str
    settings_sha256: str = ""  # configuration, tokenizer, pooling modules
    adapter: str
    adapter_version: str
    adapter_reason: str = ""
    merged: MergedRecord | None = None
    card: Card | None = None  # of its intermediate phases, where it has one

    @property
    def short_name(self) -> str:
        """The id of a hub model; of a local folder its last two parts."""
        return self.id if self.revision else short_path(self.id)


class SubmissionRecord(_Part):
    """Predictions that another program made: their folder in short, and a hash over all their files."""

    name: str
    sha256: str
    files: int = Field(ge=1)


class SourceRecord(_Part):
    """A file that was read, relative to the data folder."""

    path: str
    sha256: str


class DataRecord(_Part):
    """The test set of one task in one language."""

    fingerprint: str
    examples: int = Field(ge=0)
    sources: tuple[SourceRecord, ...] = ()
    repairs: dict[str, int] = Field(default_factory=dict)


class TaskRecord(_Part):
    """How one task was run. `expected` are the languages whose mean is the benchmark's number.

    Of a submission neither recipe nor head is known, nor whether it is zero-shot. `seen` are the languages
    that an intermediate phase trained on for this very task, each with the reasons: there the score is not
    zero-shot.
    """

    recipe: str | None
    head: str | None  # `trained`, `trained as TASK`, `the checkpoint's own`, `none`
    zero_shot: bool | None
    languages: tuple[str, ...]
    expected: tuple[str, ...]
    settings: dict[str, Any] = Field(default_factory=dict)
    seen: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class TrainingRecord(_Part):
    """One training run. Tasks that share it (XQuAD and MLQA) name the same key."""

    key: str
    seed: int
    recipe: str
    task: str = ""  # whose head was trained; another than the record's own under `encoder_of`
    phases: tuple[dict[str, Any], ...] = ()
    data: dict[str, DataRecord] = Field(default_factory=dict)  # `training set/language` -> what was read
    selected_on: dict[str, DataRecord] = Field(default_factory=dict)  # the same of the development data
    # Languages of the task's own test set -> how many of its rows the checkpoint was selected on.
    test_rows: dict[str, int] = Field(default_factory=dict)


class GitState(_Part):
    """The checkout of the harness."""

    commit: str
    dirty: bool


class Environment(_Part):
    """The machine, as far as it can change a number."""

    device: str
    dtype: str
    search: str
    threads: int
    deterministic: str = ""  # how far the same command gives the same bytes here
    hardware: str = ""


class Failure(_Part):
    """A cell that has no score, and why. `language` is null where the whole task failed."""

    task: str
    language: str | None = None
    message: str


def _kind_of_request(request: Any) -> str:
    asked = request.keys() if isinstance(request, Mapping) else {type(request)}
    return "score" if asked & {"predictions", ScoreSpec} else "eval"


Request = Annotated[
    Annotated[RunSpec, Tag("eval")] | Annotated[ScoreSpec, Tag("score")], Discriminator(_kind_of_request)
]


class RunRecord(_Part):
    """The whole of `run.json`. Times are UTC; `finished` is null while anything is still due.

    What was scored is the work of a `model`, or a `submission` of which no more is known.
    """

    schema_version: Literal[1] = 1
    request: Request
    suite: str | None
    recipe: str | None
    specs: tuple[SpecRecord, ...]
    tasks: dict[str, TaskRecord] = Field(default_factory=dict)
    absent: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # tasks of the suite not evaluated
    model: ModelRecord | None
    # Of a system of a study: the models of the further seeds, where every seed has one of its own.
    further_models: tuple[ModelRecord, ...] = ()
    submission: SubmissionRecord | None = None
    data: dict[str, dict[str, DataRecord]] = Field(default_factory=dict)
    # What predictions depend on beside the test sets: the pool that is searched (`*` where it belongs
    # to no language) or the development data that decoding is tuned on.
    beside: dict[str, dict[str, DataRecord]] = Field(default_factory=dict)
    seeds: tuple[int, ...]
    training: dict[str, tuple[TrainingRecord, ...]] = Field(default_factory=dict)
    versions: dict[str, str]
    environment: Environment | None
    git: GitState | None = None
    started: str
    finished: str | None = None
    failures: tuple[Failure, ...] = ()
    limit: int | None = None
    smoke: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} must be at least one, without repetition")
        if self.suite is not None and self.spec("suite", self.suite) is None:
            raise ValueError(f"suite: {self.suite!r} has no specification among the specs")
        for name, task in self.tasks.items():
            if self.spec("task", name) is None:
                raise ValueError(f"tasks.{name}: has no specification among the specs")
            if len(set(task.languages)) != len(task.languages):
                raise ValueError(f"tasks.{name}.languages: {list(task.languages)} names one twice")
        if self.further_models and (self.model is None or len(self.further_models) != len(self.seeds) - 1):
            raise ValueError("further_models: there must be one for every seed but the first")
        scored = isinstance(self.request, ScoreSpec)
        if (self.submission is not None) != scored or (self.model is None) != scored:
            raise ValueError("an evaluation has a model and no submission, a scored submission no model")
        for name in self.data:
            if name not in self.tasks:
                raise ValueError(f"data.{name}: is not among the tasks")
        for number, spec in enumerate(self.specs):
            if spec.content.get("name") != spec.name:
                raise ValueError(
                    f"specs.{number}.content.name: {spec.content.get('name')!r} is not {spec.name!r}"
                )
        return self

    @property
    def stamps(self) -> tuple[str, ...]:
        """What keeps these numbers from being compared with published ones."""
        stamps = ["smoke recipe: trained on what the release holds, not comparable"] if self.smoke else []
        seen = [name for name, task in self.tasks.items() if task.zero_shot is False]
        if seen:
            stamps.append(f"trained in the tested languages, not zero-shot: {', '.join(seen)}")
        if self.limit is not None:
            stamps.append(f"limit {self.limit}: not comparable")
        return tuple(stamps)

    @property
    def phase_once(self) -> bool:
        """Whether one intermediate phase stands behind all runs, whatever the number of seeds."""
        return self.model is not None and self.model.card is not None and not self.further_models

    def seeds_of(self, task: str) -> tuple[int, ...]:
        """Return the seeds with predictions of their own: the first alone where nothing was trained."""
        return self.seeds if task in self.training or self.further_models else self.seeds[:1]

    def runs(self, tasks: Iterable[str]) -> int:
        """Return the number of runs of these tasks: one where nothing was trained, whatever the seeds."""
        if self.further_models:
            return len(self.seeds)
        return max((len(self.training.get(task, ())) for task in tasks), default=1) or 1

    @property
    def system(self) -> str:
        """What was scored, in short: the model, or the folder of predictions."""
        if self.submission is not None:
            return self.submission.name
        assert self.model is not None, "BUG: a record has a model or a submission"
        return self.model.short_name

    def selected_on(self, task: str) -> tuple[str, ...]:
        """Return the languages of a task whose own test rows, or some of them, chose the checkpoint."""
        runs = self.training.get(task, ())
        chosen = {data.fingerprint for run in runs for data in run.selected_on.values()}
        return tuple(
            code
            for code, data in self.data.get(task, {}).items()
            if data.fingerprint in chosen or any(run.test_rows.get(code) for run in runs)
        )

    def settings_chosen_on(self, task: str) -> bool:
        """Whether the adapter says that layer or pooling were chosen on the test set of a task."""
        adapter = next((spec for spec in self.specs if spec.kind == "adapter"), None)
        embedding = adapter.content.get("embedding") if adapter else None
        return isinstance(embedding, Mapping) and task in embedding.get("chosen_on", ())

    def spec(self, kind: str, name: str) -> SpecRecord | None:
        """Return the record of a specification, or None."""
        return next((s for s in self.specs if s.kind == kind and s.name == name), None)

    @property
    def signature(self) -> str:
        """One line that says what the numbers are, to be quoted with them."""
        tasks = "+".join(f"{s.name}@{s.version}" for s in self.specs if s.kind == "task")
        fields = {
            "xharness": self.versions.get("xharness", "?"),
            "suite": self.suite or "none",
            "tasks": tasks,
        }
        if self.model is not None:
            hashes = [model.weights_sha256[:8] for model in (self.model, *self.further_models)]
            fields["model"] = f"{self.model.short_name}@{'+'.join(hashes)}"
            fields["adapter"] = f"{self.model.adapter}@{self.model.adapter_version}"
        if self.submission is not None:
            fields["predictions"] = f"{self.submission.name}@{self.submission.sha256[:8]}"
            complete = not self.absent and all(t.languages == t.expected for t in self.tasks.values())
            fields["languages"] = "all" if complete else "part"
        if isinstance(self.request, RunSpec):
            chosen = self.request.languages
            fields["recipe"] = self.recipe or "none"
            fields["languages"] = "+".join(sorted(chosen)) if chosen else "all"
            fields["seeds"] = "+".join(map(str, self.seeds))
        if self.environment is not None:
            fields["dtype"] = self.environment.dtype
            fields["search"] = self.environment.search
        fields["data"] = _data_hash(self.data)[:8]
        fields["bs"] = str(self.request.resamples)
        fields["limit"] = "no" if self.limit is None else str(self.limit)
        # The bar separates fields and a line break would end the signature.
        clean = {
            k: "".join("_" if c == "|" or not c.isprintable() else c for c in v) for k, v in fields.items()
        }
        return "|".join(f"{key}:{value}" for key, value in clean.items())


def short_path(path: str) -> str:
    """Return the last two parts of a path: where it lies is nobody's business."""
    return "/".join(Path(path).parts[-2:])


def encode_record(record: RunRecord) -> bytes:
    """Write a record as JSON with its signature; keys in the order of the model."""
    tree = record.model_dump(mode="json")
    tree["signature"] = record.signature
    return (json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode("utf-8")


def decode_record(data: bytes, path: Path) -> RunRecord:
    """Read a record back; `path` is for messages only. The signature is worked out anew.

    Raises:
        ResultError: as `decode_tree`, or if it does not fit the schema; the place is named.
    """
    tree = decode_tree(data, path, _WAY_OUT)
    tree.pop("signature", None)
    try:
        return RunRecord.model_validate(tree)
    except ValidationError as error:
        raise ResultError(f"{path}: {_problems(error)}; was it edited? {_WAY_OUT.capitalize()}") from None


def read_record(path: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        ResultError: if it is missing or not what this version writes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResultError(
            f"{path} cannot be read ({error.strerror}); is this a run folder? If so, {_WAY_OUT}"
        ) from None
    return decode_record(data, path)


def write_record(path: Path, record: RunRecord) -> None:
    """Write `run.json` atomically."""
    write_bytes(path, encode_record(record))


def _problems(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        place = ".".join(map(str, problem["loc"]))
        parts.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    return "; ".join(parts)


def _data_hash(data: Mapping[str, Mapping[str, DataRecord]]) -> str:
    rows = sorted(
        (task, code, found.fingerprint) for task, codes in data.items() for code, found in codes.items()
    )
    return hashlib.sha256(canonical_json(rows).encode("utf-8")).hexdigest()
