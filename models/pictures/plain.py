"""A picture's file with nothing left in it but the picture, and the fault of one that is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST: Final = 4 * 1024 * 1024  # bytes of a profile; those of printing presses have up to 2.5 MB


class Damaged(Exception):
    """The file is not what its first bytes say, or holds more parts than any camera writes."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What a walk over a file's parts found, before anything was decoded.

    width, height: px, as stored; orientation: EXIF's, 1 to 8 (exif.orientation); data: the same
    file without comments, profiles, thumbnails, further pictures and what follows its end; profile:
    what its colours mean (ICC), b"": it does not say. adobe_rgb: EXIF says that they are that.
    """

    width: int
    height: int
    orientation: int
    data: bytes
    profile: bytes = b""
    adobe_rgb: bool = False
