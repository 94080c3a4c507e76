"""Lips and lids, and what shows between them, each in a window of the picture: kernel_patch.

A window lies where its patch is seen. What is drawn in it is kept as what it leaves of the picture
and what it adds, so that windows can be laid over one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from visavis.models.graph.base import BLACK, lit
from visavis.models.graph.sampling import bilinear, bounded, taken
from visavis.models.graph.spec import LIDS, SPRITES
from visavis.models.warp.kernel_patch import EDGE_UNIT, EDGE_ZERO, FLAT, LINE_REACH, SEAM

FIRST_LID = 1  # slot of the first patch with a lid


@dataclass(frozen=True, slots=True)
class Bank:
    """What all avatars have in common: lumas, chromas (m, 2) and samples (m, 1), falls (avatars
    * lids, samples of an edge)."""

    lumas: Tensor
    chromas: Tensor
    samples: Tensor
    falls: Tensor


@dataclass(frozen=True, slots=True)
class Avatar:
    """Of n pictures: where their avatars' arrays begin in the bank (n,), and their small ones."""

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


def _slots(values: Tensor) -> Tensor:
    """(n, slots, ...) beside (n, slots, h, w, ...)."""
    return values[:, :, None, None]


def draw(
    bank: Bank,
    avatar: Avatar,
    window: Window,
    state: dict[str, Tensor],
    places: tuple[Tensor, Tensor],
) -> tuple[Layer, Layer]:
    """Layers of luma (n, slots, h, w, 1) and of blue and red (n, slots, h / 2, w / 2, 2)."""
    corner, margin = avatar.figures["slots"][..., :2], avatar.figures["slots"][..., 2]
    edges, shade = avatar.layout["edges"], _slots(state["shade"])
    most = (edges[..., 2:] - 1).float() - 0.001
    upper, lower = window.skin[:, :, 0], window.skin[:, :, 1]
    at = upper[..., :2] - _slots(corner)
    rim = torch.minimum(at, _slots(most) - at).amin(-1)
    fade = (rim / _slots(margin)).clamp(0, 1) * window.inside
    up = _edge(bank, avatar, edges[..., 0], at, most)
    low = _edge(bank, avatar, edges[..., 1], lower[..., :2] - _slots(corner), most)
    cover, under = (up + 0.5).clamp(0, 1), (low + 0.5).clamp(0, 1)
    skip = torch.minimum((-(up + low)).clamp(min=0) * shade[..., 4], shade[..., 5])
    seam = (SEAM * shade[..., 5]).clamp(min=0.5)
    colour = _between(bank, avatar, window, state["shade"], up, low, places)
    for sheet, covers, edge, way in ((lower, under, low, 1), (upper, cover, up, -1)):
        past = skip * (1 - edge.clamp(min=0) / seam).clamp(min=0)
        skin = _skin(bank, avatar, sheet, way * past, state["lids"])
        colour = colour + (skin - colour) * covers[..., None]
    luma = Layer(1 - fade[..., None], colour[..., :1] * fade[..., None])
    chroma = Layer(_quarter(luma.kept), _quarter(colour[..., 1:] * fade[..., None]))
    return _with_lashes(bank, avatar, window, state["lids"], (luma, chroma))


def _quarter(values: Tensor) -> Tensor:
    """Means of 2 x 2 px, (..., h, w, k)."""
    rows = values[..., ::2, :, :] + values[..., 1::2, :, :]
    return (rows[..., ::2, :] + rows[..., 1::2, :]) / 4


def _edge(bank: Bank, avatar: Avatar, first: Tensor, at: Tensor, most: Tensor) -> Tensor:
    """px from a sheet's edge, positive where it covers."""
    place = bounded(at, 0.0, _slots(most))
    across = _slots(avatar.layout["edges"][..., 2])
    first = _slots(avatar.sample[:, None] + first)
    stored = bilinear(bank.samples, first, across, place[..., 0], place[..., 1])[..., 0]
    return (stored - EDGE_ZERO) / EDGE_UNIT


