"""Avatars kept on a device, row by row of the bank's arrays; each has a slot.

Not locked: whoever adds or removes sees to it that nothing is drawn meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy.typing as npt
import torch
from torch import Tensor

from visavis.models.errors import ModelError
from visavis.models.graph.spec import Spec

_MOST_ROWS: Final = 2**31 - 1  # indices are int32


class Bank:
    """`arrays`: by name, in the order of `spec.bank`, each (places, ...), resident on the device.

    `generation` grows whenever the arrays were made anew: addresses and the first dimension have
    changed then, and what was recorded or bound to them must be again.
    """

    def __init__(self, spec: Spec, device: torch.device | str, places: int = 1) -> None:
        if places < 1:
            message = f"a bank of {places} places: it needs at least 1"
            raise ValueError(message)
        self.spec = spec
        self.device = torch.device(device)
        self.generation = 0
        self._used: set[int] = set()
        self.arrays = self._made(places)

    @property
    def places(self) -> int:
        """How many avatars it holds at most, until it grows."""
        return next(iter(self.arrays.values())).shape[0]

    @property
    def most(self) -> int:
        """How many avatars indices can tell apart."""
        return _MOST_ROWS // self.spec.texels

    def add(self, packed: Mapping[str, npt.NDArray[Any]]) -> int:
        """The slot of an avatar as `packing.packed` made it; grows to twice its places when full.

        Raises ModelError("bank-full"), torch.OutOfMemoryError; then nothing has changed.
        """
        slot = min(set(range(self.places)) - self._used, default=self.places)
        if slot == self.places:
            self._grow()
        for name, array in self.arrays.items():
            array[slot].copy_(torch.from_numpy(packed[name]))
        self._used.add(slot)
        return slot

    def remove(self, slot: int) -> None:
        """Its place is given to the next avatar; nothing may draw it any more."""
        self._used.remove(slot)

    def _made(self, places: int) -> dict[str, Tensor]:
        if places > self.most:
            message = f"{places} avatars of {self.spec.width} x {self.spec.height} px are too many"
            raise ModelError("bank-full", f"{message} for one graph: at most {self.most} fit.")
        return {
            t.name: torch.zeros((places, *t.row), dtype=getattr(torch, t.dtype), device=self.device)
            for t in self.spec.bank
        }

    def _grow(self) -> None:
        before = self.arrays
        made = self._made(min(2 * self.places, max(self.most, self.places + 1)))
        for name, array in before.items():
            made[name][: array.shape[0]].copy_(array)
        self.arrays = made
        self.generation += 1
