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
    """Rows of (m, ...) at indices of any shape, which stays: (*index.shape, ...)."""
    flat = torch.index_select(source, 0, index.reshape(-1))
    return flat.reshape(*index.shape, *source.shape[1:])


def bounded(values: Tensor, low: Tensor | float, high: Tensor) -> Tensor:
    """Not below `low`, then not above `high`."""
    above = values.clamp(min=low) if isinstance(low, float) else torch.maximum(values, low)
    return torch.minimum(above, high)


def bilinear(source: Tensor, first: Tensor, across: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Between rows of (m, k), of which a picture begins at `first`, `across` texels wide.

    x, y: texels, from 0 to one less than the last; all of the same shape or broadcast to it.
    Returns (*shape, k) float32.
    """
    column, line = x.floor(), y.floor()
    fx, fy = (x - column)[..., None], (y - line)[..., None]
    at = first + line.int() * across + column.int()
    below = at + across
    top = _between(taken(source, at), taken(source, at + 1), fx)
    low = _between(taken(source, below), taken(source, below + 1), fx)
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
