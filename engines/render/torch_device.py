"""A device as PyTorch knows it: its stream, the way there, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from visavis.engines.base import EngineError
from visavis.engines.render.pool import PicturePool
from visavis.engines.render.runtimes import Pictures, Spec, bucket

T = TypeVar("T")


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Whatever PyTorch and its device throw, as an EngineError that names the kind of it."""
    try:
        yield
    except EngineError:
        raise
    except torch.OutOfMemoryError as error:
        raise EngineError(f"{what}: the GPU is out of memory") from error
    except Exception as error:
        # "CUDA error: ..." and what follows; the rest is advice for developers.
        words = str(error).partition("\n")[0][:200]
        raise EngineError(f"{what}: {type(error).__name__}: {words}") from error


class Device:
    """place: cuda, cuda:1, cpu. words: what it is. Raises EngineError where it is not there."""

    def __init__(self, place: str) -> None:
        self.place = place
        with failing("torch"):
            self.torch = torch.device(place)
            self.is_gpu = self.torch.type == "cuda"
            if self.is_gpu and not torch.cuda.is_available():
                raise EngineError("torch: this PyTorch finds no GPU: is it a build for CUDA?")
            self.words = torch.cuda.get_device_name(self.torch) if self.is_gpu else "CPU, slow"
            new: Any = torch.cuda.Stream  # untyped
            self.stream = new(self.torch) if self.is_gpu else None
            if not self.is_gpu:
                # Hundreds of small operators: with two threads each waits for the other one, on a
                # busy machine ten times as long as it works.
                torch.set_num_threads(1)
        self._pool = PicturePool(_pinned if self.is_gpu else _plain)

    def streaming(self) -> AbstractContextManager[Any]:
        """What is launched inside goes to the device's stream."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    @property
    def handle(self) -> int:
        """The stream's, as CUDA knows it; 0 without a GPU."""
        return 0 if self.stream is None else int(self.stream.cuda_stream)

    def load(self, put: Callable[[], T]) -> T:
        """What `put` gives, that writes to the device by whatever stream; done on return."""
        with failing("torch"):
            made = put()
            self.wait()
            return made

    def wait(self) -> None:
        """Until the device has done all, without the interpreter's lock."""
        if self.is_gpu:
            torch.cuda.synchronize(self.torch)

    def send(self, array: npt.NDArray[Any]) -> torch.Tensor:
        """Begin the copy; the stream waits for it."""
        return self.staged(array).to(self.torch, non_blocking=True)

    def staged(self, array: npt.NDArray[Any]) -> torch.Tensor:
        """In memory that a GPU copies from by itself."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.pin_memory() if self.is_gpu else tensor

    def fetch(self, made: torch.Tensor, count: int) -> Pictures:
        """The first pictures of a batch, all planes in one copy; waits for it."""
        wanted = made[:count]
        if self.stream is None:
            return wanted.numpy()
        slab = self._pool.take((bucket(count), *wanted.shape[1:]))
        out = np.empty(wanted.shape, np.uint8) if slab is None else slab[:count]
        torch.from_numpy(out).copy_(wanted, non_blocking=True)
        self.stream.synchronize()
        return out

    def free(self) -> None:
        """Give the allocator's memory back."""
        if self.is_gpu:
            with failing("torch"):
                torch.cuda.empty_cache()


def checked(made: torch.Tensor, spec: Spec, size: int) -> torch.Tensor:
    """Raises EngineError where a graph does not make what its spec says."""
    expected = (size, *spec.output.shape[1:])
    if tuple(made.shape) != expected or made.dtype != torch.uint8:
        raise EngineError(f"the graph made {tuple(made.shape)} {made.dtype} in place of {expected}")
    return made


def _plain(shape: Sequence[int]) -> Pictures:
    return np.empty(tuple(shape), np.uint8)


def _pinned(shape: Sequence[int]) -> Pictures:
    made: Pictures = torch.empty(tuple(shape), dtype=torch.uint8, pin_memory=True).numpy()
    return made
