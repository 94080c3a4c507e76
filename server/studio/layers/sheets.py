"""Something drawn once, with its opacity, to be laid over many pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from visavis.engines.base import I420
from visavis.models.pictures.canvas import Canvas
from visavis.models.warp.plates import yuv
from visavis.server.studio.layers import blending

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Rgb = tuple[int, int, int]

_FINE: Final = 4  # corners are drawn so much larger, then reduced
WHOLE: Final = 256  # share of a sheet that is seen altogether


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lies at (left, top) px of the picture, both even, and has even sides.

    luma, hides: (rows, columns); blue, red, hides_half: half of it. hides: 0 to 255.
    """

    left: int
    top: int
    luma: Bytes
    blue: Bytes
    red: Bytes
    hides: Bytes
    hides_half: Bytes

    def lay(self, canvas: Canvas, image: I420, share: int = WHOLE, down: int = 0) -> None:
        """Over a picture, in place. share: of its opacity, to WHOLE. down: px, even."""
        luma, blue, red = canvas.planes(image)
        matte = canvas.matte(image)
        rows, columns = self.luma.shape
        top = self.top + down
        y0, y1 = max(top, 0), min(top + rows, canvas.height)
        x0, x1 = max(self.left, 0), min(self.left + columns, canvas.width)
        if y0 >= y1 or x0 >= x1 or share <= 0:
            return
        there = slice(y0, y1), slice(x0, x1)
        here = slice(y0 - top, y1 - top), slice(x0 - self.left, x1 - self.left)
        blending.lay(luma[there], self.luma[here], self.hides[here], share)
        if matte is not None:
            blending.cover(matte[there], self.hides[here], share)
        there_half, here_half = halved(there), halved(here)
        blending.lay(blue[there_half], self.blue[here_half], self.hides_half[here_half], share)
        blending.lay(red[there_half], self.red[here_half], self.hides_half[here_half], share)


def coloured(colour: Rgb, hides: Bytes, left: int, top: int) -> Sheet:
    """One colour, as far as `hides`, (rows, columns), both even, lets it be seen."""
    rows, columns = hides.shape
    luma, blue, red = (int(value) for value in yuv(np.array([[colour]], np.uint8))[0, 0])
    half = rows // 2, columns // 2
    return Sheet(
        left, top, np.full((rows, columns), luma, np.uint8), np.full(half, blue, np.uint8),
        np.full(half, red, np.uint8), hides, np.ascontiguousarray(hides[::2, ::2]),
    )  # fmt: skip


def halved(part: tuple[slice, slice]) -> tuple[slice, slice]:
    """The same part of a plane of colour."""
    rows, columns = part
    return (
        slice(rows.start // 2, rows.stop // 2),
        slice(columns.start // 2, columns.stop // 2),
    )


class Drawing:
    """A sheet as it is drawn: rows x columns px, nothing at first; both are made even."""

    def __init__(self, rows: int, columns: int) -> None:
        rows, columns = rows + rows % 2, columns + columns % 2
        self.colour: Floats = np.zeros((rows, columns, 3), np.float32)
        self.opacity: Floats = np.zeros((rows, columns), np.float32)

    def fill(self, coverage: Floats, colour: Rgb, row: int = 0, column: int = 0) -> None:
        """A colour where `coverage`, (rows, columns) in [0, 1], is; from (row, column) on."""
        self._over(coverage, np.array(colour, np.float32), row, column)

    def ink(
        self, ink: Bytes, colour: Rgb, row: int, column: int, shadow: float = 0, soft: float = 0
    ) -> None:
        """Letters. shadow: opacity of the dark around them, soft: px that it is blurred."""
        letters = ink.astype(np.float32) / np.float32(255)
        if shadow:
            wide = round(3 * soft)
            around = cv2.GaussianBlur(np.pad(letters, wide), (0, 0), soft)
            around = np.clip(around * 2 * shadow, 0, shadow)
            self.fill(np.asarray(around, np.float32), (0, 0, 0), row - wide, column - wide)
        self.fill(letters, colour, row, column)

    def picture(self, rgb: Bytes, coverage: Floats, row: int, column: int) -> None:
        """A picture (rows, columns, 3), as far as `coverage` lets it be seen."""
        self._over(coverage, rgb.astype(np.float32), row, column)

    def _over(self, coverage: Floats, colour: Floats, row: int, column: int) -> None:
        y0, y1 = max(row, 0), min(row + coverage.shape[0], self.opacity.shape[0])
        x0, x1 = max(column, 0), min(column + coverage.shape[1], self.opacity.shape[1])
        if y0 >= y1 or x0 >= x1:
            return
        new = coverage[y0 - row : y1 - row, x0 - column : x1 - column]
        if colour.ndim == 3:
            colour = colour[y0 - row : y1 - row, x0 - column : x1 - column]
        under = self.opacity[y0:y1, x0:x1] * (1 - new)
        both = new + under
        mixed = colour * new[..., None] + self.colour[y0:y1, x0:x1] * under[..., None]
        self.colour[y0:y1, x0:x1] = mixed / np.maximum(both, 1e-6)[..., None]
        self.opacity[y0:y1, x0:x1] = both

    def sheet(self, left: int, top: int) -> Sheet:
        """What was drawn, with its first px at (left, top); cut to what hides anything."""
        rows, columns = _even(self.opacity.max(1) > 0), _even(self.opacity.max(0) > 0)
        opacity = self.opacity[rows, columns]
        colours = yuv(np.round(self.colour[rows, columns]).astype(np.uint8)).astype(np.float32)
        weight = opacity + 1e-4  # colour beside an edge is that of what is seen there
        half = _quarters(weight)
        blue, red = (_quarters(colours[..., n] * weight) / half for n in (1, 2))
        return Sheet(
            left // 2 * 2 + columns.start,
            top // 2 * 2 + rows.start,
            _bytes(colours[..., 0]),
            _bytes(blue),
            _bytes(red),
            _bytes(opacity * 255),
            _bytes(_quarters(opacity) * 255),
        )


def _even(seen: npt.NDArray[np.bool_]) -> slice:
    """From the first to the last that is seen, both ends even."""
    first, last = int(seen.argmax()), len(seen) - int(seen[::-1].argmax())
    return slice(first // 2 * 2, max(-(-last // 2) * 2, first // 2 * 2 + 2))


def _bytes(plane: Floats) -> Bytes:
    return np.round(plane).astype(np.uint8)


def _quarters(plane: Floats) -> Floats:
    rows, columns = plane.shape
    return np.asarray(plane.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3)), np.float32)


def rounded(rows: int, columns: int, radius: float) -> Floats:
    """(rows, columns) coverage of a rectangle with round corners."""
    fine = Image.new("L", (columns * _FINE, rows * _FINE))
    corners = 0, 0, columns * _FINE - 1, rows * _FINE - 1
    ImageDraw.Draw(fine).rounded_rectangle(corners, radius * _FINE, fill=255)
    reduced = fine.resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(np.asarray(reduced, np.float32) / np.float32(255), np.float32)
