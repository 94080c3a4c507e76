"""Lays a part of a portrait, rendered anew with build's --window, into the master it belongs to.

Where a change reaches only the eyes, that is a twentieth of the work of a whole picture:

    python -m models.tools.persona.inlay MASTER WINDOW.png OUT.png LEFT RIGHT BOTTOM TOP
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

SOFT: Final = 18  # px of a picture of 1024 over which the part fades into the whole

Pixels = npt.NDArray[np.uint8]


def laid(whole: Pixels, part: Pixels, row: int, column: int) -> Pixels:
    """The picture (n, n, 3) with a part (h, w, 3) in it from a row and column on, edges faded."""
    height, width = part.shape[:2]
    soft = SOFT * len(whole) / 1024

    def fade(count: int) -> npt.NDArray[np.float64]:
        place = np.arange(count) + 0.5
        t = np.clip(np.minimum(place, count - place) / soft, 0, 1)
        return np.asarray(t * t * (3 - 2 * t))

    share = (fade(height)[:, None] * fade(width)[None])[..., None]
    out = whole.copy()
    under = whole[row : row + height, column : column + width]
    out[row : row + height, column : column + width] = np.round(
        under + share * (part.astype(float) - under)
    )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("master", "window", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("place", type=float, nargs=4, help="left right bottom top, as for build")
    args = parser.parse_args()
    whole, part = (
        np.asarray(Image.open(path).convert("RGB")) for path in (args.master, args.window)
    )
    left, _, _, top = args.place
    size = len(whole)
    Image.fromarray(laid(whole, part, round((1 - top) * size), round(left * size))).save(args.out)


if __name__ == "__main__":
    main()
