"""A form of a few texts (RFC 7578), read from a body that is bounded already.

Not by aiohttp, which unpacks what a part says is packed, whatever it becomes, and raises what it
pleases.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from visavis.server.system.errors import Malformed

_MOST: Final = 16  # parts
_NAME: Final = re.compile(rb'^content-disposition:[^\r\n]*[; ]name="?([\w-]+)"?', re.I | re.M)
_BOUNDARY: Final = re.compile(r"[ -~]{1,70}")  # RFC 2046 5.1.1


def texts(body: bytes, content_type: str) -> dict[str, str]:
    """The parts by their names. Raises Malformed."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + _boundary(content_type), _MOST + 1)
    if len(pieces) < 3 or len(pieces) > _MOST + 1 or not pieces[-1].startswith(b"--"):
        raise Malformed(f"The body is no multipart/form-data of 1 to {_MOST} parts.")
    return dict(_part(piece) for piece in pieces[1:-1])


def _boundary(content_type: str) -> bytes:
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary", "")
    if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
        raise Malformed("The Content-Type names no boundary.")
    return boundary.encode()


def _part(piece: bytes) -> tuple[str, str]:
    head, _, content = piece.partition(b"\r\n\r\n")
    named = _NAME.search(head)
    if named is None:
        raise Malformed("A part of the form has no name.")
    try:
        return named[1].decode(), content.decode()
    except UnicodeDecodeError:
        raise Malformed("The parts of the form must be UTF-8 text.") from None
