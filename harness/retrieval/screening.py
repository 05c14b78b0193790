"""Engines that pick candidates in float32: blockwise torch, and FAISS indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import RequestError
from harness.specs.run import Search

Engine = Literal["exact", "faiss-flat", "faiss-ivf", "faiss-hnsw"]

# (queries float32 [b, d], width) -> (rows int64 [b, width], float32 scores as float64 [b, width]), best
# first; a row of -1 means that an approximate index found no more.
Screen = Callable[[NDArray[np.float32], int], tuple[NDArray[np.int64], NDArray[np.float64]]]

_BLOCK = 65_536  # candidates scored at once
_SCORES = 1 << 24  # float32 scores held at once (64 MB)


def resolve_engine(engine: Search, device: str) -> Engine:
    """Return the engine that runs: `auto` is FAISS flat on a GPU that FAISS can use, else exact.

    Raises:
        RequestError: if FAISS is asked for and not installed.
    """
    if engine == "auto":
        return "faiss-flat" if device.startswith("cuda") and _faiss_gpus() else "exact"
    if engine != "exact":
        _import_faiss(engine)
    return engine


def screen_for(engine: Engine, rows: NDArray[np.float32], device: str) -> Screen:
    """Return the screening function of an engine over candidate rows float32 [m, d]."""
    if engine == "exact":
        return _torch_screen(rows, device)
    faiss = _import_faiss(engine)
    index = _INDEXES[engine](faiss, rows)
    if engine == "faiss-flat" and device.startswith("cuda") and _faiss_gpus():
        index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)

    def screen(queries: NDArray[np.float32], width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        scores, found = index.search(queries, width)
        return found.astype(np.int64), scores.astype(np.float64)

    return screen


def _torch_screen(rows: NDArray[np.float32], device: str) -> Screen:
    import torch

    blocks = [torch.from_numpy(rows[i : i + _BLOCK]).to(device) for i in range(0, len(rows), _BLOCK)]
    widest = min(len(rows), _BLOCK)

    def some(queries: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        values, found = [], []
        for number, block in enumerate(blocks):
            top = torch.topk(queries @ block.T, min(width, len(block)), dim=1)
            values.append(top.values)
            found.append(top.indices + number * _BLOCK)
        if len(blocks) == 1:
            return values[0], found[0]
        best = torch.topk(torch.cat(values, dim=1), width, dim=1)
        return best.values, torch.cat(found, dim=1).gather(1, best.indices)

    def screen(queries: NDArray[np.float32], width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        step = max(1, _SCORES // widest)
        values, found = [], []
        with torch.inference_mode():
            for start in range(0, len(queries), step):
                part_values, part_found = some(
                    torch.from_numpy(queries[start : start + step]).to(device), width
                )
                values.append(part_values.double().cpu())
                found.append(part_found.cpu())
        return torch.cat(found).numpy(), torch.cat(values).numpy()

    return screen


def _flat(faiss: Any, rows: NDArray[np.float32]) -> Any:
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return index


def _ivf(faiss: Any, rows: NDArray[np.float32]) -> Any:
    # FAISS asks for 39 training points a cell; a quarter of the cells are visited.
    cells = max(1, min(int(4 * len(rows) ** 0.5), len(rows) // 39))
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(rows.shape[1]), rows.shape[1], cells, faiss.METRIC_INNER_PRODUCT
    )
    index.train(rows)
    index.add(rows)
    index.nprobe = max(1, cells // 4)
    return index


def _hnsw(faiss: Any, rows: NDArray[np.float32]) -> Any:
    index = faiss.IndexHNSWFlat(rows.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.hnsw.efSearch = 128
    # The graph depends on the order of insertion: with several threads no two builds are alike.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        index.add(rows)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


_INDEXES: dict[str, Callable[[Any, NDArray[np.float32]], Any]] = {
    "faiss-flat": _flat,
    "faiss-ivf": _ivf,
    "faiss-hnsw": _hnsw,
}


def _import_faiss(engine: str) -> Any:
    try:
        import faiss
    except ImportError as error:
        raise RequestError(
            f"--search {engine} needs FAISS, which is not installed: pip install 'xharness[cpu]' "
            "(or 'xharness[gpu]', never both), or use --search exact, which gives the ranks of faiss-flat."
        ) from error
    return faiss


def _faiss_gpus() -> int:
    try:
        import faiss
    except ImportError:
        return 0
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0
