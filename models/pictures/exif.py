"""How the camera was held: the one thing that visavis reads of EXIF.

Pillow's own reader copies whatever the entries point to: 65,535 of them that each point to the same
18 MB take minutes.
"""

from __future__ import annotations

import struct
from typing import Final

UPRIGHT: Final = 1
_TAG: Final = 0x0112  # Orientation, TIFF 6.0, section 8
_SHORT, _LONG = 3, 4  # types of a value
_MOST: Final = 512  # entries looked at; cameras write about 20
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(exif: bytes) -> int:
    """1 to 8 as TIFF defines them, of a block that begins with TIFF's header; UPRIGHT if unsaid."""
    order = _ORDERS.get(exif[:4])
    if order is None:
        return UPRIGHT
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * min(count, _MOST), 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == _TAG and kind in (_SHORT, _LONG):
                size = "H" if kind == _SHORT else "I"
                (value,) = struct.unpack_from(f"{order}{size}", exif, entry + 8)
                return int(value) if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass  # a block that is cut off
    return UPRIGHT
