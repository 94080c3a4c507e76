"""A face's label, kept in what a camera makes of its picture: sides and cards would blur it."""

from __future__ import annotations

from typing import Any

import numpy as np

from visavis.engines.base import I420
from visavis.engines.settings import Labelled

Plane = np.ndarray[Any, np.dtype[np.uint8]]

_AROUND = 2  # px beside it: shares were rounded


def keep(label: Labelled | None, picture: I420, shown: I420) -> I420:
    """shown: has the picture in its middle, as high as it is; the label of `picture` is put in."""
    if label is None or shown is picture:
        return shown
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    left, top, wide, high = label.box
    rows = _even(top * height), _even((top + high) * height)
    columns = _even(left * width), _even((left + wide) * width)
    beside = (shown.shape[1] - width) // 2
    for into, plane in zip(_planes(shown), _planes(picture), strict=True):
        part = height // plane.shape[0]
        down = slice(max(0, rows[0]) // part, rows[1] // part)
        start, end = max(0, columns[0]) // part, columns[1] // part
        there = plane[down, start:end]
        across = beside // part + start
        into[down, across : across + there.shape[1]] = there
    return shown


def _even(px: float) -> int:
    return 2 * round(px / 2)


def _planes(picture: I420) -> tuple[Plane, Plane, Plane]:
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    blue, red = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], blue, red
