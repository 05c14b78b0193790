"""Fixtures for all tests; nothing here needs a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before any test imports them: the hub clients and tokenizers read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


@pytest.fixture(autouse=True)
def _only_builtin_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a developer's own folders out of the tests."""
    monkeypatch.delenv("XHARNESS_PATH", raising=False)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data, named by XHARNESS_DATA."""
    folder = os.environ.get("XHARNESS_DATA")
    if not folder:
        pytest.skip("XHARNESS_DATA names no folder with real data")
    return Path(folder)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]
