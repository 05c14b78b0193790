"""What PEFT makes of an adapter and its base: one network, and a check that it computes the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.labels import config_labels, name_labels, unnamed
from harness.backends.loading import (
    build_network,
    first_line,
    load_network,
    open_config,
    position_limit,
    quiet_transformers,
    read_config,
    seeded,
)
from harness.backends.model import Model
from harness.backends.peft_adapter import PREFIX, PeftAdapter, auto_class
from harness.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel

_LABELLED = frozenset({"AutoModelForSequenceClassification", "AutoModelForTokenClassification"})
# Rounding of float32 over many layers stays far below; what was not merged lies far above.
_TOLERANCE = 1e-3
_PROBE = 16  # tokens of the input on which both are compared


def merge_network(adapter: PeftAdapter, base: Model) -> tuple[PreTrainedModel, set[str]]:
    """Return the base with the adapter merged into its weights, float32, on the CPU, in evaluation mode.

    With it the names of parameters that neither of the two holds: they have random values.

    Raises:
        ModelError: the adapter does not fit its base, is incomplete, or cannot be merged.
    """
    try:
        import peft
    except ImportError as error:
        raise ModelError(
            f"{adapter.path}: PEFT is needed to merge this adapter, and the version that is installed does "
            f"not work here ({first_line(error)}): pip install -U 'xharness[peft]'"
        ) from error

    config = open_config(base)
    prefix = _base_prefix(base, config)
    name = auto_class(adapter, prefix)
    shapes = adapter.shapes()
    overrides: dict[str, Any] = {}
    if name in _LABELLED:
        labels = _labels(adapter, base, name, config, shapes)
        name_labels(config, labels)
        overrides = {"id2label": config.id2label, "label2id": config.label2id}
    network, missing = load_network(name, base, dtype="float32", overrides=overrides, other_sizes=True)
    _resize(network, adapter, shapes)
    try:
        with quiet_transformers(), seeded(0), warnings.catch_warnings():
            # What PEFT warns of here (keys that are missing) is checked below, as an error.
            warnings.simplefilter("ignore")
            wrapped = peft.PeftModel.from_pretrained(
                network, str(adapter.path), torch_device="cpu", is_trainable=False
            ).eval()
            _check_complete(adapter, wrapped, shapes)
            asked = _answers(wrapped, config)
            merged = wrapped.merge_and_unload(safe_merge=True).eval()
            given = _answers(merged, config)
    except ModelError:
        raise
    except Exception as error:  # each method of PEFT refuses in its own way
        raise ModelError(
            f"{adapter.path}: PEFT {peft.__version__} cannot merge this {adapter.method} adapter into "
            f"{base.model_id}: {first_line(error)}. Is this the base that it was trained on?"
        ) from error
    _check_same(adapter, asked, given)
    return merged, missing - shapes.keys()


def save_network(
    network: PreTrainedModel, folder: Path, *, without: set[str], say: Callable[[str], None]
) -> None:
    """Save a network, of which the parameters in `without` have random values and must not be kept.

    Where its head is among them, the encoder alone is saved.

    Raises:
        ModelError: parameters of the encoder itself, the pooler aside, are among them.
    """
    prefix = network.base_model_prefix
    inner = getattr(network, prefix, network)
    start = "" if inner is network else prefix + "."
    encoder = {name.removeprefix(start) for name in without if name.startswith(start)}
    lost = sorted(name for name in encoder if not name.startswith("pooler."))
    if lost:
        raise ModelError(
            f"the base of the adapter lacks {len(lost)} parameters of the encoder, e.g. {lost[0]}, and so "
            "does the adapter. Is it the checkpoint that the adapter was trained on?"
        )
    head = sorted(name for name in without if not name.startswith(start))
    with quiet_transformers():
        if not without:
            network.save_pretrained(str(folder))
            return
        if inner is not network:
            what = head[0] if head else f"the pooler ({min(encoder)})"
            say(f"neither adapter nor base holds {what}, so the head is left out and the encoder alone kept")
        state = {name: tensor for name, tensor in inner.state_dict().items() if name not in encoder}
        inner.save_pretrained(str(folder), state_dict=state)


def _base_prefix(base: Model, config: PretrainedConfig) -> str:
    import torch

    with torch.device("meta"):
        return str(build_network("AutoModel", base, config).base_model_prefix)


def _labels(
    adapter: PeftAdapter,
    base: Model,
    name: str,
    config: PretrainedConfig,
    shapes: Mapping[str, tuple[int, ...]],
) -> list[str]:
    """Return the labels of the head: as many as the adapter's own has, named by its or the base's config."""
    import torch

    sizes = []
    for tried in (2, 3):
        probe = open_config(base)
        name_labels(probe, unnamed(tried))
        with torch.device("meta"):
            network = build_network(name, base, probe)
        sizes.append({key: tuple(tensor.shape) for key, tensor in network.state_dict().items()})
    counted = [key for key, shape in sizes[0].items() if sizes[1][key] != shape]
    held = [shapes[key][0] for key in counted if key in shapes]
    count = held[0] if held else None
    own = config_labels(config)
    if (adapter.path / "config.json").is_file():
        noted = config_labels(read_config(adapter.path, trust_remote_code=base.trust_remote_code))
        if count is None or len(noted) == count:
            return noted
    if count is None or len(own) == count:
        return own
    return unnamed(count)


def _resize(network: PreTrainedModel, adapter: PeftAdapter, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Give the embeddings the rows that the adapter was trained with, where tokens were added."""
    table: Any = network.get_input_embeddings()
    name = next(key for key, module in network.named_modules() if module is table)
    size = int(table.weight.shape[0])
    # Where PEFT wraps the embeddings, what it wraps lies one name further down.
    stored = [f"{name}.{inner}weight" for inner in ("", "base_layer.", "token_adapter.base_layer.")]
    whole = next((shapes[key][0] for key in stored if key in shapes), None)
    rows = max([size, *(index + 1 for index in _trained_rows(adapter))]) if whole is None else whole
    if whole is None and f"{name}.lora_embedding_A" in shapes:
        rows = shapes[f"{name}.lora_embedding_A"][1]
    if rows == size:
        return
    new = set(range(size, rows)) - _trained_rows(adapter)
    if whole is None and new:
        raise ModelError(
            f"{adapter.path}: was trained with {rows} embeddings, its base has {size}, and the adapter does "
            f"not hold the {len(new)} new ones. Save it again with PEFT's save_embedding_layers=True."
        )
    with quiet_transformers(), seeded(0):
        network.resize_token_embeddings(rows, mean_resizing=False)


