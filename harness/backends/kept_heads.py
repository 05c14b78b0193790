"""Heads that lie beside a bare encoder: `heads/<name>.safetensors`, listed in a JSON file of the checkpoint.

The list stands under `heads` in `xharness.json` (the card of a checkpoint that `xharness train` made) or in
`conversion.json` (what a conversion wrote). A file holds the tensors that a head has beside the encoder, by
their names in the transformers network of its class.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.reading import readable
from harness.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

HEADS = "heads"
CARD = "xharness.json"
CONVERSION = "conversion.json"
LISTS = (CARD, CONVERSION)


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head beside the encoder. `labels` are in the order of its rows, empty where it has no labels."""

    name: str
    auto_class: str
    labels: tuple[str, ...]
    file: Path

    @property
    def kind(self) -> str:
        """What the head does, as transformers calls it: `TokenClassification`."""
        return self.auto_class.removeprefix("AutoModelFor")


def read_kept(path: Path) -> tuple[KeptHead, ...]:
    """Return the heads that a checkpoint folder lists, in that order; a folder without a list has none.

    Raises:
        ModelError: the list cannot be read, or names a file that is missing or lies elsewhere.
    """
    return tuple(_kept(path, listing, entry) for listing, entry in _entries(path) if entry.get("file") != "")


def adapter_of_parent(path: Path) -> str | None:
    """Return the adapter that a checkpoint was trained with, by name, as its card says; None without one."""
    try:
        card = json.loads((path / CARD).read_text(encoding="utf-8"))
        name = card["parent"]["adapter"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None


def write_kept(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> str:
    """Write a head's tensors into a checkpoint folder; return the file's path relative to it."""
    from safetensors.torch import save_file

    relative = f"{HEADS}/{name}.safetensors"
    (folder / HEADS).mkdir(parents=True, exist_ok=True)
    own = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    save_file(own, str(folder / relative), metadata={"format": "pt"})
    return relative


def kept_shapes(head: KeptHead) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a head by name; only the file's header is read.

    Raises:
        ModelError: the file is broken.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with readable(head.file), safe_open(head.file, framework="numpy") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}
    except SafetensorError as error:
        raise ModelError(
            f"{head.file}: not a complete safetensors file ({error}): copy the checkpoint again."
        ) from error


def read_tensors(head: KeptHead) -> dict[str, Tensor]:
    """Return the tensors of a head by name, on the CPU."""
    from safetensors.torch import load_file

    with readable(head.file):
        found: dict[str, Tensor] = load_file(head.file)
    return found


def listed_heads(path: Path) -> list[Any]:
    """Return the lists of heads in a checkpoint folder, as JSON values: part of what decides its outputs."""
    return [entry for _, entry in _entries(path)]


def _entries(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    found = []
    for name in LISTS:
        listing = path / name
        if not listing.is_file():
            continue
        try:
            entries = json.loads(listing.read_text(encoding="utf-8")).get("heads") or []
            found += [(listing, dict(entry)) for entry in entries]
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"{listing}: its list of heads cannot be read ({error}): restore the file, or remove it to "
                "use the encoder alone"
            ) from error
    return found


def _kept(path: Path, listing: Path, entry: Mapping[str, Any]) -> KeptHead:
    name, auto_class, file = entry.get("name"), entry.get("auto_class"), entry.get("file")
    labels = entry.get("labels") or []
    if (
        not all(isinstance(value, str) and value for value in (name, auto_class, file))
        or not isinstance(labels, list)
        or not all(isinstance(label, str) for label in labels)
    ):
        raise ModelError(
            f"{listing}: a head needs the texts name, auto_class and file, and a list of labels; "
            f"seen {str(dict(entry))[:200]}"
        )
    place = Path(str(file))
    if place.is_absolute() or ".." in place.parts or place.suffix != ".safetensors":
        raise ModelError(
            f"{listing}: head {name!r}: {str(file)!r} is no .safetensors file inside the checkpoint's folder"
        )
    if not (path / place).is_file():
        raise ModelError(
            f"{listing}: head {name!r}: its file {file} is missing: copy the whole checkpoint folder"
        )
    return KeptHead(str(name), str(auto_class), tuple(labels), path / place)
