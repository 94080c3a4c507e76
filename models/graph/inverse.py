"""Which position of a grid is seen at nodes of the picture: kernel.invert, all nodes at once.

Every eighth node begins at rest, the answers between them are where the next ones begin, down to
every node; then whoever found nothing begins anew from each neighbour in turn. The kernel does the
same, so that where a grid is folded over, and has several answers, both find the same one; but here
everybody takes as many steps as the slowest may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from visavis.models.graph.sampling import bounded, taken
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

Step = Callable[..., tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Grids:
    """g grids of n avatars. cells (n * nodes, 16): `cells` of their nodes; first (n, g): the row of
    each grid's first node; stride (n, g): rows between its rows; most (n, g, 2): its last cell
    across and down; corner (n, g, 2), pitch (n, g): px. All float32."""

    cells: Tensor
    first: Tensor
    stride: Tensor
    most: Tensor
    corner: Tensor
    pitch: Tensor


@dataclass(frozen=True, slots=True)
class Field:
    """Nodes of the picture that look into some of the grids: those from `begin` up to `end`.

    corner (n, end - begin, 2): px of the first node; step: px between nodes.
    """

    begin: int
    end: int
    rows: int
    columns: int
    step: int
    corner: Tensor


def cells(seen: Tensor, stride: Tensor) -> Tensor:
    """(n * nodes, 16), of each cell what gives position and slope in it as sums of products.

    Of x and y: first node, change along u, along v, along both. Then yv, -xv, -yu, xu where its
    first node is, and what to add to them per u, u, v, v. seen (n, nodes, 2); stride (n, nodes)
    int32: nodes from one row of its grid to the next. What is made of the last row and column is of
    no grid, and is not used.
    """
    flat = seen.reshape(-1, 2)
    last = flat.shape[0] - 1
    here = torch.arange(last + 1, device=seen.device, dtype=torch.int32)
    under = here + stride.reshape(-1)
    beside = torch.stack([here + 1, under, under + 1], 1).clamp(max=last)
    right, below, across = taken(flat, beside).unbind(1)
    along, down = right - flat, below - flat
    both = across - below - along
    slope = torch.stack([down[:, 1], -down[:, 0], -along[:, 1], along[:, 0]], 1)
    bent = torch.stack([both[:, 1], -both[:, 0], -both[:, 1], both[:, 0]], 1)
    return torch.cat([flat, along, down, both, slope, bent], 1)


def inverse(grids: Grids, fields: tuple[Field, ...], step: Step) -> tuple[Tensor, ...]:
    """For each field (n, g, rows, columns, 2): positions, px of the photo at rest.

    step: `step`, or what stands for it while the graph is written down.
    """
    places = _rest(grids, [_every(f, 1 << (len(NEWTON_STEPS) - 1)) for f in fields])
    for level, steps in enumerate(NEWTON_STEPS):
        chosen = [_every(f, 1 << (len(NEWTON_STEPS) - 1 - level)) for f in fields]
        if level:
            places = [_finer(p, f) for p, f in zip(places, chosen, strict=True)]
        search = _Search(grids, chosen, step)
        found, missed = search.newton(search.joined(places), steps, NEWTON_LIMIT)
        places = search.parted(found)
    hops = search.joined(
        [
            (f.step / grids.pitch[:, f.begin : f.end, None, None, None]).expand(p.shape)
            for p, f in zip(places, fields, strict=True)
        ]
    )
    for rows, columns in AGAIN:
        near = search.joined([p.roll((rows, columns), (2, 3)) for p in places])
        way = torch.tensor([columns, rows], device=near.device, dtype=torch.float32)
        again, miss = search.newton(near + way * hops, AGAIN_STEPS, AGAIN_LIMIT)
        better = (miss < missed) & (missed >= TOLERANCE)
        found = torch.where(better, again, found)
        missed = torch.where(better, miss, missed)
        places = search.parted(found)
    return tuple(
        p * grids.pitch[:, f.begin : f.end, None, None, None]
        + grids.corner[:, f.begin : f.end, None, None]
        for p, f in zip(places, fields, strict=True)
    )


class _Search:
    """Nodes of several fields as one list (n, count)."""

    def __init__(self, grids: Grids, fields: list[Field], step: Step) -> None:
        self._step = step
        self._cells = grids.cells
        self._sizes = [(f.end - f.begin, f.rows, f.columns) for f in fields]
        device = grids.pitch.device
        owner = torch.cat(  # which grid each node looks into
            [
                torch.arange(f.begin, f.end, device=device, dtype=torch.int32)[:, None]
                .expand(-1, f.rows * f.columns)
                .reshape(-1)
                for f in fields
            ]
        )
        least = STEEP * grids.pitch**2
        each = torch.stack(
            [grids.most[..., 0], grids.most[..., 1], grids.first, grids.stride, least], -1
        )
        each = torch.index_select(each, 1, owner)
        self._each = each
        self._target = self.joined([_targets(f) for f in fields])

    def joined(self, values: list[Tensor]) -> Tensor:
        """Of each field (n, g, rows, columns, 2) -> (n, count, 2)."""
        return torch.cat([v.flatten(1, 3) for v in values], 1)

    def parted(self, values: Tensor) -> list[Tensor]:
        """The other way round."""
        counts = [g * r * c for g, r, c in self._sizes]
        parts = values.split(counts, 1)
        return [p.reshape(-1, *size, 2) for p, size in zip(parts, self._sizes, strict=True)]

    def newton(self, start: Tensor, steps: int, limit: float) -> tuple[Tensor, Tensor]:
        """The best places (n, count, 2) in cells on the way from `start`, and px they miss by
        (n, count, 1)."""
        most = torch.full_like(start[0, 0], limit)
        place, best, missed = start, start, torch.full_like(start[..., :1], FAR)
        for _ in range(steps + 1):
            place, best, missed = self._step(
                self._cells, self._each, self._target, most, place, best, missed
            )
        return best, missed


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
    rows between its rows, least area of a cell; target (n, count, 2): px; limit (2,): cells.
    """
    cell = bounded(place.floor(), each[..., :2])
    index = (cell[..., 1] * each[..., 3] + cell[..., 0] + each[..., 2]).int()
    fu, fv = (place - cell).split(1, -1)
    known = taken(cells, index)
    origin, along, down, both, still, bent = known.split((2, 2, 2, 2, 4, 4), -1)
    away = target - origin - along * fu - (down + both * fu) * fv
    miss = away.abs().amax(-1, keepdim=True)
    best = torch.where(miss < missed, place, best)
    slope = still + bent * torch.cat([fu, fu, fv, fv], -1)
    yv, xv, yu, xu = slope.split(1, -1)  # of xv and yu the negative
    area = torch.maximum(xu * yv - xv * yu, each[..., 4:])
    way = torch.cat([yv, yu], -1) * away[..., :1] + torch.cat([xv, xu], -1) * away[..., 1:]
    way = torch.maximum(torch.minimum(way / area, limit), -limit)
    return place + way, best, torch.minimum(miss, missed)


