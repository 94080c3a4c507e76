"""The large layer, lit, over the background: kernel.light and kernel.draw_base."""

from __future__ import annotations

import torch
from torch import Tensor

from visavis.models.graph.sampling import bilinear, bounded, spread
from visavis.models.graph.spec import BASE_NODES, BASE_SIDE
from visavis.models.warp.instant import BASE_STEP

BLACK = 16.0  # of video; light scales what is above it
WHITE = 235.0


def brightness(turn: Tensor, reliefs: Tensor, shares: Tensor) -> Tensor:
    """(n * base nodes, 1): how much brighter skin became as it turned in the light.

    turn (n, 3), reliefs (n, base nodes, 3), shares (n, base nodes).
    """
    change = (reliefs * turn[:, None]).sum(-1) * shares
    return (1 + change).clamp(0.75, 1.25).reshape(-1, 1)


def gains(bright: Tensor, box: Tensor, size: Tensor, flow: Tensor) -> Tensor:
    """(n, count, 1): of nodes whose positions are `flow` (n, count, 2).

    bright: `brightness`; box (n, 3): of the base; size (n, 2): its columns and rows.
    """
    place = (flow - box[:, None, :2]) / box[:, None, 2:]
    place = bounded(place, (size - 1).float()[:, None] - 0.001)
    owner = torch.arange(flow.shape[0], device=flow.device, dtype=torch.int32)
    across = torch.full_like(owner, BASE_SIDE)[:, None]
    return bilinear(bright, owner[:, None] * BASE_NODES, across, place)


def lit(luma: Tensor, gain: Tensor) -> Tensor:
    """Luma in another light."""
    return (BLACK + (luma - BLACK) * gain).clamp(max=WHITE)


def base(
    texels: Tensor, photo: Tensor, first: Tensor, place: Tensor, gain: Tensor, plate: Tensor
) -> tuple[Tensor, Tensor]:
    """Luma (n, H, W, 1) and blue and red (n, H / 2, W / 2, 2) of base and background.

    texels (m, 4): of the whole bank; photo (n, 2): texels across and down; first (n,): an avatar's
    first texel; place (n, r, c, 2): the nodes' texels; gain (n, r, c, 1); plate (n, H * 3 // 2, W).
    """
    height, width = plate.shape[1] * 2 // 3, plate.shape[2]
    place = bounded(place, (photo - 2).float()[:, None, None])
    owner, across = first[:, None, None], photo[:, 0, None, None]
    at = spread(torch.cat([place, gain], -1), BASE_STEP, 0.0, 1)[:, :height, :width]
    skin = bilinear(texels, owner, across, at[..., :2])
    under = plate[:, :height].float()[..., None]
    luma = under + (lit(skin[..., :1], at[..., 2:]) - under) * (skin[..., 3:] / 255)
    at = spread(place, BASE_STEP, 0.5, 2)[:, : height // 2, : width // 2]
    skin = bilinear(texels, owner, across, at)
    behind = plate[:, height:].reshape(-1, 2, height // 2, width // 2).permute(0, 2, 3, 1).float()
    return luma, behind + (skin[..., 1:3] - behind) * (skin[..., 3:] / 255)
