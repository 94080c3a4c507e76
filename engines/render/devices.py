"""Which GPU there is, asked of the driver's own library: no CUDA context, no framework.

NVML alone is used, so that a process may look and be forked afterwards: a child of a process that
has begun CUDA cannot use it any more.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_LIBRARY: Final = "libnvidia-ml.so.1"
_TEXT: Final = 96  # bytes of a name or a version, see nvml.h


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU of NVIDIA's. capability: such as (9, 0). memory: bytes. driver: its version."""

    name: str
    capability: tuple[int, int]
    memory: int
    driver: str

    def __str__(self) -> str:
        major, minor = self.capability
        return f"{self.name}, compute capability {major}.{minor}, driver {self.driver}"


class NoGpu(Exception):
    """There is none that can be used; says why."""


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def find(env: Mapping[str, str] = os.environ) -> Gpu:
    """The first GPU that this process may use. Raises NoGpu. Costs nothing where there is none."""
    visible = env.get("CUDA_VISIBLE_DEVICES")
    chosen = "0" if visible is None else visible.split(",")[0].strip()
    if chosen in {"", "-1", "NoDevFiles"}:
        raise NoGpu("CUDA_VISIBLE_DEVICES hides every GPU")
    try:
        nvml: Any = ctypes.CDLL(_LIBRARY)
    except OSError:
        message = f"no NVIDIA driver ({_LIBRARY} is not there)"
        raise NoGpu(message) from None
    _check(nvml, nvml.nvmlInit_v2(), "the driver does not start")
    try:
        return _described(nvml, _handle(nvml, chosen))
    finally:
        nvml.nvmlShutdown()


def _handle(nvml: Any, chosen: str) -> Any:
    """By index, or by the id that CUDA_VISIBLE_DEVICES may hold instead."""
    handle = ctypes.c_void_p()
    if chosen.isdecimal():
        status = nvml.nvmlDeviceGetHandleByIndex_v2(int(chosen), ctypes.byref(handle))
    else:
        status = nvml.nvmlDeviceGetHandleByUUID(chosen.encode(), ctypes.byref(handle))
    _check(nvml, status, f"no GPU {chosen}")
    return handle


def _described(nvml: Any, handle: Any) -> Gpu:
    name, driver = ctypes.create_string_buffer(_TEXT), ctypes.create_string_buffer(_TEXT)
    major, minor, memory = ctypes.c_int(), ctypes.c_int(), _Memory()
    what = "the GPU cannot be asked"
    _check(nvml, nvml.nvmlDeviceGetName(handle, name, _TEXT), what)
    _check(nvml, nvml.nvmlSystemGetDriverVersion(driver, _TEXT), what)
    of = ctypes.byref
    _check(nvml, nvml.nvmlDeviceGetCudaComputeCapability(handle, of(major), of(minor)), what)
    _check(nvml, nvml.nvmlDeviceGetMemoryInfo(handle, of(memory)), what)
    return Gpu(
        name.value.decode(errors="replace"),
        (major.value, minor.value),
        int(memory.total),
        driver.value.decode(errors="replace"),
    )


def _check(nvml: Any, status: int, what: str) -> None:
    if status:
        nvml.nvmlErrorString.restype = ctypes.c_char_p
        why = nvml.nvmlErrorString(status)
        message = f"{what}: {why.decode(errors='replace') if why else f'error {status}'}"
        raise NoGpu(message)
