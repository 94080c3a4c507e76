"""A stranger's clip as plain pictures, one after the other. For a process that is shut in.

Raises PortraitError for what is no clip, or too much of one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from visavis.models.errors import PortraitError

Rgb = npt.NDArray[np.uint8]  # (height, width, 3)

SHORTEST: Final = 9.5  # s; ten are asked for
LONGEST: Final = 61.0  # s
MOST_BYTES: Final = 200 * 1024 * 1024
MOST_PIXELS: Final = 1920 * 1088  # of a picture
LEAST_SIDE: Final = 240  # px
CLOSEST: Final = 1 / 34  # s between pictures that are looked at: of 60 a second every other one
STOPS: Final = 0.3  # s without a picture that are still one shot
# Of FFmpeg's hundreds those that cameras, telephones and browsers record with.
_CONTAINERS: Final = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2"
_CODECS: Final = frozenset({"vp8", "vp9", "av1", "libdav1d", "h264", "hevc"})


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture, upright, and its time in s from the first."""

    time: float
    picture: Rgb


def read(path: Path) -> bytes:
    """A clip's content; refuses a huge one before reading it. Raises PortraitError."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or 'unknown reason'}."
        raise PortraitError("clip-broken", message) from error
    if len(data) > MOST_BYTES:
        raise _too_large("the file has over 200 MB")
    return data


def is_clip(data: bytes) -> bool:
    """Whether these are the first bytes of a film, of a kind that is read here."""
    brand = data[8:12]
    pictures = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
    return data[:4] == b"\x1aE\xdf\xa3" or (data[4:8] == b"ftyp" and brand not in pictures)


def shots(data: bytes) -> Iterator[Shot]:
    """The clip's pictures in order, at most 34 a second. Raises PortraitError."""
    try:
        # "file" would let a playlist in it open others; there is none in these containers.
        options = {"format_whitelist": _CONTAINERS}
        with av.open(io.BytesIO(data), options=options, metadata_errors="ignore") as container:
            yield from _upright(container)
    except (av.FFmpegError, ValueError, MemoryError) as error:
        raise _broken() from error


def _upright(container: Any) -> Iterator[Shot]:
    stream = next(iter(container.streams.video), None)
    if stream is None:
        raise PortraitError("clip-broken", "The clip has no picture in it: record it anew.")
    if stream.codec_context.name not in _CODECS:
        raise _broken()
    if container.duration and container.duration / av.time_base > LONGEST:
        raise _too_long(container.duration / av.time_base)
    stream.codec_context.thread_count = 1
    first: float | None = None
    last = -np.inf
    for frame in _frames(container, stream):
        _check_size(frame.width, frame.height)
        if frame.time is None:
            continue
        first = float(frame.time) if first is None else first
        time = float(frame.time) - first
        if time > LONGEST:
            raise _too_long(time)
        if time < last + CLOSEST:
            continue
        last = time
        picture = frame.reformat(format="rgb24").to_ndarray()
        yield Shot(time, np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90) % 4)))
    if first is None:
        raise _broken()


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise _too_large(f"its pictures have {width} x {height} px")
    if min(width, height) < LEAST_SIDE:
        message = f"The clip has only {width} x {height} px: use 720p or more."
        raise PortraitError("clip-too-small", message)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue  # one that was cut off at the end
        yield from frames


def _broken() -> PortraitError:
    message = "The clip cannot be read: record it as MP4 (H.264) or WebM."
    return PortraitError("clip-broken", message)


def _too_large(what: str) -> PortraitError:
    message = f"The clip is too large: {what}. Record or export it at 1920 x 1080 px or less."
    return PortraitError("clip-too-large", message)


def _too_long(time: float) -> PortraitError:
    message = f"The clip takes {time:.0f} s: cut it to one minute or less."
    return PortraitError("clip-too-long", message)


def too_short(time: float) -> PortraitError:
    """Of a clip, or of what of it can be used."""
    message = f"The clip takes only {time:.0f} s: use one of 10 to 60 s."
    return PortraitError("clip-too-short", message)
