"""A video behind the person: decoded as it is needed, over and over, to fill the picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from visavis.engines.base import I420
from visavis.server.studio.layers.files import unusable

_FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_CODECS: Final = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4,mjpeg,prores"
_SIDE: Final = 4096  # px
_BYTES: Final = 2 * 1024**3
_SHORTEST: Final = 0.2  # s
_JUMP: Final = 3.0  # s ahead, from which on it is quicker to look for a keyframe
_UNSAID: Final = 2  # ITU-T H.273, table 4
_HD: Final = 720  # rows
_REMEDY: Final = "save it as an MP4 with H.264, or use another one."


class Moving:
    """One video. length: s, after which it begins anew. name: as the user knows it."""

    def __init__(self, path: Path, name: str, size: tuple[int, int]) -> None:
        """size: of pictures, px, both even. Raises Unprocessable."""
        self._name, self._size = name, size
        if path.stat().st_size > _BYTES:
            raise unusable(name, "it is larger than 2 GB: cut it, or save it smaller.")
        try:
            # Absolute: FFmpeg takes what stands before a colon for a protocol.
            self._file = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")
            self._checked()
        except (OSError, av.FFmpegError, MemoryError, ValueError) as error:
            raise unusable(name, f"it is no video that can be read; {_REMEDY}") from error
        except BaseException:
            self.close()
            raise
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._frame: av.VideoFrame | None = None  # the last that was begun
        self._next: av.VideoFrame | None = None
        self._image: I420 | None = None  # of the frame
        self.picture(0.0)  # so that what cannot be decoded is told before anything is made

    def close(self) -> None:
        """Give the file back."""
        if hasattr(self, "_file"):
            self._file.close()

    def place(self, at: float) -> float:
        """s from its beginning, of what is seen at `at`."""
        return at % self.length

    def picture(self, at: float) -> I420:
        """(height * 3 // 2, width), to be copied before it is drawn on. Raises Unprocessable."""
        wanted = self.place(at) + 1e-4
        try:
            self._go_to(wanted)
        except (OSError, av.FFmpegError, MemoryError, ValueError) as error:
            raise unusable(self._name, f"it is damaged near {wanted:.0f} s; {_REMEDY}") from error
        if self._frame is None:
            raise unusable(self._name, f"no picture of it can be decoded; {_REMEDY}")
        if self._image is None:
            self._image = _filling(self._frame, self._size)
        return self._image

    def _checked(self) -> None:
        """Raises Unprocessable."""
        if not self._file.streams.video:
            raise unusable(self._name, f"there is no video in it; {_REMEDY}")
        stream = self._file.streams.video[0]
        if stream.codec_context is None:  # FFmpeg has no decoder, or none of those that may be
            raise unusable(self._name, f"its video cannot be decoded; {_REMEDY}")
        across, down = stream.codec_context.width, stream.codec_context.height
        if max(across, down) > _SIDE:
            raise unusable(
                self._name, f"it is {across} x {down} px: save it with {_SIDE} px a side at most."
            )
        stream.thread_type = "AUTO"
        self._stream, self._unit = stream, float(stream.time_base or 0)
        length = (stream.duration or 0) * self._unit
        if not length and self._file.duration:
            length = self._file.duration / av.time_base
        if not length >= _SHORTEST:
            raise unusable(self._name, f"it says that it lasts {length:.1f} s; {_REMEDY}")
        self.length = length
        self._begin = (stream.start_time or 0) * self._unit

    def _go_to(self, wanted: float) -> None:
        """Decode until the frame is the last one that has begun by `wanted`."""
        now = self._time(self._frame) if self._frame is not None else -1.0
        if self._frame is None or wanted < now or wanted > now + _JUMP:
            self._rewind(wanted)
        while True:
            ahead = self._next if self._next is not None else next(self._frames, None)
            self._next = ahead
            if ahead is None or (self._frame is not None and self._time(ahead) > wanted):
                return
            self._frame, self._next, self._image = ahead, None, None

    def _rewind(self, wanted: float) -> None:
        target = int((wanted + self._begin) / self._unit)
        self._file.seek(target, stream=self._stream, backward=True)
        self._frames = self._file.decode(self._stream)
        self._frame = self._next = self._image = None

    def _time(self, frame: av.VideoFrame) -> float:
        return float((frame.time or 0.0) - self._begin)


_OPTIONS: Final = {
    "format_whitelist": _FORMATS, "protocol_whitelist": "file", "codec_whitelist": _CODECS,
}  # fmt: skip


def _colours(frame: av.VideoFrame) -> Colorspace | None:
    """Of a film that does not say it: as players guess; None: as it says."""
    if frame.colorspace != _UNSAID:
        return None
    return Colorspace.ITU709 if frame.height >= _HD else Colorspace.ITU601


def _filling(frame: av.VideoFrame, size: tuple[int, int]) -> I420:
    """As it was filmed upright, scaled to fill the picture, as much cut off on both sides."""
    turns = round(frame.rotation / 90) % 4
    width, height = size if turns % 2 == 0 else size[::-1]
    scale = max(width / frame.width, height / frame.height)
    across, down = (
        max(2 * round(side * scale / 2), least)
        for side, least in ((frame.width, width), (frame.height, height))
    )
    whole = frame.reformat(
        across, down, "yuv420p", src_colorspace=_colours(frame),
        dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.MPEG,
    )  # fmt: skip
    planes = []
    for number, plane in enumerate(whole.planes):
        half = 1 if number == 0 else 2
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        top, left = (down - height) // 4 * 2 // half, (across - width) // 4 * 2 // half
        cut = rows[top : top + height // half, left : left + width // half]
        planes.append(np.rot90(cut, turns).reshape(-1))
    return np.concatenate(planes).reshape(size[1] * 3 // 2, size[0])