def _skin(bank: Bank, avatar: Avatar, sheet: Tensor, past: Tensor, lids: Tensor) -> Tensor:
    """Y, U, V of one sheet, lit. sheet (n, slots, h, w, 3): position and gain; past: px below."""
    origin, photo = avatar.figures["origin"], avatar.layout["photo"]
    place = torch.stack([sheet[..., 0], sheet[..., 1] + past], -1)
    place = (place - origin[:, None, None, None]) * 2
    place = bounded(place, 0.0, (photo - 2).float()[:, None, None, None])
    first, across = (v[:, None, None, None] for v in (avatar.texel, photo[:, 0]))
    colour = _texel(bank, first, across, place)
    eyes = _lid(bank, avatar, place[:, FIRST_LID:], colour[:, FIRST_LID:], lids)
    colour = torch.cat([colour[:, :FIRST_LID], eyes], 1)
    return torch.cat([lit(colour[..., :1], sheet[..., 2:]), colour[..., 1:]], -1)


def _texel(bank: Bank, first: Tensor, across: Tensor, place: Tensor) -> Tensor:
    """Y, U, V."""
    luma = bilinear(bank.lumas, first, across, place[..., 0], place[..., 1])[..., :1]
    return torch.cat(
        [luma, bilinear(bank.chromas, first, across, place[..., 0], place[..., 1])], -1
    )


def _lid(bank: Bank, avatar: Avatar, place: Tensor, own: Tensor, lids: Tensor) -> Tensor:
    """The skin of a closing lid: without its lashes, and without its fold.

    place: texels of the photo (n, lids, h, w, 2); own: the photo's colours there.
    """
    layout = avatar.layout["lids"]
    inside = place - _slots(layout[..., 5:7]).float()
    inside = bounded(inside, 0.0, _slots((layout[..., 3:5] - 2).clamp(min=0)).float())
    across = _slots(layout[..., 3])
    for k in range(2):
        first = _slots(avatar.texel[:, None] + layout[..., k])
        share = _slots(lids[..., k : k + 1])
        own = own + (_texel(bank, first, across, inside) - own) * share
    return own


def _between(
    bank: Bank,
    avatar: Avatar,
    window: Window,
    shade: Tensor,
    up: Tensor,
    low: Tensor,
    places: tuple[Tensor, Tensor],
) -> Tensor:
    """Y, U, V of what is seen through the gap, `up` and `low` px from the sheets' edges."""
    matrix, offset = places
    colour = _slots(avatar.figures["slots"][..., 3:])
    for k in range(SPRITES):
        picture = avatar.layout["sprites"][:, :, k]
        m = _slots(matrix[:, :, k])
        at = (m * window.px[..., None, :]).sum(-1) + _slots(offset[:, :, k])
        most = _slots(picture[..., 1:] - 1).float()
        seen = ((at >= 0) & (at < most)).all(-1)
        at = bounded(at, 0.0, most - 0.001)
        first, across = _slots(avatar.texel[:, None] + picture[..., 0]), _slots(picture[..., 1])
        luma = bilinear(bank.lumas, first, across, at[..., 0], at[..., 1])
        chroma = bilinear(bank.chromas, first, across, at[..., 0], at[..., 1])
        opacity = luma[..., 1:] / 255 * seen[..., None]
        colour = colour + (torch.cat([luma[..., :1], chroma], -1) - colour) * opacity
    s = _slots(shade)
    light = 1 - s[..., 0] * (1 + up * s[..., 1]).clamp(min=0)
    light = light * (1 - s[..., 2] * (1 + low * s[..., 3]).clamp(min=0))
    # A narrow gap lets little light in.
    light = light * (1 - s[..., 0] * (1 + (up + low) * s[..., 1] / 2).clamp(min=0))
    light = light[..., None]
    # Shadow inside a mouth is warm: colour fades less than light.
    luma = BLACK + (colour[..., :1] - BLACK) * light
    return torch.cat([luma, 128 + (colour[..., 1:] - 128) * (0.5 + 0.5 * light)], -1)


