"""Files that are made of a film, each whole or not there at all.

MP4 and WebM are not made here but of pieces that are kept, see `studio.film`; their pictures are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import av
import numpy as np

from visavis.engines.base import I420, PLAY_RATE, Pcm
from visavis.models.avatar import backdrop
from visavis.models.pictures.canvas import Canvas
from visavis.models.warp import plates
from visavis.server.studio.layers import blending

Format = Literal["mp4", "webm", "webp", "gif", "m4a", "mp3", "ogg", "wav", "srt", "vtt", "txt"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SOUNDS: Final = ("m4a", "mp3", "ogg", "wav")

KEYING: Final = "#00b140"  # what a transparent scene is before, in files that cannot be transparent
# Container, encoder, bits a second, samples a frame where it wants as many each time
_SOUND: Final[dict[str, tuple[str, str, int, int]]] = {
    "m4a": ("ipod", "aac", 128_000, 1024),
    "mp3": ("mp3", "libmp3lame", 128_000, 1152),
    "ogg": ("ogg", "libopus", 64_000, 960),
    "wav": ("wav", "pcm_s16le", 0, 4800),
}
# VP9 at its quickest: 30 ms a picture of 1080p with its opacity, where VP8 takes 500
VP9: Final = {
    "deadline": "realtime", "cpu-used": "8", "row-mt": "1", "tile-columns": "2", "crf": "26",
    "b": "0", "g": "125", "auto-alt-ref": "0",
}  # fmt: skip


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """A name to write under; the file takes its own when all is written. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def transparent(image: I420, canvas: Canvas) -> av.VideoFrame:
    """A double picture, or one in which all is opaque, with its opacity beside it."""
    width, height = canvas.width, canvas.height
    luma, blue, red = (plane.copy() for plane in canvas.planes(image))
    matte = canvas.matte(image)
    opacity = np.full((height, width), 255, np.uint8)
    if matte is not None:
        blending.undo(luma, matte, opacity)
        blending.undo_colour(blue, matte)
        blending.undo_colour(red, matte)
    frame = av.VideoFrame(width, height, "yuva420p")
    for plane, rows in zip(frame.planes, (luma, blue, red, opacity), strict=True):
        lines = np.zeros((plane.height, plane.line_size), np.uint8)
        lines[:, : rows.shape[1]] = rows
        plane.update(lines.tobytes())
    return frame


def opaque(image: I420, canvas: Canvas) -> av.VideoFrame:
    """A picture; a double one before KEYING."""
    if canvas.is_double:
        image = before(image, canvas)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="yuv420p")


def before(image: I420, canvas: Canvas, colour: str = KEYING) -> I420:
    """A double picture before a colour, (height * 3 // 2, width): for files without opacity."""
    found = backdrop.colour(colour)
    assert found is not None
    rgb = np.full((canvas.height, canvas.width, 3), found.colour, np.uint8)
    behind, plain = plates.i420(rgb), Canvas(canvas.width, canvas.height)
    matte = canvas.matte(image)
    assert matte is not None
    luma, *tints = plain.planes(behind)
    person, *colours = canvas.planes(image)
    blending.stand(luma, person, matte, 16)
    for plane, tint in zip(tints, colours, strict=True):
        blending.stand_colour(plane, tint, matte)
    return behind


def sound(pcm: Pcm, path: Path, kind: Format) -> None:
    """All of a film's sound as one of SOUNDS. Raises OSError, FFmpegError."""
    container, encoder, bits, samples = _SOUND[kind]
    with arriving(path) as part:
        file = av.open(str(part.absolute()), "w", format=container)
        try:
            stream = cast("av.AudioStream", file.add_stream(encoder, PLAY_RATE, layout="mono"))
            if bits:
                stream.bit_rate = bits
            pieces = _Sound(stream, samples)
            for first in range(0, len(pcm), PLAY_RATE):
                file.mux(pieces.encoded(pcm[first : first + PLAY_RATE]))
            file.mux(pieces.rest())
        finally:
            file.close()


class _Sound:
    """Sound in frames of as many samples as an encoder wants."""

    def __init__(self, stream: av.AudioStream, samples: int) -> None:
        self._stream, self._samples = stream, samples
        self._left, self._at = np.zeros(0, np.int16), 0

    def encoded(self, pcm: Pcm) -> list[av.Packet[Any]]:
        """Packets of all whole frames so far."""
        self._left = np.concatenate([self._left, pcm])
        packets: list[av.Packet[Any]] = []
        while len(self._left) >= self._samples:
            packets += self._frame(self._left[: self._samples])
            self._left = self._left[self._samples :]
        return packets

    def rest(self) -> list[av.Packet[Any]]:
        """And of what is left; nothing comes after it."""
        packets = self._frame(self._left) if len(self._left) else []
        return [*packets, *self._stream.encode()]

    def _frame(self, piece: Pcm) -> list[av.Packet[Any]]:
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = PLAY_RATE, self._at
        frame.time_base = Fraction(1, PLAY_RATE)
        self._at += len(piece)
        return self._stream.encode(frame)
