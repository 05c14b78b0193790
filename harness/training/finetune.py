"""Fine-tuning on the source language: the phases of a recipe, one after the other.

Every phase writes an ordinary checkpoint folder, which appears under its name only when complete.
A run that was killed continues from its last checkpoint and ends with the same bytes (on CPU, with
the same threads and versions).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.checkpoint import check_model
from harness.backends.heads import open_head
from harness.backends.loading import quiet_transformers
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes
from harness.errors import DataError, ModelError
from harness.metrics.table import metric_named
from harness.progress import Progress
from harness.records import DataSet, Example, canonical_json
from harness.specs.recipe import Phase, Recipe
from harness.specs.settings import KindSettings
from harness.specs.task import TaskSpec
from harness.training.checkpoints import published
from harness.training.loop import train as run_loop
from harness.training.plan import learning_rate, make_plan, whole
from harness.training.shortages import explained

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from harness.kinds.base import Head

RECORD = "training.json"
CHECKPOINT_SECONDS = 60.0


def training_key(
    *,
    model: Model,
    head: Head,
    recipe: Recipe,
    settings: KindSettings,
    fingerprints: Mapping[str, str],
    seed: int,
    selects_by: str | None = None,
) -> str:
    """Return a name for a training run, 16 hexadecimal digits: equal for tasks that can share it.

    It covers the start weights, the head, every phase with its learning rate resolved, the
    kind's settings, the number format, the seed, and `fingerprints`: those of the training sets
    (and of the development sets used for selection) by name. The names themselves do not count.
    `selects_by`, the metric of selection, counts where a phase selects.
    """
    phases = []
    for phase in recipe.phases:
        described = phase.model_dump(mode="json")
        if described["selection"]:
            del described["selection"]["computes"]  # `selects_by` says it, the task's own metrics included
        described["learning_rate"] = learning_rate(phase, model.hidden_size)
        described["batch_size"] = whole(phase.batch_size, model.hidden_size)
        if phase.micro_batch is not None:
            described["micro_batch"] = whole(phase.micro_batch, model.hidden_size)
        described["training_set"] = fingerprints[phase.training_set]
        phases.append(described)
    content = {
        "weights": model.weights_sha256,
        "files": model.settings_sha256,
        "selects_by": selects_by if any(phase.selection for phase in recipe.phases) else None,
        "head": [type(head).__name__, head.auto_class, list(head.labels)],
        "phases": phases,
        "settings": settings.model_dump(mode="json"),
        "dtype": model.dtype,
        "seed": seed,
    }
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def run_phases(
    *,
    task: TaskSpec,
    recipe: Recipe,
    head: Head,
    settings: KindSettings,
    decode_gold: Callable[[str], Any],
    model: Model,
    train: Mapping[str, Sequence[DataSet]],
    dev: Mapping[str, DataSet | None],
    fingerprints: Mapping[str, str],
    out: Path,
    seed: int,
    progress: Progress,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Path:
    """Run a recipe's phases in order, each from where the one before ended; return the last folder.

    `train`, `dev` and `fingerprints` are by the name of the training set. Each phase has a folder of
    its own under `out`; one that is complete and undamaged is not run again.

    Raises:
        DataError: if a training set is empty or does not fit the task.
        ModelError: if the checkpoint cannot take the head, or training diverges.
        RequestError: if memory or disk run out.
    """
    assert recipe.phases, "BUG: a recipe without phases trains nothing"
    for number, phase in enumerate(recipe.phases, 1):
        folder = out / f"{number}-{phase.training_set}"
        fine_tune(
            phase=phase,
            task=task,
            head=head,
            settings=settings,
            decode_gold=decode_gold,
            model=model,
            examples=[e for data in train[phase.training_set] for e in data.examples],
            dev=dev.get(phase.training_set),
            fingerprint=fingerprints[phase.training_set],
            out=folder,
            fresh=number == 1 or head.auto_class == "AutoModel",
            seed=seed,
            progress=progress,
            checkpoint_seconds=checkpoint_seconds,
        )
        model = model.at(folder)
    return model.path


def fine_tune(
    *,
    phase: Phase,
    task: TaskSpec,
    head: Head,
    settings: KindSettings,
    decode_gold: Callable[[str], Any],
    model: Model,
    examples: Sequence[Example],
    dev: DataSet | None,
    fingerprint: str,
    out: Path,
    fresh: bool,
    seed: int,
    progress: Progress,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Run one phase from the checkpoint at `model.path`; `out` appears when it is complete.

    With `fresh` the head is new, initialised from the seed; else it is the checkpoint's own.
    `out` holds weights (safetensors), configuration, tokenizer, and `training.json`: the phase in
    numbers, the losses, the trace of selection, seed and data. Weights are trained in
    float32; with dtype bfloat16 or float16 the arithmetic is that of autocast. Checkpoints lie
    beside it in a folder `<out>.part`, about one a minute.

    Raises:
        DataError: if there is nothing to train on, or a phase selects and has no development data.
        ModelError: if the checkpoint cannot take the head, or training diverges.
        RequestError: if memory or disk run out.
    """
    if (out / RECORD).is_file():
        damage = _damage(model.at(out))
        if damage is None:
            return
        progress.warn(
            f"training of task {task.name!r}: what was trained is damaged and is trained again: {damage}"
        )
    if not examples:
        raise DataError(f"task {task.name!r}: the training set {phase.training_set!r} has no examples")
    if phase.selection is not None and (dev is None or not dev.examples):
        raise DataError(
            f"task {task.name!r}: the recipe selects checkpoints on development data, but the training set "
            f"{phase.training_set!r} has none: name its `dev` files, or remove `selection` from the phase"
        )
    if phase.max_length is not None and "max_length" in type(settings).model_fields:
        settings = settings.model_copy(update={"max_length": phase.max_length})
    work = out.with_name(out.name + ".part")
    name = f"{task.name} on {phase.training_set}, seed {seed}"
    network, tokenizer = open_head(replace(model, dtype="float32"), head, fresh_seed=seed if fresh else None)
    head.prepare(network)
    features = head.features(examples, tokenizer, settings)
    plan = make_plan(
        phase,
        features,
        model=model,
        config=network.config,
        parameters=sum(p.numel() for p in network.parameters()),
        micro_batch=head.micro_batch,
        seed=seed,
    )
    score = None
    if phase.selection is not None and dev is not None:
        chosen = dev.examples[: phase.selection.first_examples]
        score = _scorer(task, phase, head, settings, decode_gold, replace(dev, examples=chosen), tokenizer)
    with (
        quiet_transformers(),
        explained(name, plan, out.parent),
        progress.phase(f"training {name}", plan.steps, "steps") as advance,
    ):
        trace = run_loop(
            objective=head,
            model=network,
            features=features,
            collate=partial(head.collate, tokenizer=tokenizer),
            plan=plan,
            work=work,
            score=score,
            advance=advance,
            checkpoint_seconds=checkpoint_seconds,
        )
        head.finish(network)
        record = {
            "task": task.name,
            "phase": phase.model_dump(mode="json"),
            "plan": asdict(plan),
            "settings": settings.model_dump(mode="json"),
            "start": {
                "model": model.model_id,
                "revision": model.revision,
                "weights_sha256": model.weights_sha256,
            },
            "data": {
                "training_set": phase.training_set,
                "fingerprint": fingerprint,
                "examples": len(examples),
                "features": len(features),
            },
            **trace.summary(plan.steps),
        }
        with published(work, out) as final:
            network.save_pretrained(str(final))
            tokenizer.save_pretrained(str(final))
            text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
            (final / RECORD).write_text(text + "\n", encoding="utf-8")


