"""How brightly, in what colour and from where a face is lit: what is drawn into it is lit alike.

The whites of the eyes are the only part of a face whose own colour is known; skin tells how far to
believe them, for no skin is blue or green by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.models.avatar.rig import Floats
from visavis.models.bake import landmarks as lm
from visavis.models.bake import layers
from visavis.models.bake.photo import MARGIN, Framed

DAYLIGHT: Final = 165.0  # luma of a cheek in a well lit portrait
WHITES: Final = 184.0  # and of the whites of the eyes, where they are brightest
GAMMA: Final = 2.2
SCLERA: Final = (1.10, 1.0, 0.93)  # red and blue of whites in white light, against green, linear:
# they are seen with veins, lids and lashes around
# Red and blue against green (linear) that skin has in white light, from dark to pale.
SKIN_RED: Final = (1.35, 2.7)
SKIN_BLUE: Final = (0.30, 0.78)
BELIEVED: Final = 0.75  # of what the whites say
COLOURED: Final = (0.55, 1.6)  # least and most of a light's red and blue, against its green
FEW: Final = 20  # px of whites that say nothing
FLAT: Final = 1.2  # most that a surface's light changes with its direction

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Illumination:
    """level: 1 for a well lit portrait; colour (3,): RGB factors of one mean brightness, on
    gamma-coded values; tilt (3,): how much brighter a surface gets as its normal goes to the
    right, up, and to the front.
    """

    level: float
    colour: Floats
    tilt: Floats

    def on(self, colours: Floats) -> Floats:
        """(..., 3) RGB, 0 to 255, of things in white light, in this one."""
        return np.asarray(np.clip(colours * (self.level * self.colour), 0, 255), np.float32)


def of(framed: Framed, direction: Floats) -> Illumination:
    """direction (3,): change of luma with the normal, x right, y down, see rig.Light."""
    photo = framed.small()
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    cheeks = _cheeks(framed, photo)
    luma = float(np.median(cheeks @ np.array([0.299, 0.587, 0.114])))
    whites = _whites(framed, grey)
    seen = photo[whites].astype(np.float32)
    bright = float(np.percentile(grey[whites], 90)) if len(seen) > FEW else 0.0
    level = float(np.clip(max(luma / DAYLIGHT, bright / WHITES), 0.3, 1.0))
    tilt = np.array([direction[0], -direction[1], direction[2]], np.float32) / max(luma, 40.0)
    return Illumination(level, _colour(seen, cheeks), np.clip(tilt, -FLAT, FLAT))


def _cheeks(framed: Framed, photo: Bytes) -> Floats:
    """(n, 3) colours there."""
    soft = layers.soften(photo.astype(np.float32), 3.0)
    at = np.round(framed.face.points[list(lm.CHEEKS), :2]).astype(int) + MARGIN
    side = photo.shape[0] - 1
    x, y = at.clip(0, side).T
    return np.asarray(soft[y, x], np.float32)


def _whites(framed: Framed, grey: Bytes) -> npt.NDArray[np.bool_]:
    """(h, w): what may be the whites of the eyes."""
    mask = np.zeros_like(grey)
    for eye in (framed.face.eye_right, framed.face.eye_left):
        opening = np.concatenate([eye.upper, eye.lower[::-1]]) + MARGIN
        cv2.fillPoly(mask, [np.round(opening).astype(np.int32)], 1)
        x, y = np.round(eye.centre + MARGIN).astype(int)
        cv2.circle(mask, (int(x), int(y)), int(np.ceil(eye.radius * 1.1)), 0, -1)
    return np.asarray(mask > 0)


def _against_green(colours: Floats) -> Floats:
    """(n, 3) -> linear red and blue (2,) against green, medians."""
    linear = (np.clip(colours, 1, 255) / 255) ** GAMMA
    ratio = linear[:, ::2] / linear[:, 1:2]
    return np.asarray(np.median(ratio, 0), np.float32)


def _colour(whites: Floats, cheeks: Floats) -> Floats:
    """(3,) factors on gamma-coded values."""
    told = np.ones(2, np.float32)
    if len(whites) > FEW:
        clean = _cleanest(whites)
        ratio = _against_green(clean) / np.array([SCLERA[0], SCLERA[2]], np.float32)
        told = np.asarray(ratio**BELIEVED, np.float32)
    red, blue = _against_green(cheeks)
    told = np.clip(
        told,
        [red / SKIN_RED[1], blue / SKIN_BLUE[1]],
        [red / SKIN_RED[0], blue / SKIN_BLUE[0]],
    )
    red, blue = np.clip(told, *COLOURED) ** (1 / GAMMA)
    colour = np.array([red, 1.0, blue], np.float32)
    return np.asarray(colour / (colour @ np.array([0.299, 0.587, 0.114], np.float32)), np.float32)


def _cleanest(whites: Floats) -> Floats:
    """The brighter and less red half: without lids, lashes and veins."""
    luma = whites @ np.array([0.299, 0.587, 0.114], np.float32)
    bright = whites[luma >= np.percentile(luma, 50)]
    redness = bright[:, 0] / np.maximum(bright[:, 1], 1)
    return np.asarray(bright[redness <= np.percentile(redness, 60)], np.float32)
