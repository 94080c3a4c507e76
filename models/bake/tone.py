"""Which colours a photo has at all: what is drawn into a grey or toned print has its tones.

In colour photos skin, lips, eyes and clothes of one brightness differ in hue; in a grey print they
do not, and in a toned one (sepia, cyanotype) hue goes with brightness alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from visavis.models.avatar.rig import Floats
from visavis.models.bake import landmarks as lm
from visavis.models.bake import layers
from visavis.models.bake.photo import MARGIN, Rgb

_LEVELS: Final = 32  # of brightness
_FEW: Final = 20  # px of a level that say nothing of it
_SOFT: Final = 3.0  # px: JPEGs store hue in blocks
# A face's mean distance in Cr and Cb from what brightness alone tells, as a part of its mean
# distance from grey: toned prints (JPEG, quality 80) 0.013 to 0.030, eight colour portraits 0.09 to
# 0.18, and the same however pale they are.
_TONED, _COLOURED = 0.045, 0.075
_FULL: Final = 2.9  # the same distance by itself: least of those portraits; pale photos have less
_GREY: Final = 128.0


@dataclass(frozen=True, slots=True)
class Tone:
    """coloured: 1 for a colour photo, 0 for a print in one tone. full: share of a drawn colour's
    distance from grey that a colour photo keeps. chroma: (_LEVELS, 2) Cr and Cb that the photo has
    at each brightness.
    """

    coloured: float
    full: float
    chroma: Floats

    def of(self, colours: Floats) -> Floats:
        """(..., 3) RGB, 0 to 255, in the photo's tones."""
        if self.coloured >= 1 and self.full >= 1:
            return colours
        flat = np.asarray(colours, np.float32).reshape(1, -1, 3) / 255
        brightness, red, blue = np.moveaxis(cv2.cvtColor(flat, cv2.COLOR_RGB2YCrCb) * 255, -1, 0)
        levels = np.linspace(0, 255, _LEVELS)
        own = _GREY + (np.stack([red, blue], -1) - _GREY) * self.full
        printed = np.stack([np.interp(brightness, levels, c) for c in self.chroma.T], -1)
        mixed = printed + (own - printed) * self.coloured
        toned = np.dstack([brightness, mixed]).astype(np.float32) / 255
        rgb = cv2.cvtColor(toned, cv2.COLOR_YCrCb2RGB) * 255
        return np.asarray(np.clip(rgb, 0, 255).reshape(colours.shape), np.float32)


def of(photo: Rgb, face: lm.Face) -> Tone:
    """photo: (h, w, 3) at one px per px of the frame, with its margin."""
    around = np.round(face.points[:, :2]).astype(int) + MARGIN
    (left, top), (right, bottom) = around.min(0).clip(0), around.max(0)
    seen = cv2.cvtColor(photo[top:bottom, left:right], cv2.COLOR_RGB2YCrCb).astype(np.float32)
    pixels = layers.soften(seen, _SOFT).reshape(-1, 3)
    brightness, chroma = pixels[:, 0], pixels[:, 1:]
    known = _by_brightness(brightness, chroma)
    levels = np.linspace(0, 255, _LEVELS)
    told = np.stack([np.interp(brightness, levels, c) for c in known.T], -1)
    apart = float(np.abs(chroma - told).sum(-1).mean())
    hue = float(np.abs(chroma - _GREY).sum(-1).mean())
    part = apart / max(hue, 1.0)
    coloured = float(np.clip((part - _TONED) / (_COLOURED - _TONED), 0, 1))
    return Tone(coloured, min(apart / _FULL, 1.0), known)


def _by_brightness(brightness: Floats, chroma: Floats) -> Floats:
    """(_LEVELS, 2) median Cr and Cb at each; black and white have none of their own."""
    level = np.round(brightness / 255 * (_LEVELS - 1)).astype(int)
    at, values = [], []
    for each in range(_LEVELS):
        here = chroma[level == each]
        if len(here) >= _FEW:
            at.append(each)
            values.append(np.median(here, 0))
    for end in (0, _LEVELS - 1):
        if end not in at:
            at.append(end)
            values.append(np.full(2, _GREY))
    order = np.argsort(at)
    known = np.array(values, np.float32)[order]
    every = np.arange(_LEVELS)
    return np.stack([np.interp(every, np.array(at)[order], c) for c in known.T], -1).astype(
        np.float32
    )
