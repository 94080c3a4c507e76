"""TensorRT's classes as far as a runtime uses them, over the toy graph and the CPU's memory.

An engine is b"toy"; b"other" one for another graph, b"old" one that is refused. What is bound is
read and written by address and shape alone, as the library does it: a wrong binding shows.
"""

from __future__ import annotations

import ctypes
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from support.toy_graph import Toy, ToySpec

DataType = Enum("DataType", "HALF FLOAT INT32 UINT8")
_NUMPY = {"HALF": np.float16, "FLOAT": np.float32, "INT32": np.int32, "UINT8": np.uint8}
_SPEC = ToySpec()
_TYPES = {
    "avatar": DataType.INT32, "state": DataType.FLOAT, "textures": DataType.HALF,
    "offsets": DataType.FLOAT, "layouts": DataType.INT32, "picture": DataType.UINT8,
}  # fmt: skip


class ILogger:
    """Kept by whoever is given it."""

    Severity = Enum("Severity", "INTERNAL_ERROR ERROR WARNING")


class Runtime:
    """Loads engines."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, engine: bytes) -> Engine | None:
        """None where it does not fit, as the library does."""
        if engine == b"old":
            self._logger.log(ILogger.Severity.ERROR, "engine plan file is not compatible")
            return None
        return Engine(_TYPES | ({"state": DataType.HALF} if engine == b"other" else {}))


class Engine:
    """What is asked of one."""

    def __init__(self, types: dict[str, Any]) -> None:
        self._types = types
        self.num_io_tensors = len(types)

    def get_tensor_name(self, index: int) -> str:
        return list(self._types)[index]

    def get_tensor_dtype(self, name: str) -> Any:
        return self._types[name]

    def create_runtime_config(self) -> Any:
        cache = Cache()
        return SimpleNamespace(
            create_runtime_cache=lambda: cache,
            set_runtime_cache=lambda _cache: True,
            dynamic_shapes_kernel_specialization_strategy=None,
        )

    def create_execution_context(self, _settings: object = None) -> Context:
        return Context()


class Cache:
    """Compiled kernels."""

    loaded = b""

    def deserialize(self, blob: bytes) -> bool:
        Cache.loaded = blob
        return True

    def serialize(self) -> bytes:
        return b"kernels"


class Context:
    """Runs the toy on what lies at the addresses."""

    bindings = 0
    fails = False

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shapes[name] = shape
        return shape[0] <= 64

    def set_tensor_address(self, name: str, address: int) -> bool:
        Context.bindings += 1
        self._addresses[name] = address
        return True

    def execute_async_v3(self, _stream: int) -> bool:
        if Context.fails:
            return False
        names = [each.name for each in (*_SPEC.state, *_SPEC.bank)]
        inputs = [torch.from_numpy(self._at(name, self._shapes[name]).copy()) for name in names]
        pictures = Toy()(*inputs).numpy()
        self._at("picture", pictures.shape)[...] = pictures
        return True

    def _at(self, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        kind: Any = np.dtype(_NUMPY[_TYPES[name].name])
        size = int(np.prod(shape)) * kind.itemsize
        raw: Any = (ctypes.c_uint8 * size).from_address(self._addresses[name])
        seen: np.ndarray[Any, Any] = np.frombuffer(raw, kind).reshape(shape)
        return seen


DynamicShapesKernelSpecializationStrategy = SimpleNamespace(EAGER="eager")
__version__ = "0.1"
