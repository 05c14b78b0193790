"""Memory or disk that runs out while a model trains, in words that say what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, RequestError
from harness.training.plan import Plan


@contextmanager
def explained(name: str, plan: Plan, folder: Path) -> Iterator[None]:
    """Turn a lack of memory or disk into a message that says what to do."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:  # torch, safetensors and the system each say it in their own way
        text = str(error)
        if _lacks_memory(error, text):
            raise RequestError(
                f"training {name}: out of memory on {plan.device} with {plan.micro_batch} examples at a time "
                f"({plan.dtype}): free memory on that device, use a smaller model, or lower max_length "
                "in the recipe"
            ) from error
        if _lacks_disk(error, text, folder):
            raise RequestError(
                f"training {name}: no space left on the disk of {folder}: free some (checkpoints need about "
                "eight times the size of the weights) and run the same command again; it continues "
                "where it stopped"
            ) from error
        raise


def _lacks_memory(error: BaseException, text: str) -> bool:
    import torch

    spoken = ("can't allocate memory", "not enough memory", "CUDA out of memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(s in text for s in spoken)


def _lacks_disk(error: BaseException, text: str, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return True
    if "No space left" in text:
        return True
    # torch says only that its writer failed.
    return "PytorchStreamWriter" in text and shutil.disk_usage(folder).free < 2**26
