"""What is behind the person in a whole film's picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from visavis.engines.base import I420
from visavis.models.avatar import backdrop
from visavis.models.avatar.file import Avatar
from visavis.models.pictures import double
from visavis.models.warp import plates
from visavis.server.studio.document.project import Background
from visavis.server.studio.layers import files
from visavis.server.studio.layers.framing import Box
from visavis.server.studio.layers.moving import Moving
from visavis.server.system.errors import Unprocessable

Bytes = npt.NDArray[np.uint8]

_WHITE: Final = np.array([255, 255, 255], np.float32)


class Behind(Protocol):
    """A background. length: s after which it is the same again; 0: it is always the same."""

    @property
    def length(self) -> float: ...

    def picture(self, at: float) -> I420:
        """(height * 3 // 2, width), not to be drawn on. Raises Unprocessable."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Still:
    """The same picture all the time."""

    length = 0.0

    def __init__(self, image: I420) -> None:
        self.image = image

    def picture(self, at: float) -> I420:
        """See Behind."""
        return self.image

    def close(self) -> None:
        """Nothing to do."""


def made(
    background: Background, folder: Path, size: tuple[int, int], avatar: Avatar, person: Box
) -> Behind:
    """person: where their picture is. Raises Unprocessable."""
    width, height = size
    if background.kind == "transparent":
        return Still(double.empty(width, height))
    if background.kind == "video":
        return Moving(files.found(folder, background.value), background.value, size)
    if background.kind == "colour":
        return Still(plates.i420(np.full((height, width, 3), _colour(background), np.uint8)))
    if background.kind == "picture":
        return Still(plates.i420(_covering(files.picture(folder, background.value), size)))
    own = _own(avatar, size, person)
    if background.kind == "blur":
        own = np.asarray(cv2.GaussianBlur(own, (0, 0), plates.BLURRED * max(size)), np.uint8)
    return Still(plates.i420(own))


def _colour(background: Background) -> tuple[int, int, int]:
    found = backdrop.colour(background.value)
    if found is None:
        raise Unprocessable(
            f"The background {background.value[:60]!r} is no colour: write it as #rrggbb.",
            files.CODE,
        )
    return found.colour


def _covering(rgba: Bytes, size: tuple[int, int]) -> Bytes:
    """(height, width, 3), as much cut off on both sides; what is transparent is white."""
    width, height = size
    tall, wide = rgba.shape[:2]
    scale = max(width / wide, height / tall)
    across, down = max(round(wide * scale), width), max(round(tall * scale), height)
    whole = files.scaled(rgba, across, down)
    left, top = (across - width) // 2, (down - height) // 2
    cut = whole[top : top + height, left : left + width].astype(np.float32)
    opacity = cut[..., 3:] / 255
    return np.asarray(np.round(cut[..., :3] * opacity + _WHITE * (1 - opacity)), np.uint8)


def _own(avatar: Avatar, size: tuple[int, int], person: Box) -> Bytes:
    """The photo's background, as large as it must be to fill the picture.

    Larger than the person that it was photographed with: nobody sees that, while whatever is
    invented beyond a photo's edges is seen.
    """
    width, height = size
    cut = round(avatar.margin * avatar.density)
    plate = avatar.plate[cut:-cut, cut:-cut]
    middle = min(max(person.left + person.width / 2, 0.0), float(width))
    side = round(max(height, 2 * max(middle, width - middle)))
    plate = np.asarray(cv2.resize(plate, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    left, top = max(round(side / 2 - middle), 0), (side - height) // 4
    left = min(left, side - width)
    return np.ascontiguousarray(plate[top : top + height, left : left + width])
