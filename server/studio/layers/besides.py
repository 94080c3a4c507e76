"""A picture beside the person: whole, in its place, with round corners and a soft shadow."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from visavis.server.studio.layers import files
from visavis.server.studio.layers.framing import Box
from visavis.server.studio.layers.sheets import Drawing, Sheet, coloured, rounded

_ROUND: Final = 0.014  # of the film's shorter side, its corners' radius
_SHADOW: Final = 0.02, 0.4, 0.008  # of it: how soft; how dark; how far below


def beside(rgba: npt.NDArray[np.uint8], room: Box, short: int) -> Sheet:
    """As large as it can be in the middle of `room`.

    A picture that is transparent somewhere, such as a logo, has no corners and no shadow.
    """
    tall, wide = rgba.shape[:2]
    scale = min(room.width / wide, room.height / tall)
    columns, rows = (max(2 * round(side * scale / 2), 2) for side in (wide, tall))
    image = files.scaled(rgba, columns, rows)
    soft = round(_SHADOW[0] * short)
    rim = 4 * soft // 2 * 2
    drawing = Drawing(rows + 2 * rim, columns + 2 * rim)
    coverage = np.asarray(image[..., 3].astype(np.float32) / np.float32(255), np.float32)
    if image[..., 3].min() == 255:
        coverage = rounded(rows, columns, _ROUND * short)
        around = cv2.GaussianBlur(np.pad(coverage, rim), (0, 0), soft) * _SHADOW[1]
        drawing.fill(np.asarray(around, np.float32), (0, 0, 0), round(_SHADOW[2] * short), 0)
    drawing.picture(image[..., :3], coverage, rim, rim)
    left = room.left + (room.width - columns) // 2
    top = room.top + (room.height - rows) // 2
    return drawing.sheet(left - rim, top - rim)


def panel(room: Box) -> Sheet:
    """What a picture stands on where the person is cut at its side."""
    hides = np.full((room.height, room.width), 255, np.uint8)
    return coloured((22, 17, 14), hides, room.left, room.top)
