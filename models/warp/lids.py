"""What a closing upper lid shows that the photo does not: smooth skin, and lashes that turn down.

On a photo of open eyes lashes stand up before the lid. A lid that closes turns them over its edge,
and pulls the fold above it smooth. So the lid is drawn twice: skin without lashes and fold, and the
lashes alone, whose height over the lid's edge shrinks and changes its sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

# Looked for on rendered and photographed eyes of 30 to 40 px, and checked on path-traced blinks.
TEXELS: Final = 2  # per px of the picture
# In widths of an eye:
LONG: Final = (0.20, 0.32)  # height over the lid's edge where lashes begin to end, and have ended
BEYOND: Final = 0.30  # how far beyond the corners they stand,
INNER: Final = (0.34, -0.06)  # from before a corner to beyond it, where they end: an inner one,
OUTER: Final = (0.16, 0.06)  # and an outer one: beyond, lashes would be hooks;
CLEAN: Final = (0.14, 0.02)  # and where they are no longer taken off the skin, at an inner one
ROOTS: Final = 0.07  # height up to which they are one dark line along the edge
TUFT: Final = 0.30  # width of what is still a lash, not a fold
BELOW: Final = 0.05  # depth below the edge that belongs to it
SOFT: Final = 0.05  # blur of the shadow that lashes leave on the lid
FOLD: Final = 0.20  # scale on which a fold lies in its own shadow
# In luma:
FAINT: Final = (6.0, 14.0)  # below the skin's that is no lash yet, and is one
WHITE: Final = 15.0  # above the skin's where a margin was read too low, and the eyeball shows
# Shares:
SHADOW: Final = 0.45  # of the lashes' darkness that stays on the lid
UNFOLD: Final = 1.0  # of the fold's shadow that goes as a closing lid pulls it smooth
STEEP: Final = 0.4  # the most by which its skin is lightened
PALE: Final = 0.06  # shade from which on most of its redness goes too
BRIGHT: Final = 90  # percentile of a lid's own luma that its fold is brought up to at most


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of an upper lid. left (2,): its left corner in px; across (2,): unit vector to the
    right one; width: px between them; fall (n,): px below that line, at whole px from -BEYOND
    widths on."""

    left: Floats
    across: Floats
    width: float
    fall: Floats

    @property
    def first(self) -> float:
        """px along, of the first of `fall`."""
        return -BEYOND * self.width

    def straight(self, at: Floats) -> tuple[Floats, Floats]:
        """For positions (..., 2): px along from the left corner, and px above the edge."""
        away = at - self.left
        along = away @ self.across
        down = away[..., 1] * self.across[0] - away[..., 0] * self.across[1]
        level = np.interp(along - self.first, np.arange(len(self.fall)), self.fall)
        return along.astype(np.float32), (level - down).astype(np.float32)

    def bent(self, along: Floats, above: Floats) -> Floats:
        """The other way round."""
        level = np.interp(along - self.first, np.arange(len(self.fall)), self.fall) - above
        down = np.array([-self.across[1], self.across[0]], np.float32)
        return np.asarray(
            self.left + along[..., None] * self.across + level[..., None] * down, np.float32
        )


@dataclass(frozen=True, slots=True)
class ShutLid:
    """bare, smooth (h, w, 3): the window's colours without lashes, and without the fold as well;
    lashes (h, w): how opaque they are in each texel of the window; colour (3,): theirs."""

    bare: Floats
    smooth: Floats
    lashes: Bytes
    colour: Floats


def edge(distance: Floats) -> Edge | None:
    """From signed px (h, w), positive above the lid's edge; None where there is no edge."""
    falls = (distance[:-1] >= 0) & (distance[1:] < 0)
    columns = np.flatnonzero(falls.any(0))
    if len(columns) < 8:
        return None
    rows = falls.argmax(0)[columns]
    over, under = distance[rows, columns], distance[rows + 1, columns]
    points = np.stack([columns, rows + over / (over - under)], 1).astype(np.float32)
    across = points[-1] - points[0]
    width = float(np.linalg.norm(across))
    across = across / width
    along = (points - points[0]) @ across
    down = (points - points[0]) @ np.array([-across[1], across[0]], np.float32)
    order = np.argsort(along)
    steps = np.arange(-BEYOND * width, (1 + BEYOND) * width + 1)
    fall = np.interp(steps, along[order], down[order])
    fall = cv2.GaussianBlur(fall.astype(np.float32)[None], (0, 0), 1.5)[0]
    return Edge(points[0], across.astype(np.float32), width, fall)


