"""An avatar's matte, made fit for other backgrounds than the photo's own."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Patch

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_DIFFERS: Final = 60.0  # of colour, from which the edge that the bake found by it is believed
# Opacity between which the edge lies, where colour says nothing of it and where it says all
_DOUBTFUL: Final = 0.38, 0.72
_CERTAIN: Final = 0.05, 0.94
_GAP: Final = 2.5  # px of the frame that a hole in a person is wide, at least
_OVERHANG: Final = 0.004  # of a patch's box that may lie beyond the person: a few px of its corners
_DEEP: Final = 6.0  # px of the frame inside the outline from which nothing shines through


def firm(photo: Bytes, opacity: Bytes, plate: Bytes, density: float) -> Bytes:
    """An avatar's matte (n, n) for other backgrounds than the photo's own.

    Before its own background a soft edge is never wrong: what is left of that background in a px
    is seen before itself. Before another one it is a halo, and skin that is not quite opaque lets
    it through. So where person and background have the same colour, which is where the bake could
    not find the edge by it, the edge is drawn in; and well inside the outline all is opaque.
    density: px of the photo a px of the frame.
    """
    soft = opacity.astype(np.float32) * np.float32(1 / 255)
    apart = np.linalg.norm(photo.astype(np.float32) - plate, axis=-1)
    away = np.asarray(cv2.GaussianBlur(apart, (0, 0), 1.5 * density), np.float32)
    sure = away**2 / (away**2 + _DIFFERS**2)
    low, high = (d + (c - d) * sure for d, c in zip(_DOUBTFUL, _CERTAIN, strict=True))
    edge = np.clip((soft - low) / (high - low), 0, 1)
    return np.round(np.maximum(edge, _inside(soft, density)) * 255).astype(np.uint8)


def overhung(avatar: Avatar) -> bool:
    """Whether a mouth's or an eye's patch reaches beyond the person, as on a face that is turned.

    Nodes there are skin's all the same, and what is drawn by them has to end where the person does.
    """
    return any(_beyond(avatar, patch) > _OVERHANG for patch in avatar.patches.values())


def _beyond(avatar: Avatar, patch: Patch) -> float:
    """Share of a patch's box in which there is no person."""
    left, top = (np.array(patch.upper.corner) + avatar.margin) * avatar.density
    height, width = (n * avatar.density for n in patch.edges.shape[1:])
    rows = slice(max(round(top), 0), max(round(top + height), 0))
    box = avatar.matte[rows, max(round(left), 0) : max(round(left + width), 0)]
    return float((box < 128).mean()) if box.size else 0.0


def _inside(soft: Floats, density: float) -> Floats:
    """1 well inside the outline, holes such as that between hair and neck left out."""
    body = (soft > 0.5).astype(np.uint8)
    whole = cv2.morphologyEx(body, cv2.MORPH_CLOSE, _disc(_GAP * density))
    deep = cv2.erode(whole, _disc(_DEEP * density)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(deep, (0, 0), 1.5 * density), np.float32)


def _disc(radius: float) -> Bytes:
    side = 2 * round(radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
