"""A PEFT adapter as its folder says: its method, its base, the network it was trained on, its tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.backends.reading import read_pickle, readable
from harness.backends.weights import check_content, hash_files
from harness.errors import ModelError

CONFIG = "adapter_config.json"
SAFE = "adapter_model.safetensors"
PICKLED = "adapter_model.bin"
PREFIX = "base_model.model."
_WHOLE = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# Methods that put vectors before the input or into attention: no weight of the base changes.
_NOT_WEIGHTS = frozenset(
    {
        "PROMPT_TUNING",
        "MULTITASK_PROMPT_TUNING",
        "P_TUNING",
        "PREFIX_TUNING",
        "CPT",
        "ADAPTION_PROMPT",
        "CARTRIDGE",
    }
)
_CLASS_OF_TASK = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "CAUSAL_LM": "AutoModelForCausalLM",
    "FEATURE_EXTRACTION": "AutoModel",
}
_KINDS = frozenset(
    {
        "SequenceClassification",
        "TokenClassification",
        "QuestionAnswering",
        "MultipleChoice",
        "MaskedLM",
        "CausalLM",
    }
)


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """An adapter on disk. `base` is the folder or hub id that it names, with @revision where it says one."""

    path: Path
    method: str
    base: str | None
    weights: Path
    config: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 over names and bytes of its weights and of adapter_config.json."""
        return hash_files(self.path, [self.weights, self.path / CONFIG])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of its tensors by name, as the network that PEFT wraps calls it."""
        if self.weights.suffix == ".safetensors":
            from safetensors import safe_open

            with readable(self.weights), safe_open(self.weights, framework="numpy") as tensors:
                found = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}
        else:
            found = {n: tuple(t.shape) for n, t in read_pickle(self.weights, device="meta").items()}
        return {name.removeprefix(PREFIX): shape for name, shape in found.items()}


def is_adapter(path: Path) -> bool:
    """Return whether a folder holds a PEFT adapter and no model.

    Raises:
        ModelError: it holds both, only half of an adapter, or an adapter of the AdapterHub library.
    """
    parts = [name for name in (SAFE, PICKLED) if (path / name).is_file()]
    if not (path / CONFIG).is_file():
        if parts and not any((path / name).is_file() for name in _WHOLE):
            raise ModelError(
                f"{path}: holds {parts[0]}, the weights of a PEFT adapter, but no {CONFIG}, which says what "
                "it adapts: copy the whole adapter folder"
            )
        return False
    whole = next((name for name in _WHOLE if (path / name).is_file()), None)
    if "peft_type" not in _read_config(path):
        if whole is not None:
            return False
        raise ModelError(
            f"{path}: {CONFIG} names no peft_type, so this is no PEFT adapter. If it is one of AdapterHub's "
            "library `adapters`: load it there into its base model; LoRA and (IA)^3 can be merged "
            "(`model.merge_adapter(NAME)`) and the model saved with `save_pretrained`, which gives a "
            "checkpoint for --model. Bottleneck, prefix and other adapters of it change the network and "
            "cannot be evaluated here."
        )
    if whole is not None:
        raise ModelError(
            f"{path}: holds a whole model ({whole}) and a PEFT adapter ({CONFIG}), so which of them is meant "
            f"cannot be told. Are the weights merged: remove {CONFIG} and {', '.join(parts) or SAFE}. Are "
            "they the base: give a folder with the adapter alone as --model and this one, without the "
            "adapter's files, as --base-model."
        )
    return True


def read_adapter(path: Path, *, allow_pickle: bool) -> PeftAdapter:
    """Read what a folder with a PEFT adapter says; its tensors are not loaded.

    Raises:
        ModelError: it cannot be merged into weights, has no weights or pickled ones that are not allowed.
    """
    config = _read_config(path)
    method, base, revision = (config.get(key) for key in ("peft_type", "base_model_name_or_path", "revision"))
    if not isinstance(method, str) or not all(v is None or isinstance(v, str) for v in (base, revision)):
        raise ModelError(
            f"{path / CONFIG}: peft_type, base_model_name_or_path and revision must be texts, seen "
            f"{method!r}, {base!r}, {revision!r}"
        )
    if method in _NOT_WEIGHTS:
        raise ModelError(
            f"{path}: {method} adds vectors to the input or to attention and changes no weight, so it cannot "
            "be merged into its base model, and only merged adapters are evaluated. LoRA, DoRA and IA3 can."
        )
    with readable(path):
        weights = path / SAFE
        if not weights.is_file():
            weights = path / PICKLED
            if not weights.is_file():
                raise ModelError(f"{path}: holds {CONFIG} but no {SAFE}: copy the whole adapter folder")
            if not allow_pickle:
                raise ModelError(
                    f"{path}: the adapter is pickled ({PICKLED}), which can run any code when it is read. "
                    "Save it again with PEFT, which writes safetensors, or pass --allow-pickle if you trust "
                    "its source."
                )
        check_content(weights)
    name = base or None
    return PeftAdapter(path, method, f"{name}@{revision}" if name and revision else name, weights, config)


def auto_class(adapter: PeftAdapter, base_prefix: str) -> str:
    """Return the class of transformers that an adapter was trained on.

    Its task type says so, else the class that PEFT noted, else the tensors' names, where those leave no
    doubt. `base_prefix` is what networks with a head call the encoder inside them.

    Raises:
        ModelError: none of them says it, or it is a class that nothing here runs.
    """
    task = adapter.config.get("task_type")
    if task in _CLASS_OF_TASK:
        return _CLASS_OF_TASK[task]
    noted = (adapter.config.get("auto_mapping") or {}).get("base_model_class")
    if task is None and isinstance(noted, str):
        kind = noted.rpartition("For")[2]
        if kind in _KINDS:
            return f"AutoModelFor{kind}"
        if noted.endswith("Model"):
            return "AutoModel"
    names = list(adapter.shapes())
    if task is None and noted is None:
        if not any(name.startswith(base_prefix + ".") for name in names):
            return "AutoModel"
        if any(name.startswith("qa_outputs.") for name in names):
            return "AutoModelForQuestionAnswering"
    raise ModelError(
        f"{adapter.path / CONFIG}: does not say on which network it was trained: task_type is {task!r}, the "
        f"class in auto_mapping {noted!r}. Write the task_type there that it was trained with: "
        f"{', '.join(_CLASS_OF_TASK)}."
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path / CONFIG}: cannot be read as JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path / CONFIG}: expected an object, seen a {type(config).__name__}")
    return config
