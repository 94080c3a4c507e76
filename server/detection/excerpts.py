"""What is looked at of a film or a sound file: all of a short one, samples of a long one.

Whatever a decoder makes of a stranger's file is taken with bounds; what is broken midway counts as
far as it goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from visavis.engines.marking import sound_finding

Floats = npt.NDArray[np.float32]
Luma = npt.NDArray[np.uint8]

# Formats that hold sound or pictures, and no other file: a playlist names files and addresses.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,aiff,au,caf,flac,mp3,aac,amr,avi,mpegts,"
    "mpeg,flv,asf,ivf"
)
_RATES: Final = (4_000, 384_000)  # Hz
_CHANNELS: Final = 8
_ALL: Final = 150.0  # s of sound: of more, samples are heard
_HEARD: Final = 30.0  # s of each
_SPOTS: Final = 5
_LOOKS: Final = (0.1, 0.5, 0.85)  # shares of a film at which it is looked at
_SHOWN: Final = 4.0  # s of each
_PICTURES: Final = 20  # of each, spread over it
_LARGEST: Final = 8192  # px a side that are decoded
_WIDEST: Final = 1920  # px a side that are looked at
_PACKETS: Final = 20_000  # read for one sample: a file may hold millions of empty ones


class Unreadable(Exception):
    """It holds neither sound nor pictures that can be decoded; the text says so."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a file says of itself. seconds: 0: it does not say."""

    file: IO[bytes]
    seconds: float
    has_sound: bool
    has_pictures: bool

    @property
    def steps(self) -> int:
        """Samples of it that there are at most."""
        return len(self._spots) + len(self._places)

    def sounds(self) -> Iterator[Floats]:
        """Samples of it, (n,) float32 mono at 16 kHz each."""
        for begin, length in self._spots:
            with _begun(self.file) as container:
                yield _heard(container, begin, length)

    def looks(self) -> Iterator[list[Luma]]:
        """Pictures of a few seconds each, of one size, (height, width) of luma."""
        for begin in self._places:
            with _begun(self.file) as container:
                yield _shown(container, begin)

    @property
    def _spots(self) -> list[tuple[float, float]]:
        if not self.has_sound:
            return []
        if self.seconds <= _ALL:
            return [(0.0, _ALL)]
        last = self.seconds - _HEARD
        return [(last * spot / (_SPOTS - 1), _HEARD) for spot in range(_SPOTS)]

    @property
    def _places(self) -> list[float]:
        if not self.has_pictures:
            return []
        shares = (0.0,) if self.seconds <= 2 * _SHOWN else _LOOKS
        return [share * self.seconds for share in shares]


def opened(file: IO[bytes]) -> Film:
    """A file that can be sought in. Raises Unreadable."""
    with _begun(file) as container:
        length = max(container.duration or 0, 0) / av.time_base
        film = Film(file, length, bool(container.streams.audio), _moving(container) is not None)
    if not film.has_sound and not film.has_pictures:
        raise Unreadable("it holds neither sound nor moving pictures")
    return film


@contextlib.contextmanager
def _begun(file: IO[bytes]) -> Iterator[av.container.InputContainer]:
    """Read from its beginning: where the index is lost, nobody finds back to it. Raises Unreadable.

    Threads of a decoder would take memory.
    """
    file.seek(0)
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": ""}
    try:
        container = av.open(file, "r", options=options, metadata_errors="replace")
    except (OSError, av.FFmpegError, MemoryError, ValueError) as error:
        raise Unreadable("it is no film and no sound file that can be read") from error
    with container:
        for stream in (*container.streams.audio, *container.streams.video):
            stream.codec_context.thread_type = "NONE"
        yield container


def _moving(container: av.container.InputContainer) -> av.video.VideoStream | None:
    for stream in container.streams.video:
        covers = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
        if not stream.disposition & covers:
            return stream
    return None


# --- sound ----------------------------------------------------------------------------------------


def _heard(container: av.container.InputContainer, begin: float, length: float) -> Floats:
    resampler = av.AudioResampler("flt", "mono", sound_finding.RATE)
    parts: list[Floats] = []
    wanted = round(length * sound_finding.RATE)
    frames = _frames(container, container.streams.audio[0], begin)
    with contextlib.suppress(OSError, av.FFmpegError, MemoryError, ValueError):
        for frame in frames:
            if not isinstance(frame, av.AudioFrame) or not _is_sane(frame):
                break
            parts += [out.to_ndarray()[0] for out in resampler.resample(frame)]
            if sum(map(len, parts)) >= wanted:
                break
    return np.concatenate([np.zeros(0, np.float32), *parts])[:wanted]


def _is_sane(frame: av.AudioFrame) -> bool:
    """At a rate of 1 Hz, which a header may claim, each byte becomes a second of sound."""
    low, high = _RATES
    return low <= frame.sample_rate <= high and frame.layout.nb_channels <= _CHANNELS


# --- pictures -------------------------------------------------------------------------------------


def _shown(container: av.container.InputContainer, begin: float) -> list[Luma]:
    stream = _moving(container)
    assert stream is not None
    if max(stream.width, stream.height) > _LARGEST:
        return []
    apart = _SHOWN / _PICTURES
    pictures: list[Luma] = []
    due: float | None = None
    with contextlib.suppress(OSError, av.FFmpegError, MemoryError, ValueError):
        for frame in _frames(container, stream, begin):
            time = frame.time if frame.time is not None else (due or begin) + apart
            if due is not None and time < due:
                continue
            due = (time if due is None else due) + apart
            assert isinstance(frame, av.VideoFrame)
            pictures.append(_luma(frame))
            if len(pictures) >= _PICTURES:
                break
    return [each for each in pictures if each.shape == pictures[0].shape]


def _luma(frame: av.VideoFrame) -> Luma:
    scale = min(1.0, _WIDEST / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    plain = frame.reformat(width, height, "yuv420p", interpolation=Interpolation.BILINEAR)
    plane = plain.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.array(rows[:, : plane.width])


def _frames(
    container: av.container.InputContainer, stream: av.stream.Stream, begin: float
) -> Iterator[av.AudioFrame | av.VideoFrame]:
    """Decoded from `begin` (s) on; from the beginning, where nothing leads there.

    Raises FFmpegError.
    """
    assert isinstance(stream, av.audio.AudioStream | av.video.VideoStream)
    first = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    if begin:
        try:
            container.seek(round((begin + first) * av.time_base))
        except (OSError, av.FFmpegError):
            begin = 0.0
    for number, packet in enumerate(container.demux(stream)):
        if number >= _PACKETS:
            return
        try:
            frames = packet.decode()
        except av.InvalidDataError:  # a damaged packet among good ones
            continue
        for frame in frames:
            assert isinstance(frame, av.AudioFrame | av.VideoFrame)
            if frame.time is None or frame.time >= begin + first:
                yield frame
