"""Opening a checkpoint: from a folder or the hub, checked, hashed, with its adapter chosen."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.backends.devices import resolve_device, resolve_dtype
from harness.backends.encoder import Representation, check_complete, check_readout
from harness.backends.kept_heads import adapter_of_parent
from harness.backends.loading import compare_weights, open_config, open_tokenizer, read_config
from harness.backends.location import Location, locate
from harness.backends.merging import default_cache, merge_adapter
from harness.backends.model import Model
from harness.backends.peft_adapter import is_adapter, read_adapter
from harness.backends.reading import readable
from harness.backends.sentence_modules import has_modules
from harness.backends.weights import settings_sha256, weights_sha256
from harness.errors import ModelError
from harness.specs.adapter import AdapterSpec
from harness.specs.run import Device, DType


@dataclass(frozen=True, slots=True)
class Parts:
    """What a checkpoint's weights hold: tensors of the encoder, and of whatever else by its first name."""

    encoder: int
    beside: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Opening:
    """How checkpoints are opened; the same for an adapter and its base."""

    adapters: Mapping[str, AdapterSpec]
    asked_adapter: AdapterSpec | None
    device: str
    dtype: str
    offline: bool
    allow_pickle: bool
    trust_remote_code: bool
    merge_cache: Path | None
    say: Callable[[str], None]

    def locate(self, model: str, option: str) -> Location:
        return locate(
            model,
            offline=self.offline,
            allow_pickle=self.allow_pickle,
            trust_remote_code=self.trust_remote_code,
            option=option,
        )


