"""A mark put into pictures: a finish. The picture alone decides how strong, so stills stay."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from visavis.engines.base import I420
from visavis.engines.marking import pattern
from visavis.engines.marking.payload import Payload, encode
from visavis.models.compiling import compiled
from visavis.models.pictures.canvas import Canvas

# Where it is busy twice as much is not seen: mean of the second differences of luma, across and
# down, from which a cell's two signs are 2 codes of luma apart instead of 1. More where it is
# busier still (4 from 10 on) costs 3 % of the bits and is found no better. A later start at 3.0 is
# found too rarely in a screencast of the page.
_BUSY: Final = 1.6
_BRIGHT: Final = 64  # of luma above black: what is darker counts as less busy, by as much
_OPAQUE: Final = 200  # of 16 to 235: of a person cut out what is not so opaque has no mark
_FLAT: Final = 3  # a step of 1 with a dithered rim
_NO_MATTE: Final = np.zeros((1, 1), np.uint8)

Array = Any  # numba compiles for the arrays it is given
Real = Any


class Mark:
    """engines.base.Finish: the same pattern in every picture, 0 to 1 of 255 where it is flat."""

    def __init__(self, payload: Payload, canvas: Canvas) -> None:
        self._canvas, self._cell = canvas, pattern.cell(canvas.width, canvas.height)
        rows, columns = -(-canvas.height // self._cell), -(-canvas.width // self._cell)
        tile = pattern.tile(encode(payload))
        repeats = -(-rows // pattern.TILE), -(-columns // pattern.TILE)
        self._signs = np.ascontiguousarray(np.tile(tile, repeats)[:rows, :columns])

    def finish(self, image: I420, at: int) -> None:
        """See Finish: into its luma, in place."""
        luma = self._canvas.planes(image)[0]
        matte = self._canvas.matte(image)
        _put(luma, _NO_MATTE if matte is None else matte, self._signs, self._cell)


@compiled
def _put(luma: Array, matte: Array, signs: Array, cell: int) -> None:
    """luma (H, W) uint8; matte the same or (1, 1): none; signs (rows, columns) int8; cell: px."""
    height, width = luma.shape
    cut_out = matte.shape[0] == height
    busy, light = np.empty(width, np.int32), np.empty(width, np.int32)
    lift = np.empty((4, width), np.int16)  # for even and odd rows, at a cell's rim and inside
    for row in range(signs.shape[0]):
        top, bottom = row * cell, min((row + 1) * cell, height)
        count = _look(luma, top, bottom, busy, light)
        for column in range(signs.shape[1]):
            left, right = column * cell, min((column + 1) * cell, width)
            step = _step(busy, light, left, right, count, signs[row, column])
            if cut_out and not _is_opaque(matte, top, bottom, left, right):
                step = 0
            _plan(lift, left, right, step)
        for y in range(top, bottom):
            rim = y in (top, bottom - 1)
            line, lifted = luma[y], lift[(0 if rim else 2) + y % 2]
            for x in range(width):
                line[x] = min(max(np.int16(line[x]) + lifted[x], np.int16(0)), np.int16(255))


@compiled
def _plan(lift: Array, left: int, right: int, step: int) -> None:
    """Where it is flat every fourth px of a cell's rim stays, so that its edges are less seen."""
    for x in range(left, right):
        if step != _FLAT:
            lift[:, x] = step
            continue
        rim = x in (left, right - 1)
        for odd in range(2):
            dithered = 0 if (x + 2 * odd) % 4 == 0 else 1
            lift[odd, x] = dithered
            lift[2 + odd, x] = dithered if rim else 1


# By whole rows, for then these loops are a few instructions for 16 px each: four times as quick.
@compiled
def _look(luma: Array, top: int, bottom: int, busy: Array, light: Array) -> int:
    """Of each column (W,) the second differences and the luma, of every second row of a cell.

    How many rows that were. None next to other cells, of which the upper ones are marked.
    """
    busy[:], light[:], count = 0, 0, 0
    last = luma.shape[1] - 1
    for y in range(top + 1, bottom - 1, 2):
        above, line, below = luma[y - 1], luma[y], luma[y + 1]
        for x in range(1, last):
            twice = np.int32(line[x]) * 2
            across = abs(twice - np.int32(line[x - 1]) - np.int32(line[x + 1]))
            down = abs(twice - np.int32(above[x]) - np.int32(below[x]))
            busy[x] += across + down
            light[x] += np.int32(line[x])
        count += 1
    return count


@compiled
def _step(busy: Array, light: Array, left: int, right: int, rows: int, sign: int) -> int:
    """How much lighter a cell is to be: as far from the other sign as it is busy."""
    first, last = max(left, 1), min(right, len(busy) - 1)
    seen, bright = np.int32(0), np.int32(0)
    for x in range(first, last):
        seen += busy[x]
        bright += light[x]
    count = max((last - first) * rows, 1)
    lit: Real = (np.float32(bright) / count - 16) / _BRIGHT
    share = seen * min(max(lit, 0.1), 1.0) / count
    if share > _BUSY:
        return sign
    return _FLAT if sign > 0 else 0


@compiled
def _is_opaque(matte: Array, top: int, bottom: int, left: int, right: int) -> bool:
    for y in range(top, bottom):
        for x in range(left, right):
            if matte[y, x] < _OPAQUE:
                return False
    return True
