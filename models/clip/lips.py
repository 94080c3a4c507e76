"""Whether lips are shut in the pictures of a clip, by what is seen between them.

Landmarks hardly tell: of lips that part by 0.05 mouth widths they see 0.01. So lines across the
mouth are looked at, from the upper lip to the lower one, and compared with those that the clip
shows most of the time. On rendered people the difference went with the jaw by 0.93 to 0.98.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.bake import contour
from visavis.models.bake import landmarks as lm

Floats = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

REACH: Final = 0.16  # mouth widths above and below the line between the lips
SAMPLES: Final = 33  # along each line
LINES: Final = 17  # across the mouth, of which the outer ones are left out
INNER: Final = slice(3, 14)
ASTRAY: Final = 5  # samples that a line may lie higher or lower
CORE: Final = slice(8, 25)  # samples that are compared
SHUT: Final = 40  # percentile of all differences up to which lips are taken for shut
PARTED: Final = (2.4, 0.015)  # times the typical difference, and more: lips that are not
BASE: Final = 0.05  # mouth widths between landmarks of lips that touch, at most


def lines(picture: Rgb, points: Floats) -> Floats:
    """(SAMPLES, n): luma along lines across the mouth, over its mean. points (468, 3)."""
    p = points[:, :2]
    across = p[291] - p[61]
    wide = max(float(np.linalg.norm(across)), 1.0)
    down = np.array([-across[1], across[0]], np.float32) / wide
    middle = (p[list(lm.LIP_UPPER_INNER)] + p[list(lm.LIP_LOWER_INNER)]) / 2
    places = contour.curve(middle.astype(np.float32), LINES)[INNER]
    steps = np.linspace(-REACH, REACH, SAMPLES, dtype=np.float32) * wide
    at = places[None] + steps[:, None, None] * down
    low = np.maximum(np.floor(at.min((0, 1))).astype(int) - 4, 0)
    high = np.ceil(at.max((0, 1))).astype(int) + 5
    window = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    if not window.size:
        return np.ones(at.shape[:2], np.float32)
    grey = cv2.GaussianBlur(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), (0, 0), wide / 90)
    at = (at - low).astype(np.float32)
    seen = cv2.remap(grey, at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float32)
    return np.asarray(seen / max(float(seen.mean()), 1.0), np.float32)


def parted(seen: Floats) -> Mask:
    """(n,): whether lips are open, by their lines (n, SAMPLES, k)."""
    unlike = _unlike(seen, np.median(seen, 0))
    usual = seen[unlike <= np.percentile(unlike, SHUT)].mean(0)
    unlike = _unlike(seen, usual)
    typical = float(np.percentile(unlike, SHUT))
    return np.asarray(unlike > PARTED[0] * typical + PARTED[1], bool)


def _unlike(seen: Floats, usual: Floats) -> Floats:
    """(n,): how far lines are from the usual ones, wherever they lie best."""
    away = [
        np.sqrt(((np.roll(seen, by, 1)[:, CORE] - usual[CORE]) ** 2).mean((1, 2)))
        for by in range(-ASTRAY, ASTRAY + 1)
    ]
    return np.asarray(np.min(away, 0), np.float32)
