"""Inlets: a text, or a recording of anybody, given to a session once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import av
import numpy as np

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.server.playout.messages import PACKET, Tick
from visavis.server.session.performing import START
from visavis.server.session.session import Session
from visavis.server.system.errors import ConfigError

LONGEST: Final = 600  # s of a recording
_RATES: Final = (4_000, 384_000)  # Hz
_CHANNELS: Final = 8
_FORMATS: Final = "wav,w64,aiff,au,caf,flac,mp3,aac,ogg,matroska,webm,mov,mp4,m4a,amr"


class Script:
    """A text with directions in brackets; its first sound plays at `begin`, or as soon as it can.

    style: a direction in plain words for all of it.
    """

    def __init__(self, text: str, style: str = "", begin: Tick = 0) -> None:
        self._text, self._style, self._begin = text, style, begin

    async def feed(self, session: Session) -> None:
        """Returns when the last word has sounded."""
        await session.clock.sleep_until(self._begin - START)
        session.say(self._text, self._style)
        await session.silence()


class Playback:
    """Playback at PLAY_RATE, for a session that speaks what it hears; style as in `Script`."""

    def __init__(self, pcm: Pcm, style: str = "") -> None:
        self._pcm, self._style = pcm, style

    async def feed(self, session: Session) -> None:
        """Returns when the last sample has played."""
        if self._style:
            await session.direct(self._style)
        await session.listen(self._packets(session))
        await session.clock.sleep_until(session.timeline.end)

    async def _packets(self, session: Session) -> AsyncIterator[Pcm]:
        at = session.clock.now()
        for first in range(0, len(self._pcm), PACKET):
            packet = self._pcm[first : first + PACKET]
            at += PACKET
            await session.clock.sleep_until(at)
            yield packet


def read_sound(path: Path) -> Pcm:
    """The first sound track of a file as mono at PLAY_RATE. Raises ConfigError."""
    try:
        # Formats that hold sound, and no other file: a playlist names files and addresses.
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        # Absolute: FFmpeg takes what stands before a colon for a protocol.
        with av.open(str(path.absolute()), options=options, metadata_errors="replace") as file:
            if not file.streams.audio:
                raise ConfigError(f"{path} has no sound")
            parts = _decoded(file)
    except (OSError, av.FFmpegError, MemoryError, ValueError) as error:  # its rate changes midway
        raise ConfigError(f"{path} cannot be read as sound: {_reason(error)}") from error
    pcm = np.concatenate([np.zeros(0, np.int16), *parts])
    if not pcm.size:
        raise ConfigError(f"{path} has no sound")
    return pcm


def _reason(error: Exception) -> str:
    """Why a file cannot be opened, or what to do about what is in it."""
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return str(error.strerror)
    return "save it as WAV, FLAC, MP3 or Ogg"


def _decoded(file: av.container.InputContainer) -> list[Pcm]:
    resampler = av.AudioResampler("s16", "mono", PLAY_RATE)
    parts: list[Pcm] = []
    seconds = 0.0
    for frame in file.decode(audio=0):
        seconds += _seconds(frame)
        if seconds > LONGEST:
            raise ConfigError(f"the recording is longer than {LONGEST // 60} minutes: cut it")
        parts += [out.to_ndarray()[0].astype(np.int16) for out in resampler.resample(frame)]
    parts += [out.to_ndarray()[0].astype(np.int16) for out in resampler.resample(None)]
    return parts


def _seconds(frame: av.AudioFrame) -> float:
    """How long it sounds. Raises ConfigError where that, or its channels, cannot be true.

    At a rate of 1 Hz, which a header of 44 bytes may claim, each byte becomes a second of sound.
    """
    channels = frame.layout.nb_channels
    if not _RATES[0] <= frame.sample_rate <= _RATES[1] or channels > _CHANNELS:
        raise ConfigError(
            f"the recording has {channels} channels at {frame.sample_rate} Hz: save it with "
            f"{_CHANNELS} channels at most, at 8,000 to 192,000 Hz"
        )
    return float(frame.samples / frame.sample_rate)
