"""A WebP's chunks (RFC 9649): of an animation only its first frame is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from visavis.models.pictures import exif
from visavis.models.pictures.plain import Damaged, Plain

_MAX_CHUNKS: Final = 65_536
_PICTURES: Final = (b"VP8 ", b"VP8L", b"ANMF")
_BESIDE: Final = (b"ALPH", b"ANIM")
_METADATA: Final = 0x20 | 0x08 | 0x04  # VP8X's flags: a profile, EXIF, XMP
_EXIF: Final = b"Exif\0\0"  # which some write before TIFF's header


def is_webp(data: bytes) -> bool:
    """By the first 12 bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def plain(data: bytes) -> Plain:
    """Raises Damaged."""
    kept: dict[bytes, bytes] = {}
    turned, profile = exif.UPRIGHT, b""
    for kind, body in chunks(data):
        if kind == b"VP8X" and len(body) == 10 and not kept:
            kept[kind] = bytes((body[0] & ~_METADATA,)) + body[1:]
        elif kind in _PICTURES and not any(k in kept for k in _PICTURES):
            kept[kind] = body
        elif kind in _BESIDE:
            kept.setdefault(kind, body)
        elif kind == b"EXIF":
            turned = exif.orientation(body.removeprefix(_EXIF))
        elif kind == b"ICCP":
            profile = profile or body
    whole = b"WEBP" + b"".join(_written(*part) for part in kept.items())
    whole = b"RIFF" + len(whole).to_bytes(4, "little") + whole
    return Plain(*_size(kept), turned, whole, profile)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each chunk. Raises Damaged."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            return
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data):
            raise Damaged
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise Damaged


def _size(kept: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height in px, of the canvas if there is one. Raises Damaged."""
    little = int.from_bytes
    if canvas := kept.get(b"VP8X"):
        return little(canvas[4:7], "little") + 1, little(canvas[7:10], "little") + 1
    if lossy := kept.get(b"VP8 "):
        if lossy[3:6] == b"\x9d\x01\x2a" and len(lossy) >= 10:
            return little(lossy[6:8], "little") & 0x3FFF, little(lossy[8:10], "little") & 0x3FFF
    elif (lossless := kept.get(b"VP8L")) and lossless[0] == 0x2F and len(lossless) >= 5:
        bits = little(lossless[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise Damaged


def _written(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