def _every(field: Field, every: int) -> Field:
    """The field with every so many of its nodes, and as many more as reach its end."""
    rows, columns = ((count - 2) // every + 2 for count in (field.rows, field.columns))
    return Field(field.begin, field.end, rows, columns, field.step * every, field.corner)


def _targets(field: Field) -> Tensor:
    """(n, g, rows, columns, 2): px of the picture."""
    device = field.corner.device
    x = torch.arange(field.columns, device=device, dtype=torch.float32) * field.step
    y = torch.arange(field.rows, device=device, dtype=torch.float32) * field.step
    shape = (field.rows, field.columns)
    away = torch.stack([x.expand(shape), y[:, None].expand(shape)], -1)
    return field.corner[:, :, None, None] + away


def _rest(grids: Grids, fields: list[Field]) -> list[Tensor]:
    """Where the nodes look if nothing moves, in cells."""
    return [
        (_targets(f) - grids.corner[:, f.begin : f.end, None, None])
        / grids.pitch[:, f.begin : f.end, None, None, None]
        for f in fields
    ]


def _finer(places: Tensor, field: Field) -> Tensor:
    """Of every other node (n, g, r, c, 2) -> of all nodes of the field, means in between."""
    for axis, count in ((2, field.rows), (3, field.columns)):
        length = places.shape[axis]
        between = (places.narrow(axis, 0, length - 1) + places.narrow(axis, 1, length - 1)) / 2
        own, last = places.narrow(axis, 0, length - 1), places.narrow(axis, length - 1, 1)
        pairs = torch.stack([own, between], axis + 1).flatten(axis, axis + 1)
        places = torch.cat([pairs, last], axis).narrow(axis, 0, count)
    return places
