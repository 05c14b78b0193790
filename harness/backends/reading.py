"""Reading a checkpoint's files: what cannot be read is the checkpoint's fault, and said so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read something of a checkpoint into a message about it.

    Raises:
        ModelError: in place of any OSError of the block.
    """
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{error.filename or path}: cannot be read ({error.strerror or error}). A checkpoint's folder "
            "and files must be readable by the user who runs the harness: check their owner and permissions."
        ) from error


def read_pickle(file: Path, *, device: str) -> dict[str, Tensor]:
    """Return the tensors of a pickled weight file by name; nothing but tensors is unpickled.

    Raises:
        ModelError: if the file is broken or holds anything else.
    """
    import torch

    try:
        found = torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # torch, pickle, zipfile and struct each say it in their own way
        text = str(error).strip() or type(error).__name__
        raise ModelError(
            f"{file}: cannot be read as pickled weights ({text.splitlines()[0][:200]}): "
            "copy or download it again, or convert it to safetensors."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(t, torch.Tensor) for t in found.values()):
        raise ModelError(f"{file}: holds a {type(found).__name__}, expected tensors by name (a state dict)")
    return found
