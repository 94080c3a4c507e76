"""Lips and lids, and what shows between them, each in a window of the picture: kernel_patch.

A window lies where its patch is seen. What is drawn in it is kept as what it leaves of the picture
and what it adds, so that windows can be laid over one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from visavis.models.graph.base import BLACK, lit
from visavis.models.graph.sampling import bilinear, bounded, taken
from visavis.models.graph.spec import MASKED, SPRITES
from visavis.models.warp.kernel_patch import (
    EDGE_UNIT,
    EDGE_ZERO,
    FLAT,
    LINE_REACH,
    RIM_DIM,
    RIM_FULL,
    RIM_LEAST,
    RIM_SHARE,
    RIM_SHINE,
    SEAM,
)
from visavis.models.warp.kernel_skin import SOLID

THINNEST = 1e-3  # px of a wet edge, where there is none
FIRST_LID = 1  # slot of the first patch with a lid


@dataclass(frozen=True, slots=True)
class Bank:
    """What all avatars have in common: texels (m, 4), samples (m, 1), falls (m, 1)."""

    texels: Tensor
    samples: Tensor
    falls: Tensor


@dataclass(frozen=True, slots=True)
class Avatar:
    """Of n pictures: where their avatars' arrays begin in the bank (n,), falls: those of
    each lid (n, lids, 1, 1); and their small ones."""

    texel: Tensor
    sample: Tensor
    fall: Tensor
    layout: dict[str, Tensor]
    figures: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Window:
    """Of n pictures and their slots. px (n, slots, h, w, 2): px of the picture; skin (n, slots, 2,
    h, w, 3): position and gain of the upper and the lower sheet; inside (n, slots, h, w): whether
    the patch can be there."""

    px: Tensor
    skin: Tensor
    inside: Tensor


@dataclass(frozen=True, slots=True)
class Layer:
    """What windows do to a picture: kept * picture + added. kept (..., 1), added (..., k)."""

    kept: Tensor
    added: Tensor


def _over(layer: Layer, colour: Tensor, opacity: Tensor) -> Layer:
    """With something on top of it."""
    left = 1 - opacity
    return Layer(layer.kept * left, layer.added * left + colour * opacity)


def _px(values: Tensor) -> Tensor:
    """(n, i, j, ...) beside (n, i, j, h, w, ...)."""
    return values[:, :, :, None, None]


def draw(
    bank: Bank,
    avatar: Avatar,
    window: Window,
    state: dict[str, Tensor],
    places: tuple[Tensor, Tensor],
) -> tuple[Layer, Layer]:
    """Layers of luma (n, slots, h, w, 1) and of blue and red (n, slots, h / 2, w / 2, 2)."""
    slots, edges = avatar.figures["slots"], avatar.layout["edges"]
    most = (edges[..., 2:] - 1).float() - 0.001
    at = window.skin[..., :2] - _px(slots[:, :, None, :2])
    upper = at[:, :, 0]
    rim = torch.minimum(upper, most[:, :, None, None] - upper).amin(-1)
    fade = (rim / slots[:, :, None, None, 2]).clamp(0, 1) * window.inside
    edge = _edges(bank, avatar, at, most)  # px, positive where a sheet covers
    shade = _px(state["shade"][:, :, None])
    total = edge.sum(2, keepdim=True)
    skip = torch.minimum((-total).clamp(min=0) * shade[..., 4], shade[..., 5])
    seam = (float(SEAM) * shade[..., 5]).clamp(min=0.5)
    past = skip * (1 - edge.clamp(min=0) / seam).clamp(min=0)
    skin = _skin(bank, avatar, window.skin, past, state["lids"])
    cover = (edge + 0.5).clamp(0, 1)[..., None]
    colour = _between(bank, avatar, window, places)
    colour = _rimmed(colour, edge[:, :, 1], total[:, :, 0], avatar.figures["rims"])
    hue = avatar.figures["rims"][:, :, None, None, 1:3]
    colour = _shaded(colour, edge, total[:, :, 0], shade[:, :, 0], hue)
    colour = functional.pad(colour, (0, 1), value=1.0)  # nothing shines through what is behind
    colour = colour + (skin[:, :, 1] - colour) * cover[:, :, 1]
    colour = colour + (skin[:, :, 0] - colour) * cover[:, :, 0]
    fade = fade * colour[..., 3]
    drawn = colour[..., :3] * fade[..., None]
    luma = Layer(1 - fade[..., None], drawn[..., :1])
    chroma = Layer(_quarter(luma.kept), _quarter(drawn[..., 1:]))
    return _with_lashes(bank, avatar, window, state["lids"], (luma, chroma))


def _quarter(values: Tensor) -> Tensor:
    """Means of 2 x 2 px, (n, i, h, w, k)."""
    rows = values[:, :, ::2] + values[:, :, 1::2]
    return (rows[:, :, :, ::2] + rows[:, :, :, 1::2]) / 4


def _edges(bank: Bank, avatar: Avatar, at: Tensor, most: Tensor) -> Tensor:
    """px (n, slots, sheets, h, w) from the sheets' edges, positive where they cover."""
    edges = avatar.layout["edges"]
    first = _px(avatar.sample[:, None, None] + edges[..., :2])
    place = bounded(at, _px(most[:, :, None]))
    stored = bilinear(bank.samples, first, _px(edges[..., 2:3]), place)[..., 0]
    return (stored - EDGE_ZERO) / EDGE_UNIT


