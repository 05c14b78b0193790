"""Where a checkpoint lies: a folder of this machine, or a snapshot of the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.backends.hub import fetch, looks_like_hub_id
from harness.errors import ModelError


@dataclass(frozen=True, slots=True)
class Location:
    """A checkpoint's folder. `name` is the last part of its id or folder, `commit` that of a hub id.

    `model_id` is the id without its revision, or the folder as it was written; `warnings` are what the user
    should know.
    """

    path: Path
    name: str
    model_id: str
    commit: str | None
    warnings: tuple[str, ...]


def locate(
    model: str, *, offline: bool, allow_pickle: bool, trust_remote_code: bool, option: str = "--model"
) -> Location:
    """Return where a checkpoint lies: a folder, or a hub id with or without @revision, fetched.

    Raises:
        ModelError: if there is none; the message names the `option` that asked for it.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return Location(folder.resolve(), folder.resolve().name, model, None, ())
    if folder.exists():
        raise ModelError(
            f"{option} {model}: is a file; give the folder that holds it (with config.json and tokenizer)"
        )
    if not looks_like_hub_id(model):
        raise ModelError(
            f"{option} {model}: no such folder, and not a hub id (owner/name or owner/name@revision)"
        )
    fetched = fetch(
        model,
        offline=offline,
        allow_pickle=allow_pickle,
        trust_remote_code=trust_remote_code,
        option=option,
    )
    repo = model.partition("@")[0]
    # A cache that is not laid out by commits gives none: then the text as it was written is the id.
    return Location(
        fetched.path,
        repo.rpartition("/")[2],
        repo if fetched.commit else model,
        fetched.commit,
        fetched.warnings,
    )
