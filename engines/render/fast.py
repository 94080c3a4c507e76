"""From a choice of renderers to one that draws: the first that can be made ready."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from visavis.engines.base import EngineError, Generator
from visavis.engines.render import building, engine_files
from visavis.engines.render.choice import Choice, Way
from visavis.engines.render.engine_files import FOLDER, Fault, Key
from visavis.engines.render.runtimes import Runtime, Standing
from visavis.engines.render.standby import Fast, Standby
from visavis.models.graph.spec import Spec

log = logging.getLogger(__name__)

_PLACES = 8  # of a GPU's bank at first: it doubles when it is full, and captures are taken anew


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the fast generator for pictures of one size. home: the directory for state."""

    choice: Choice
    spec: Spec
    home: Path

    def __call__(self) -> Fast:
        """The best of the ways that works. Raises EngineError, which says why none does."""
        whys = [self.choice.why] if self.choice.why else []
        for way in self.choice.ways:
            try:
                return _generator(way, self.spec, self.home, "; ".join(whys))
            except EngineError as error:
                whys.append(str(error))
        raise EngineError("; ".join(whys))


def standby(
    sure: Generator,
    choice: Choice,
    home: Path,
    told: Callable[[Standing], None],
    refine: bool = False,
) -> Standby:
    """The sure generator, and in front of it what the choice holds.

    refine: the sure one's pictures are refined: so are the fast one's then.
    """
    return Standby(sure, Maker(choice, Spec(sure.width, sure.height, refine), home), told)


def _generator(way: Way, spec: Spec, home: Path, why: str) -> Fast:
    """Ready to draw. Raises EngineError."""
    from visavis.engines.render.graph import GraphGenerator
    from visavis.engines.render.torch_device import failing
    from visavis.models.graph.bank import Bank

    place = "cuda" if way.gpu else "cpu"
    runtime = _runtime(way, spec, home, place)
    with failing("torch"):
        bank = Bank(spec, place, _PLACES if way.gpu else 1)
    return GraphGenerator(spec, runtime, bank, why)


def _runtime(way: Way, spec: Spec, home: Path, place: str) -> Runtime:
    if way.library is not None and way.gpu is not None:
        return _tensorrt(way, spec, home / FOLDER, place)
    from visavis.engines.render.on_torch import CudaGraphRuntime, TorchRuntime
    from visavis.engines.render.torch_device import failing
    from visavis.models.graph.warp import LayeredWarp

    refiner = building.refiner(spec)
    with failing("torch"):
        graph = LayeredWarp(spec, refiner).to(place)
    return (CudaGraphRuntime if way.gpu else TorchRuntime)(graph, spec, place)


def _tensorrt(way: Way, spec: Spec, folder: Path, place: str) -> Runtime:
    """With the engine that fits, built first if need be."""
    from visavis.engines.render.on_tensorrt import TensorRtRuntime

    library, gpu = way.library, way.gpu
    assert library is not None
    assert gpu is not None
    key = building.key(library, gpu, "", spec)
    engine = building.ready(building.Order(folder, library.module, key), lambda *_: True)
    compiled = replace(key, part="kernels", target=gpu.name, driver=gpu.driver)
    return TensorRtRuntime(
        library, engine, spec, place, _kept(folder, compiled), lambda c: _keep(folder, compiled, c)
    )


def _kept(folder: Path, key: Key) -> bytes:
    """What RTX compiled for this card with this driver; empty where it has to do so again."""
    try:
        return engine_files.read(folder, key)
    except (Fault, OSError):
        return b""


def _keep(folder: Path, key: Key, compiled: bytes) -> None:
    try:
        engine_files.store(folder, key, compiled)
    except OSError as error:
        log.warning("not kept", extra={"what": "compiled kernels", "why": error.strerror})
