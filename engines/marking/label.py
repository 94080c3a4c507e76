"""The label that is seen: a few letters in a corner of every picture, which say what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from visavis.engines.base import I420, EngineError
from visavis.engines.settings import Corner, Labelled, Lettered
from visavis.models.pictures import lettering
from visavis.models.pictures.canvas import Canvas

Share = npt.NDArray[np.float64]  # in [0, 1]

_WHITE: Final = 235  # luma of the letters
_DARK: Final = 24  # luma of what they stand on ...
_OPACITY: Final = 0.74  # ... and how much of the picture it hides: white on white is still 8 : 1
_GREY: Final = 128  # of both colour planes
_SMALLEST: Final = 9  # px of a capital's height: below that "AI" is two strokes
# Of the plate, in heights of a capital: beside and above the letters, and its corners' radius.
_BESIDE: Final = 0.55
_ABOVE: Final = 0.42
_ROUND: Final = 0.45
_MARGIN: Final = 0.028  # from the picture's edges, of the shorter side
_MOST: Final = 0.5, 0.94  # of the width: before it covers hair, and before it is cut off
_FINE: Final = 4  # the plate is drawn so much larger, then reduced


@dataclass(frozen=True, slots=True)
class _Patch:
    """New value = (old * keep + add) >> 8, on a part of one plane."""

    rows: slice
    columns: slice
    keep: npt.NDArray[np.uint16]
    add: npt.NDArray[np.uint16]

    def put(self, plane: I420) -> None:
        there = plane[self.rows, self.columns]
        mixed = np.multiply(there, self.keep, dtype=np.uint16)
        mixed += self.add
        mixed >>= 8
        there[:] = mixed


class Label:
    """Implements `Finish`. Drawn once; then 4,000 px of a picture of 512 x 512 are mixed with it.

    Before nothing (a double picture) it hides what is behind it altogether.
    """

    def __init__(self, lettered: Lettered, canvas: Canvas) -> None:
        """Raises EngineError for a text that cannot be drawn."""
        self._canvas, self._text = canvas, lettered.text
        letters, capital = _fitting(lettered, canvas)
        plate, letters = _plate(letters, capital)
        top, left = _corner(lettered.corner, plate.shape, canvas)
        self.box = top, left, plate.shape[0], plate.shape[1]  # px, all even
        opacity = 1.0 if canvas.is_double else _OPACITY
        self._luma = _patch(self.box, [(_DARK, opacity * plate), (_WHITE, letters)])
        half = tuple(side // 2 for side in self.box)
        self._chroma = _patch(half, [(_GREY, _halved(np.maximum(opacity * plate, letters)))])
        self._matte = _patch(self.box, [(_WHITE, plate)])

    @property
    def shown(self) -> Labelled:
        """What is to be seen of it."""
        top, left, rows, columns = self.box
        width, height = self._canvas.width, self._canvas.height
        shares = left / width, top / height, columns / width, rows / height
        across, down, wide, high = (round(share, 4) for share in shares)
        return Labelled(self._text, (across, down, wide, high))

    def finish(self, image: I420, at: int) -> None:
        """See Finish."""
        luma, blue, red = self._canvas.planes(image)
        self._luma.put(luma)
        self._chroma.put(blue)
        self._chroma.put(red)
        matte = self._canvas.matte(image)
        if matte is not None:
            self._matte.put(matte)


def _fitting(lettered: Lettered, canvas: Canvas) -> tuple[Share, int]:
    """Its letters, as large as they are wanted and as there is room; px of a capital's height."""
    short = min(canvas.width, canvas.height)
    capital = max(_SMALLEST, round(lettered.size * short))
    while True:
        letters = _letters(lettered.text, capital)
        share = (letters.shape[1] + 2 * _BESIDE * capital) / canvas.width
        if share <= _MOST[0] or (capital <= _SMALLEST and share <= _MOST[1]) or capital <= 1:
            return letters, capital
        capital -= 1


def _letters(text: str, capital: int) -> Share:
    try:
        return lettering.ink(text, capital) / 255
    except ValueError as error:
        raise EngineError(f"the label {text!r} cannot be drawn: {error}") from error


def _plate(letters: Share, capital: int) -> tuple[Share, Share]:
    """What the letters stand on, of even sides; and they in the middle of it."""
    high, wide = letters.shape
    rows = _even(high + 2 * _ABOVE * capital)
    columns = _even(max(wide + 2 * _BESIDE * capital, rows))
    fine = Image.new("L", (columns * _FINE, rows * _FINE))
    corners = 0, 0, columns * _FINE - 1, rows * _FINE - 1
    ImageDraw.Draw(fine).rounded_rectangle(corners, round(_ROUND * capital * _FINE), fill=255)
    plate = np.asarray(fine.resize((columns, rows), Image.Resampling.BOX)) / 255
    placed = np.zeros_like(plate)
    top, left = (rows - high) // 2, (columns - wide) // 2
    placed[top : top + high, left : left + wide] = letters
    return plate, placed


def _corner(corner: Corner, size: tuple[int, ...], canvas: Canvas) -> tuple[int, int]:
    margin = _even(_MARGIN * min(canvas.width, canvas.height))
    bottom, right = canvas.height - margin - size[0], canvas.width - margin - size[1]
    top, left = (margin if "top" in corner else bottom), (margin if "left" in corner else right)
    return max(0, top // 2 * 2), max(0, left // 2 * 2)


def _patch(box: tuple[int, ...], layers: list[tuple[int, Share]]) -> _Patch:
    """box: top, left, rows, columns. layers: values and how much each hides, the lowest first."""
    top, left, rows, columns = box
    keep, add = np.ones((rows, columns)), np.zeros((rows, columns))
    for value, share in layers:
        keep *= 1 - share
        add = add * (1 - share) + value * share
    whole = np.rint(256 * keep).astype(np.uint16)
    rest = np.rint(256 * add + 128).astype(np.uint16)  # half of what is cut off by the shift
    return _Patch(slice(top, top + rows), slice(left, left + columns), whole, rest)


def _halved(share: Share) -> Share:
    rows, columns = share.shape
    means: Share = share.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return means


def _even(number: float) -> int:
    return 2 * round(number / 2)
