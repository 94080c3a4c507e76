"""Which position of a grid is seen at nodes of the picture: kernel.invert, all nodes at once.

Every eighth node begins at rest, the answers between them are where the next ones begin, down to
every node; then whoever found nothing begins anew from each neighbour in turn. The kernel does the
same, so that where a grid is folded over, and has several answers, both find the same one; but here
everybody takes as many steps as the slowest may.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from visavis.models.graph.sampling import bounded, taken
from visavis.models.graph.spec import SHEETS, Spec
from visavis.models.warp.instant import BASE_STEP, PATCH_STEP
from visavis.models.warp.kernel import (
    AGAIN,
    AGAIN_LIMIT,
    AGAIN_STEPS,
    NEWTON_LIMIT,
    NEWTON_STEPS,
    STEEP,
    TOLERANCE,
)

FAR: Final = 1e9  # px that a place misses by before it was looked at

Ints = npt.NDArray[np.int32]
Search = Callable[..., tuple[Tensor, Tensor]]


class Lattice(nn.Module):
    """The nodes of a picture at which grids are inverted, as one list: the base's, then those of
    the windows of each slot's upper and lower sheet. `base` and `sheet`: their rows and columns."""

    step: Tensor
    ways: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        side = spec.window // PATCH_STEP + 1
        self.base = -(-spec.height // BASE_STEP) + 1, -(-spec.width // BASE_STEP) + 1
        self.sheet = side, side
        fields = [(self.base, BASE_STEP), *[(self.sheet, PATCH_STEP)] * SHEETS]
        last = len(NEWTON_STEPS) - 1
        for level in range(len(NEWTON_STEPS)):
            every = 1 << (last - level)
            sizes = [_every(size, every) for size, _ in fields]
            owner = np.concatenate([np.full(r * c, k) for k, (r, c) in enumerate(sizes)])
            away = np.concatenate(
                [_px(size, step * every) for size, (_, step) in zip(sizes, fields, strict=True)]
            )
            self._keep(f"owner{level}", owner.astype(np.int32))
            self._keep(f"away{level}", away)
            if level:
                coarse = [_every(size, 2 * every) for size, _ in fields]
                self._keep(f"between{level}", _joined(_between, coarse, sizes).ravel())
        whole = [size for size, _ in fields]
        for k, way in enumerate(AGAIN):
            self._keep(f"near{k}", _joined(_nearer(way), whole, whole))
        steps = [step for _, step in fields]
        self._keep("step", np.array(steps, np.float32)[owner][:, None])
        self._keep("ways", np.array(AGAIN, np.float32)[:, ::-1].copy())

    def _keep(self, name: str, values: npt.NDArray[np.generic]) -> None:
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def parted(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """(n, nodes, k) -> the base's (n, r, c, k) and the sheets' (n, sheets, r, c, k)."""
        count, k = self.base[0] * self.base[1], values.shape[-1]
        own = values[:, :count].reshape(-1, *self.base, k)
        return own, values[:, count:].reshape(-1, SHEETS, *self.sheet, k)

    def forward(
        self, cells: Tensor, grids: Tensor, boxes: Tensor, corners: Tensor, search: Search
    ) -> Tensor:
        """(n, nodes, 2): positions, px of the photo at rest.

        cells: see `cells`; grids (n, 1 + SHEETS, 4): last cell across and down, row of the first
        node, rows between a grid's rows; boxes (n, 1 + SHEETS, 3): its corner x, y, px between its
        nodes; corners (n, 1 + SHEETS, 2): px of the picture where the nodes begin that look into
        it; search: `search`, or what stands for it while the graph is written down.
        """
        each = torch.cat([grids, STEEP * boxes[..., 2:] ** 2, boxes, corners], -1)
        place = best = cells
        for level, steps in enumerate(NEWTON_STEPS):
            own = torch.index_select(each, 1, getattr(self, f"owner{level}"))
            target = own[..., 8:] + getattr(self, f"away{level}")
            if level:
                near = torch.index_select(best, 1, getattr(self, f"between{level}"))
                place = near.reshape(-1, own.shape[1], 4, 2).mean(2)
            else:
                place = (target - own[..., 5:7]) / own[..., 7:8]
            best, missed = search(cells, own[..., :5], target, place, steps, NEWTON_LIMIT)
        hop = self.step / own[..., 7:8]  # cells between answers of neighbours, at rest
        for k in range(len(AGAIN)):
            place = torch.index_select(best, 1, getattr(self, f"near{k}")) + hop * self.ways[k]
            found, miss = search(cells, own[..., :5], target, place, AGAIN_STEPS, AGAIN_LIMIT)
            better = (miss < missed) & (missed >= TOLERANCE)
            best = torch.where(better, found, best)
            missed = torch.where(better, miss, missed)
        return best * own[..., 7:8] + own[..., 5:7]


def cells(seen: Tensor, stride: Tensor) -> Tensor:
    """(n * nodes, 16), of each cell what gives position and slope in it as sums of products.

    Of x and y: first node, change along u, along v, along both. Then the slope's inverse times its
    area: of u and v per x where the first node is, what to add to them per u and v; the same per y.
    seen (n, nodes, 2); stride (n, nodes) int32: nodes from one row of its grid to the next. What is
    made of the last row and column is of no grid, and is not used.
    """
    flat = seen.reshape(-1, 2)
    here = torch.arange(flat.shape[0], device=seen.device, dtype=torch.int32)
    under = here + stride.reshape(-1)
    near = taken(flat, torch.stack([here + 1, under, under + 1], 1))
    along, down = near[:, 0] - flat, near[:, 1] - flat
    both = near[:, 2] - near[:, 1] - along
    inverse = [
        torch.stack([sign * part[:, axis] for sign, part in pair], 1)
        for axis, way in ((1, 1), (0, -1))
        for pair in (((way, down), (-way, along)), ((way, both), (-way, both)))
    ]
    return torch.cat([flat, along, down, both, *inverse], 1)


def search(
    cells: Tensor, each: Tensor, target: Tensor, place: Tensor, steps: int, limit: float
) -> tuple[Tensor, Tensor]:
    """Newton's method: the best places (n, count, 2) on the way, and px they miss by (n, count, 1).

    place (n, count, 2): where to begin, in cells; limit: cells that one step goes at most; the rest
    as for `step`.
    """
    most, best, missed = bounds(place, limit), place, unknown(place)
    for _ in range(steps + 1):
        place, best, missed = step(cells, each, target, most, place, best, missed)
    return best, missed


def bounds(place: Tensor, limit: float) -> Tensor:
    """(1,): the limit, where the places are."""
    return torch.full_like(place[0, 0, :1], limit)


def unknown(place: Tensor) -> Tensor:
    """(n, count, 1): what places miss by that nobody looked at."""
    return torch.full_like(place[..., :1], FAR)


def step(
    cells: Tensor,
    each: Tensor,
    target: Tensor,
    limit: Tensor,
    place: Tensor,
    best: Tensor,
    missed: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """One of Newton's: the next places, the best so far (n, count, 2), px it misses by (n, count,
    1).

    cells: see `cells`; each (n, count, 5): last cell across and down, row of the grid's first node,
    rows between its rows, least area of a cell; target (n, count, 2): px; limit (1,): cells.
    """
    cell = bounded(place.floor(), each[..., :2])
    index = (cell[..., 1] * each[..., 3] + cell[..., 0] + each[..., 2]).int()
    within = place - cell
    fu, fv = within[..., :1], within[..., 1:]
    known = taken(cells, index)
    seen = known[..., :2] + known[..., 2:4] * fu + (known[..., 4:6] + known[..., 6:8] * fu) * fv
    away = target - seen
    miss = away.abs().amax(-1, keepdim=True)
    # Whoever has found something stays: at the edge of a fold the next step may lead elsewhere.
    better = (miss < missed) & (missed >= TOLERANCE)
    best = torch.where(better, place, best)
    per_x = known[..., 8:10] + known[..., 10:12] * within
    per_y = known[..., 12:14] + known[..., 14:] * within
    area = per_x[..., :1] * per_y[..., 1:] - per_x[..., 1:] * per_y[..., :1]
    way = per_x * away[..., :1] + per_y * away[..., 1:]
    way = way / torch.maximum(area, each[..., 4:])
    way = torch.maximum(torch.minimum(way, limit), -limit)
    return place + way, best, torch.where(better, miss, missed)


Size = tuple[int, int]  # rows and columns


def _every(size: Size, every: int) -> Size:
    """Every so many nodes, and as many more as reach the end."""
    return (size[0] - 2) // every + 2, (size[1] - 2) // every + 2


def _px(size: Size, step: int) -> npt.NDArray[np.float32]:
    """(rows * columns, 2): px from the first node."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.stack([columns, rows], -1).reshape(-1, 2).astype(np.float32) * step


def _joined(of: Callable[[Size, Size], Ints], before: list[Size], after: list[Size]) -> Ints:
    """Indices into all fields' nodes, of those into each one's."""
    firsts = np.cumsum([0, *(r * c for r, c in before)])
    parts = [of(b, a) + f for b, a, f in zip(before, after, firsts[:-1], strict=True)]
    return np.concatenate(parts).astype(np.int32)


def _between(coarse: Size, size: Size) -> Ints:
    """(rows * columns, 4): the nodes of every other one around each, one of them maybe twice."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    around = [
        (rows + down) // 2 * coarse[1] + (columns + right) // 2
        for down in (0, 1)
        for right in (0, 1)
    ]
    return np.stack(around, -1).reshape(-1, 4).astype(np.int32)


def _nearer(way: tuple[int, int]) -> Callable[[Size, Size], Ints]:
    """Of each node the one so many rows and columns back, of the first ones the last."""

    def near(_: Size, size: Size) -> Ints:
        nodes = np.arange(size[0] * size[1], dtype=np.int32).reshape(size)
        return np.roll(nodes, way, (0, 1)).ravel()

    return near
