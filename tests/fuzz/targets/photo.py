"""A portrait of anybody's."""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.models.bake import photo
from visavis.models.errors import ModelError

MOST: Final = 30_000
TOKENS: Final = (
    "\xff\xd8\xff\xe0", "\xff\xc0", "\xff\xc2", "\xff\xda", "\xff\xd9", "\xff\xe1Exif", "IHDR",
    "IDAT", "IEND", "iCCP", "zTXt", "acTL", "fcTL", "RIFF", "WEBPVP8 ", "VP8L", "VP8X", "ANMF",
    "%!PS-Adobe", "GIF89a", "II*", "MM*", "BM", "<svg", "%PDF", "\x00\x00\x00\x20ftypavif",
)  # fmt: skip


def check(data: bytes) -> None:
    """A photo is refused in words, or is upright RGB."""
    try:
        picture = photo.decode(data)
    except ModelError as error:
        assert error.code.startswith("image-")
        return
    assert picture.dtype == np.uint8
    assert picture.shape[2:] == (3,)
