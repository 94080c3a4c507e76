"""Many small pictures with a word under each, on one sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from visavis.models.errors import AvatarError

Bytes = npt.NDArray[np.uint8]

PAPER: Final = (246, 240, 230)
INK: Final = (42, 33, 27)
GAP: Final = 6  # px between pictures
LABEL: Final = 24  # px under each picture for its word
KINDS: Final = frozenset({".png", ".webp", ".jpg", ".jpeg"})
WEBP_QUALITY: Final = 82


def sheet(pictures: Mapping[str, Bytes], columns: int = 6, tile: int = 240) -> Image.Image:
    """RGB pictures (n, n, 3) by word, row by row, each shrunk to `tile` px."""
    rows = -(-len(pictures) // columns)
    step, high = tile + GAP, tile + LABEL
    out = Image.new("RGB", (columns * step + GAP, rows * high + GAP), PAPER)
    pen = ImageDraw.Draw(out)
    font = ImageFont.load_default(15)
    for index, (word, picture) in enumerate(pictures.items()):
        x, y = GAP + index % columns * step, GAP + index // columns * high
        out.paste(Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS), (x, y))
        pen.text((x + tile / 2, y + tile + 2), word, INK, font, anchor="ma")
    return out


def save(picture: Image.Image, path: Path) -> None:
    """As PNG, WebP or JPEG by the file's ending. Raises AvatarError."""
    if path.suffix.lower() not in KINDS:
        message = f"{path.name}: a sheet is written as .png, .webp or .jpg."
        raise AvatarError("sheet-unwritable", message)
    try:
        picture.save(path, quality=WEBP_QUALITY, method=6)
    except OSError as error:
        message = f"{path.name} cannot be written: {error.strerror or 'unknown reason'}."
        raise AvatarError("sheet-unwritable", message) from error
