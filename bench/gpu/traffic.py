"""How many bytes a graph moves when each operator reads and writes memory, and what a card can."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_PICKING: Final = ("gather", "index", "take", "embedding")  # read no more than they write


class _Counting(TorchDispatchMode):
    """Views cost nothing; what picks from a tensor reads as much as it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.launches = 0

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        made = [each for each in tree_leaves(out) if isinstance(each, torch.Tensor)]
        known = {each.untyped_storage().data_ptr() for each in given}
        in_place = str(func).partition(".")[2].partition(".")[0].endswith("_")
        fresh = [each for each in made if each.untyped_storage().data_ptr() not in known]
        if not fresh and not in_place:
            return out
        written = sum(each.nbytes for each in (fresh or made))
        picks = any(word in str(func) for word in _PICKING)
        read = sum(min(each.nbytes, written) if picks else each.nbytes for each in given)
        self.bytes += written + read
        self.launches += 1
        return out


def traffic(run: Callable[[], object]) -> tuple[int, int]:
    """(bytes, operators) of one call: what fusing operators can save is in the difference."""
    with _Counting() as counting:
        run()
    return counting.bytes, counting.launches


def bandwidth(device: str, size: int = 1 << 30) -> int:
    """Bytes a second that a copy inside the device's memory reads and writes."""
    on_gpu = device.startswith("cuda")
    size = size if on_gpu else size >> 6
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        target.copy_(source)
        if on_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return round(2 * size / min(times))
