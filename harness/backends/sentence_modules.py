"""The pooling modules a sentence-transformers checkpoint brings, without that library.

`modules.json` lists them in order. Read here: Transformer, Pooling, Dense, Normalize, LayerNorm and
Dropout, as sentence-transformers 2 to 6 write them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.pooling import pool
from harness.backends.reading import read_pickle, readable
from harness.errors import ModelError

if TYPE_CHECKING:
    import torch

    Stage = Callable[[torch.Tensor], torch.Tensor]

# In the order in which the library concatenates them.
_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
_ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid", "LeakyReLU", "ELU")


@dataclass(frozen=True, slots=True)
class SentenceModules:
    """What happens around the transformer: how texts go in, how hidden states become a vector.

    `prompts` maps a role (query, passage, symmetric) to the text put before each input.
    """

    transformer: Path
    max_length: int | None
    lower_case: bool
    modes: tuple[str, ...]
    include_prompt: bool
    stages: Sequence[Stage]
    prompts: dict[str, str]

    def embed(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map hidden states float [b, t, h] and attention mask [b, t] to float32 vectors [b, d]."""
        import torch

        vectors = torch.cat([pool(hidden, mask, mode) for mode in self.modes], dim=1)
        for stage in self.stages:
            vectors = stage(vectors)
        return vectors


def has_modules(path: Path) -> bool:
    """Return whether a checkpoint folder is a sentence-transformers checkpoint."""
    return (path / "modules.json").is_file()


def module_folders(path: Path) -> list[Path]:
    """Return the folders of the checkpoint's modules, in order.

    Raises:
        ModelError: if modules.json is not a list of objects with `type` and `path`.
    """
    return [folder for _, folder in _entries(path)]


def read_modules(path: Path, *, allow_pickle: bool, device: str) -> SentenceModules:
    """Read a checkpoint's modules; their weights are loaded in float32 on the torch device.

    Raises:
        ModelError: if a module is unknown, misplaced, incomplete, malformed or pickled.
    """
    try:
        return _modules(path, allow_pickle, device)
    except (TypeError, KeyError, ValueError, AttributeError, RuntimeError) as error:
        text = str(error).strip() or type(error).__name__
        raise ModelError(
            f"{path / 'modules.json'}: the settings of its modules are malformed "
            f"({type(error).__name__}: {text.splitlines()[0]}). Save the checkpoint again with "
            "sentence-transformers, or use --adapter generic to do without the modules."
        ) from error


def _modules(path: Path, allow_pickle: bool, device: str) -> SentenceModules:
    entries = _entries(path)
    kinds = [kind for kind, _ in entries]
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise ModelError(
            f"{path / 'modules.json'}: the modules are {', '.join(kinds) or 'none'}; "
            "a text encoder begins with Transformer, Pooling"
        )
    own = _transformer_config(entries[0][1])
    modes, include_prompt = _pooling(entries[1][1])
    unknown = [kind for kind in kinds[2:] if kind not in _STAGES]
    if unknown:
        raise ModelError(
            f"{path / 'modules.json'}: module {unknown[0]!r} is not supported after Pooling; "
            f"supported are {', '.join(sorted(_STAGES))}. "
            "Use --adapter generic to pool the hidden states without the checkpoint's own modules."
        )
    stages = [_STAGES[kind](folder, allow_pickle, device) for kind, folder in entries[2:]]
    return SentenceModules(
        transformer=entries[0][1],
        max_length=own.get("max_seq_length"),
        lower_case=bool(own.get("do_lower_case", False)),
        modes=modes,
        include_prompt=include_prompt,
        stages=stages,
        prompts=_prompts(path),
    )


def _entries(path: Path) -> list[tuple[str, Path]]:
    file = path / "modules.json"
    listed = _read_json(file)
    try:
        # The last part of the class path is the same in every release; the package moved.
        found = [(str(m["type"]).rpartition(".")[2], Path(m["path"])) for m in listed]
    except (TypeError, KeyError) as error:
        raise ModelError(f"{file}: expected a list of objects with 'type' and 'path'") from error
    outside = next((folder for _, folder in found if folder.is_absolute() or ".." in folder.parts), None)
    if outside is not None:
        raise ModelError(f"{file}: the path {str(outside)!r} leads out of the checkpoint's folder")
    return [(kind, path / folder) for kind, folder in found]


