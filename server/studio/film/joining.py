"""Groups and sound -> one MP4 file, without a picture being encoded anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.studio.film import groups
from visavis.server.studio.film.groups import FPS, Packet

_AAC: Final = 1024  # samples of a frame
_BIT_RATE: Final = 128_000  # of a mono track


def join(
    path: Path, size: tuple[int, int], shot: Iterable[tuple[Path, int]], sound: Iterable[Pcm]
) -> None:
    """shot: groups in order, each with its number of pictures. sound: (n,) at PLAY_RATE, in order.

    Raises OSError, FFmpegError, DamagedError.
    """
    with av.open(str(path.absolute()), "w", options={"movflags": "faststart"}) as film:
        pictures = film.add_stream("libx264", rate=FPS)
        groups.dressed(pictures.codec_context, size)
        voice = film.add_stream("aac", rate=PLAY_RATE, layout="mono", bit_rate=_BIT_RATE)
        film.start_encoding()
        heard = _heard(voice, sound)
        first = 0
        for group, count in shot:
            for packet in groups.read(group):
                film.mux(_placed(packet, first, pictures))
            first += count
            _sounded(film, heard, first / FPS)
        _sounded(film, heard, None)


def _placed(packet: Packet, first: int, stream: Any) -> av.Packet[Any]:
    made: av.Packet[Any] = av.Packet(packet.content)
    made.time_base = Fraction(1, FPS)
    made.pts, made.dts, made.duration = packet.pts + first, packet.dts + first, 1
    made.is_keyframe = packet.is_key
    made.stream = stream
    return made


def _sounded(film: Any, heard: Iterator[av.Packet[Any]], until: float | None) -> None:
    """Sound up to `until` s; all that is left where it is None."""
    for packet in heard:
        film.mux(packet)
        assert packet.pts is not None
        assert packet.time_base is not None
        if until is not None and packet.pts * packet.time_base >= until:
            return


def _heard(stream: Any, sound: Iterable[Pcm]) -> Iterator[av.Packet[Any]]:
    at = 0
    for piece in _frames(sound):
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = PLAY_RATE, at, Fraction(1, PLAY_RATE)
        at += len(piece)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frames(sound: Iterable[Pcm]) -> Iterator[Pcm]:
    """Pieces of the encoder's frame; the last one may be shorter."""
    left = np.zeros(0, np.int16)
    for piece in sound:
        left = np.concatenate([left, piece]) if left.size else piece
        whole = len(left) // _AAC * _AAC
        for at in range(0, whole, _AAC):
            yield left[at : at + _AAC]
        left = left[whole:]
    if left.size:
        yield left