def shut(picture: Floats, corner: Floats, rim: Edge, moving: Floats, inner: int = 0) -> ShutLid:
    """The lid over `rim` in a window (h, w, 3) of Y, U, V, its first texel at position `corner`.

    moving (h, w) in [0, 1]: how much a texel goes along with the lid; inner: -1 where the inner
    corner is the left one, 1 where it is the right one, 0 where that is not known.
    """
    h, w = picture.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    at = np.stack([x, y], -1) / TEXELS + corner
    along, above = rim.straight(at.astype(np.float32))
    strip = _strip(picture, corner, rim)
    lash, bare = _parted(strip, rim.width)
    dark = np.maximum(bare[..., 0] - strip[..., 0], 0)
    colour = _colour(strip, lash)
    opaque = np.clip(dark / np.maximum(bare[..., 0] - colour[0], 8), 0, 1) * lash
    if inner:
        opaque = opaque * _within(strip.shape[1], rim.width, inner)
    first = _texels(BELOW, rim.width)
    fade = np.linspace(0, 1, first + 1, dtype=np.float32)[:-1, None]
    opaque[:first] = opaque[first] * fade
    bare[..., 0] -= SHADOW * cv2.GaussianBlur(dark * lash, (0, 0), SOFT * rim.width * TEXELS)
    ends = _ends(strip.shape[1], rim.width)
    if inner:
        ends = np.minimum(ends, _within(strip.shape[1], rim.width, inner, outer=False))
    hidden = np.broadcast_to(ends, opaque.shape).copy()
    column, row = (
        np.ascontiguousarray(v, np.float32)
        for v in ((along - rim.first) * TEXELS, (above + BELOW * rim.width) * TEXELS)
    )

    def back(values: Floats, border: int = cv2.BORDER_CONSTANT) -> Floats:
        return np.asarray(cv2.remap(values, column, row, cv2.INTER_LINEAR, borderMode=border))

    weight = back(hidden)[..., None]
    skin = picture + (back(bare, cv2.BORDER_REPLICATE) - picture) * weight
    smooth = _unfolded(skin, rim.width, moving)
    return ShutLid(skin, smooth, np.asarray(back(opaque) * 255 + 0.5, np.uint8), colour)


def _colour(strip: Floats, lash: Floats) -> Floats:
    """(3,) of the darkest lashes; of a shadow where there are none."""
    own = strip[lash > 0.9]
    if not len(own):
        typical = np.median(strip.reshape(-1, 3), axis=0)
        return np.asarray(typical * [0.4, 1, 1] + [9.6, 0, 0], np.float32)
    limit = np.percentile(own[:, 0], 5)
    return np.asarray([limit, *own[own[:, 0] <= limit][:, 1:].mean(0)], np.float32)


def _parted(strip: Floats, width: float) -> tuple[Floats, Floats]:
    """Where a strip has lashes, (rows, columns) in [0, 1], and its colours without them.

    What lies below the edge is skin like that above it.
    """
    dark = _lash_darkness(strip[..., 0], width)
    # Only what begins at the edge of the lid: no crease, no brow, no rim of glasses.
    roots = _texels(BELOW, width) + max(_texels(ROOTS, width), 2)
    dark = dark * _rooted((dark > FAINT[0]).astype(np.uint8), roots)
    lash = np.clip((dark - FAINT[0]) / (FAINT[1] - FAINT[0]), 0, 1)
    covered = cv2.dilate((dark > FAINT[0]).astype(np.uint8), np.ones((5, 5), np.uint8))
    first = _texels(BELOW, width)
    covered[: first + TEXELS] = 1
    white = cv2.dilate(_eyeball(strip[..., 0], width), np.ones((3, 3), np.uint8))
    covered = np.maximum(covered, white)
    whole = np.asarray(np.clip(np.round(strip), 0, 255), np.uint8)
    filled = cv2.inpaint(whole, covered, 3 * TEXELS, cv2.INPAINT_TELEA).astype(np.float32)
    soft = cv2.GaussianBlur(filled, (0, 0), 3 * TEXELS, sigmaY=TEXELS)
    share = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 0.5 * TEXELS)[..., None]
    return lash, np.asarray(strip + (soft - strip) * np.clip(2 * share, 0, 1), np.float32)


def _eyeball(luma: Floats, width: float) -> npt.NDArray[np.uint8]:
    """(rows, columns) of a strip: 1 where the white of the eye reaches over the edge."""
    first, roots = _texels(BELOW, width), max(_texels(ROOTS, width), 2)
    skin = np.median(luma[first + roots : first + 3 * roots], axis=0)
    bright = (luma > skin + WHITE).astype(np.uint8)
    bright[first + 2 * roots :] = 0
    return _rooted(bright, first + TEXELS)


def _texels(share: float, width: float) -> int:
    """A share of an eye's width."""
    return round(share * width * TEXELS)


def _ends(columns: int, width: float) -> Floats:
    """(columns,) in [0, 1]: 0 at the ends of a strip."""
    at = np.arange(columns, dtype=np.float32) / TEXELS / width
    return np.clip(np.minimum(at, 1 + 2 * BEYOND - at) / 0.1, 0, 1)


