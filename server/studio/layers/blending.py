"""Planes mixed on one CPU core: a person before a background, and what is laid over both.

All planes are uint8 as in an I420 picture: luma from 16 to 235, colour around 128. A person's
picture is a double one (`models.pictures.double`): colour that is multiplied by opacity already,
and a matte as luma.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visavis.models.compiling import compiled

Bytes = npt.NDArray[np.uint8]

# (value * share * 299 + 32768) >> 16 is value * share / 219 for shares of 219, rounded
_UNIT = np.int32(299)
_HALF = np.int32(32768)


@compiled
def stand(before: Bytes, person: Bytes, matte: Bytes, zero: int) -> None:
    """Put a person before a plane, in place; all (rows, columns), the matte as luma.

    zero: what nothing is in these planes, 16 of luma and 128 of colour.
    """
    rows, columns = before.shape
    for y in range(rows):
        for x in range(columns):
            behind = np.int32(235) - np.int32(matte[y, x])
            seen = (np.int32(before[y, x]) - zero) * behind * _UNIT + _HALF
            before[y, x] = np.uint8(np.int32(person[y, x]) + (seen >> 16))


@compiled
def stand_colour(before: Bytes, person: Bytes, matte: Bytes) -> None:
    """The same of a plane of colour, at half the matte's (2 * rows, 2 * columns)."""
    rows, columns = before.shape
    for y in range(rows):
        for x in range(columns):
            four = np.int32(matte[2 * y, 2 * x]) + np.int32(matte[2 * y, 2 * x + 1])
            four += np.int32(matte[2 * y + 1, 2 * x]) + np.int32(matte[2 * y + 1, 2 * x + 1])
            behind = np.int32(235) - ((four + 2) >> 2)
            seen = (np.int32(before[y, x]) - 128) * behind * _UNIT + _HALF
            before[y, x] = np.uint8(np.int32(person[y, x]) + (seen >> 16))


@compiled
def thin(plane: Bytes, share: npt.NDArray[np.int32], zero: int) -> None:
    """Make a person's plane, or their matte, less opaque, in place; share: of each column, / 256.

    zero: what nothing is in it.
    """
    rows, columns = plane.shape
    for y in range(rows):
        for x in range(columns):
            plane[y, x] = np.uint8(zero + (((np.int32(plane[y, x]) - zero) * share[x] + 128) >> 8))


@compiled
def lay(under: Bytes, colour: Bytes, hides: Bytes, share: int) -> None:
    """Lay `colour` over a plane, in place, where it hides what is under it, all (rows, columns).

    hides: from 0 to 255. share: of it all, from 0 to 256.
    """
    rows, columns = under.shape
    for y in range(rows):
        for x in range(columns):
            much = np.int32(hides[y, x]) * share  # up to 65280
            old = np.int32(under[y, x])
            under[y, x] = np.uint8(old + (((np.int32(colour[y, x]) - old) * much + 32640) // 65280))


@compiled
def cover(matte: Bytes, hides: Bytes, share: int) -> None:
    """What `lay` lays over a person, put into their matte, in place."""
    rows, columns = matte.shape
    for y in range(rows):
        for x in range(columns):
            much = np.int32(hides[y, x]) * share
            old = np.int32(matte[y, x])
            matte[y, x] = np.uint8(old + (((235 - old) * much + 32640) // 65280))


@compiled
def undo(luma: Bytes, matte: Bytes, opacity: Bytes) -> None:
    """Luma as it is where a person is opaque, in place, and their opacity from 0 to 255."""
    rows, columns = luma.shape
    for y in range(rows):
        for x in range(columns):
            much = np.int32(matte[y, x]) - 16
            opacity[y, x] = np.uint8((much * 255 + 109) // 219)
            if 0 < much < 219:
                whole = 16 + ((np.int32(luma[y, x]) - 16) * 219 + much // 2) // much
                luma[y, x] = np.uint8(min(max(np.int32(whole), np.int32(16)), np.int32(235)))


@compiled
def undo_colour(plane: Bytes, matte: Bytes) -> None:
    """The same of a plane of colour, at half the matte's (2 * rows, 2 * columns)."""
    rows, columns = plane.shape
    for y in range(rows):
        for x in range(columns):
            four = np.int32(matte[2 * y, 2 * x]) + np.int32(matte[2 * y, 2 * x + 1])
            four += np.int32(matte[2 * y + 1, 2 * x]) + np.int32(matte[2 * y + 1, 2 * x + 1])
            much = four - 64
            if 0 < much < 876:
                whole = 128 + ((np.int32(plane[y, x]) - 128) * 876) // much
                plane[y, x] = np.uint8(min(max(np.int32(whole), np.int32(16)), np.int32(240)))
