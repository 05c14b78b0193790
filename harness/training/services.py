"""Services that also get the losses while a model trains: TensorBoard, Weights & Biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import RequestError, raise_all

if TYPE_CHECKING:
    from transformers import Trainer


def check_services(names: Sequence[str]) -> None:
    """Check that what the services need is installed.

    Raises:
        RequestError: naming what to install.
    """
    if not names:
        return
    from transformers.integrations import integration_utils

    there: dict[str, Callable[[], bool]] = {
        "tensorboard": integration_utils.is_tensorboard_available,
        "wandb": integration_utils.is_wandb_available,
    }
    raise_all(
        RequestError,
        [
            f"--report-to {name}: needs the package {name}: `pip install {name}`, or leave the option out"
            for name in names
            if not there[name]()
        ],
    )


def place_logs(trainer: Trainer, folder: Path) -> None:
    """Have TensorBoard's files written to a folder that stays, where a trainer writes any."""
    from transformers.integrations.integration_utils import TensorBoardCallback

    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, TensorBoardCallback):
            callback.logging_dir = str(folder)
