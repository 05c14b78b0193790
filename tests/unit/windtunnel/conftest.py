from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.windtunnel.files import generate_files, write_files


@pytest.fixture(scope="session")
def world() -> Mapping[str, str]:
    """Every file of the wind tunnel, path -> text."""
    return generate_files()


@pytest.fixture(scope="session")
def world_folder(world: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the wind tunnel."""
    folder = tmp_path_factory.mktemp("windtunnel")
    write_files(folder, world)
    return folder
