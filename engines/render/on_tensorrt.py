"""The graph run by TensorRT, with PyTorch holding the device's memory and its stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import torch

from visavis.engines.base import EngineError
from visavis.engines.registry import Renderer
from visavis.engines.render.runtimes import (
    BUCKETS,
    Bank,
    Pictures,
    Spec,
    State,
    bucket,
    filled,
    repeated,
)
from visavis.engines.render.tensorrt_library import Library, log_problems
from visavis.engines.render.torch_device import Device, failing

T = TypeVar("T")

_PATIENCE: Final = 0.25  # s
_SHOWN: Final = 2  # of the library's complaints
# numpy's name of a type -> TensorRT's
_TYPES: Final = {"float16": "HALF", "float32": "FLOAT", "int32": "INT32", "uint8": "UINT8"}


class TensorRtRuntime:
    """One engine and one context; inputs and pictures have their places by batch size.

    compiled: what `keep` was given by an earlier run: RTX compiles for the very card when it runs
    first, and need not do so again. Raises EngineError.
    """

    name: Renderer = "tensorrt"

    def __init__(
        self, library: Library, engine: bytes, spec: Spec, place: str,
        compiled: bytes = b"", keep: Callable[[bytes], None] = lambda _compiled: None,
    ) -> None:  # fmt: skip
        self._library, self._spec, self._keep = library, spec, keep
        self._said: list[str] = []
        self._device = Device(place)
        self._trt = library.trt
        with failing(library.name):
            self._runtime = self._trt.Runtime(log_problems(self._trt, self._said))
            self._engine = self._runtime.deserialize_cuda_engine(engine)
            self._made(self._engine, "the engine cannot be loaded")
            self._inputs = _inputs(self._trt, self._engine, spec)
            self._compiled: Any = None
            self._context = self._new_context(compiled)
        self.place, self.patience = place, _PATIENCE
        self.device = f"{self._device.words}, {library.name} {library.version}"
        self._places: dict[int, tuple[torch.Tensor, ...]] = {}  # state, then pictures, by bucket
        self._bound: tuple[object, ...] = ()

    def load(self, put: Callable[[], T]) -> T:
        """What `put` gives, that writes to the device."""
        return self._device.load(put)

    def warm(self, bank: Bank, state: State) -> None:
        """Run each batch size once; what was compiled for it is kept."""
        for size in BUCKETS:
            self.run(bank, repeated(state, size))
        if self._compiled is not None:
            with failing(self._library.name):
                self._keep(bytes(self._compiled.serialize()))

    def run(self, bank: Bank, state: State) -> Pictures:
        """One launch for all pictures."""
        count = len(state[0])
        size = bucket(count)
        with failing(self._library.name), torch.inference_mode(), self._device.streaming():
            full = [filled(each, size) for each in state]
            *inputs, pictures = self._at(full, size)
            for place, rows in zip(inputs, full, strict=True):
                place.copy_(self._device.staged(rows), non_blocking=True)
            self._bind(bank, inputs, pictures)
            if not self._context.execute_async_v3(self._device.handle):
                raise self._failed("a picture failed")
            return self._device.fetch(pictures, count)

    def close(self) -> None:
        """Context before engine before runtime, then the memory."""
        with failing(self._library.name):
            self._device.wait()
            self._context = self._compiled = self._engine = self._runtime = None
            self._places.clear()
        self._device.free()

    def _new_context(self, compiled: bytes) -> Any:
        what = "there is no room for a context"
        if not self._library.is_rtx:
            return self._made(self._engine.create_execution_context(), what)
        settings = self._engine.create_runtime_config()
        self._compiled = settings.create_runtime_cache()
        if compiled:
            self._compiled.deserialize(compiled)  # refuses what fits no more, and is empty then
        settings.set_runtime_cache(self._compiled)
        # All is compiled while it is warmed up, and nothing is exchanged behind our back later.
        eager = self._trt.DynamicShapesKernelSpecializationStrategy.EAGER
        settings.dynamic_shapes_kernel_specialization_strategy = eager
        return self._made(self._engine.create_execution_context(settings), what)

    def _at(self, full: State, size: int) -> tuple[torch.Tensor, ...]:
        if size not in self._places:
            state = [self._device.send(each) for each in full]
            shape = (size, self._spec.height * 3 // 2, self._spec.width)
            pictures = torch.empty(shape, dtype=torch.uint8, device=self._device.torch)
            self._places[size] = (*state, pictures)
        return self._places[size]

    def _bind(self, bank: Bank, inputs: Sequence[torch.Tensor], pictures: torch.Tensor) -> None:
        """Tell the context where everything lies, if that changed."""
        named = {each.name: place for each, place in zip(self._spec.state, inputs, strict=True)}
        named |= bank
        bound = tuple(named[name].data_ptr() for name in self._inputs)
        if bound == self._bound:
            return
        for name in self._inputs:
            tensor = named[name]
            if not self._context.set_input_shape(name, tuple(tensor.shape)):
                raise self._failed(f"{name} may not have the shape {tuple(tensor.shape)}")
            self._context.set_tensor_address(name, tensor.data_ptr())
        self._context.set_tensor_address(self._spec.output.name, pictures.data_ptr())
        self._bound = bound

    def _made(self, thing: Any, what: str) -> Any:
        """TensorRT gives None where it fails."""
        if thing is None:
            raise self._failed(what)
        return thing

    def _failed(self, what: str) -> EngineError:
        words = "; ".join(text.strip().replace("\n", " ")[:200] for text in self._said[-_SHOWN:])
        return EngineError(f"{self._library.name}: {what}: {words or 'it does not say why'}")


def _inputs(trt: Any, engine: Any, spec: Spec) -> list[str]:
    """Those that the engine reads. Raises EngineError where it takes or gives anything that the
    spec does not know: it would read and write foreign memory.
    """
    names = [engine.get_tensor_name(n) for n in range(engine.num_io_tensors)]
    types = {
        each.name: getattr(trt.DataType, _TYPES[each.dtype])
        for each in (*spec.state, *spec.bank, spec.output)
    }
    known = all(types.get(name) == engine.get_tensor_dtype(name) for name in names)
    if not known or spec.output.name not in names:
        raise EngineError("tensorrt: the engine is for another graph")
    return [name for name in names if name != spec.output.name]
