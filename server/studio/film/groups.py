"""Pictures encoded so that they stand alone: other groups can come before and after them.

A group begins with a keyframe and refers to nothing outside it, and all groups of one size have the
same headers: so a film is joined of groups without a picture being encoded anew. Encoders run in
one thread, for their pictures differ with the number of threads.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

import av
import numpy as np

from visavis.engines.base import I420
from visavis.models.files import PRIVATE, whole
from visavis.models.pictures.canvas import Canvas
from visavis.server.studio.layers import exports

Coding = Literal["h264", "vp9", "vp9 with opacity"]

FPS: Final = 25
_MAGIC: Final = b"visavis group 1\n"
_DIGEST: Final = 32  # bytes
_BT601: Final = 6  # matrix, primaries and curve of what the generator draws; players guess else
_LIMITED: Final = 1
# A talking head needs few bits, so time is better spent on the next picture.
_H264: Final = {"preset": "veryfast", "crf": "18", "threads": "1", "g": "250"}
_VP9: Final = {**exports.VP9, "threads": "1", "row-mt": "0"}


class DamagedError(Exception):
    """A file that is not what was written."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of the film as it goes out, and where in it things lie."""

    image: I420
    canvas: Canvas


def edition(coding: Coding) -> bytes:
    """Whatever decides a group's bytes besides its pictures."""
    return repr((_MAGIC, coding, sorted(_options(coding).items()), av.library_versions)).encode()


def dressed(context: Any, coding: Coding, size: tuple[int, int]) -> None:
    """Set an encoder up. The same for groups and for the film that they are joined in.

    size: px across and down.
    """
    context.width, context.height = size
    context.pix_fmt = "yuva420p" if coding == "vp9 with opacity" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS, 1)
    context.options = _options(coding)
    context.colorspace = context.color_primaries = context.color_trc = _BT601
    context.color_range = _LIMITED
    if coding == "h264":
        context.flags |= av.codec.context.Flags.global_header


def encoder(coding: Coding) -> Literal["libx264", "libvpx-vp9"]:
    """By FFmpeg's name."""
    return "libx264" if coding == "h264" else "libvpx-vp9"


def write(path: Path, stills: Iterable[Still], coding: Coding, size: tuple[int, int]) -> None:
    """A group's file, whole or not at all. Raises OSError, FFmpegError, and what `stills` does."""
    made = _h264(stills, size) if coding == "h264" else _webm(stills, coding, size)
    with whole(path, PRIVATE) as out:
        out.write(_MAGIC + hashlib.sha256(made).digest())
        out.write(made)


def read(path: Path, coding: Coding) -> list[av.Packet[Any]]:
    """Times in pictures from the group's first. Raises OSError, DamagedError, FFmpegError."""
    content = memoryview(path.read_bytes())
    start = len(_MAGIC) + _DIGEST
    rest = content[start:]
    if bytes(content[: len(_MAGIC)]) != _MAGIC or (
        hashlib.sha256(rest).digest() != bytes(content[len(_MAGIC) : start])
    ):
        raise DamagedError("its checksum is wrong")
    return _read_h264(rest) if coding == "h264" else list(_read_webm(rest))


def _options(coding: Coding) -> dict[str, str]:
    return dict(_H264 if coding == "h264" else _VP9)


# --- H.264: a table and its packets, for containers keep but one of their two times --------------


def _h264(stills: Iterable[Still], size: tuple[int, int]) -> memoryview:
    context = av.CodecContext.create("libx264", "w")
    dressed(context, "h264", size)
    packets: list[av.Packet[Any]] = []
    for at, still in enumerate(stills):
        frame = exports.opaque(still.image, still.canvas)
        frame.pts, frame.time_base = at, Fraction(1, FPS)
        packets += context.encode(frame)
    packets += context.encode(None)
    table = np.array([(p.pts, p.dts, p.is_keyframe, p.size) for p in packets], np.int64)
    file = io.BytesIO()
    np.save(file, table, allow_pickle=False)
    for packet in packets:
        file.write(bytes(packet))
    return file.getbuffer()


def _read_h264(content: memoryview) -> list[av.Packet[Any]]:
    file = io.BytesIO(content)
    table = np.load(file, allow_pickle=False)
    packets: list[av.Packet[Any]] = []
    at = file.tell()
    for pts, dts, is_key, size in table.tolist():
        packet: av.Packet[Any] = av.Packet(bytes(content[at : at + size]))
        packet.pts, packet.dts, packet.is_keyframe = pts, dts, bool(is_key)
        packets.append(packet)
        at += size
    return packets


# --- VP9: a WebM file, in which opacity is kept beside each picture ------------------------------


def _webm(stills: Iterable[Still], coding: Coding, size: tuple[int, int]) -> memoryview:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=FPS)
        dressed(stream.codec_context, coding, size)
        for at, still in enumerate(stills):
            make = exports.transparent if coding == "vp9 with opacity" else exports.opaque
            frame = make(still.image, still.canvas)
            frame.pts, frame.time_base = at, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getbuffer()


def _read_webm(content: memoryview) -> Iterator[av.Packet[Any]]:
    with av.open(io.BytesIO(content), "r", format="webm") as container:
        for packet in container.demux(video=0):
            if packet.pts is None or packet.time_base is None:
                continue  # the end
            packet.pts = packet.dts = round(packet.pts * packet.time_base * FPS)
            yield packet
