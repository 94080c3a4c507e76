"""A person cut out: colour and matte in one picture, which any encoder and any network carries.

A double picture is I420 of twice the height. Its upper half is the person before black, so colour
that is multiplied by opacity already; its lower half is a matte as luma, 16 for nothing and 235 for
the person alone, without colour. Each half has `rows` rows, of which those below the picture's
height are empty: an encoder's blocks, and those of the smaller sizes in which pictures are sent
(three quarters and half), never hold rows of both.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

BLACK: Final = 16  # luma of nothing
SPAN: Final = 219  # from there to luma of the person alone
BUSY: Final = 0.65  # of its px that take bits as a face's do: 1.3 times those of colour alone
_BLOCK: Final = 64  # rows: at 3/4 still whole macroblocks of 16


def rows(height: int) -> int:
    """Of each half."""
    return -(-height // _BLOCK) * _BLOCK


def shape(width: int, height: int) -> tuple[int, int]:
    """Of a double picture of width x height px."""
    return 3 * rows(height), width


def empty(width: int, height: int) -> Bytes:
    """Nobody."""
    double, luma = np.full(shape(width, height), 128, np.uint8), 2 * rows(height)
    double[:luma] = BLACK
    return double


def planes(double: Bytes, height: int) -> tuple[Bytes, Bytes, Bytes]:
    """Views of its colour, to be drawn on: luma, blue and red as in an I420 picture."""
    half, width = rows(height), double.shape[1]
    flat = double.reshape(-1)
    blue, red = (
        flat[start : start + half * width // 2].reshape(half, width // 2)[: height // 2]
        for start in (2 * half * width, 5 * half * width // 2)
    )
    return double[:height], blue, red


def matte(double: Bytes, height: int) -> Bytes:
    """A view of its matte (height, width) uint8 as luma."""
    half = rows(height)
    return double[half : half + height]


def opaque(double: Bytes, height: int) -> Bytes:
    """The person before black, (height * 3 // 2, width)."""
    flat = np.concatenate([plane.reshape(-1) for plane in planes(double, height)])
    return flat.reshape(height * 3 // 2, double.shape[1])


def paint(double: Bytes, before_black: Bytes) -> None:
    """Put another person before black, (height * 3 // 2, width), into it."""
    height, width = before_black.shape[0] * 2 // 3, before_black.shape[1]
    flat, first = before_black.reshape(-1), width * height
    luma, blue, red = planes(double, height)
    luma[:] = before_black[:height]
    blue[:] = flat[first : first * 5 // 4].reshape(blue.shape)
    red[:] = flat[first * 5 // 4 :].reshape(red.shape)


def joined(before_black: Bytes, before_white: Bytes) -> Bytes:
    """A double picture of two (height * 3 // 2, width) that differ by what is behind alone."""
    height, width = before_black.shape[0] * 2 // 3, before_black.shape[1]
    double = empty(width, height)
    paint(double, before_black)
    shone = np.clip(before_white[:height].astype(np.int16) - before_black[:height], 0, SPAN)
    matte(double, height)[:] = BLACK + SPAN - shone
    return double
