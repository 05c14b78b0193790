"""A PEFT adapter and its base, merged once into an ordinary checkpoint that is kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.backends.inheritance import inherit_settings
from harness.backends.merged_network import merge_network, save_network
from harness.backends.model import Merged, Model
from harness.backends.peft_adapter import PeftAdapter
from harness.backends.weights import settings_sha256, weights_sha256
from harness.errors import ModelError
from harness.records import canonical_json

RECORD = "merged.json"
_FORMAT = 1


def default_cache() -> Path:
    """Return where merged checkpoints are kept if nobody says otherwise: beside the hub's own cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).parent / "xharness" / "merged"


def merge_adapter(
    adapter: PeftAdapter, base: Model, cache: Path, *, say: Callable[[str], None]
) -> tuple[Path, Merged]:
    """Return the folder that holds an adapter merged into its base, and what it was merged from.

    It is written once, named by the hashes of both and by PEFT's version; half of one never counts. What
    was damaged since is written anew. `say` is told before work that takes a while.

    Raises:
        ModelError: PEFT is not installed, the two do not belong together, what was merged does not compute
            what the adapter does, or the cache cannot be written to.
    """
    version = _peft_version(adapter)
    merged = Merged(
        method=adapter.method,
        adapter_sha256=adapter.sha256,
        base_id=base.model_id,
        base_revision=base.revision,
        base_weights_sha256=base.weights_sha256,
        base_settings_sha256=base.settings_sha256,
    )
    facts: dict[str, str | int] = {
        "format": _FORMAT,
        "method": merged.method,
        "adapter_sha256": merged.adapter_sha256,
        "adapter_settings_sha256": settings_sha256(adapter.path),
        "base_weights_sha256": merged.base_weights_sha256,
        "base_settings_sha256": merged.base_settings_sha256,
        "peft": version,
    }
    key = hashlib.sha256(canonical_json(facts).encode("utf-8")).hexdigest()[:32]
    folder = cache / key
    with _writable(cache), _alone(cache, key):
        if not _is_whole(folder):
            say(f"merging the {merged.method} adapter into its base, once; kept in {folder}")
            _write(folder, adapter, base, facts, say)
    return folder, merged


def _write(
    folder: Path,
    adapter: PeftAdapter,
    base: Model,
    facts: dict[str, str | int],
    say: Callable[[str], None],
) -> None:
    for left in folder.parent.glob(f"{folder.name}.*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir()
        network, lacking = merge_network(adapter, base)
        save_network(network, temporary, without=lacking, say=say)
        inherit_settings(temporary, adapter.path, base)
        found = weights_sha256(temporary, allow_pickle=False)
        (temporary / RECORD).write_text(
            json.dumps({**facts, "weights_sha256": found}, indent=2) + "\n", encoding="utf-8"
        )
        for file in temporary.rglob("*"):
            _sync(file)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether a folder of the cache holds what was once written there."""
    try:
        written = json.loads((folder / RECORD).read_text(encoding="utf-8"))["weights_sha256"]
        return bool(written == weights_sha256(folder, allow_pickle=False))
    except (OSError, ValueError, LookupError, TypeError, RecursionError, ModelError):
        return False


def _peft_version(adapter: PeftAdapter) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("peft")
    except PackageNotFoundError:
        raise ModelError(
            f"{adapter.path}: is a PEFT adapter ({adapter.method}); to merge it into its base model PEFT is "
            "needed, which is not installed: pip install 'xharness[peft]'"
        ) from None


@contextmanager
def _alone(cache: Path, key: str) -> Iterator[None]:
    """Keep other processes from merging the same: they wait, and find the work done."""
    from filelock import FileLock

    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{key}.lock"):
        yield


@contextmanager
def _writable(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{cache}: the merged checkpoint cannot be kept there ({error.strerror or error}): make room, or "
            "name another folder with --merge-cache"
        ) from error


def _sync(path: Path) -> None:
    """Force a file, or the entries of a folder, to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
