"""Fixtures for all tests; nothing here needs a network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_standin import Hub
from hypothesis import settings

# Before any test imports them: the hub clients and tokenizers read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture
def point_at_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sends the hub's client to an address of this machine; its cache is new."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def point(address: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    return point


@pytest.fixture
def hub(point_at_hub: Callable[[str], None]) -> Iterator[Hub]:
    """A stand-in of the hub, and the client pointed at it."""
    standin = Hub()
    point_at_hub(standin.url)
    yield standin
    standin.close()
