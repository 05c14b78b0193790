from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.backends import devices
from harness.errors import RequestError


def test_auto_falls_back_to_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.resolve_device("auto") == "cpu"
    with pytest.raises(RequestError, match="--device cuda"):
        devices.resolve_device("cuda")


def test_auto_takes_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.resolve_device("auto") == "cuda"
    assert devices.resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("units, expected", [(True, "bfloat16"), (False, "float32")])
def test_auto_dtype_follows_the_cpu(units: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_bfloat16_units", lambda: units)
    assert devices.resolve_dtype("auto", "cpu") == expected


@pytest.mark.parametrize("capability, expected", [((9, 0), "bfloat16"), ((7, 5), "float32")])
def test_auto_dtype_follows_the_gpu(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert devices.resolve_dtype("auto", "cuda") == expected


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(RequestError, match="float16"):
        devices.resolve_dtype("float16", "cpu")
    assert devices.resolve_dtype("float16", "cuda") == "float16"
    assert devices.resolve_dtype("bfloat16", "cpu") == "bfloat16"


@pytest.mark.parametrize("flag, expected", [("amx_bf16", True), ("avx512_bf16", True), ("avx512f", False)])
def test_units_are_read_from_torch(flag: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {flag: True}, raising=False)
    assert devices.has_bfloat16_units() is expected


def test_units_are_read_from_the_kernel_where_torch_does_not_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx2 amx_bf16\n", encoding="utf-8")
    flags = devices._cpu_flags(file)
    assert flags == {"fpu", "avx2", "amx_bf16"}
    assert devices._cpu_flags(tmp_path / "nothing") == set()
    monkeypatch.setattr(devices, "_cpu_flags", lambda: flags)
    assert devices.has_bfloat16_units() is True


@pytest.mark.parametrize("count", [0, -1, 100_000])
def test_threads_that_no_machine_has_are_refused(count: int) -> None:
    before = torch.get_num_threads()
    with pytest.raises(RequestError, match=f"--threads {count}: .* from 1 to"):
        devices.use_threads(count)
    assert torch.get_num_threads() == before
    devices.use_threads(before)
