"""What a run was made with: versions of libraries, the state of the checkout, the time."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from harness import __version__
from harness.results.record import GitState

_LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "datasets",
    "huggingface_hub",
    "safetensors",
    "numpy",
    "scipy",
    "pyarrow",
    "pydantic",
)
# Either distribution brings the module `faiss`.
_OPTIONAL = ("faiss-cpu", "faiss-gpu", "peft")


def read_versions() -> dict[str, str]:
    """Return the versions of Python, xharness and every library that can change a number."""
    versions = {"python": platform.python_version(), "xharness": __version__}
    for name in (*_LIBRARIES, *_OPTIONAL):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def read_git_state(root: Path | None = None) -> GitState | None:
    """Return commit and dirtiness of the checkout that the code runs from; None in a wheel."""
    root = root or Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return None
    return GitState(commit=commit, dirty=bool(changes))


def read_clock() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(root: Path, *arguments: str) -> str | None:
    """Run a git command that changes nothing; None if there is no git or it refuses."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
