"""Whether letters can be read before what is behind them, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420
from visavis.server.studio.layers.framing import Box
from visavis.server.studio.layers.sheets import Rgb, Sheet, coloured

Floats = npt.NDArray[np.float32]

ENOUGH: Final = 4.5  # WCAG 2.2, 1.4.3, as to 1
_TRIED: Final = (0.0, 0.3, 0.45, 0.6, 0.72, 0.8)  # opacity of a veil
_VEIL: Final[Rgb] = (12, 9, 7)


@dataclass(frozen=True, slots=True)
class Reading:
    """colour: of letters. veil: opacity of the dark that is laid behind them, 0: none is needed."""

    colour: Rgb
    veil: float


def reading(behind: I420, room: Box, light: Rgb, dark: Rgb) -> Reading:
    """How letters are read in a part of a picture, (height * 3 // 2, width)."""
    rgb = cv2.cvtColor(behind, cv2.COLOR_YUV2RGB_I420)
    part = rgb[max(room.top, 0) : room.bottom : 2, max(room.left, 0) : room.right : 2]
    if not part.size:
        return Reading(light, _TRIED[-1])
    shades = np.asarray(part.reshape(-1, 3), np.float32)
    if _ratio(_luminance(np.array(dark, np.float32)), _dimmest(shades)) >= ENOUGH:
        return Reading(dark, 0.0)
    for veil in _TRIED:
        veiled = shades * (1 - veil) + np.array(_VEIL, np.float32) * veil
        brightest = float(np.percentile(_luminances(veiled), 97))
        if _ratio(_luminance(np.array(light, np.float32)), brightest) >= ENOUGH:
            return Reading(light, veil)
    return Reading(light, _TRIED[-1])


def unknown(light: Rgb) -> Reading:
    """Before what changes, or what nobody knows."""
    return Reading(light, 0.55)


def veil(size: tuple[int, int], opacity: float, edge: str) -> Sheet:
    """A dark that goes out from the left, right or top edge."""
    width, height = size
    reach, full = (0.46, 0.26) if edge == "top" else (0.66, 0.42)
    far = np.linspace(0, 1, height if edge == "top" else width, dtype=np.float32)
    if edge == "right":
        far = far[::-1]
    share = np.clip((reach - far) / (reach - full), 0, 1)
    hides = np.round(share * share * (3 - 2 * share) * opacity * 255).astype(np.uint8)
    seen = max(-(-int(np.count_nonzero(hides)) // 2) * 2, 2)
    if edge == "top":
        whole = np.broadcast_to(hides[:seen, None], (seen, width))
        return coloured(_VEIL, np.ascontiguousarray(whole), 0, 0)
    first = 0 if edge == "left" else width - seen
    whole = np.broadcast_to(hides[first : first + seen], (height, seen))
    return coloured(_VEIL, np.ascontiguousarray(whole), first, 0)


def _dimmest(shades: Floats) -> float:
    return float(np.percentile(_luminances(shades), 3))


def _luminances(rgb: Floats) -> Floats:
    """Relative luminance, WCAG 2.2. rgb: (n, 3), 0 to 255."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def _luminance(rgb: Floats) -> float:
    return float(_luminances(rgb[None])[0])


def _ratio(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return (high + 0.05) / (low + 0.05)
