"""Which position of a grid is seen at nodes of the picture: kernel.invert, all nodes at once.

The kernel goes from node to node, each from its neighbour's answer. Here every eighth node begins
at rest, the answers between them are where the next ones begin, down to every node; then whoever
found nothing begins anew from each neighbour in turn. A number of steps that is always the same.

Measured over 120 states at full range, poses up to 15 degrees: of 890,000 nodes inside a grid none
is left without an answer that the kernel finds; 3 in 10,000 find another one, where a grid is
folded over and has several, nearly all of them under the other lip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from visavis.models.graph.sampling import bounded, taken

LEVELS: Final = ((8, 10), (4, 5), (2, 5), (1, 5))  # every so many nodes; Newton steps
AGAIN: Final = ((0, 1), (1, 0), (0, -1), (-1, 0))  # rows and columns back to a neighbour
AGAIN_STEPS: Final = 6
LIMIT: Final = 3.0  # cells that one step goes at most, and from a neighbour's answer
AGAIN_LIMIT: Final = 1.0
TOLERANCE: Final = 0.03  # px
STEEP: Final = 0.05  # of a cell's area that it is taken to cover at least: a fold has no inverse


@dataclass(frozen=True, slots=True)
class Grids:
    """g grids of n avatars. cells (n * nodes, 8): `cells` of their nodes; first (n, g) int32: the
    row of each grid's first node; stride (n, g) int32: rows between its rows; most (n, g, 2): the
    last cell across and down; corner (n, g, 2), pitch (n, g): px."""

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
    """(n * nodes, 8): of each cell x, y at its first node, their change along u, v, and both.

    seen (n, nodes, 2); stride (n, nodes) int32: nodes from one row of its grid to the next. What is
    made of the last row and column is of no grid, and is not used.
    """
    flat = seen.reshape(-1, 2)
    here = torch.arange(flat.shape[0], device=seen.device, dtype=torch.int32)
    last = flat.shape[0] - 1
    below = (here + stride.reshape(-1)).clamp(max=last)
    right, under, across = (here + 1).clamp(max=last), below, (below + 1).clamp(max=last)
    along = taken(flat, right) - flat
    down = taken(flat, under) - flat
    both = taken(flat, across) - flat - along - down
    return torch.cat([flat, along, down, both], -1)


def inverse(grids: Grids, fields: tuple[Field, ...]) -> tuple[Tensor, ...]:
    """For each field (n, g, rows, columns, 2): positions, px of the photo at rest."""
    answers: list[Tensor] = []
    missed = torch.zeros(0)
    for level, (every, steps) in enumerate(LEVELS):
        chosen = [_every(field, every) for field in fields]
        rest = [_rest(grids, field) for field in chosen]
        if level:
            answers = [_finer(a, f) for a, f in zip(answers, chosen, strict=True)]
            start = [r + a for r, a in zip(rest, answers, strict=True)]
        else:
            start = rest
        search = _Search(grids, chosen)
        found, missed = search.newton(search.joined(start), steps, LIMIT)
        answers = [a - r for a, r in zip(search.parted(found), rest, strict=True)]
    places = [r + a for r, a in zip(rest, answers, strict=True)]
    for rows, columns in AGAIN:
        start = [
            _neighbour(p, rows, columns, _hop(grids, f))
            for p, f in zip(places, chosen, strict=True)
        ]
        found, miss = search.newton(search.joined(start), AGAIN_STEPS, AGAIN_LIMIT)
        better = (miss < missed) & (missed > TOLERANCE)
        places = search.parted(torch.where(better[..., None], found, search.joined(places)))
        missed = torch.where(better, miss, missed)
    return tuple(
        p * grids.pitch[:, f.begin : f.end, None, None, None]
        + grids.corner[:, f.begin : f.end, None, None]
        for p, f in zip(places, fields, strict=True)
    )


class _Search:
    """Nodes of several fields as one list (n, count)."""

    def __init__(self, grids: Grids, fields: list[Field]) -> None:
        self._cells = grids.cells
        self._sizes = [(f.end - f.begin, f.rows, f.columns) for f in fields]
        # which grid each node looks into
        owner = [
            torch.arange(f.begin, f.end, device=grids.pitch.device, dtype=torch.int32)[:, None]
            .expand(-1, f.rows * f.columns)
            .reshape(-1)
            for f in fields
        ]
        which = torch.cat(owner)

        def of_each(values: Tensor) -> Tensor:
            return torch.index_select(values, 1, which)

        self._first, self._stride = of_each(grids.first), of_each(grids.stride)
        self._most = of_each(grids.most)
        self._least = of_each(STEEP * grids.pitch**2)
        self._target = self.joined([_targets(f) for f in fields])

    def joined(self, values: list[Tensor]) -> Tensor:
        """Of each field (n, g, rows, columns, 2) -> (n, count, 2)."""
        return torch.cat([v.reshape(v.shape[0], -1, 2) for v in values], 1)

    def parted(self, values: Tensor) -> list[Tensor]:
        """The other way round."""
        counts = [g * r * c for g, r, c in self._sizes]
        return [
            part.reshape(-1, *size, 2)
            for part, size in zip(values.split(counts, 1), self._sizes, strict=True)
        ]

    def newton(self, start: Tensor, steps: int, limit: float) -> tuple[Tensor, Tensor]:
        """The best places (n, count, 2) in cells on the way from `start`, and px they miss by."""
        place, best = start, start
        least = torch.full_like(start[..., 0], 1e9)
        for k in range(steps + 1):
            cell = bounded(place.floor(), 0.0, self._most)
            index = self._first + cell[..., 1].int() * self._stride + cell[..., 0].int()
            fu, fv = (place - cell).split(1, -1)
            origin, along, down, both = taken(self._cells, index).split(2, -1)
            along = along + both * fv
            away = self._target - (origin + along * fu + down * fv)
            miss = away.abs().amax(-1)
            better = miss < least
            best = torch.where(better[..., None], place, best)
            least = torch.minimum(least, miss)
            if k == steps:
                break
            down = down + both * fu
            ex, ey = away.unbind(-1)
            xu, yu = along.unbind(-1)
            xv, yv = down.unbind(-1)
            area = torch.maximum(xu * yv - xv * yu, self._least)
            step = torch.stack([ex * yv - ey * xv, ey * xu - ex * yu], -1) / area[..., None]
            place = place + step.clamp(-limit, limit)
        return best, least


def _every(field: Field, every: int) -> Field:
    """The field with every so many of its nodes, and as many more as reach its end."""
    rows, columns = (-(-(count - 1) // every) + 1 for count in (field.rows, field.columns))
    return Field(field.begin, field.end, rows, columns, field.step * every, field.corner)


def _targets(field: Field) -> Tensor:
    """(n, g, rows, columns, 2): px of the picture."""
    device = field.corner.device
    x = torch.arange(field.columns, device=device, dtype=torch.float32) * field.step
    y = torch.arange(field.rows, device=device, dtype=torch.float32) * field.step
    shape = (field.rows, field.columns)
    away = torch.stack([x.expand(shape), y[:, None].expand(shape)], -1)
    return field.corner[:, :, None, None] + away


def _rest(grids: Grids, field: Field) -> Tensor:
    """Where the nodes look if nothing moves, in cells."""
    owned = slice(field.begin, field.end)
    away = _targets(field) - grids.corner[:, owned, None, None]
    return away / grids.pitch[:, owned, None, None, None]


def _hop(grids: Grids, field: Field) -> Tensor:
    """(n, g, 1, 1): cells between answers of neighbours, where nothing moves."""
    return field.step / grids.pitch[:, field.begin : field.end, None, None]


def _finer(values: Tensor, field: Field) -> Tensor:
    """Values at every other node (n, g, r, c, 2) -> at all nodes of the field."""
    tall = torch.cat([values, values[:, :, -1:]], 2)
    tall = torch.stack([values, (tall[:, :, :-1] + tall[:, :, 1:]) / 2], 3)
    tall = tall.reshape(*values.shape[:2], -1, *values.shape[3:])[:, :, : field.rows]
    wide = torch.cat([tall, tall[:, :, :, -1:]], 3)
    wide = torch.stack([tall, (wide[:, :, :, :-1] + wide[:, :, :, 1:]) / 2], 4)
    return wide.reshape(*tall.shape[:3], -1, 2)[:, :, :, : field.columns]


def _neighbour(places: Tensor, rows: int, columns: int, hop: Tensor) -> Tensor:
    """The answer of the neighbour so many rows and columns back, one node on."""
    if rows:
        moved = places.roll(rows, 2)
        return torch.stack([moved[..., 0], moved[..., 1] + rows * hop], -1)
    moved = places.roll(columns, 3)
    return torch.stack([moved[..., 0] + columns * hop, moved[..., 1]], -1)
