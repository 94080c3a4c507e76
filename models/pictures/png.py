"""A PNG's chunks (W3C PNG, third edition, section 5).

Only what the first picture needs is kept, its data as one chunk: texts and profiles unpack to a
thousand times their size, and Pillow takes 10 microseconds for a chunk, of which 20 MB hold 1.6
million.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from visavis.models.pictures import exif
from visavis.models.pictures.plain import LARGEST, Damaged, Plain

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS: Final = 65_536  # encoders write chunks of 8 KB: 20 MB are 2,500
_HEADER: Final = 13  # bytes of IHDR
_ONCE: Final = (b"PLTE", b"tRNS")


def plain(data: bytes) -> Plain:
    """Raises Damaged."""
    once: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    turned, profile = exif.UPRIGHT, b""
    parted = chunks(data)
    kind, header = next(parted, (b"", b""))
    if kind != b"IHDR" or len(header) != _HEADER:
        raise Damaged
    for kind, body in parted:
        if kind == b"IDAT":
            pixels.append(body)
        elif kind in _ONCE:
            once.setdefault(kind, body)
        elif kind == b"eXIf":
            turned = exif.orientation(body)
        elif kind == b"iCCP":
            profile = profile or _unpacked(body)
    parts = [(b"IHDR", header), *((k, once[k]) for k in _ONCE if k in once)]
    parts += [(b"IDAT", b"".join(pixels)), (b"IEND", b"")]
    width, height = struct.unpack_from(">II", header)
    whole = MAGIC + b"".join(_written(*part) for part in parts)
    return Plain(width, height, turned, whole, profile)


def _unpacked(body: bytes) -> bytes:
    """A profile behind its name and a byte for the method; b"": it is none, or far too large."""
    _name, _, packed = body.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], LARGEST)
    except zlib.error:
        return b""
    return profile if unpacking.eof else b""


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each chunk up to the end's. Raises Damaged."""
    at = len(MAGIC)
    for _ in range(_MAX_CHUNKS):
        if at == len(data):
            return  # without its end, which decoders forgive
        head = data[at : at + 8]
        length = int.from_bytes(head[:4])
        begin = at + 8
        at = begin + length + 4  # a checksum follows
        if len(head) < 8 or at > len(data):
            raise Damaged
        if head[4:] == b"IEND":
            return
        yield head[4:], data[begin : begin + length]
    raise Damaged


def _written(kind: bytes, body: bytes) -> bytes:
    checked = kind + body
    return len(body).to_bytes(4) + checked + zlib.crc32(checked).to_bytes(4)
