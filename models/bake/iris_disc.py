"""An iris by itself: without reflections, lashes and the lids' shadow, whole where lids hide it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from visavis.models.avatar.rig import Floats
from visavis.models.bake.eye_region import (
    RIM,
    STEP,
    Mask,
    Region,
    brightness,
    lashed,
    limbus,
    unmixed,
)
from visavis.models.bake.eyes import EyeShape

WIDER: Final = 1.45  # radii within which what is as dark as the iris turns with it: paintings,
MUCH: Final = 0.10  # where it is so much of the iris at least
DARK: Final = (0.62, 0.82)  # of the white's luma: iris, and white
# In each colour above its ring's, from which a reflection begins, and is:
SHINES: Final = (12.0, 30.0)
GLOOM: Final = (22.0, 44.0)  # luma below its ring's from which a px begins to be, and is, a lash


def disc(eye: EyeShape, region: Region, bare: Floats, white: Floats) -> tuple[Floats, Floats]:
    """Its colours without glints and shadow, and how opaque it is."""
    away = region.at - eye.centre
    radial = np.linalg.norm(away, axis=-1)
    seen = (region.up < -0.4 * RIM) & (region.low < -0.4 * RIM)
    ring = np.clip((eye.radius - radial) / limbus(eye) + 1, 0, 1)
    cover = np.maximum(ring, _as_dark(eye, region, bare, white, radial))
    rings = _rings(bare, radial / STEP, seen & (cover > 0.5))
    down = np.asarray(away @ eye.down / eye.radius, np.float32)
    rings = _sloped(rings, bare, down, seen & (radial < 0.9 * eye.radius))
    shine = _excess(bare, rings)
    shine = np.where(radial < 0.95 * eye.radius, shine, 0)
    gloom = np.clip((brightness(rings) - brightness(bare) - GLOOM[0]) / (GLOOM[1] - GLOOM[0]), 0, 1)
    gloom = gloom * lashed(eye, region)
    known = (seen & (cover > 0.02)) * (1 - shine) * (1 - gloom)
    # What lids hide is like what is seen on the iris's other half.
    mirrored, there = (
        cv2.remap(values, *_opposite(eye, region), cv2.INTER_LINEAR)
        for values in (bare - rings, known.astype(np.float32))
    )
    hidden = rings + 0.7 * mirrored * (there[..., None] > 0.9)
    soft = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 0.6 / STEP) * known
    whole = hidden + (bare - hidden) * soft[..., None]
    disc = unmixed(whole, white, cover)
    own = (seen & (shine < 0.5) & (gloom < 0.5))[..., None]
    return np.where(own, disc, whole).astype(np.float32), cover


def _as_dark(eye: EyeShape, region: Region, bare: Floats, white: Floats, radial: Floats) -> Floats:
    """(h, w) in [0, 1]: what beside the circle is dark like it and joined to it.

    Painters' irises are no circles; a part left behind in the white would be a second rim.
    """
    ratio = brightness(bare) / np.maximum(brightness(white), 1)
    dark = np.clip((DARK[1] - ratio) / (DARK[1] - DARK[0]), 0, 1)
    inside = (region.up < -2 * RIM) & (region.low < -2 * RIM) & (radial < WIDER * eye.radius)
    core = radial < 0.9 * eye.radius
    _, label = cv2.connectedComponents((((dark > 0.4) & inside) | core).astype(np.uint8))
    joined = label == label[np.unravel_index(radial.argmin(), radial.shape)]
    beyond = joined & (radial > eye.radius + limbus(eye)) & (dark > 0.4)
    if beyond.sum() * STEP**2 < MUCH * np.pi * eye.radius**2:
        return np.zeros_like(dark)
    fade = np.clip((WIDER - radial / eye.radius) / 0.15, 0, 1)
    soft = cv2.GaussianBlur((dark * joined * fade).astype(np.float32), (0, 0), 0.4 / STEP)
    return np.asarray(soft, np.float32)


def _rings(bare: Floats, radial: Floats, seen: Mask) -> Floats:
    """(h, w, 3): at each radius, in texels, what is usual of what is seen; no reflections."""
    most = int(radial.max()) + 2
    profile = np.full((most, 3), np.nan, np.float32)
    for r in range(most):
        own = seen & (np.abs(radial - r) < 1.0)
        if own.sum() >= 4:
            colours = bare[own]
            luma = brightness(colours)
            dim = colours[luma <= np.percentile(luma, 70)]
            profile[r] = np.median(dim, axis=0)
    known = np.isfinite(profile[:, 0])
    if not known.any():
        return np.broadcast_to(bare[seen].mean(0) if seen.any() else 60.0, bare.shape).copy()
    index = np.arange(most)
    for k in range(3):
        profile[:, k] = np.interp(index, index[known], profile[known, k])
    even = cv2.GaussianBlur(profile, (1, 0), 1e-6, sigmaY=1.0, borderType=cv2.BORDER_REPLICATE)
    low = radial.astype(int)
    part = (radial - low)[..., None]
    return np.asarray(even[low] * (1 - part) + even[low + 1] * part, np.float32)


def _sloped(rings: Floats, bare: Floats, down: Floats, seen: Mask) -> Floats:
    """Rings that are darker above than below, as far as what is seen says: light from above falls
    through the cornea on the lower half of an iris."""
    if seen.sum() < 16:
        return rings
    ratio = brightness(bare)[seen] / np.maximum(brightness(rings)[seen], 8) - 1
    near = np.abs(ratio) < 0.5
    if not near.any():
        return rings
    slope = float((ratio * down[seen])[near].sum() / ((down[seen] ** 2)[near].sum() + 1e-3))
    light = np.clip(1 + np.clip(slope, -0.4, 0.4) * np.clip(down, -1, 1), 0.6, 1.4)
    return np.asarray(rings * light[..., None], np.float32)


def _excess(bare: Floats, rings: Floats) -> Floats:
    """(h, w) in [0, 1]: what mirrors a lamp, and so adds to every colour."""
    over = (bare - rings).min(-1)
    shine = np.clip((over - SHINES[0]) / (SHINES[1] - SHINES[0]), 0, 1)
    return np.asarray(cv2.GaussianBlur(shine.astype(np.float32), (0, 0), 0.5 / STEP), np.float32)


def _opposite(eye: EyeShape, region: Region) -> tuple[Floats, Floats]:
    """Columns and rows of the texels mirrored at the iris's level middle."""
    away = region.at - eye.centre
    there = eye.centre + away - 2 * (away @ eye.down)[..., None] * eye.down
    place = (there - region.at[0, 0]) / STEP
    return tuple(np.ascontiguousarray(place[..., k], np.float32) for k in (0, 1))  # type: ignore[return-value]
