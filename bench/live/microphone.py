"""A viewer's microphone: packets of Opus that were encoded before, again and again."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Final

import av
import numpy as np
from aiortc import MediaStreamTrack

_RATE, _PACKET = 48_000, 960
_ROOM: Final = 40.0  # RMS of 32767: -58 dBFS, a quiet room


class Microphone(MediaStreamTrack):
    """Digital silence, or a quiet room's noise."""

    kind = "audio"

    def __init__(self, what: str) -> None:
        super().__init__()
        self._packets = _opus(0.0 if what == "silence" else _ROOM) if what != "off" else []
        self._count, self._began = 0, 0.0

    async def recv(self) -> av.Packet:
        """The next packet, at its time."""
        self._began = self._began or time.monotonic()
        due = self._began + self._count * _PACKET / _RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        packet = av.Packet(self._packets[self._count % len(self._packets)])
        packet.pts, packet.time_base = self._count * _PACKET, Fraction(1, _RATE)
        self._count += 1
        return packet


def _opus(level: float) -> list[bytes]:
    """3 s of noise of this level."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.format, codec.layout = _RATE, "s16", "mono"
    codec.bit_rate = 32_000
    noise = np.random.default_rng(1).standard_normal(3 * _RATE) * level
    made = []
    for at in range(0, len(noise), _PACKET):
        frame = av.AudioFrame.from_ndarray(
            noise[None, at : at + _PACKET].astype(np.int16), "s16", "mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = _RATE, at, Fraction(1, _RATE)
        made += [bytes(packet) for packet in codec.encode(frame)]
    return made
