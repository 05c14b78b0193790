"""A checkpoint as the rest of the harness sees it: a local folder and how to treat it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.specs.adapter import AdapterSpec


@dataclass(frozen=True, slots=True)
class Merged:
    """What a checkpoint was merged from: a PEFT adapter and its base, by the hashes of their files.

    `method` is PEFT's own name (LORA, IA3, ..). `base_id` is a folder or a hub id, `base_revision` the commit
    of the latter.
    """

    method: str
    adapter_sha256: str
    base_id: str
    base_revision: str | None
    base_weights_sha256: str
    base_settings_sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """An opened checkpoint; nothing is in memory yet.

    `device` is a torch device string and `dtype` a torch dtype name, both resolved (never `auto`).
    `weights_sha256` is the hash over the weight files' names and bytes, `settings_sha256` that over
    configuration, tokenizer and pooling modules. `merged` is set where `path` holds what a PEFT adapter and
    its base were merged into; id and revision are then the adapter's.
    """

    path: Path
    model_id: str
    revision: str | None
    weights_sha256: str
    adapter: AdapterSpec
    device: str
    dtype: str
    hidden_size: int
    num_layers: int
    settings_sha256: str = ""
    trust_remote_code: bool = False
    allow_pickle: bool = False
    merged: Merged | None = None

    def at(self, path: Path) -> Model:
        """Return the same model with the weights that training wrote to `path`."""
        return replace(self, path=path)