def _damage(trained: Model) -> str | None:
    """Return what keeps a finished training from being used, or None."""
    try:
        json.loads((trained.path / RECORD).read_text(encoding="utf-8"))
        tensor_shapes(trained.path, allow_pickle=False)
        check_model(trained, embeds=False)
    except (ModelError, OSError, ValueError, RecursionError) as error:
        return str(error)
    return None


def _scorer(
    task: TaskSpec,
    phase: Phase,
    head: Head,
    settings: KindSettings,
    decode_gold: Callable[[str], Any],
    dev: DataSet,
    tokenizer: PreTrainedTokenizerBase,
) -> Callable[[PreTrainedModel], float]:
    """Return the function that scores a model on development data as the benchmark scores the task.

    That is the main metric, or the mean of several: of F1 and exact match for question answering.
    The phase may name others.
    """
    metrics = [metric_named(name) for name in task.selected_by(phase)]
    golds = [decode_gold(example.gold) for example in dev.examples]

    def score(model: PreTrainedModel) -> float:
        outputs = head.outputs(dev.examples, model, tokenizer, settings, lambda done: None)
        rows = [metric.per_example(golds, outputs, dev.language) for metric in metrics]
        values = [float(m.value(r.sum(axis=0))) for m, r in zip(metrics, rows, strict=True)]
        return sum(values) / len(values)

    return score
