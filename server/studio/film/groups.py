"""Pictures encoded so that they stand alone: other groups can come before and after them.

A group begins with a keyframe and refers to nothing outside it, and all groups of one size have the
same headers: so a film is joined of groups without a picture being encoded anew. x264 runs in one
thread, for its pictures differ with the number of threads.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from visavis.engines.base import I420
from visavis.models.files import whole

FPS: Final = 25
_MAGIC: Final = b"visavis group 1\n"
_DIGEST: Final = 32  # bytes
_BT601: Final = 6  # matrix, primaries and curve of what the generator draws; players guess else
_LIMITED: Final = 1
# Of x264: a talking head needs few bits, so time is better spent on the next picture.
_OPTIONS: Final = {"preset": "veryfast", "crf": "18", "threads": "1", "g": "250"}

# Whatever decides a group's bytes besides its pictures.
EDITION: Final = repr((_MAGIC, sorted(_OPTIONS.items()), av.library_versions)).encode()


class DamagedError(Exception):
    """A file that is not what was written."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture; times in pictures from the group's first."""

    pts: int
    dts: int
    is_key: bool
    content: bytes


def dressed(context: Any, size: tuple[int, int]) -> Any:
    """An encoder, its settings put in. The same in groups and in the film that they are joined in.

    size: px across and down.
    """
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS, 1)
    context.options = dict(_OPTIONS)
    context.colorspace = context.color_primaries = context.color_trc = _BT601
    context.color_range = _LIMITED
    context.flags |= av.codec.context.Flags.global_header
    return context


def encode(pictures: Iterable[I420], size: tuple[int, int]) -> Iterator[Packet]:
    """Packets as they come. Raises FFmpegError."""
    context = dressed(av.CodecContext.create("libx264", "w"), size)
    for at, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = at, Fraction(1, FPS)
        yield from map(_packet, context.encode(frame))
    yield from map(_packet, context.encode(None))


def _packet(packet: Any) -> Packet:
    return Packet(packet.pts, packet.dts, packet.is_keyframe, bytes(packet))


def write(path: Path, packets: Iterable[Packet]) -> None:
    """A group's file, whole or not at all. Raises OSError, and what the packets raise."""
    contents = list(packets)
    table = np.array([(p.pts, p.dts, p.is_key, len(p.content)) for p in contents], np.int64)
    file = io.BytesIO()
    np.save(file, table, allow_pickle=False)
    for packet in contents:
        file.write(packet.content)
    with whole(path) as out:
        out.write(_MAGIC + hashlib.sha256(file.getbuffer()).digest())
        out.write(file.getbuffer())


def read(path: Path) -> list[Packet]:
    """Raises OSError, DamagedError."""
    content = path.read_bytes()
    start = len(_MAGIC) + _DIGEST
    rest = memoryview(content)[start:]
    if not content.startswith(_MAGIC) or (
        hashlib.sha256(rest).digest() != content[len(_MAGIC) : start]
    ):
        raise DamagedError("its checksum is wrong")
    file = io.BytesIO(rest)
    table = np.load(file, allow_pickle=False)
    packets, at = [], file.tell()
    for pts, dts, is_key, size in table.tolist():
        packets.append(Packet(pts, dts, bool(is_key), bytes(rest[at : at + size])))
        at += size
    return packets