def _trained_rows(adapter: PeftAdapter) -> set[int]:
    """Return the single embeddings that the adapter holds: PEFT's `trainable_token_indices`."""
    listed = adapter.config.get("trainable_token_indices") or adapter.config.get("token_indices") or []
    groups = listed.values() if isinstance(listed, Mapping) else [listed]
    return {index for group in groups for index in group if isinstance(index, int)}


def _check_complete(adapter: PeftAdapter, wrapped: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    from peft import get_peft_model_state_dict

    state: Mapping[str, Tensor] = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    lacking = sorted({key.removeprefix(PREFIX) for key in state} - shapes.keys())
    if lacking:
        raise ModelError(
            f"{adapter.weights}: lacks {len(lacking)} of the {len(state)} tensors that a {adapter.method} "
            f"adapter for this base has, e.g. {lacking[0]}. Is this the base that it was trained on, and the "
            "task_type in adapter_config.json the right one?"
        )


def _answers(network: Any, config: PretrainedConfig) -> dict[str, Tensor]:
    """Return what a network computes for two made-up inputs: all its outputs that are tensors of numbers."""
    import torch

    inner = network.get_base_model() if hasattr(network, "get_base_model") else network
    rows = int(inner.get_input_embeddings().weight.shape[0])
    length = min(_PROBE, position_limit(config) or _PROBE)
    ids = torch.arange(2 * length).mul(7919).remainder(rows)
    shape = (1, 2, length) if type(inner).__name__.endswith("MultipleChoice") else (2, length)
    ids = ids.reshape(shape)
    with torch.inference_mode():
        output = network(input_ids=ids, attention_mask=torch.ones_like(ids))
    return {key: value.float() for key, value in output.items() if isinstance(value, torch.Tensor)}


def _check_same(adapter: PeftAdapter, asked: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    for key, before in asked.items():
        furthest = float((before - given[key]).abs().max())
        # Written so that a NaN counts as different.
        if not furthest <= _TOLERANCE * max(1.0, float(before.abs().max())):
            raise ModelError(
                f"{adapter.path}: merged into its base, this {adapter.method} adapter computes something "
                f"else than before ({key} differs by {furthest:.2g}), so it cannot be evaluated as an "
                "ordinary checkpoint. Its method depends on more than weights, or its base is another."
            )
