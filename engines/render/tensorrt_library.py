"""TensorRT, whichever of NVIDIA's two libraries is installed, under one name.

`tensorrt` is for data centre cards and all others; `tensorrt_rtx` for the RTX family, whose engines
are built without a GPU and finished by a compiler in the driver on the first run. The package
index's wheels of the latter import as `tensorrt_rtx_bindings`, and load their shared libraries by
`tensorrt_rtx_libs`. Both have the same classes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.engines.render.devices import Gpu

# In the order of preference: where both are, the one for all cards.
NAMES: Final = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
_LIBRARIES: Final = {"tensorrt_rtx_bindings": "tensorrt_rtx_libs"}
# https://docs.nvidia.com/deeplearning/tensorrt-rtx/latest/getting-started/support-matrix.html
RTX_CAPABILITIES: Final = ((7, 5), (8, 6), (8, 9), (12, 0), (12, 1))


@dataclass(frozen=True)
class Library:
    """One of the two. module: what is imported, once, when it is first used."""

    module: str

    @property
    def is_rtx(self) -> bool:
        """Whether it builds for compute capabilities, without a GPU."""
        return self.module != "tensorrt"

    @property
    def name(self) -> str:
        """As people know it."""
        return "tensorrt_rtx" if self.is_rtx else "tensorrt"

    @cached_property
    def trt(self) -> Any:
        """The module. Raises EngineError."""
        try:
            with suppress(ImportError):  # a whole installation brings the libraries with it
                if shared := _LIBRARIES.get(self.module):
                    import_module(shared)
            return import_module(self.module)
        except (ImportError, OSError) as error:  # OSError: a shared library that does not load
            raise EngineError(f"{self.name} is installed but does not load: {error}") from error

    @property
    def version(self) -> str:
        """An engine fits no other. Raises EngineError."""
        return str(self.trt.__version__)

    def serves(self, gpu: Gpu) -> str:
        """Why it cannot be used with this GPU; "": it can."""
        if self.is_rtx and gpu.capability not in RTX_CAPABILITIES:
            known = ", ".join(f"{a}.{b}" for a, b in RTX_CAPABILITIES)
            major, minor = gpu.capability
            return (
                f"tensorrt_rtx knows no compute capability {major}.{minor} (only {known}): "
                "install visavis[tensorrt]"
            )
        return ""

    def target(self, gpu: Gpu) -> str:
        """What an engine for this GPU is built for: its compute capability, else its name."""
        return capability_name(gpu.capability) if self.is_rtx else gpu.name

    def driver(self, gpu: Gpu) -> str:
        """The driver's version, where an engine depends on it: not before the first run of RTX."""
        return "" if self.is_rtx else gpu.driver


def installed() -> tuple[Library, ...]:
    """Every library that is there, the one to prefer first; nothing is imported."""
    return tuple(Library(name) for name in NAMES if _is_there(name))


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def capability_name(capability: tuple[int, int]) -> str:
    """(8, 9) -> SM89."""
    return f"SM{capability[0]}{capability[1]}"


def log_problems(trt: Any, keep: list[str]) -> Any:
    """A logger that keeps what goes wrong, so that it can be said, and prints nothing."""

    class _Kept(trt.ILogger):  # type: ignore[misc] # the library has no types
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                keep.append(text)

    return _Kept()
