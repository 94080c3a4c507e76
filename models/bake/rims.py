"""Circles laid over the rims of irises in a picture, by what parts dark from bright (Daugman 1993).

Positions are px of the portrait's frame, the picture's first px lies at -offset.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import landmarks as lm

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

RAYS: Final = 64
ASIDE: Final = np.linspace(-0.35, 0.35, 15)  # radii that a centre may lie beside its guess,
ABOVE: Final = np.linspace(-0.12, 0.12, 5)  # and above or below it: there lids hide the rim
SIZES: Final = np.linspace(0.96, 1.32, 19)  # usual radii; the model says too small ones
APART: Final = 0.14  # radii from the rim to what is compared on both its sides
WITHIN: Final = 0.3  # px that a point has to lie inside the lids' opening
ENOUGH: Final = 6  # rays on either side that must see the rim
MOST: Final = 60.0  # luma of a step that counts
FAR: Final = 12.0  # luma that it costs to lie a radius away from the guess


def fitted(grey: Floats, offset: float, eye: lm.Eye, usual: float) -> tuple[Doubles, Doubles]:
    """For each of SIZES: how well the best circle of that size fits, and its centre (2,).

    A rim is looked for where the lids let it be seen.
    """
    x, y, size = np.meshgrid(ASIDE, ABOVE, SIZES, indexing="ij")
    centre = eye.centre + np.stack([x, y], -1) * usual
    step = _steps(grey, offset, eye, centre.reshape(-1, 2), size.ravel() * usual).reshape(
        -1, len(SIZES)
    )
    score = step - FAR * np.hypot(x, y).reshape(step.shape)
    best = score.argmax(0)
    return score.max(0), centre.reshape(*step.shape, 2)[best, np.arange(len(SIZES))]


def _steps(grey: Floats, offset: float, eye: lm.Eye, centre: Doubles, radius: Doubles) -> Doubles:
    """(n,): how much brighter it is outside the rims of circles than inside, on the worse side."""
    turn = (np.arange(RAYS) + 0.5) / RAYS * 2 * np.pi
    way = np.stack([np.cos(turn), np.sin(turn)], 1)
    inner, outer = (
        centre[:, None] + (radius * (1 + sign * APART))[:, None, None] * way for sign in (-1, 1)
    )
    seen = between(eye, inner) & between(eye, outer)
    bright = read(grey, offset, outer) - read(grey, offset, inner)
    sides = []
    for side in (way[:, 0] < 0, way[:, 0] > 0):
        own = seen & side
        count = own.sum(1)
        mean = np.where(own, np.clip(bright, -MOST, MOST), 0).sum(1) / np.maximum(count, 1)
        sides.append(np.where(count >= ENOUGH, mean, -MOST))
    return np.asarray(np.minimum(*sides) + 0.25 * np.maximum(*sides))


def between(eye: lm.Eye, at: Doubles) -> npt.NDArray[np.bool_]:
    """Whether points (..., 2) lie between the lids."""
    upper = np.interp(at[..., 0], eye.upper[:, 0], eye.upper[:, 1])
    lower = np.interp(at[..., 0], eye.lower[:, 0], eye.lower[:, 1])
    wide = (at[..., 0] > eye.upper[0, 0]) & (at[..., 0] < eye.upper[-1, 0])
    inside = (at[..., 1] > upper + WITHIN) & (at[..., 1] < lower - WITHIN)
    return np.asarray(inside & wide)


def read(grey: Floats, offset: float, at: Doubles) -> Floats:
    """The picture at points (..., 2)."""
    x, y = (np.ascontiguousarray(at[..., k] + offset, np.float32) for k in (0, 1))
    return np.asarray(cv2.remap(grey, x, y, cv2.INTER_LINEAR), np.float32)
