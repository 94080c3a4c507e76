"""What visavis reads of EXIF: how the camera was held, and whether it wrote Adobe RGB.

Pillow's own reader copies whatever the entries point to: 65,535 of them that each point to the same
18 MB take minutes.
"""

from __future__ import annotations

import struct
from typing import Final

UPRIGHT: Final = 1
_ORIENTATION: Final = 0x0112  # TIFF 6.0, section 8
_EXIF, _INTEROPERABILITY, _INDEX = 0x8769, 0xA005, 0x0001  # Exif 2.32, 4.6.3 and 4.6.8
_SHORT, _LONG = 3, 4  # types of a value
_MOST: Final = 512  # entries looked at; cameras write about 20
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(exif: bytes) -> int:
    """1 to 8 as TIFF defines them, of a block that begins with TIFF's header; UPRIGHT if unsaid."""
    value = _number(exif, _first(exif), _ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else UPRIGHT


def is_adobe_rgb(exif: bytes) -> bool:
    """Whether its camera follows DCF's optional colour space (DCF 2.0, 3.3.2), which is Adobe RGB.

    A camera writes no profile then, only this word in a table that two other tables lead to.
    """
    at = _number(exif, _first(exif), _EXIF)
    at = _number(exif, at, _INTEROPERABILITY)
    entry = _entry(exif, at, _INDEX)
    return entry is not None and exif[entry + 8 : entry + 11] == b"R03"


def _first(exif: bytes) -> int | None:
    """Where its first table is."""
    order = _ORDERS.get(exif[:4])
    return int(struct.unpack_from(f"{order}I", exif, 4)[0]) if order and len(exif) >= 8 else None


def _entry(exif: bytes, table: int | None, wanted: int) -> int | None:
    """Where the table's entry with this tag is."""
    if table is None:
        return None
    order = _ORDERS[exif[:4]]
    try:
        (count,) = struct.unpack_from(f"{order}H", exif, table)
        for entry in range(table + 2, table + 2 + 12 * min(count, _MOST), 12):
            if struct.unpack_from(f"{order}H", exif, entry)[0] == wanted:
                return entry if entry + 12 <= len(exif) else None
    except struct.error:
        pass  # a block that is cut off
    return None


def _number(exif: bytes, table: int | None, wanted: int) -> int | None:
    """The number that this entry of the table says."""
    entry = _entry(exif, table, wanted)
    if entry is None:
        return None
    order = _ORDERS[exif[:4]]
    (kind,) = struct.unpack_from(f"{order}H", exif, entry + 2)
    if kind not in (_SHORT, _LONG):
        return None
    return int(struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", exif, entry + 8)[0])
