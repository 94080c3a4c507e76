"""The pattern in the picture: where each sign of a mark lies.

The picture is divided into square cells from its left upper corner on. Each cell has one sign:
lighter, or darker. TILE x TILE cells are a tile, which repeats over the whole picture. All signs
are keyed (pseudo-random), so that content has nothing to do with them. A quarter of them are the
same in every mark: pilots, which say where and how large the picture is. The others carry the 224
signs of the payload, three or four each.

The key is public, so that everybody can look for marks.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.marking.payload import CODED, Signs

Floats = npt.NDArray[np.float32]

TILE: Final = 32  # cells

_KEY: Final = b"visavis: a mark in luma, 1"
_BLOCK: Final = 4  # px: transforms of VP8 and H.264; a cell is some of them, so it keeps its mean
_SHORT: Final = 64  # cells along the picture's shorter side, about


def cell(width: int, height: int) -> int:
    """px of a cell's side in a picture of this size: 8 at 512 x 512, 12 at 720p, 16 at 1080p."""
    return _BLOCK * max(1, round(min(width, height) / (_SHORT * _BLOCK)))


def _words(count: int) -> npt.NDArray[np.uint32]:
    """Of the key's stream (SHAKE-256), which no version of any library changes."""
    return np.frombuffer(hashlib.shake_256(_KEY).digest(4 * count), "<u4")


_CELLS: Final = TILE * TILE
_STREAM: Final = _words(2 * _CELLS)
_SIGNS: Final[Signs] = (1 - 2 * (_STREAM[:_CELLS] & 1)).astype(np.int8)
_ORDER: Final = np.argsort(_STREAM[_CELLS:], kind="stable")
_PILOTS: Final = _ORDER[: _CELLS // 4]
_DATA: Final = _ORDER[_CELLS // 4 :]
_CARRIED: Final = np.arange(len(_DATA)) % CODED  # which coded sign each of them carries


def tile(coded: Signs) -> Signs:
    """(TILE, TILE) of -1 and 1 for (CODED,) signs."""
    signs = _SIGNS.copy()
    signs[_DATA] *= coded[_CARRIED]
    return signs.reshape(TILE, TILE)


def pilots() -> Signs:
    """(TILE, TILE): the signs that are the same in every mark, 0 elsewhere."""
    signs = np.zeros_like(_SIGNS)
    signs[_PILOTS] = _SIGNS[_PILOTS]
    return signs.reshape(TILE, TILE)


def data(observed: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """(TILE, TILE) of what was observed of each cell: what its data say, in their order, and for
    each of the CODED signs the sum of that."""
    said = observed.reshape(-1)[_DATA] * _SIGNS[_DATA]
    sums = np.bincount(_CARRIED, said, CODED)
    return said.astype(np.float32), sums.astype(np.float32)


def carried(coded: Signs) -> Signs:
    """(CODED,) signs as the data of a tile repeat them."""
    return np.asarray(coded[_CARRIED], np.int8)
