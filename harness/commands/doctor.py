"""`xharness doctor`: what this machine can do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

_PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "huggingface_hub",
    "safetensors",
    "numpy",
    "scipy",
    "pyarrow",
)
# Either distribution brings the module `faiss`.
_FAISS = ("faiss-cpu", "faiss-gpu")
_GIB = 2**30


def run(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Also say which test sets are in this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what this machine can do: versions, devices, memory, offline readiness, data."""
    facts = examine(data_dir)
    if as_json:
        import json

        # Escaped, so that a path survives whatever encoding the terminal has.
        typer.echo(json.dumps(facts, indent=2))
        return
    for section, content in facts.items():
        typer.echo(section)
        for name, value in content.items():
            typer.echo(f"  {name:<18} {_shown(value)}")


def examine(data_dir: Path | None) -> dict[str, dict[str, Any]]:
    """Return the facts by section; sizes in GiB. An absent package or device is None."""
    facts = {
        "versions": _versions(),
        "compute": _compute(),
        "memory and disk": _space(),
        "offline": _offline(),
        "specifications": _specifications(),
    }
    if data_dir is not None:
        facts["data"] = _data(data_dir)
    return facts


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _versions() -> dict[str, Any]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from harness import __version__

    found: dict[str, Any] = {"xharness": __version__, "python": platform.python_version()}
    for package in (*_PACKAGES, *_FAISS):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _compute() -> dict[str, Any]:
    import os

    import torch

    from harness.backends.devices import has_bfloat16_units, resolve_device, resolve_dtype

    device = resolve_device("auto")
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "native bfloat16": has_bfloat16_units(),
        "gpus": gpus,
        "device (auto)": device,
        "dtype (auto)": resolve_dtype("auto", device),
    }


def _space() -> dict[str, Any]:
    import os
    import shutil

    page = os.sysconf("SC_PAGE_SIZE")
    return {
        "memory GiB": round(page * os.sysconf("SC_PHYS_PAGES") / _GIB, 1),
        "free memory GiB": round(page * os.sysconf("SC_AVPHYS_PAGES") / _GIB, 1),
        "free disk GiB": round(shutil.disk_usage(Path.cwd()).free / _GIB, 1),
    }


def _offline() -> dict[str, Any]:
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    cache = Path(constants.HF_HUB_CACHE)
    try:
        models = sorted(r.repo_id for r in scan_cache_dir(cache).repos if r.repo_type == "model")
    except CacheNotFound:
        models = []
    return {"hub cache": str(cache), "cached models": models, "HF_HUB_OFFLINE": constants.HF_HUB_OFFLINE}


def _specifications() -> dict[str, Any]:
    from harness.paths import search_path
    from harness.specfiles.catalog import list_adapters, list_suites, list_tasks

    return {
        "task folders": [str(folder) for folder in search_path("tasks")],
        "tasks": list(list_tasks()),
        "suites": list(list_suites()),
        "adapters": list(list_adapters()),
    }


def _data(data_dir: Path) -> dict[str, Any]:
    from harness.data.places import Places
    from harness.data.sources import available_languages
    from harness.errors import DataError
    from harness.specfiles.catalog import list_tasks, load_tasks

    if not data_dir.is_dir():
        raise DataError(f"--data-dir {data_dir}: there is no such folder")
    found = {}
    for task in load_tasks(list(list_tasks())):
        there = len(available_languages(task.spec, Places(data_dir, order=("local",))))
        found[task.spec.name] = f"{there} of {len(task.spec.languages)} languages"
    return found