def _skin(bank: Bank, avatar: Avatar, skin: Tensor, past: Tensor, lids: Tensor) -> Tensor:
    """Y, U, V of both sheets, lit, and how far they are drawn, 0 to 1.

    skin (n, slots, sheets, h, w, 3): position and gain; past: px of the photo that are left out at
    the sheets' edges.
    """
    origin, photo = avatar.figures["origin"], avatar.layout["photo"]
    down = torch.stack(
        [skin[:, :, 0, ..., 1] - past[:, :, 0], skin[:, :, 1, ..., 1] + past[:, :, 1]], 2
    )
    place = (torch.stack([skin[..., 0], down], -1) - origin[:, None, None, None, None]) * 2
    place = bounded(place, (photo - 2).float()[:, None, None, None, None])
    first, across = (v[:, None, None, None, None] for v in (avatar.texel, photo[:, 0]))
    texel = bilinear(bank.texels, first, across, place)
    masked = _px(avatar.layout["used"][:, :, None, None]) == MASKED
    there = torch.where(masked, 1 - SOLID * (255 - texel[..., 3:]) / 256, 1.0).clamp(min=0)
    colour = texel[..., :3]
    eyes = _lids(bank, avatar, place[:, FIRST_LID:], colour[:, FIRST_LID:], lids)
    colour = torch.cat([colour[:, :FIRST_LID], eyes], 1)
    return torch.cat([lit(colour[..., :1], skin[..., 2:]), colour[..., 1:], there], -1)


def _lids(bank: Bank, avatar: Avatar, place: Tensor, own: Tensor, lids: Tensor) -> Tensor:
    """The skin of closing lids: without their lashes, and without their fold.

    place: texels of the photo (n, lids, sheets, h, w, 2); own: the photo's colours there.
    """
    layout = avatar.layout["lids"]
    inside = place - _px(layout[:, :, None, 5:7]).float()
    inside = bounded(inside, _px(layout[:, :, None, 3:5] - 2).float())
    across = _px(layout[:, :, None, 3])
    for k in range(2):
        first = _px(avatar.texel[:, None, None] + layout[:, :, None, k])
        other = bilinear(bank.texels, first, across, inside)[..., :3]
        own = own + (other - own) * _px(lids[:, :, None, k : k + 1])
    return own


def _between(bank: Bank, avatar: Avatar, window: Window, places: tuple[Tensor, Tensor]) -> Tensor:
    """Y, U, V (n, slots, h, w, 3) of the pictures behind the gap."""
    matrix, offset = places
    sprites = avatar.layout["sprites"]
    at = (_px(matrix) * window.px[:, :, None, :, :, None]).sum(-1) + _px(offset)
    most = _px(sprites[..., 1:] - 1).float()
    seen = ((at >= 0) & (at < most)).all(-1, keepdim=True)
    first = _px(avatar.texel[:, None, None] + sprites[..., 0])
    texel = bilinear(bank.texels, first, _px(sprites[..., 1]), bounded(at, most - 0.001))
    opacity = texel[..., 3:] / 255 * seen
    colour = avatar.figures["slots"][:, :, None, None, 3:]
    for k in range(SPRITES):
        colour = colour + (texel[:, :, k, ..., :3] - colour) * opacity[:, :, k]
    return colour


def _rimmed(colour: Tensor, low: Tensor, total: Tensor, rims: Tensor) -> Tensor:
    """With the lower sheet's wet inner edge; low: px from it; rims (n, slots, 4)."""
    rims = rims[:, :, None, None]
    wide = torch.minimum(rims[..., 3], float(RIM_LEAST) - float(RIM_SHARE) * total)
    wet = (1 + low / wide.clamp(min=THINNEST)).clamp(0, 1) * (rims[..., 3] > 0)
    dim, shine = float(RIM_DIM), float(RIM_SHINE)
    full = (total * -float(RIM_FULL)).clamp(0, 1)
    bright = dim + full * (1 - dim + shine * (4 * wet * (1 - wet)) ** 2)
    edge = torch.cat(
        [(rims[..., 0] * bright)[..., None], rims[..., 1:3].expand_as(colour[..., 1:])], -1
    )
    return colour + (edge - colour) * (wet * (2 - wet))[..., None]


