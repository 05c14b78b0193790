"""Checkpoints on the hub: fetched as a snapshot of one commit, or found in the cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError
from harness.hub_errors import failures, reason

_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?)(@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
# Exports of the same weights for other engines.
_SKIPPED = ("onnx/*", "openvino/*", "coreml/*", "*/onnx/*", "*/openvino/*")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A downloaded checkpoint: its folder, the commit it is, and what the user should know."""

    path: Path
    commit: str | None
    warnings: tuple[str, ...]


def looks_like_hub_id(model: str) -> bool:
    """Return whether a text has the form of a hub id, with or without @revision."""
    return _ID.fullmatch(model) is not None


def fetch(
    model: str, *, offline: bool, allow_pickle: bool, trust_remote_code: bool, option: str = "--model"
) -> Snapshot:
    """Download a checkpoint's files at one commit, or find them in the cache; `option` asked for it.

    Without a revision the current commit of the default branch is taken and a warning says so; a
    branch or tag is resolved, with the same warning. Offline only the cache is read.

    Raises:
        ModelError: if the repository or revision does not exist, needs a login, or cannot be reached.
    """
    parts = _ID.fullmatch(model)
    if parts is None:
        raise ModelError(f"{option} {model}: not a hub id (owner/name or owner/name@revision)")
    repo, revision = parts["repo"], parts["revision"]
    patterns = [*_FILES, *(["*.py"] if trust_remote_code else [])]
    path = _snapshot(repo, revision, patterns, offline=offline, option=option)
    if allow_pickle and not any(path.glob("*.safetensors")):
        path = _snapshot(repo, revision, [*patterns, "*.bin"], offline=offline, option=option)
    commit = path.name if _COMMIT.fullmatch(path.name) else None
    warnings: tuple[str, ...] = ()
    if revision is None or not _COMMIT.fullmatch(revision):
        asked = (
            "no revision was given"
            if revision is None
            else f"{revision!r} is a branch or tag, which can move"
        )
        warnings = (f"{model} is not pinned: {asked}. For the same weights next time write {repo}@{commit}",)
    return Snapshot(path, commit, warnings)


def _snapshot(repo: str, revision: str | None, patterns: list[str], *, offline: bool, option: str) -> Path:
    from huggingface_hub import errors, snapshot_download

    name = repo if revision is None else f"{repo}@{revision}"
    try:
        return Path(
            snapshot_download(
                repo,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=list(_SKIPPED),
                local_files_only=offline,
            )
        )
    except failures() as error:
        why = reason(error, repo, revision, offline=offline, instead="give a local folder")
        if isinstance(error, errors.RepositoryNotFoundError) and not isinstance(error, errors.GatedRepoError):
            why += " If a folder was meant: there is none of that name here."
        raise ModelError(f"{option} {name}: {why}") from error
