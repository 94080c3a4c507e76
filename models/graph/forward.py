"""Where each node of an avatar's grids is seen, as kernel.forward, unfold and place compute it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from visavis.models.graph.spec import BASE_NODES, BASE_SIDE, FIRST_CORNER, SLOTS, SPRITES
from visavis.models.warp.instant import CROWDED

FAR = 1e6  # px, farther away than anything
THIN = 1e-6  # px of area that a texel covers at least, seen from the edge


def forward(amounts: Tensor, motion: Tensor, rests: Tensor, fields: Tensor) -> Tensor:
    """(n, nodes, 2): px of the picture.

    amounts (n, K); motion (n, 3, 3, 4): head, body, camera; rests (n, nodes, 4): position and the
    head's share; fields (n, K, nodes * 3).
    """
    moved = rests[..., :3] + torch.bmm(amounts[:, None], fields).reshape(rests[..., :3].shape)
    # No matrix product: its TF32 would lose half a px of a thousand.
    turned = (moved[:, :, None, None] * motion[:, None, :2, :, :3]).sum(-1)
    q = turned + motion[:, None, :2, :, 3]  # (n, nodes, head and body, xyz)
    centre, far = motion[:, 2, 0, :2][:, None, None], motion[:, 2, 0, 2][:, None, None]
    share = torch.stack([rests[..., 3], 1 - rests[..., 3]], -1)
    # Whatever the pose: no place that is none, for indices are made of them.
    scale = share * far / (far - q[..., 2]).clamp(min=1.0)
    seen = (scale[..., None] * (q[..., :2] - centre)).sum(2) + centre[:, 0]
    return torch.where(seen.abs() < FAR, seen, 0.0)


def unfold(seen: Tensor, cheeks: Tensor, pitch: Tensor) -> Tensor:
    """Push what a cheek has passed over out again from under it: see kernel.unfold.

    seen (n, nodes, 2) from `forward`; cheeks (n, 2): columns of the base; pitch (n,): px between
    its nodes. A cumulative minimum and maximum, as shifted ones.
    """
    x = seen[:, :BASE_NODES, 0].reshape(-1, BASE_SIDE, BASE_SIDE)
    column = torch.arange(BASE_SIDE, device=seen.device, dtype=torch.int32)
    step = column.float() * (CROWDED * pitch)[:, None, None]
    left, right = cheeks[:, 0, None, None], cheeks[:, 1, None, None]
    level = x - step
    from_left = torch.where(column <= left, level, FAR)
    from_right = torch.where(column >= right, level, -FAR)
    for k in range(7):
        away = 1 << k
        beside = functional.pad(from_left[..., away:], (0, away), value=FAR)
        from_left = torch.minimum(from_left, beside)
        beside = functional.pad(from_right[..., :-away], (away, 0), value=-FAR)
        from_right = torch.maximum(from_right, beside)
    x = torch.where(column < left, from_left + step, x)
    x = torch.where(column > right, from_right + step, x)
    base = torch.stack([x.reshape(-1, BASE_NODES), seen[:, :BASE_NODES, 1]], -1)
    return torch.cat([base, seen[:, BASE_NODES:]], 1)


def places(seen: Tensor, sprites: Tensor) -> tuple[Tensor, Tensor]:
    """From where their corners are seen: picture px -> texels of each sprite, see kernel.place.

    sprites (n, slots, sprites, 3): first texel, across and down with the rim. Returns matrices (n,
    slots, sprites, 2, 2) and offsets (n, slots, sprites, 2).
    """
    corners = seen[:, FIRST_CORNER:].reshape(-1, len(SLOTS), SPRITES, 2, 2, 2)
    size = (sprites[..., 1:] - 3).float()
    wide, tall = size[..., :1], size[..., 1:]
    p, q = corners[..., 0, :, :], corners[..., 1, :, :]
    a = (p[..., 1, :] - p[..., 0, :] + q[..., 1, :] - q[..., 0, :]) / (2 * wide)
    d = (q[..., 0, :] - p[..., 0, :] + q[..., 1, :] - p[..., 1, :]) / (2 * tall)
    centre = corners.sum((-3, -2)) / 4
    ax, ay, dx, dy = a[..., 0], a[..., 1], d[..., 0], d[..., 1]
    area = ax * dy - dx * ay
    area = torch.where(area.abs() < THIN, THIN, area)
    inverse = torch.stack([dy, -dx, -ay, ax], -1) / area[..., None]
    matrix = inverse.reshape(*ax.shape, 2, 2)
    return matrix, size / 2 + 1 - (matrix * centre[..., None, :]).sum(-1)