def _within(columns: int, width: float, inner: int, *, outer: bool = True) -> Floats:
    """(columns,) in [0, 1]: 0 beyond the inner corner, and beyond the outer one, too."""
    at = np.arange(columns, dtype=np.float32) / TEXELS / width - BEYOND
    nose, aside = (INNER, OUTER) if outer else (CLEAN, (0.0, 2.0))
    left, right = (nose, aside) if inner < 0 else (aside, nose)
    kept = [
        np.clip((after - beyond) / (before + after), 0, 1)
        for beyond, (before, after) in ((-at, left), (at - 1, right))
    ]
    return np.asarray(np.minimum(*kept), np.float32)


def _strip(picture: Floats, corner: Floats, rim: Edge) -> Floats:
    """The skin along the edge laid straight: rows from just below it upwards."""
    tall = (BELOW + LONG[1]) * rim.width
    rows, columns = int(tall * TEXELS) + 1, (len(rim.fall) - 1) * TEXELS + 1
    i, j = np.mgrid[:rows, :columns].astype(np.float32)
    at = rim.bent(j / TEXELS + rim.first, i / TEXELS - BELOW * rim.width)
    place = (at - corner) * TEXELS
    x, y = (np.ascontiguousarray(place[..., k], np.float32) for k in (0, 1))
    return np.asarray(
        cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _lash_darkness(luma: Floats, width: float) -> Floats:
    """(rows, columns): by how much each texel of a strip is darker than the skin without lashes.

    Lashes are dark, narrow along the edge, and grow from it; the line of their roots is long but
    low.
    """
    first = _texels(BELOW, width)  # the row at the edge
    own = luma[first:]
    tuft = int(TUFT * width * TEXELS) | 1
    roots = _texels(ROOTS, width)
    across = cv2.getStructuringElement(cv2.MORPH_RECT, (tuft, 1))
    bare = cv2.morphologyEx(own, cv2.MORPH_CLOSE, across)
    # Skin of the rows over the roots goes on below them.
    bare[:roots] = np.maximum(bare[:roots], bare[roots])
    bare = cv2.GaussianBlur(bare, (0, 0), 2.0)
    height = np.arange(len(own), dtype=np.float32)[:, None] / TEXELS / width
    kept = np.clip((LONG[1] - height) / (LONG[1] - LONG[0]), 0, 1)
    out = np.zeros_like(luma)
    out[first:] = np.maximum(bare - own, 0) * kept
    return np.asarray(out * _ends(luma.shape[1], width), np.float32)


def _rooted(mask: npt.NDArray[np.uint8], rows: int) -> npt.NDArray[np.uint8]:
    """What of a mask is joined to something in its first `rows`."""
    count, label = cv2.connectedComponents(mask)
    kept = np.isin(np.arange(count), label[:rows])
    kept[0] = False  # the background
    return np.asarray(kept[label], np.uint8)


def _unfolded(skin: Floats, width: float, moving: Floats) -> Floats:
    """The lid with its fold pulled smooth.

    The fold lies in its own shadow; the shadow is what is darker than the lid around it, and it is
    redder.
    """
    light = np.maximum(skin[..., 0] - 16, 1)
    bare = np.asarray(cv2.GaussianBlur(light, (0, 0), 2.0 * TEXELS), np.float32)
    size = FOLD * width * TEXELS
    lid = _closing(bare, size, 5.0 * TEXELS)
    on_it = bare[moving > 0.5]
    usual = np.percentile(on_it, BRIGHT) if len(on_it) else 0  # a glare on glasses is no skin
    shade = np.clip(np.minimum(lid, usual) / np.maximum(bare, 8) - 1, 0, STEEP) * moving
    out = skin.copy()
    out[..., 0] = 16 + (skin[..., 0] - 16) * (1 + UNFOLD * shade)
    lit = np.exp(-shade / PALE).astype(np.float32)[..., None]
    total = cv2.GaussianBlur(np.dstack([skin[..., 1:], np.ones_like(lit)]) * lit**4, (0, 0), size)
    around = total[..., :2] / (total[..., 2:] + 1e-6)
    out[..., 1:] += (around - out[..., 1:]) * (1 - lit)
    return out


def _closing(values: Floats, size: float, blur: float) -> Floats:
    """Dark parts up to 5 x 3 sizes filled from around, blurred; at a quarter of the resolution."""
    few = cv2.resize(values, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    wide = (int(1.25 * size) | 1, int(0.75 * size) | 1)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, wide)
    few = cv2.GaussianBlur(cv2.morphologyEx(few, cv2.MORPH_CLOSE, element), (0, 0), blur / 4)
    whole = cv2.resize(few, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.float32)
