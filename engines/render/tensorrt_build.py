"""From an exported graph to a TensorRT engine: without a GPU where the library allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from visavis.engines.base import EngineError
from visavis.engines.render.tensorrt_library import Library, log_problems

# (share done in [0, 1], what is being done) -> whether to go on
Progress = Callable[[float, str], bool]
_SHOWN: Final = 3  # of the library's complaints


@dataclass(frozen=True, slots=True)
class Span:
    """The least, the usual and the largest size of an input's symbolic dimension."""

    least: int
    usual: int
    most: int


def build(
    library: Library,
    onnx: bytes,
    spans: Mapping[str, Span],
    target: str,
    progress: Progress = lambda _share, _what: True,
) -> bytes:
    """An engine of an ONNX graph whose types are fixed by the graph itself (strongly typed).

    spans: of every symbolic dimension by name. target: SM89 and the like, for a library that
    builds for compute capabilities; else the engine is for the GPU of this machine. Raises
    EngineError.
    """
    trt, said = library.trt, list[str]()
    logger = log_problems(trt, said)
    builder = _builder(library, trt, logger, said)
    network = builder.create_network(_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        faults = [str(parser.get_error(n)) for n in range(parser.num_errors)]
        raise _failed(library, "cannot read the graph", faults or said)
    settings = builder.create_builder_config()
    settings.add_optimization_profile(_profile(builder, network, onnx, spans))
    if hasattr(trt.BuilderFlag, "TF32"):  # 10 bits of a position are not enough
        settings.clear_flag(trt.BuilderFlag.TF32)
    if library.is_rtx:
        _aim(trt, settings, target)
    settings.progress_monitor = monitor = _monitor(trt, progress)
    engine = builder.build_serialized_network(network, settings)
    if monitor.cancelled:
        raise EngineError("the engine's build was cancelled")
    if engine is None:
        raise _failed(library, "cannot build an engine", said)
    return bytes(engine)


def _builder(library: Library, trt: Any, logger: Any, said: list[str]) -> Any:
    """Raises EngineError: `tensorrt` makes none without a GPU."""
    try:
        builder = trt.Builder(logger)
    except (RuntimeError, TypeError) as error:  # pybind: a factory function returned nullptr
        raise _failed(library, "finds no GPU to build for", said) from error
    if builder is None:
        raise _failed(library, "finds no GPU to build for", said)
    return builder


def _flags(trt: Any) -> int:
    """Types as the graph has them: the only way there is from TensorRT 11 on."""
    strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if strongly_typed is None else 1 << int(strongly_typed)


def _aim(trt: Any, settings: Any, target: str) -> None:
    """Build for a compute capability: left unnamed, code that is not there may be looked for."""
    capability = getattr(trt.ComputeCapability, target, None)
    if capability is None:
        known = sorted(name for name in vars(trt.ComputeCapability) if name.startswith("SM"))
        raise EngineError(f"tensorrt_rtx builds for {', '.join(known)}, not for {target}")
    settings.num_compute_capabilities = 1
    settings.set_compute_capability(capability, 0)


def _profile(builder: Any, network: Any, onnx: bytes, spans: Mapping[str, Span]) -> Any:
    profile = builder.create_optimization_profile()
    names = symbolic(onnx)
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        if -1 in tuple(tensor.shape):
            dims = names[tensor.name]
            shapes = [
                tuple(_size(dim, spans, which) for dim in dims)
                for which in ("least", "usual", "most")
            ]
            profile.set_shape(tensor.name, *shapes)
    return profile


def _size(dim: int | str, spans: Mapping[str, Span], which: str) -> int:
    if isinstance(dim, int):
        return dim
    if dim not in spans:
        raise EngineError(f"the graph has a size {dim!r} of which nobody said how large it gets")
    size: int = getattr(spans[dim], which)
    return size


def symbolic(graph: bytes) -> dict[str, tuple[int | str, ...]]:
    """Shapes of a graph's inputs by name, with the names of the sizes that are open."""
    import onnx

    inputs = onnx.load_from_string(graph).graph.input
    return {
        each.name: tuple(d.dim_param or int(d.dim_value) for d in each.type.tensor_type.shape.dim)
        for each in inputs
    }


def _monitor(trt: Any, progress: Progress) -> Any:
    """The library's phases as one share: a phase's steps divide its parent's current step.

    Called from threads of the library.
    """

    class _Monitor(trt.IProgressMonitor):  # type: ignore[misc] # the library has no types
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False
            self._phases: dict[str, tuple[float, float, int]] = {}  # start, width, steps
            self._done = 0.0

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            start, width, of = self._phases.get(parent or "", (0.0, 1.0, 1))
            step = width / max(of, 1)
            self._phases[phase] = max(start, self._done), step, steps

        def step_complete(self, phase: str, step: int) -> bool:
            start, width, steps = self._phases.get(phase, (0.0, 0.0, 1))
            self._done = max(self._done, min(start + width * (step + 1) / max(steps, 1), 1.0))
            self.cancelled = self.cancelled or not progress(self._done, phase)
            return not self.cancelled

        def phase_finish(self, phase: str) -> None:
            self._phases.pop(phase, None)

    return _Monitor()


def _failed(library: Library, what: str, said: list[str]) -> EngineError:
    words = "; ".join(text.strip().replace("\n", " ")[:300] for text in said[:_SHOWN])
    return EngineError(f"{library.name} {what}: {words or 'it does not say why'}")
