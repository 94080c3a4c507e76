"""The Content Credentials of a photo: its C2PA manifest store, taken out as it is, never believed.

C2PA 2.2, A.3: in JPEG in APP11 segments (JPEG XT, ISO 19566-5, D.2), in PNG in a chunk caBX, in
WebP in a chunk C2PA. What is odd of it counts as none: a portrait is fine without.
"""

from __future__ import annotations

from typing import Final

from visavis.models.pictures import jpeg, png, webp
from visavis.models.pictures.plain import Damaged

LONGEST: Final = 1024 * 1024  # bytes; those of a camera have 20,000, with a thumbnail 200,000
_APP11: Final = 0xEB
_HEAD: Final = 8  # of a segment: "JP", box instance (2 bytes), number of the packet (4)
_BOX: Final = 8  # of a JUMBF box: its length and type, which each segment repeats


def credentials(photo: bytes) -> bytes:
    """The manifest store in a photo's file (JUMBF); empty: there is none that could be kept."""
    try:
        found = _found(photo)
    except Damaged:
        return b""
    if len(found) > LONGEST or not is_store(found):
        return b""
    return found


def is_store(content: bytes) -> bool:
    """Whether bytes begin and end as a manifest store does: one box, and C2PA's type in it."""
    return (
        len(content) > 40
        and int.from_bytes(content[:4]) == len(content)
        and content[4:8] == b"jumb"
        and content[12:20] == b"jumdc2pa"
    )


def _found(photo: bytes) -> bytes:
    """Raises Damaged."""
    if photo.startswith(jpeg.MAGIC):
        return _in_jpeg(photo)
    if photo.startswith(png.MAGIC):
        return next((body for kind, body in png.chunks(photo) if kind == b"caBX"), b"")
    if webp.is_webp(photo):
        return next((body for kind, body in webp.chunks(photo) if kind == b"C2PA"), b"")
    return b""


def _in_jpeg(photo: bytes) -> bytes:
    """Segments of the first store, each with the next piece of one box. Raises Damaged."""
    pieces: list[bytes] = []
    box = b""
    for marker, body in jpeg.segments(photo):
        if marker != _APP11 or not body.startswith(b"JP") or len(body) < _HEAD + _BOX:
            continue
        number, head = int.from_bytes(body[4:8]), body[_HEAD : _HEAD + _BOX]
        if not pieces and number == 1 and body[_HEAD + 12 : _HEAD + 20] == b"jumdc2pa":
            box = body[2:4] + head
            pieces.append(body[_HEAD:])
        elif pieces and number == len(pieces) + 1 and body[2:4] + head == box:
            pieces.append(body[_HEAD + _BOX :])
        if sum(map(len, pieces)) > LONGEST:
            raise Damaged
    return b"".join(pieces)
