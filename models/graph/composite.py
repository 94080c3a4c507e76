"""Windows found, laid over the picture, and the picture as I420."""

from __future__ import annotations

import torch
from torch import Tensor

from visavis.models.graph.patches import Layer, Window
from visavis.models.graph.sampling import taken
from visavis.models.graph.spec import BASE_NODES, FIRST_CORNER, SLOTS
from visavis.models.warp.instant import PATCH_STEP


def boxes(seen: Tensor, used: Tensor, size: tuple[int, int], side: int) -> tuple[Tensor, Tensor]:
    """Where windows lie: their left and top px, even, and how far they go, both (n, slots, 2).

    seen (n, nodes, 2) from `forward`; used (n, slots); size: px of the picture, across and down;
    side: px of a window. A patch that is larger is cut on all sides; nothing is left of one that is
    not used, or not in the picture.
    """
    nodes = seen[:, BASE_NODES:FIRST_CORNER].reshape(seen.shape[0], len(SLOTS), -1, 2)
    low = ((nodes.amin(2) / 2).floor() * 2).clamp(min=0)
    edge = torch.tensor([size[0] - 1, size[1] - 1], device=seen.device, dtype=torch.float32)
    high = torch.minimum(nodes.amax(2), edge)
    there = (high > low).all(-1) & (used > 0)
    reach = ((high - low) / PATCH_STEP).ceil() * PATCH_STEP
    spare = ((reach - side) / 4).floor().clamp(min=0) * 2
    low = torch.minimum(low + spare, edge - 1)
    return low, torch.where(there[..., None], reach - spare, 0.0)


def inside(reach: Tensor, side: int) -> Tensor:
    """(n, slots, side, side): 1 where a window holds its patch, else 0."""
    at = torch.arange(side, device=reach.device, dtype=torch.float32)
    across = (at < reach[..., :1])[:, :, None]
    return (across & (at < reach[..., 1:])[..., None]).float()


def px(corner: Tensor, side: int) -> Tensor:
    """(n, slots, side, side, 2): px of the picture in each window."""
    at = torch.arange(side, device=corner.device, dtype=torch.float32)
    away = torch.stack([at.expand(side, side), at[:, None].expand(side, side)], -1)
    return corner[:, :, None, None] + away


def laid_over(plane: Tensor, layer: Layer, corner: Tensor) -> Tensor:
    """A plane (n, h, w, k) with windows laid over it one after the other.

    layer: of all slots (n, slots, side, side, .); corner (n, slots, 2): px of the plane, whole.
    """
    height, width = plane.shape[1:3]
    side, slots = layer.kept.shape[2], len(SLOTS)
    windows = torch.cat([layer.kept, layer.added], -1)
    x = torch.arange(width, device=plane.device, dtype=torch.int32)
    y = torch.arange(height, device=plane.device, dtype=torch.int32)[:, None]
    whole = corner.int()[:, :, None, None]
    column, row = x - whole[..., 0], y - whole[..., 1]  # (n, slots, h, w) as they are broadcast
    within = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    n = torch.arange(plane.shape[0], device=plane.device, dtype=torch.int32)[:, None] * slots
    slot = torch.arange(slots, device=plane.device, dtype=torch.int32)
    first = (n + slot)[..., None, None] * (side * side)
    at = first + row.clamp(0, side - 1) * side + column.clamp(0, side - 1)
    found = taken(windows.reshape(-1, windows.shape[-1]), at)
    for k in range(slots):
        drawn = plane * found[:, k, ..., :1] + found[:, k, ..., 1:]
        plane = torch.where(within[:, k, ..., None], drawn, plane)
    return plane


def i420(luma: Tensor, chroma: Tensor) -> Tensor:
    """(n, H * 3 // 2, W) uint8 of luma (n, H, W, 1) and blue and red (n, H / 2, W / 2, 2)."""
    n, height, width, _ = luma.shape
    planes = torch.cat([chroma[..., 0], chroma[..., 1]], 1).reshape(n, height // 2, width)
    picture = torch.cat([luma[..., 0], planes], 1)
    return (picture + 0.5).clamp(0, 255).to(torch.uint8)


def window(corner: Tensor, reach: Tensor, side: int, skin: Tensor) -> Window:
    """Of each slot; skin (n, slots, 2, side, side, 3)."""
    return Window(px(corner, side), skin, inside(reach, side))
