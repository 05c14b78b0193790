"""What a training phase comes to in numbers: steps, warm-up, learning rate, micro-batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.backends.model import Model
from harness.errors import SpecError
from harness.specs.mixture import Mixture
from harness.specs.recipe import CountBySize, Phase

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_CPU_BYTES = 4 * 2**30
_CUDA_SHARE = 0.8
# Weights, gradients and the two moments of Adam, all in float32.
_BYTES_PER_PARAMETER = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """A phase in numbers. `micro_batch` x `accumulation` is the effective batch."""

    steps: int
    warmup_steps: int
    learning_rate: float
    micro_batch: int
    accumulation: int
    weight_decay: float
    adam_epsilon: float
    max_grad_norm: float
    seed: int
    device: str
    dtype: str
    evaluate_every: int | None
    patience: int | None


def learning_rate(phase: Phase | Mixture, hidden_size: int) -> float:
    """Return the phase's learning rate for an encoder of this width."""
    rate = phase.learning_rate
    return rate if isinstance(rate, float) else rate.for_hidden_size(hidden_size)


def whole(number: int | CountBySize, hidden_size: int) -> int:
    """Return a count of the phase for an encoder of this width."""
    return number if isinstance(number, int) else number.for_hidden_size(hidden_size)


def make_plan(
    phase: Phase,
    features: Sequence[Mapping[str, Any]],
    *,
    model: Model,
    config: PretrainedConfig,
    parameters: int,
    micro_batch: int | None,
    seed: int,
) -> Plan:
    """Count steps and choose the micro-batch; the same arguments on the same device give the same plan.

    An epoch ends with a smaller batch where the examples do not divide. `parameters` is the
    number of the model's parameters; `micro_batch` is what the head insists on, if it does (the phase may
    name another number then).

    Raises:
        SpecError: if the effective batch is not a multiple of the micro-batch that the head or the phase
            insists on, or the phase names one to a head that does not.
    """
    batch_size = whole(phase.batch_size, model.hidden_size)
    if phase.micro_batch is not None:
        if micro_batch is None:
            raise SpecError(
                f"training set {phase.training_set!r}: micro_batch is for kinds whose loss compares the "
                "examples of one forward pass with each other; here it would change nothing, so remove it"
            )
        micro_batch = whole(phase.micro_batch, model.hidden_size)
    per_epoch = math.ceil(len(features) / batch_size)
    steps = math.ceil(phase.epochs * per_epoch)
    if phase.max_steps is not None:
        steps = min(steps, phase.max_steps)
    # A fixed micro-batch is part of the loss: memory must not change it.
    if micro_batch is not None and batch_size % micro_batch:
        raise SpecError(
            f"training set {phase.training_set!r}: batch_size {batch_size} is not a multiple of "
            f"{micro_batch}, the number of examples that the loss of this kind compares with each other"
        )
    return plan_updates(
        phase,
        features,
        steps=steps,
        model=model,
        config=config,
        parameters=parameters,
        seed=seed,
        micro_batch=micro_batch,
    )


def plan_updates(
    phase: Phase | Mixture,
    features: Sequence[Mapping[str, Any]],
    *,
    steps: int,
    model: Model,
    config: PretrainedConfig,
    parameters: int,
    seed: int,
    micro_batch: int | None = None,
) -> Plan:
    """Return the plan of so many steps; `micro_batch` None: the largest that memory is sure to hold."""
    batch_size = whole(phase.batch_size, model.hidden_size)
    sizes = [_rows(feature) for feature in features]
    micro = micro_batch or largest_micro_batch(
        batch_size,
        rows=max(rows for rows, _ in sizes),
        longest=max(longest for _, longest in sizes),
        config=config,
        free=_memory(model.device) - _BYTES_PER_PARAMETER * parameters,
    )
    return Plan(
        steps=steps,
        warmup_steps=phase.warmup_steps or math.ceil(phase.warmup_ratio * steps),
        learning_rate=learning_rate(phase, model.hidden_size),
        micro_batch=micro,
        accumulation=batch_size // micro,
        weight_decay=phase.weight_decay,
        adam_epsilon=phase.adam_epsilon,
        max_grad_norm=phase.max_grad_norm,
        seed=seed,
        device=model.device,
        dtype=model.dtype,
        evaluate_every=phase.selection.every_steps if phase.selection else None,
        patience=phase.selection.patience if phase.selection else None,
    )


def largest_micro_batch(
    batch_size: int, *, rows: int, longest: int, config: PretrainedConfig, free: float
) -> int:
    """Return the largest divisor of the batch size whose activations fit into `free` bytes, at least 1.

    An example is `rows` sequences of up to `longest` subwords. A layer keeps
    s h (34 + 5 a s / h) values of two bytes per sequence for the backward pass (s subwords, h hidden
    units, a heads), twice as many bytes in float32, which is assumed throughout.
    Source: Korthikanti et al. 2022, Reducing Activation Recomputation, equation 2.
    """
    config = config.get_text_config()
    hidden, heads = config.hidden_size, config.num_attention_heads
    per_sequence = 2 * config.num_hidden_layers * longest * hidden * (34 + 5 * heads * longest / hidden)
    fitting = [d for d in range(1, batch_size + 1) if batch_size % d == 0 and d * rows * per_sequence <= free]
    return max(fitting, default=1)


def _rows(feature: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many sequences a feature holds and the length of the longest."""
    ids = feature["input_ids"]
    return (len(ids), max(map(len, ids))) if isinstance(ids, list) else (1, len(ids))


def _memory(device: str) -> float:
    """Return the bytes a training run may use: a fixed number on CPUs, a share of a GPU's own memory."""
    if not device.startswith("cuda"):
        return _CPU_BYTES
    import torch

    return _CUDA_SHARE * torch.cuda.get_device_properties(device).total_memory
