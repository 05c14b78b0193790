"""Which device and which number format a run computes in."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import RequestError
from harness.specs.run import Device, DType

_THREADS_ANYWHERE = 64


def resolve_device(asked: Device) -> str:
    """Return the torch device string for what was asked: `auto` takes a GPU where there is one.

    Raises:
        RequestError: if CUDA is asked for and this machine or this torch has none.
    """
    if asked == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "auto":
        return "cpu"
    built = torch.version.cuda
    why = (
        f"torch {torch.__version__} was built without CUDA"
        if built is None
        else f"torch {torch.__version__} (CUDA {built}) finds no usable GPU or driver"
    )
    raise RequestError(f"--device cuda: {why}. Use --device cpu or auto, or install a torch with CUDA.")


def resolve_dtype(asked: DType, device: str) -> str:
    """Return the torch dtype name for what was asked on a resolved device.

    `auto` is bfloat16 on CUDA and on CPUs with native bfloat16 units, float32 otherwise: without
    such units bfloat16 is emulated and some hundred times slower.

    Raises:
        RequestError: for float16 on a CPU.
    """
    on_cpu = not device.startswith("cuda")
    if asked == "float16" and on_cpu:
        raise RequestError("--dtype float16 needs a GPU: on a CPU use float32, bfloat16 or auto.")
    if asked != "auto":
        return asked
    if on_cpu:
        return "bfloat16" if has_bfloat16_units() else "float32"
    import torch

    # Cards before Ampere emulate bfloat16.
    return "bfloat16" if torch.cuda.get_device_capability()[0] >= 8 else "float32"


def has_bfloat16_units() -> bool:
    """Return whether this CPU multiplies bfloat16 matrices natively (AMX or AVX-512 BF16)."""
    import torch

    # Public from torch 2.12 on; before that the kernel's list of CPU flags says the same.
    get_capabilities = getattr(torch.cpu, "get_capabilities", None)
    if get_capabilities is not None:
        found = get_capabilities()
        return bool(found.get("amx_bf16") or found.get("avx512_bf16"))
    return bool({"amx_bf16", "avx512_bf16"} & _cpu_flags())


def _cpu_flags(path: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the flags of the first CPU, or an empty set where the kernel does not list them."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.partition(":")[2].split())
    except OSError:
        pass
    return set()


def use_threads(count: int) -> None:
    """Set the number of CPU threads of torch, for this process; results may differ between counts.

    Raises:
        RequestError: for less than one thread, or more than any use on this machine.
    """
    # torch starts whatever it is told and dies without a word when the system gives no more. The floor
    # lets a small machine repeat what a large one computed.
    limit = max(_THREADS_ANYWHERE, 4 * (os.cpu_count() or 1))
    if not 1 <= count <= limit:
        raise RequestError(
            f"--threads {count}: this machine has {os.cpu_count()} CPUs; give a number from 1 to {limit}"
        )
    import torch

    torch.set_num_threads(count)
