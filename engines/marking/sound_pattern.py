"""Which band of a sound is raised at which time: the pattern that a mark in sound is made of.

Time goes in columns of 20 ms, 64 of them in a period, and a column has a cell in each of 20 bands.
A cell is raised in its first 10 ms and lowered in the other 10, or the other way round: its sign.
In each of five groups of four bands a period has 256 cells; 224 carry the signs of the payload's
code, once each, so that every group alone carries all of it, and 32 are always the same, by which
the beginning of a period is found. All are multiplied by signs that look like noise.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.marking.payload import CODED

Signs = npt.NDArray[np.int8]

SLOT: Final = 0.010  # s: half a column
COLUMNS: Final = 64  # of a period
# Hz. As wide as a critical band, about, but no narrower than 200 Hz: between two harmonics of a
# voice there is nothing to raise.
EDGES: Final = (
    200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2016, 2258, 2529, 2832, 3172, 3553, 3979,
    4457, 4992, 5591, 6261, 7013,
)  # fmt: skip
BANDS: Final = len(EDGES) - 1
_GROUP: Final = 4  # bands
_CELLS: Final = COLUMNS * _GROUP
_KEY: Final = b"visavis sound mark 1"


def _noise(what: str, count: int) -> npt.NDArray[np.uint32]:
    """The same numbers for ever and everywhere: what was marked once is found by later versions."""
    data = hashlib.shake_256(_KEY + what.encode()).digest(4 * count)
    return np.frombuffer(data, "<u4").astype(np.uint32)


def _carried() -> npt.NDArray[np.int16]:
    """(COLUMNS, BANDS): which sign of the code a cell carries; CODED: none, it is always the same.

    Orders are drawn for each group on its own, so no two signs lose the same cells together.
    """
    groups = []
    for group in range(BANDS // _GROUP):
        order = np.argsort(_noise(f"order {group}", _CELLS), kind="stable")
        carried = np.full(_CELLS, CODED, np.int16)
        carried[order[:CODED]] = np.arange(CODED)
        groups.append(carried.reshape(COLUMNS, _GROUP))
    return np.concatenate(groups, axis=1)


CARRIED: Final = _carried()
KEY: Final[Signs] = np.asarray(
    1 - 2 * (_noise("signs", COLUMNS * BANDS) & 1).astype(np.int8), np.int8
).reshape(COLUMNS, BANDS)


def spread(coded: Signs) -> Signs:
    """(CODED,) of -1 and 1 -> (COLUMNS, BANDS): the sign of each cell."""
    return np.asarray(np.append(coded, np.int8(1))[CARRIED] * KEY, np.int8)


def gathered(cells: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """What cells of a period say of each sign of the code: (COLUMNS, BANDS) -> (CODED,) sums."""
    signed = (cells * KEY).ravel()
    return np.asarray(np.bincount(CARRIED.ravel(), signed, CODED + 1)[:CODED], np.float64)
