"""Memory for pictures that come back from a device: pinned, and used again when nobody looks."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_FREE: Final = 3  # references to a free slab that is looked at: list, loop, and getrefcount's own
# Timelines keep a second of pictures: 2,000 of 512 x 512 are 0.8 GB. More are copied instead.
_MOST: Final = 1 << 30  # bytes


class PicturePool:
    """Slabs of several pictures each; a slab is free when no view of it is left.

    make: (n, rows, columns) to an array that nothing else refers to. Not for several threads.
    """

    def __init__(self, make: Callable[[tuple[int, ...]], Bytes], most: int = _MOST) -> None:
        self._make, self._most = make, most
        self._slabs: defaultdict[tuple[int, ...], list[Bytes]] = defaultdict(list)
        self._bytes = 0

    @property
    def held(self) -> int:
        """Bytes of all slabs."""
        return self._bytes

    def take(self, shape: tuple[int, ...]) -> Bytes | None:
        """A slab for as long as a view of it lives; None: as many as there may be are in use."""
        slabs = self._slabs[shape]
        for slab in slabs:
            # Views refer to the slab itself, and so do views of views.
            if sys.getrefcount(slab) <= _FREE:
                return slab[:]
        size = int(np.prod(shape))
        if self._bytes + size > self._most:
            return None
        self._bytes += size
        slab = self._make(shape)
        slabs.append(slab)
        return slab[:]