def _with_lashes(
    bank: Bank, avatar: Avatar, window: Window, lids: Tensor, layers: tuple[Layer, Layer]
) -> tuple[Layer, Layer]:
    """Lashes drawn over the slots that have lids."""
    alpha = _lashes(bank, avatar, window, lids)[..., None]
    colour = _slots(avatar.figures["lids"][..., 9:])
    luma, chroma = layers
    out = []
    for layer, hue, opacity in (
        (luma, colour[..., :1], alpha),
        (chroma, colour[..., 1:], _quarter(alpha)),
    ):
        eyes = _over(Layer(layer.kept[:, FIRST_LID:], layer.added[:, FIRST_LID:]), hue, opacity)
        out.append(
            Layer(
                torch.cat([layer.kept[:, :FIRST_LID], eyes.kept], 1),
                torch.cat([layer.added[:, :FIRST_LID], eyes.added], 1),
            )
        )
    return out[0], out[1]


def _lashes(bank: Bank, avatar: Avatar, window: Window, lids: Tensor) -> Tensor:
    """(n, lids, h, w): how opaque the lashes and the line along the lid's edge are."""
    figures, layout = _slots(avatar.figures["lids"]), avatar.layout["lids"]
    origin, corner, across = figures[..., :2], figures[..., 2:4], figures[..., 4:6]
    width, start, tall = figures[..., 6], figures[..., 7], figures[..., 8]
    at = window.skin[:, FIRST_LID:, 0, ..., :2]
    away = at - corner
    along = (away * across).sum(-1) - start
    depth = away[..., 1] * across[..., 0] - away[..., 0] * across[..., 1]
    last = _slots(layout[..., 7]).float() - 1.001
    on_it = (along > 0) & (along < last)
    above = _fall(bank, avatar, bounded(along, 0.0, last.clamp(min=0))) - depth
    now = _slots(lids)
    height, opacity, line = now[..., 2], now[..., 3], now[..., 4]
    # Seen from the front they become short, not nothing; then both ways are drawn.
    up = ((height / FLAT + 1) / 2).clamp(0, 1)
    ways = (height.clamp(min=FLAT), -(-height).clamp(min=FLAT))
    on_it = on_it & (above.abs() <= tall * torch.maximum(ways[0], -ways[1]) + 1)
    upwards = torch.stack([across[..., 1], -across[..., 0]], -1)
    first, stride = _slots(avatar.sample[:, None] + layout[..., 2]), _slots(layout[..., 3])
    most = _slots(layout[..., 3:5]).float() - 1.001
    alpha = torch.zeros_like(above)
    for way, share in zip(ways, (up, 1 - up), strict=True):
        for tap in (-1, 0, 1):
            beyond = (above + tap / 3) / way - above
            place = (at + upwards * beyond[..., None] - origin) * 2
            seen = ((place > 0) & (place < most)).all(-1)
            place = bounded(place, 0.0, most.clamp(min=0))
            dark = bilinear(bank.samples, first, stride, place[..., 0], place[..., 1])[..., 0]
            alpha = alpha + dark * seen * share / 3
    alpha = alpha * opacity / 255
    reach = 1 / (float(LINE_REACH) * width)
    end = torch.minimum(along + start, width - along - start) * reach
    line = line * end.clamp(0, 1) * (1 - (above * reach) ** 2).clamp(min=0)
    alpha = alpha + line * (1 - alpha)
    return alpha * on_it * window.inside[:, FIRST_LID:]


def _fall(bank: Bank, avatar: Avatar, along: Tensor) -> Tensor:
    """px that the lid's edge lies below the line between its corners."""
    column = along.floor()
    lid = torch.arange(LIDS, device=along.device, dtype=torch.int32)[:, None, None]
    at = avatar.fall[:, None, None, None] + lid * (bank.falls.shape[1]) + column.int()
    flat = bank.falls.reshape(-1)
    here = taken(flat, at)
    return here + (taken(flat, at + 1) - here) * (along - column)
