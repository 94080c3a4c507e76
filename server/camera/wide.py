"""A face in the wide picture that meetings have: its sides go on out of focus.

A square camera is cropped by one program, to the middle of the face, and stands between black bars
in another. Drawn wide, a face that fills a square would be cut, and cost four times as much.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PIL import Image, ImageFilter

from visavis.engines.base import I420

_RATIO: Final = 16 / 9
_STEP: Final = 16  # px that the width is a multiple of: so are those of cameras
_SOFT: Final = 0.12  # of the face's picture on either side, over which it goes over
_BLUR: Final = 1 / 24  # of the height
_DIMMED: Final = 0.88
_NARROWED: Final = 0.4  # px of the picture for each beside it: so few have no hair in them
_FALL: Final = 0.63  # px down for each px outwards, at the chest
_CHEST: Final = 0.4  # of the height: where that begins; it takes as much again to be all of it

Plane = np.ndarray[Any, np.dtype[np.uint8]]


def wide(width: int, height: int) -> tuple[int, int]:
    """The size of a face's picture with its sides; the same where it is wide already."""
    most = round(height * _RATIO / _STEP) * _STEP
    return max(width, most), height


class Wide:
    """Frames the pictures of one face. The sides are those of the first one, and stay."""

    def __init__(self) -> None:
        self._sides: I420 | None = None

    def framed(self, picture: I420) -> I420:
        """(height * 3 // 2, width) -> the same height, and `wide`."""
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        whole, _ = wide(width, height)
        if whole == width:
            return picture
        if self._sides is None or self._sides.shape != (picture.shape[0], whole):
            self._sides = _sides(picture, whole)
        out = self._sides.copy()
        for into, plane in zip(_planes(out), _planes(picture), strict=True):
            _put(into, plane)
        return out


def _planes(picture: I420) -> tuple[Plane, Plane, Plane]:
    """Views of Y, U and V."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    u, v = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], u, v


def _sides(picture: I420, whole: int) -> I420:
    """(height * 3 // 2, whole): the picture, and what may lie beside it, out of focus."""
    out = np.empty((picture.shape[0], whole), np.uint8)
    for (into, plane), black in zip(
        zip(_planes(out), _planes(picture), strict=True), (16, 128, 128), strict=True
    ):
        image = Image.fromarray(_continued(plane, into.shape[1]))
        blurred = image.filter(ImageFilter.GaussianBlur(into.shape[0] * _BLUR))
        into[:] = np.rint(black + (np.asarray(blurred, float) - black) * _DIMMED)
    return out


def _continued(plane: Plane, whole: int) -> Plane:
    """(height, width) -> (height, whole): beyond its edges the picture is mirrored and stretched.

    Low down it falls outwards, too, so that shoulders go on as shoulders do, where a larger
    picture behind this one would cut them off.
    """
    height, width = plane.shape
    x = np.arange(whole) - (whole - width) // 2
    beyond = np.maximum(np.maximum(-x, x - (width - 1)), 0)  # px
    inwards = np.where(x < 0, _NARROWED * beyond, -_NARROWED * beyond)
    column = np.clip(np.rint(np.clip(x, 0, width - 1) + inwards), 0, width - 1).astype(int)
    row = np.arange(height)[:, None]
    low = np.clip((row / height - _CHEST) / _CHEST, 0.0, 1.0)
    fallen = np.clip(row - _FALL * beyond * low, 0, height - 1)
    made: Plane = plane[np.rint(fallen).astype(int), column]
    return made


def _put(into: Plane, plane: Plane) -> None:
    """In its middle, with soft sides."""
    width = plane.shape[1]
    left, soft = (into.shape[1] - width) // 2, round(width * _SOFT)
    ramp = np.sin(np.linspace(0.0, np.pi / 2, soft)) ** 2
    for at, weights in ((0, ramp), (width - soft, ramp[::-1])):
        place = into[:, left + at : left + at + soft]
        place[:] = np.rint(place + (plane[:, at : at + soft].astype(float) - place) * weights)
    into[:, left + soft : left + width - soft] = plane[:, soft : width - soft]
