"""A viewer's microphone: packets of Opus that were encoded before, again and again."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from aiortc import MediaStreamTrack

from visavis.engines.voices.hibari import HibariTts

_RATE, _PACKET = 48_000, 960
_ROOM: Final = 40.0  # RMS of 32767: -58 dBFS, a quiet room
_QUESTION: Final = "Where is the gym, and how do I get to it from here?"
_VOICE: Final = 2000.0  # RMS, -24 dBFS
_EVERY: Final = 10 * _RATE  # samples from one question to the next


class Microphone(MediaStreamTrack):
    """Digital silence, a quiet room's noise, or somebody in it who asks something every 10 s."""

    kind = "audio"

    def __init__(self, what: str) -> None:
        super().__init__()
        self._packets = _opus(_heard(what)) if what != "off" else []
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


def _heard(what: str) -> Any:
    """(n,) float, to be heard again and again."""
    if what == "silence":
        return np.zeros(3 * _RATE)
    length = _EVERY if what == "voice" else 3 * _RATE
    sound = np.random.default_rng(1).standard_normal(length) * _ROOM
    if what == "voice":
        said = np.concatenate([piece.pcm for piece in HibariTts().synthesize(_QUESTION)])
        said = said[: length // 2].astype(float)
        sound[length // 4 :][: len(said)] += said * _VOICE / said.std()
    return sound


def _opus(noise: Any) -> list[bytes]:
    """Its packets."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.format, codec.layout = _RATE, "s16", "mono"
    codec.bit_rate = 32_000
    made = []
    for at in range(0, len(noise), _PACKET):
        frame = av.AudioFrame.from_ndarray(
            np.clip(noise[None, at : at + _PACKET], -32768, 32767).astype(np.int16), "s16", "mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = _RATE, at, Fraction(1, _RATE)
        made += [bytes(packet) for packet in codec.encode(frame)]
    return made
