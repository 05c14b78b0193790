from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

DATA = ("tasks", "adapters", "leaderboards")


@pytest.fixture(scope="session")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `python -m build` makes it, without network: the build tools are installed."""
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(repository),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def test_the_top_level_is_harness_alone(names: list[str]) -> None:
    top = {name.partition("/")[0] for name in names}
    assert "harness" in top
    assert all(name == "harness" or re.fullmatch(r"xharness-[\w.]+\.dist-info", name) for name in top), top


def test_the_yaml_is_complete(names: list[str], repository: Path) -> None:
    for kind in DATA:
        there = {str(p.relative_to(repository)) for p in (repository / kind).rglob("*") if p.is_file()}
        packed = {
            n.removeprefix("harness/_data/")
            for n in names
            if n.startswith(f"harness/_data/{kind}/") and not n.endswith("/")
        }
        assert packed == there


def test_the_data_folders_hold_no_code(names: list[str]) -> None:
    assert [n for n in names if n.startswith("harness/_data/") and n.endswith(".py")] == []


def test_every_module_is_packed(names: list[str], repository: Path) -> None:
    there = {str(p.relative_to(repository)) for p in (repository / "harness").rglob("*.py")}
    assert {n for n in names if n.endswith(".py")} == there
    assert "harness/py.typed" in names


def test_metadata(wheel: Path, names: list[str]) -> None:
    (place,) = [n for n in names if n.endswith(".dist-info/METADATA")]
    metadata = zipfile.ZipFile(wheel).read(place).decode("utf-8")
    assert "Name: xharness\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    (entry_points,) = [n for n in names if n.endswith("entry_points.txt")]
    assert "xharness = harness.cli:main" in zipfile.ZipFile(wheel).read(entry_points).decode("utf-8")


def test_what_is_declared_is_pinned(repository: Path) -> None:
    """constraints.txt covers the core and what the Makefile installs; gpu, slurm and such are not."""

    def canonical(requirement: str) -> str:
        name = re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]
        return re.sub(r"[-_.]+", "-", name).lower()

    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {canonical(r) for group in ("cpu", "test", "dev") for r in extras[group]}
    declared |= {canonical(r) for r in project["dependencies"]}
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert declared <= {canonical(name) for name in pins}
    assert pins["torch"] == "2.13.0"
    assert all("+" not in version and "@" not in version for version in pins.values())


@pytest.mark.slow
def test_the_installed_wheel_finds_its_tasks_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with this one's dependencies but not this checkout."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    site = next(p for p in sys.path if p.endswith("site-packages"))
    # A plain path entry: unlike a .pth file it is not read for further entries, so that the
    # editable install of this checkout stays out of sight.
    run = f"import sys; sys.path.append({site!r}); from harness.cli import main; main()"
    done = subprocess.run(
        [str(python), "-c", run, "tasks", "list"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tatoeba" in done.stdout
    assert "env/lib" in done.stdout.replace(str(tmp_path), "").replace("\\", "/")
    assert "harness/_data/tasks/targets/tatoeba.yaml" in done.stdout
