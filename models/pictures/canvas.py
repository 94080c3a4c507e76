"""Where things lie in a picture that is drawn on: planes and matte, of plain and double ones."""

from __future__ import annotations

from dataclasses import dataclass

from visavis.models.pictures import double
from visavis.models.pictures.double import Bytes


@dataclass(frozen=True, slots=True)
class Canvas:
    """The shape of all pictures of one session.

    width, height: px of what is seen, both even. is_double: whether it is the upper half of a
    picture of which the lower one says how opaque it is (see `double`).
    """

    width: int
    height: int
    is_double: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Of the I420 pictures."""
        if self.is_double:
            return double.shape(self.width, self.height)
        return self.height * 3 // 2, self.width

    def planes(self, image: Bytes) -> tuple[Bytes, Bytes, Bytes]:
        """Views of its colour, to be drawn on: luma (height, width), blue and red at half of it."""
        if self.is_double:
            return double.planes(image, self.height)
        flat, luma = image.reshape(-1), self.width * self.height
        half = self.height // 2, self.width // 2
        blue, red = flat[luma : luma * 5 // 4], flat[luma * 5 // 4 :]
        return image[: self.height], blue.reshape(half), red.reshape(half)

    def matte(self, image: Bytes) -> Bytes | None:
        """A view of how opaque it is, (height, width) as luma from 16 to 235; None: all of it."""
        return double.matte(image, self.height) if self.is_double else None
