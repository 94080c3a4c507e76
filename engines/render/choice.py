"""Which renderers this machine can have, and why not a faster one: nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from visavis.engines.registry import Renderer, Wanted
from visavis.engines.render import devices, tensorrt_library
from visavis.engines.render.devices import Gpu, NoGpu
from visavis.engines.render.tensorrt_library import Library

_NO_TORCH: Final = "PyTorch is not installed (visavis[cuda])"
_NO_TENSORRT: Final = "TensorRT is not installed (visavis[tensorrt], or visavis[rtx])"


@dataclass(frozen=True, slots=True)
class Way:
    """One renderer that can be tried. library: of TensorRT. gpu: None: on the CPU."""

    renderer: Renderer
    gpu: Gpu | None = None
    library: Library | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """ways: to draw faster than the kernel, the best first; why: there is none better than those.

    unmet: what was asked for by name and cannot be had.
    """

    ways: tuple[Way, ...]
    why: str
    unmet: bool = False

    @property
    def words(self) -> str:
        """What will draw."""
        best = self.ways[0] if self.ways else Way("warp")
        where = str(best.gpu) if best.gpu else "CPU"
        name = best.library.module if best.library else best.renderer
        return f"{name} on {where}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True, slots=True)
class Machine:
    """What is looked at, each when it is needed; tests put others in."""

    gpu: Callable[[], Gpu] = devices.find
    has: Callable[[str], bool] = lambda name: find_spec(name) is not None
    libraries: Callable[[], tuple[Library, ...]] = tensorrt_library.installed


def choose(wanted: Wanted, machine: Machine | None = None) -> Choice:
    """The ways to draw for a setting of `renderer`."""
    machine = machine or Machine()
    if wanted == "warp":
        return Choice((), "renderer is warp")
    if not machine.has("torch"):
        return Choice((), _NO_TORCH, unmet=wanted != "auto")
    try:
        gpu = machine.gpu()
    except NoGpu as error:
        on_cpu = (Way("torch"),) if wanted == "torch" else ()
        return Choice(on_cpu, f"no GPU: {error}", unmet=wanted == "tensorrt")
    torch = Way("torch", gpu)
    if wanted == "torch":
        return Choice((torch,), "renderer is torch")
    library, why = _library(machine, gpu)
    if library is None:
        ways = (torch,) if wanted == "auto" else ()
        return Choice(ways, why, unmet=wanted == "tensorrt")
    tensorrt = Way("tensorrt", gpu, library)
    return Choice((tensorrt, torch) if wanted == "auto" else (tensorrt,), "")


def _library(machine: Machine, gpu: Gpu) -> tuple[Library | None, str]:
    """The first that serves the GPU, or why none does."""
    whys = []
    for library in machine.libraries():
        if not (why := library.serves(gpu)):
            return library, ""
        whys.append(why)
    return None, "; ".join(dict.fromkeys(whys)) or _NO_TENSORRT
