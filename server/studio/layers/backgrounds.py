"""What is behind the person in a whole film's picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420
from visavis.models.avatar import backdrop
from visavis.models.avatar.file import Avatar
from visavis.models.warp import plates
from visavis.server.studio.document.project import Background
from visavis.server.studio.layers.framing import Box
from visavis.server.system.errors import Unprocessable

Bytes = npt.NDArray[np.uint8]


def still(
    background: Background, folder: Path, size: tuple[int, int], avatar: Avatar, box: Box
) -> I420:
    """(height * 3 // 2, width). box: where the person's picture is. Raises Unprocessable."""
    width, height = size
    if background.kind == "colour":
        found = backdrop.colour(background.value)
        if found is None:
            raise Unprocessable(
                f"background {background.value!r} is no colour: write it as #rrggbb", "bad-script"
            )
        return plates.i420(np.full((height, width, 3), found.colour, np.uint8))
    return plates.i420(_own(avatar, size, box))


def _own(avatar: Avatar, size: tuple[int, int], box: Box) -> Bytes:
    """The photo's background, as large as it must be to fill the picture.

    Larger than the person that it was photographed with: nobody sees that, while whatever is
    invented beyond a photo's edges is seen.
    """
    width, height = size
    cut = round(avatar.margin * avatar.density)
    plate = avatar.plate[cut:-cut, cut:-cut]
    middle = box.left + box.width / 2
    side = _even(max(height, 2 * max(middle, width - middle)))
    plate = np.asarray(cv2.resize(plate, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    left, top = round(side / 2 - middle), (side - height) // 4
    return np.ascontiguousarray(plate[top : top + height, left : left + width])


def _even(number: float) -> int:
    return 2 * round(number / 2)
