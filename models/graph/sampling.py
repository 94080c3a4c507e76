"""Reading the bank at computed places: rows by index, and bilinear between four of them.

Indices are int32: TensorRT has no wider ones, and a bank with more rows than that is refused.
"""

from __future__ import annotations

import torch
from torch import Tensor

from visavis.models.graph.spec import Row


def parts(rows: Tensor, row: Row) -> dict[str, Tensor]:
    """(n, row.size) -> (n, *shape) by name."""
    return {name: rows[:, where].reshape(-1, *shape) for name, (where, shape) in row.parts.items()}


def taken(source: Tensor, index: Tensor) -> Tensor:
    """Rows of (m, ...) at indices (n, ...): (*index.shape, ...).

    Never outside, whatever the bank and the states hold: a GPU would not survive it.
    """
    safe = index.reshape(-1).clamp(0, source.shape[0] - 1)
    flat = torch.index_select(source, 0, safe)
    return flat.reshape(-1, *index.shape[1:], *source.shape[1:])


def bounded(values: Tensor, high: Tensor) -> Tensor:
    """Not below 0, then not above `high`."""
    return torch.minimum(values.clamp(min=0.0), high)


def bilinear(source: Tensor, first: Tensor, across: Tensor, place: Tensor) -> Tensor:
    """Between rows of (m, k), of which a picture begins at `first`, `across` texels wide.

    place (n, ..., 2): column and row, from 0 to less than the last; first, across: broadcast to
    place[..., 0]. Returns (n, ..., k) float32.
    """
    corner = place.floor()
    share = place - corner
    at = corner.int()
    index = first + at[..., 1] * across + at[..., 0]
    fx, fy = share[..., :1], share[..., 1:]
    top = _between(taken(source, index), taken(source, index + 1), fx)
    index = index + across
    low = _between(taken(source, index), taken(source, index + 1), fx)
    return top + (low - top) * fy


def _between(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    first = one.float()
    return first + (other.float() - first) * share


def spread(nodes: Tensor, step: int, offset: float, every: int) -> Tensor:
    """Bilinear between nodes: (n, r, c, k) -> (n, (r - 1) * step / every, the same of c, k).

    Samples at px offset, offset + every, ... from each node on, `step` px to the next.
    """
    count = step // every
    share = (torch.arange(count, device=nodes.device, dtype=nodes.dtype) * every + offset) / step
    n, rows, columns, k = nodes.shape
    above = nodes[:, :-1, None]
    tall = above + (nodes[:, 1:, None] - above) * share[:, None, None]
    tall = tall.reshape(n, (rows - 1) * count, columns, k)
    left = tall[:, :, :-1, None]
    wide = left + (tall[:, :, 1:, None] - left) * share[:, None]
    return wide.reshape(n, (rows - 1) * count, (columns - 1) * count, k)
