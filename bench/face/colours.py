"""How different two colours look: CIEDE2000."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_FAR = 25.0**7


def lab(rgb: npt.NDArray[np.uint8]) -> Floats:
    """(..., 3) sRGB -> CIELAB of D65."""
    flat = rgb.reshape(1, -1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB), np.float64).reshape(rgb.shape)


def difference(one: Floats, other: Floats) -> Floats:
    """(..., 3) CIELAB each -> (...) CIEDE2000, all weights 1.

    Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", 2005.
    """
    mean = (np.hypot(*_ab(one)) + np.hypot(*_ab(other))) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + _FAR))
    (chroma, hue), (chroma2, hue2) = (_polar(v, stretch) for v in (one, other))
    grey = chroma * chroma2 == 0
    turn = np.where(grey, 0.0, (hue2 - hue + 180) % 360 - 180)
    light = (one[..., 0] + other[..., 0]) / 2
    full = (chroma + chroma2) / 2
    middle = np.where(grey, hue + hue2, (hue + turn / 2) % 360)
    weight = (
        1
        - 0.17 * _cos(middle - 30)
        + 0.24 * _cos(2 * middle)
        + 0.32 * _cos(3 * middle + 6)
        - 0.20 * _cos(4 * middle - 63)
    )
    off = (light - 50) ** 2
    by_light = (other[..., 0] - one[..., 0]) / (1 + 0.015 * off / np.sqrt(20 + off))
    by_chroma = (chroma2 - chroma) / (1 + 0.045 * full)
    by_hue = 2 * np.sqrt(chroma * chroma2) * np.sin(np.radians(turn / 2))
    by_hue = by_hue / (1 + 0.015 * full * weight)
    bend = 30 * np.exp(-(((middle - 275) / 25) ** 2))
    blue = -2 * np.sqrt(full**7 / (full**7 + _FAR)) * np.sin(np.radians(2 * bend))
    total = by_light**2 + by_chroma**2 + by_hue**2 + blue * by_chroma * by_hue
    return np.asarray(np.sqrt(np.maximum(total, 0)))


def _ab(colour: Floats) -> tuple[Floats, Floats]:
    return colour[..., 1], colour[..., 2]


def _polar(colour: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    """Chroma and hue in degrees."""
    a, b = colour[..., 1] * stretch, colour[..., 2]
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _cos(degrees: Floats) -> Floats:
    return np.asarray(np.cos(np.radians(degrees)))