def open_model(
    model: str,
    *,
    adapters: Mapping[str, AdapterSpec],
    asked_adapter: AdapterSpec | None = None,
    base_model: str | None = None,
    merge_cache: Path | None = None,
    device: Device = "auto",
    dtype: DType = "auto",
    offline: bool = False,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[Model, str]:
    """Resolve a checkpoint and choose its adapter; nothing is loaded into memory.

    `model` is a folder, or a hub id with or without `@revision`. Returns the model and the text to
    print: the adapter and why it was taken, and on further lines, each beginning with `warning: `,
    what the user should know (a hub id that is not pinned to a commit).

    Where `model` holds a PEFT adapter, what is opened is the checkpoint that it and its base (`base_model`,
    else the one that it names) were merged into, in `merge_cache` (None: beside the hub's cache). Only
    the first time that takes a load of the base, which `say` is told before.

    Raises:
        ModelError: if there is no such checkpoint, or it is incomplete, unreadable, pickled only, needs
            remote code, or is of an architecture that is not supported; if an adapter cannot be merged.
        RequestError: if device or dtype cannot be had.
    """
    torch_device = resolve_device(device)
    opening = _Opening(
        adapters=adapters,
        asked_adapter=asked_adapter,
        device=torch_device,
        dtype=resolve_dtype(dtype, torch_device),
        offline=offline,
        allow_pickle=allow_pickle,
        trust_remote_code=trust_remote_code,
        merge_cache=merge_cache,
        say=say,
    )
    with readable(Path(model)):
        location = opening.locate(model, "--model")
        if not is_adapter(location.path):
            if base_model is not None:
                raise ModelError(
                    f"--base-model {base_model}: is the base of a PEFT adapter, but --model {model} holds no "
                    "adapter: leave --base-model out"
                )
            return _open(location, opening)
        return _open_merged(location, opening, base_model)


def _open(location: Location, opening: _Opening) -> tuple[Model, str]:
    path = location.path
    config = _read_config_json(path)
    _check_code(path, config, opening.trust_remote_code)
    checksum = weights_sha256(path, allow_pickle=opening.allow_pickle)
    adapter, reason = choose_adapter(
        location.name, path, config, adapters=opening.adapters, asked=opening.asked_adapter
    )
    resolved = read_config(path, trust_remote_code=opening.trust_remote_code)
    hidden_size, num_layers = _size(path, resolved)
    opened = Model(
        path=path,
        model_id=location.model_id,
        revision=location.commit,
        weights_sha256=checksum,
        settings_sha256=settings_sha256(path),
        adapter=adapter,
        device=opening.device,
        dtype=opening.dtype,
        hidden_size=hidden_size,
        num_layers=num_layers,
        trust_remote_code=opening.trust_remote_code,
        allow_pickle=opening.allow_pickle,
    )
    return opened, "\n".join(
        [f"adapter {adapter.name}: {reason}", *(f"warning: {text}" for text in location.warnings)]
    )


def _open_merged(location: Location, opening: _Opening, base_model: str | None) -> tuple[Model, str]:
    """Open what a PEFT adapter and its base come to."""
    tuned = read_adapter(location.path, allow_pickle=opening.allow_pickle)
    base_id = base_model or tuned.base
    if base_id is None:
        raise ModelError(
            f"{location.path}: the PEFT adapter names no base model; say with --base-model which it is, a "
            "folder or a hub id"
        )
    option = "--base-model" if base_model else f"{location.model_id}: the adapter's own base:"
    try:
        found = opening.locate(base_id, option)
    except ModelError as error:
        if base_model:
            raise
        raise ModelError(f"{str(error).rstrip('.')}. Or say with --base-model where it is.") from error
    if is_adapter(found.path):
        raise ModelError(f"{option} {base_id}: is a PEFT adapter itself; give a whole model as the base")
    base, reason = _open(found, opening)
    warnings = [*location.warnings, *found.warnings]
    if base_model and tuned.base and tuned.base != base_model:
        warnings.append(f"the adapter was trained on {tuned.base}; its base is taken to be {base_model}")
    path, merged = merge_adapter(tuned, base, opening.merge_cache or default_cache(), say=opening.say)
    opened, own_reason = _open(replace(location, path=path, warnings=()), opening)
    if not opened.adapter.match.names and base.adapter.match.names:
        # Of the two names only that of the base says of which family this is.
        opened, own_reason = replace(opened, adapter=base.adapter), reason.partition("\n")[0]
    lines = [
        own_reason,
        f"merged: {merged.method} adapter {merged.adapter_sha256[:8]} into base "
        f"{f'{base.model_id}@{base.revision}' if base.revision else found.name} "
        f"(weights {merged.base_weights_sha256[:8]})",
        *(f"warning: {text}" for text in warnings),
    ]
    return replace(opened, merged=merged), "\n".join(lines)


def check_model(model: Model, *, embeds: bool, representation: Representation = "adapter") -> Parts | None:
    """Find out early and cheaply whether a checkpoint can be run; no weights are loaded.

    Its tokenizer is opened, and the tensors its weights hold are compared with the encoder that
    config.json describes; a pooler may be absent. With `embeds` the checkpoint as it is will turn
    texts into vectors: the layer, the modules or the pooler that `representation` reads must be
    there. Returns what the weights hold. The tensors of a checkpoint that brings its own code are not
    compared, and None is returned.

    Raises:
        ModelError: if the tokenizer, the weights or what the vectors are read from will not do.
    """
    with readable(model.path):
        open_tokenizer(model)
        if embeds:
            check_readout(model, representation)
        # What such code makes of the weights while it loads them is its own affair.
        if model.trust_remote_code and getattr(open_config(model), "auto_map", None):
            return None
        network, missing, other, beside = compare_weights(model)
        check_complete(model, network, missing, pooler=embeds and representation == "pooler")
        if other:
            name, (held, asked) = min(other.items())
            raise ModelError(
                f"{model.path}: {len(other)} tensors have another shape than config.json asks for, e.g. "
                f"{name}: {list(held)} in the weights, {list(asked)} by config.json. "
                "Is config.json that of these weights?"
            )
        encoder = sum(name not in missing for name, _ in network.named_parameters())
        return Parts(encoder, dict(Counter(name.partition(".")[0] for name in sorted(beside))))


def choose_adapter(
    name: str,
    path: Path,
    config: Mapping[str, Any],
    *,
    adapters: Mapping[str, AdapterSpec],
    asked: AdapterSpec | None = None,
) -> tuple[AdapterSpec, str]:
    """Return the adapter for a checkpoint and the reason.

    The one asked for; else that of its parent, where its card names one; else, of those that match, the
    one of highest priority (the first by name among equals); else `generic`. `name` is the last part of
    the model's id or folder.

    Raises:
        ModelError: if nothing matches and there is no `generic`.
    """
    if asked is not None:
        return asked, "asked for"
    inherited = adapter_of_parent(path)
    if inherited is not None and inherited in adapters:
        return adapters[inherited], "that of the checkpoint it was trained from, says its card"
    matching = [a for a in adapters.values() if _match(a, name, path, config)]
    if matching:
        best = min(matching, key=lambda a: (-a.priority, a.name))
        return best, " and ".join(_match(best, name, path, config))
    model_type = config.get("model_type")
    if "generic" not in adapters:
        raise ModelError(
            f"{path}: no adapter matches model type {model_type!r}, and there is none called 'generic'"
        )
    return adapters["generic"], f"no other adapter matches model type {model_type!r} and name {name!r}"


def _match(adapter: AdapterSpec, name: str, path: Path, config: Mapping[str, Any]) -> list[str]:
    """Return why an adapter matches, or nothing: every condition it has must hold."""
    match, reasons = adapter.match, []
    if match.names:
        pattern = next((p for p in match.names if fnmatch.fnmatchcase(name.lower(), p)), None)
        if pattern is None:
            return []
        reasons.append(f"the name {name!r} matches {pattern!r}")
    if match.model_types:
        if config.get("model_type") not in match.model_types:
            return []
        reasons.append(f"the model type is {config.get('model_type')!r}")
    if match.sentence_transformer is not None:
        if has_modules(path) != match.sentence_transformer:
            return []
        reasons.append("it brings modules.json" if match.sentence_transformer else "it has no modules.json")
    return reasons


def _read_config_json(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    if not file.is_file():
        hint = ""
        if (path / "0_Transformer" / "config.json").is_file():
            hint = (
                " It lies in 0_Transformer: give that folder, or save the model again with today's library."
            )
        raise ModelError(f"{path}: no config.json, so this is not a checkpoint folder.{hint}")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: cannot be read as JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError(f"{file}: says no 'model_type', which transformers needs to know the architecture")
    return config


def _check_code(path: Path, config: Mapping[str, Any], trusted: bool) -> None:
    """Refuse an architecture that only code from the checkpoint could run."""
    if trusted:
        return
    import transformers

    if config["model_type"] in transformers.CONFIG_MAPPING:
        return
    if config.get("auto_map"):
        raise ModelError(
            f"{path}: model type {config['model_type']!r} runs code that comes with the "
            "checkpoint. Read that code, pin the model with @revision, then pass --trust-remote-code."
        )
    raise ModelError(
        f"{path}: transformers {transformers.__version__} does not know "
        f"the model type {config['model_type']!r}"
    )


def _size(path: Path, config: Any) -> tuple[int, int]:
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(f"{path}: {config.model_type!r} is an encoder-decoder; only encoders are evaluated")
    inner = config.get_text_config()
    hidden_size, num_layers = getattr(inner, "hidden_size", None), getattr(inner, "num_hidden_layers", None)
    if not isinstance(hidden_size, int) or not isinstance(num_layers, int):
        raise ModelError(
            f"{path / 'config.json'}: names no hidden size or number of layers "
            f"for model type {config.model_type!r}"
        )
    return hidden_size, num_layers
