"""The program's own sound on its way to the server: a track that is silent when it has nothing."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from aiortc import MediaStreamTrack
from numpy.typing import NDArray

from visavis.remote.media import SOUND_RATE

_PACKET: Final = 960  # samples, 20 ms
_AHEAD: Final = SOUND_RATE  # samples that may wait: a second
_SLIPPED: Final = 0.5  # s behind its time: the program was stopped, do not catch up


class Outgoing:
    """What is to be heard: (n,) or (n, channels), int16, or floats in [-1, 1], at any rate."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.int16)
        self._room = asyncio.Event()
        self._resampler: tuple[int, av.AudioResampler] | None = None

    async def put(self, pcm: NDArray[Any], rate: int) -> None:
        """Hand it over; returns once no more than a second of it waits."""
        made = self._resampled(mono(pcm), rate)
        for at in range(0, len(made), _AHEAD):
            while len(self._waiting) >= _AHEAD:
                self._room.clear()
                await self._room.wait()
            self._waiting = np.concatenate([self._waiting, made[at : at + _AHEAD]])

    async def played(self) -> None:
        """Return once all of it has been sent."""
        while len(self._waiting):
            self._room.clear()
            await self._room.wait()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting = np.zeros(0, np.int16)
        self._room.set()

    def take(self) -> NDArray[np.int16]:
        """The next packet, filled up with silence."""
        packet = np.zeros(_PACKET, np.int16)
        given, self._waiting = self._waiting[:_PACKET], self._waiting[_PACKET:]
        packet[: len(given)] = given
        self._room.set()
        return packet

    def _resampled(self, pcm: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
        if rate == SOUND_RATE or not len(pcm):
            return pcm
        if self._resampler is None or self._resampler[0] != rate:
            self._resampler = rate, av.AudioResampler("s16", "mono", SOUND_RATE)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], "s16", "mono")
        frame.sample_rate = rate
        made = self._resampler[1].resample(frame)
        parts = [each.to_ndarray().reshape(-1) for each in made]
        return np.concatenate(parts).astype(np.int16) if parts else np.zeros(0, np.int16)


def mono(pcm: NDArray[Any]) -> NDArray[np.int16]:
    """(n,) or (n, channels) of int16, or of floats in [-1, 1] -> (n,) int16. Raises ValueError."""
    if pcm.ndim not in {1, 2}:
        msg = f"sound has {pcm.ndim} dimensions: give (samples,) or (samples, channels)"
        raise ValueError(msg)
    if pcm.dtype == np.int16:
        return pcm if pcm.ndim == 1 else pcm.mean(axis=1).astype(np.int16)
    if pcm.dtype.kind != "f":
        msg = f"sound is {pcm.dtype}: give int16, or floats from -1 to 1"
        raise ValueError(msg)
    mixed = pcm if pcm.ndim == 1 else pcm.mean(axis=1)
    return np.asarray(np.clip(np.rint(mixed * 32_767), -32_768, 32_767), np.int16)


class MicrophoneTrack(MediaStreamTrack):
    """One connection's track of it."""

    kind = "audio"

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__()
        self._outgoing = outgoing
        self._sent, self._began = 0, time.monotonic()

    async def recv(self) -> av.AudioFrame:
        """The next packet, at its time."""
        wait = self._began + self._sent / SOUND_RATE - time.monotonic()
        if wait < -_SLIPPED:
            self._began -= wait
        await asyncio.sleep(max(0.0, wait))
        frame = av.AudioFrame.from_ndarray(self._outgoing.take()[None], "s16", "mono")
        frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
        frame.pts = self._sent
        self._sent += _PACKET
        return frame
