"""The graph run by PyTorch: eagerly anywhere, and as captured CUDA graphs on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

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
from visavis.engines.render.torch_device import Device, checked, failing

T = TypeVar("T")

Graph = Callable[..., torch.Tensor]  # (*state, *bank) in the order of the spec -> pictures

GPU_PATIENCE: Final = 0.25  # s
_CPU_PATIENCE: Final = 4.0
_WARM_RUNS: Final = 3  # before a capture: libraries set themselves up in the first ones


class TorchRuntime:
    """The graph as PyTorch calls it, operator by operator."""

    name: Renderer = "torch"

    def __init__(self, graph: Graph, spec: Spec, place: str) -> None:
        self._device = Device(place)
        self.device, self.place = self._device.words, place
        self.patience = GPU_PATIENCE if self._device.is_gpu else _CPU_PATIENCE
        self._graph, self._spec = graph, spec

    def load(self, put: Callable[[], T]) -> T:
        """What `put` gives, that writes to the device."""
        return self._device.load(put)

    def warm(self, bank: Bank, state: State) -> None:
        """Run each batch size once: memory is found and kernels are loaded."""
        for size in BUCKETS if self._device.is_gpu else BUCKETS[:1]:
            self.run(bank, repeated(state, size))

    def run(self, bank: Bank, state: State) -> Pictures:
        """On a GPU filled up to a bucket, so that the allocator meets few sizes."""
        count = len(state[0])
        size = bucket(count) if self._device.is_gpu else count
        with failing("torch"), torch.inference_mode(), self._device.streaming():
            sent = [self._device.send(filled(each, size)) for each in state]
            made = checked(self._graph(*sent, *bank.values()), self._spec, size)
            return self._device.fetch(made, count)

    def close(self) -> None:
        """Give the memory back."""
        self._device.free()


@dataclass(frozen=True, slots=True)
class _Capture:
    graph: torch.cuda.CUDAGraph
    state: tuple[torch.Tensor, ...]  # where its inputs lie
    pictures: torch.Tensor


class CudaGraphRuntime:
    """The graph recorded once a batch size and replayed: one launch in place of some hundreds.

    A capture has the addresses of the bank in it: where the bank has moved, it is taken anew.
    """

    name: Renderer = "torch"

    def __init__(self, graph: Graph, spec: Spec, place: str) -> None:
        self._device = Device(place)
        if not self._device.is_gpu:
            raise EngineError("torch: CUDA graphs need a GPU")
        self.device = f"{self._device.words}, CUDA graphs"
        self.place, self.patience = place, GPU_PATIENCE
        self._graph, self._spec = graph, spec
        with failing("torch"):
            self._memory = torch.cuda.graph_pool_handle()
        self._captures: dict[int, _Capture] = {}
        self._addresses: tuple[int, ...] = ()

    def load(self, put: Callable[[], T]) -> T:
        """What `put` gives, that writes to the device."""
        return self._device.load(put)

    def warm(self, bank: Bank, state: State) -> None:
        """Capture every batch size, the largest first: the smaller ones share its memory."""
        for size in reversed(BUCKETS):
            with failing("torch"), torch.inference_mode():
                self._capture(bank, repeated(state, size), size)

    def run(self, bank: Bank, state: State) -> Pictures:
        """Replay the capture that is large enough."""
        count = len(state[0])
        size = bucket(count)
        with failing("torch"), torch.inference_mode():
            full = [filled(each, size) for each in state]
            capture = self._capture(bank, full, size)
            with self._device.streaming():
                for place, rows in zip(capture.state, full, strict=True):
                    place.copy_(self._device.staged(rows), non_blocking=True)
                capture.graph.replay()
                return self._device.fetch(capture.pictures, count)

    def close(self) -> None:
        """Forget the captures, and give their memory back."""
        self._captures.clear()
        self._device.free()

    def _capture(self, bank: Bank, full: State, size: int) -> _Capture:
        addresses = tuple(tensor.data_ptr() for tensor in bank.values())
        if addresses != self._addresses:
            self._captures.clear()
            self._addresses = addresses
        if size not in self._captures:
            self._captures[size] = self._taken(bank, full, size)
        return self._captures[size]

    def _taken(self, bank: Bank, full: State, size: int) -> _Capture:
        stream = self._device.stream
        state = tuple(self._device.send(each) for each in full)
        self._device.wait()
        with self._device.streaming():
            for _ in range(_WARM_RUNS):
                self._graph(*state, *bank.values())
        self._device.wait()
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile: only what this one does is recorded.
        with torch.cuda.graph(
            graph, pool=self._memory, stream=stream, capture_error_mode="thread_local"
        ):
            pictures = self._graph(*state, *bank.values())
        return _Capture(graph, state, checked(pictures, self._spec, size))
