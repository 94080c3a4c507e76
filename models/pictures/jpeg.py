"""A JPEG's segments (ITU-T T.81, annex B), walked as libjpeg walks them.

A progressive picture is decoded scan by scan, each over the whole picture, and a scan of a plain
one takes 80 bytes: 0.5 MB of them took minutes. Pillow reads segments and fill bytes one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from visavis.models.pictures import exif
from visavis.models.pictures.plain import Damaged, Plain

MAGIC: Final = b"\xff\xd8\xff"
MAX_SCANS: Final = 32  # encoders write 10, those that search for the smallest file up to 20
_MAX_SEGMENTS: Final = 2048  # 20 MB of profiles and previews, 64 KB each, are 320
_MAX_TABLES: Final = 64  # segments kept before the first scan; usual are 5 to 15
_MAX_JUNK: Final = 65_536  # bytes between two segments, which decoders skip
_MARKER: Final = re.compile(rb"\xff[\x01-\xfe]")
_IN_SCANS: Final = re.compile(
    rb"\xff[\x01-\xcf\xd8-\xfe]"
)  # FF 00 is a byte of data, D0-D7 a pause
_TEM, _SOI, _EOI, _SOS, _APP1, _APP2 = 0x01, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD})  # DHT, DAC, DQT, DRI
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
_COLOURS: Final = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}  # they say how colours are meant
_EXIF: Final = b"Exif\0\0"
_ICC: Final = b"ICC_PROFILE\0"  # in pieces (ICC.1, annex B.4): number from 1, count, bytes


def plain(data: bytes) -> Plain:
    """Raises Damaged."""
    kept, size, turned, at = [data[:2]], (0, 0), exif.UPRIGHT, 2
    adobe_rgb = False
    pieces: dict[int, bytes] = {}
    for _ in range(_MAX_SEGMENTS):
        marker, at, body = _segment(data, at)
        if marker == _SOS:
            break
        if marker in _FRAMES:
            if any(size) or len(body) < 6:
                raise Damaged
            size = int.from_bytes(body[3:5]), int.from_bytes(body[1:3])
        elif marker == _APP1 and body.startswith(_EXIF) and turned == exif.UPRIGHT:
            turned = exif.orientation(body[len(_EXIF) :])
            adobe_rgb = exif.is_adobe_rgb(body[len(_EXIF) :])
        elif marker == _APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
            pieces.setdefault(body[len(_ICC)], body[len(_ICC) + 2 :])
        if marker in _TABLES | _FRAMES or _tells_colours(marker, body):
            kept.append(_written(marker, body))
    else:
        raise Damaged
    if len(kept) > _MAX_TABLES or not all(size):
        raise Damaged
    kept += [_written(_SOS, body), data[at : _end(data, at)]]
    profile = b"".join(pieces[number] for number in sorted(pieces))
    return Plain(*size, turned, b"".join(kept), profile, adobe_rgb)


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the first scan. Raises Damaged."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        marker, at, body = _segment(data, at)
        if marker == _SOS:
            return
        yield marker, body
    raise Damaged


def _segment(data: bytes, at: int) -> tuple[int, int, bytes]:
    """The next segment before the first scan: its marker, where it ends, what is in it."""
    found = _MARKER.search(data, at)
    if found is None or found.start() - at > _MAX_JUNK:
        raise Damaged
    marker = data[found.end() - 1]
    if marker in (_TEM, _SOI, _EOI) or 0xD0 <= marker <= 0xD7:
        raise Damaged
    end = _skipped(data, found.end())
    if end > len(data):
        raise Damaged
    return marker, end, data[found.end() + 2 : end]


def _skipped(data: bytes, at: int) -> int:
    """Where the segment ends whose length is written at `at`."""
    length = int.from_bytes(data[at : at + 2])
    if length < 2:
        raise Damaged
    return at + length


def _tells_colours(marker: int, body: bytes) -> bool:
    begin = _COLOURS.get(marker)
    return begin is not None and body.startswith(begin)


def _written(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def _end(data: bytes, at: int) -> int:
    """Where the picture's end marker ends, or the file. `at`: the data of the first scan."""
    scans = 1
    for _ in range(_MAX_SEGMENTS):
        found = _IN_SCANS.search(data, at)
        if found is None:
            return len(data)  # cut off, which the decoder complains about
        marker = data[found.end() - 1]
        if marker == _EOI:
            return found.end()
        scans += marker == _SOS
        if scans > MAX_SCANS:
            break
        at = found.end() if marker == _TEM else _skipped(data, found.end())
    raise Damaged
