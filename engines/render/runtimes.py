"""The seam between the graph that draws and whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from visavis.engines.registry import Renderer

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64)  # batches that are prepared for; others are filled up

State = Sequence[npt.NDArray[Any]]  # arrays of `Spec.state` in its order, a row a picture
Bank = Mapping[str, "torch.Tensor"]  # of `Spec.bank`, by name and in its order, on the device
Pictures = npt.NDArray[np.uint8]  # (n, height * 3 // 2, width)


class Tensor(Protocol):
    """One input or output; a symbolic dimension is a name."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int | str, ...]: ...


class Spec(Protocol):
    """What a graph takes and gives; see models.graph.spec."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def state(self) -> Sequence[Tensor]: ...
    @property
    def bank(self) -> Sequence[Tensor]: ...
    @property
    def output(self) -> Tensor: ...


class Runtime(Protocol):
    """Runs the graph of one picture size. One call at a time, from any thread.

    name: who it is. device: where it runs, in words. place: the same for torch. patience: s after
    which a call is taken for one that hangs.
    """

    name: Renderer
    device: str
    place: str
    patience: float

    def load(self, put: Callable[[], T]) -> T:
        """What `put` gives, that writes to the device; done when it returns. Raises EngineError."""
        ...

    def warm(self, bank: Bank, state: State) -> None:
        """Do before the first picture whatever would hold it up. Raises EngineError.

        state: of one picture that can be drawn.
        """
        ...

    def run(self, bank: Bank, state: State) -> Pictures:
        """A picture of each row of `state`, BUCKETS[-1] at most; nobody else writes to them.

        Raises EngineError, whatever the device does.
        """
        ...

    def close(self) -> None:
        """Free the device's memory; no call follows."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Who draws now. why: nothing faster does; "" where nothing faster is known of."""

    renderer: Renderer
    device: str
    why: str


def bucket(count: int) -> int:
    """The smallest batch prepared for that holds so many pictures."""
    return next(size for size in BUCKETS if size >= count)


def repeated(state: State, size: int) -> State:
    """The first row so many times."""
    return [filled(each[:1], size) for each in state]


def filled(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Rows up to `size`: the first one again, for a row of zeros may be no face at all."""
    missing = size - len(array)
    return np.concatenate([array, np.repeat(array[:1], missing, 0)]) if missing else array