def _transformer_config(folder: Path) -> dict[str, Any]:
    for name in _TRANSFORMER_CONFIGS:
        if (folder / name).is_file():
            found = _read_json(folder / name)
            return found if isinstance(found, dict) else {}
    return {}


def _pooling(folder: Path) -> tuple[tuple[str, ...], bool]:
    file = folder / "config.json"
    config = _read_json(file)
    if "pooling_mode" in config:
        listed = config["pooling_mode"]
        modes = (listed,) if isinstance(listed, str) else tuple(listed)
    else:
        modes = tuple(mode for key, mode in _MODES.items() if config.get(key)) or ("mean",)
    unknown = [m for m in modes if m not in _MODES.values()]
    if unknown:
        raise ModelError(f"{file}: pooling mode {unknown[0]!r} is not one of {', '.join(_MODES.values())}")
    return modes, bool(config.get("include_prompt", True))


def _prompts(path: Path) -> dict[str, str]:
    file = path / "config_sentence_transformers.json"
    if not file.is_file():
        return {}
    config = _read_json(file)
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name") or "", "")
    passage = next((prompts[n] for n in ("document", "passage", "corpus") if n in prompts), default)
    return {"query": prompts.get("query", default), "passage": passage, "symmetric": default}


def _dense(folder: Path, allow_pickle: bool, device: str) -> Stage:
    import torch

    config = _read_json(folder / "config.json")
    if (
        config.get("use_residual")
        or config.get("module_input_name", "sentence_embedding") != "sentence_embedding"
    ):
        raise ModelError(
            f"{folder / 'config.json'}: only a plain Dense layer on the sentence vector is supported"
        )
    layer = torch.nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    name = activation.rpartition(".")[2]
    if not activation.startswith("torch.nn.") or name not in _ACTIVATIONS:
        raise ModelError(
            f"{folder / 'config.json'}: activation {activation!r} is not one of torch.nn's "
            f"{', '.join(_ACTIVATIONS)}"
        )
    _load(layer, folder, "linear.", allow_pickle)
    stage = torch.nn.Sequential(layer, getattr(torch.nn, name)())
    return stage.to(device).eval()


def _layer_norm(folder: Path, allow_pickle: bool, device: str) -> Stage:
    import torch

    layer = torch.nn.LayerNorm(_read_json(folder / "config.json")["dimension"])
    _load(layer, folder, "norm.", allow_pickle)
    return layer.to(device).eval()


def _normalize(folder: Path, allow_pickle: bool, device: str) -> Stage:
    import torch

    return lambda vectors: torch.nn.functional.normalize(vectors, p=2, dim=-1)


def _dropout(folder: Path, allow_pickle: bool, device: str) -> Stage:
    return lambda vectors: vectors  # does nothing outside training


_STAGES: dict[str, Callable[[Path, bool, str], Any]] = {
    "Dense": _dense,
    "LayerNorm": _layer_norm,
    "Normalize": _normalize,
    "Dropout": _dropout,
}


def _load(layer: torch.nn.Module, folder: Path, prefix: str, allow_pickle: bool) -> None:
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    if safe.is_file():
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            with readable(safe):
                tensors = load_file(safe)
        except SafetensorError as error:
            raise ModelError(
                f"{safe}: not a complete safetensors file ({error}): copy or download it again."
            ) from error
    elif pickled.is_file() and allow_pickle:
        tensors = read_pickle(pickled, device="cpu")
    elif pickled.is_file():
        raise ModelError(
            f"{pickled}: pickled weights can run code when they are read. "
            "Pass --allow-pickle if you trust their source, or convert them to safetensors."
        )
    else:
        raise ModelError(f"{folder}: holds no model.safetensors")
    own = {name.removeprefix(prefix): tensor.float() for name, tensor in tensors.items()}
    try:
        layer.load_state_dict(own)
    except RuntimeError as error:
        raise ModelError(f"{folder}: the weights do not fit config.json: {error}") from error


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{file}: missing, although modules.json asks for it") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: cannot be read as JSON: {error}") from error
