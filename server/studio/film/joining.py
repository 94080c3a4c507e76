"""Groups and sound -> one film, without a picture being encoded anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.studio.film import groups
from visavis.server.studio.film.groups import FPS, Coding

_AAC, _OPUS = 1024, 960  # samples of a frame
_BIT_RATE: Final = {"aac": 128_000, "libopus": 64_000}  # of a mono track


@dataclass(frozen=True, slots=True)
class Shot:
    """A group that is there, and how many pictures it has."""

    path: Path
    pictures: int


def join(
    path: Path, coding: Coding, size: tuple[int, int], shots: Iterable[Shot], sound: Iterable[Pcm]
) -> None:
    """An MP4 of H.264, else a WebM. sound: (n,) at PLAY_RATE, in order.

    Raises OSError, FFmpegError, DamagedError.
    """
    is_mp4 = coding == "h264"
    options = {"movflags": "faststart"} if is_mp4 else {}
    # Absolute: FFmpeg takes what stands before a colon for a protocol.
    with av.open(str(path.absolute()), "w", options=options) as film:
        pictures = film.add_stream(groups.encoder(coding), rate=FPS)
        groups.dressed(pictures.codec_context, coding, size)
        named = "aac" if is_mp4 else "libopus"
        voice = cast("av.AudioStream", film.add_stream(named, rate=PLAY_RATE, layout="mono"))
        voice.bit_rate = _BIT_RATE[named]
        film.start_encoding()
        heard = _heard(voice, sound, _AAC if is_mp4 else _OPUS)
        first = 0
        for shot in shots:
            for packet in groups.read(shot.path, coding):
                film.mux(_placed(packet, first, pictures))
            first += shot.pictures
            _sounded(film, heard, first / FPS)
        _sounded(film, heard, None)


def _placed(packet: av.Packet[Any], first: int, stream: Any) -> av.Packet[Any]:
    assert packet.pts is not None
    assert packet.dts is not None
    packet.time_base = Fraction(1, FPS)
    packet.pts, packet.dts, packet.duration = packet.pts + first, packet.dts + first, 1
    packet.stream = stream
    return packet


def _sounded(film: Any, heard: Iterator[av.Packet[Any]], until: float | None) -> None:
    """Sound up to `until` s; all that is left where it is None."""
    for packet in heard:
        at = float((packet.pts or 0) * (packet.time_base or 0))
        film.mux(packet)  # takes its times away
        if until is not None and at >= until:
            return


def _heard(stream: Any, sound: Iterable[Pcm], count: int) -> Iterator[av.Packet[Any]]:
    at = 0
    for piece in _frames(sound, count):
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = PLAY_RATE, at, Fraction(1, PLAY_RATE)
        at += len(piece)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frames(sound: Iterable[Pcm], count: int) -> Iterator[Pcm]:
    """Pieces of the encoder's frame; the last one may be shorter."""
    left = np.zeros(0, np.int16)
    for piece in sound:
        left = np.concatenate([left, piece]) if left.size else piece
        whole = len(left) // count * count
        for at in range(0, whole, count):
            yield left[at : at + count]
        left = left[whole:]
    if left.size:
        yield left