def _shaded(colour: Tensor, edge: Tensor, total: Tensor, shade: Tensor, hue: Tensor) -> Tensor:
    """In the shadow of the sheets, `edge` px away; total: of both; hue: what shadows fade to."""
    light = 1 - shade[..., 0] * (1 + edge[:, :, 0] * shade[..., 1]).clamp(min=0)
    light = light * (1 - shade[..., 2] * (1 + edge[:, :, 1] * shade[..., 3]).clamp(min=0))
    # A narrow gap lets little light in.
    light = light * (1 - shade[..., 0] * (1 + total * shade[..., 1] / 2).clamp(min=0))
    light = light[..., None]
    # Shadow inside a mouth is warm: colour fades less than light, and towards the lips'.
    luma = BLACK + (colour[..., :1] - BLACK) * light
    return torch.cat([luma, hue + (colour[..., 1:] - hue) * (0.5 + 0.5 * light)], -1)


def _with_lashes(
    bank: Bank, avatar: Avatar, window: Window, lids: Tensor, layers: tuple[Layer, Layer]
) -> tuple[Layer, Layer]:
    """Lashes drawn over the slots that have lids."""
    alpha = _lashes(bank, avatar, window, lids)
    alpha = functional.pad(alpha, (0, 0, 0, 0, FIRST_LID, 0))[..., None]
    hue = functional.pad(avatar.figures["lids"][..., 9:], (0, 0, FIRST_LID, 0))[:, :, None, None]
    luma, chroma = layers
    return _over(luma, hue[..., :1], alpha), _over(chroma, hue[..., 1:], _quarter(alpha))


def _lashes(bank: Bank, avatar: Avatar, window: Window, lids: Tensor) -> Tensor:
    """(n, lids, h, w): how opaque the lashes and the line along the lid's edge are."""
    figures, layout = avatar.figures["lids"][:, :, None, None], avatar.layout["lids"]
    across, width, start = figures[..., 4:6], figures[..., 6], figures[..., 7]
    at = window.skin[:, FIRST_LID:, 0, ..., :2]
    away = at - figures[..., 2:4]
    along = (away * across).sum(-1) - start
    depth = away[..., 1] * across[..., 0] - away[..., 0] * across[..., 1]
    last = (layout[:, :, None, None, 7] - 1).float() - 0.001
    on_it = (along > 0) & (along < last)
    above = _fall(bank, avatar, bounded(along, last)) - depth
    now = lids[:, :, None, None]
    height, opacity, line = now[..., 2], now[..., 3], now[..., 4]
    # Seen from the front they become short, not nothing; then both ways are drawn.
    ways = torch.stack([height.clamp(min=FLAT), height.clamp(max=-FLAT)], 2)[..., None, :, :]
    up = ((height / FLAT + 1) / 2).clamp(0, 1)
    shares = torch.stack([up, 1 - up], 2)[..., None, :, :]
    on_it = on_it & (above.abs() <= figures[..., 8] * ways.abs().amax((2, 3)) + 1)
    taps = torch.arange(-1, 2, device=at.device)[:, None, None] / 3
    beyond = (above[:, :, None, None] + taps) / ways - above[:, :, None, None]
    upwards = torch.stack([across[..., 1], -across[..., 0]], -1)
    start_at = (at - figures[..., :2])[:, :, None, None]
    place = (start_at + upwards[:, :, None, None] * beyond[..., None]) * 2
    most = (layout[:, :, 3:5] - 1).float()[:, :, None, None, None, None] - 0.001
    seen = ((place > 0) & (place < most)).all(-1)
    first = (avatar.sample[:, None] + layout[..., 2])[:, :, None, None, None, None]
    stride = layout[:, :, 3, None, None, None, None]
    dark = bilinear(bank.samples, first, stride, bounded(place, most))[..., 0]
    alpha = (dark * seen * shares).sum((2, 3)) * (opacity / (3 * 255))
    reach = 1 / (float(LINE_REACH) * width)
    end = torch.minimum(along + start, width - along - start) * reach
    line = line * end.clamp(0, 1) * (1 - (above * reach) ** 2).clamp(min=0)
    alpha = alpha + line * (1 - alpha)
    return alpha * on_it * window.inside[:, FIRST_LID:]


def _fall(bank: Bank, avatar: Avatar, along: Tensor) -> Tensor:
    """px that the lid's edge lies below the line between its corners."""
    column = along.floor()
    count = bank.falls.shape[0]
    at = avatar.fall + column.int()
    here = taken(bank.falls, torch.stack([at, (at + 1).clamp(max=count - 1)], -1))[..., 0]
    return here[..., 0] + (here[..., 1] - here[..., 0]) * (along - column)
