"""The audio and the video track: read a timeline at its ticks, never wait for a stage."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
from aiortc import MediaStreamTrack

from visavis.engines.base import I420
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, TICK_RATE, Tick, ms
from visavis.server.playout.timeline import Reader

_VIDEO_RATE: Final = 90_000
_AUDIO_BASE: Final = Fraction(1, TICK_RATE)
_VIDEO_BASE: Final = Fraction(1, _VIDEO_RATE)
_LOST: Final[Tick] = ms(500)  # further behind than this the process was stopped: do not catch up
# Silence that is later than this is left out: a burst of it would only fill the listener's jitter
# buffer, and the words after it would be late by as much.
_STALE: Final[Tick] = 3 * PACKET

Sent = Callable[[Tick, Tick], None]  # (tick of the media, tick at which it was handed over)
Shown = Callable[[Tick, Tick, bool], None]  # the same, and whether a new picture had come


class _Pace:
    """Steps of `step` ticks that begin at the clock's now and then follow it exactly."""

    def __init__(self, clock: Clock, step: Tick) -> None:
        self._clock, self._step = clock, step
        self._next: Tick | None = None

    async def tick(self) -> Tick:
        now = self._clock.now()
        if self._next is None or now - self._next > _LOST:
            self._next = now - now % self._step + self._step
        at, self._next = self._next, self._next + self._step
        await self._clock.sleep_until(at)
        return at


class AudioTrack(MediaStreamTrack):
    """The avatar's voice: 20 ms packets, 48 kHz mono; missing sound is silence.

    After a stall, packets whose time is over are sent in a burst if they hold words.
    """

    kind = "audio"

    def __init__(self, clock: Clock, reader: Reader, sent: Sent) -> None:
        super().__init__()
        self.ntp_origin = clock.ntp_origin
        self._clock, self._reader, self._sent = clock, reader, sent
        self._pace = _Pace(clock, PACKET)

    async def recv(self) -> av.AudioFrame:
        """The next packet, at its time."""
        while True:
            at = await self._pace.tick()
            sound = self._reader.audio(at)
            if sound.any() or self._clock.now() - at <= _STALE:
                break
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = TICK_RATE, at, _AUDIO_BASE
        self._sent(at, self._clock.now())
        return frame


class VideoTrack(MediaStreamTrack):
    """The avatar's face: 25 pictures a second; a missing one is the last one again."""

    kind = "video"

    def __init__(self, clock: Clock, reader: Reader, still: I420, sent: Shown) -> None:
        super().__init__()
        self.ntp_origin = clock.ntp_origin
        self.late = 0
        self._clock, self._reader, self._sent = clock, reader, sent
        self._pace = _Pace(clock, FRAME)
        self._last = still

    async def recv(self) -> av.VideoFrame:
        """The next picture, at its time."""
        at = await self._pace.tick()
        picture = self._reader.picture(at)
        if picture is None:
            self.late += 1
        else:
            self._last = picture.image
        frame = av.VideoFrame.from_ndarray(self._last, format="yuv420p")
        frame.pts, frame.time_base = at * _VIDEO_RATE // TICK_RATE, _VIDEO_BASE
        self._sent(at, self._clock.now(), picture is not None)
        return frame
