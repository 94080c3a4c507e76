"""The audio and the video track: read a timeline at its ticks, never wait for a stage."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import numpy as np
from aiortc import MediaStreamTrack

from visavis.engines.base import I420
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, TICK_RATE, Tick, ms
from visavis.server.playout.timeline import Reader
from visavis.server.session.doors import Miss

_VIDEO_RATE: Final = 90_000
_AUDIO_BASE: Final = Fraction(1, TICK_RATE)
_VIDEO_BASE: Final = Fraction(1, _VIDEO_RATE)
_LOST: Final[Tick] = ms(500)  # further behind than this the process was stopped: do not catch up
# Silence that is later than this is left out: a burst of it would only fill the listener's jitter
# buffer, and the words after it would be late by as much.
_STALE: Final[Tick] = 3 * PACKET

_GAP: Final[Tick] = ms(100)  # between two packets of sound: listeners' buffers are about that deep
_BEGINNING: Final[Tick] = ms(1000)  # in which the still is no late picture
_EXAMINED: Final[Tick] = ms(10_000)  # of sound that was skipped: more than is ever scheduled

Sent = Callable[[Tick, Tick], None]  # (tick of the media, tick at which it was handed over)
Shown = Callable[[Tick, Tick, bool], None]  # the same, and whether a new picture was there in time


class _Pace:
    """Steps of `step` ticks that begin at the clock's now and then follow it exactly."""

    def __init__(self, clock: Clock, step: Tick) -> None:
        self._clock, self._step = clock, step
        self._next: Tick | None = None
        self.skipped: Tick = 0  # before the last one

    async def tick(self) -> Tick:
        now, due = self._clock.now(), self._next
        at, self.skipped = due, 0
        if at is None or now - at > _LOST:
            at = now - now % self._step + self._step
            self.skipped = at - due if due is not None else 0
        self._next = at + self._step
        await self._clock.sleep_until(at)
        return at


class AudioTrack(MediaStreamTrack):
    """The avatar's voice: 20 ms packets, 48 kHz mono; missing sound is silence.

    After a stall, packets whose time is over are sent in a burst if they hold words. `missed` is
    told what is not sent.
    """

    kind = "audio"

    def __init__(self, clock: Clock, reader: Reader, sent: Sent, missed: Miss) -> None:
        super().__init__()
        self.ntp_origin = clock.ntp_origin
        self._clock, self._reader, self._sent, self._missed = clock, reader, sent, missed
        self._pace = _Pace(clock, PACKET)
        self._last: Tick | None = None  # when a packet was handed over

    async def recv(self) -> av.AudioFrame:
        """The next packet, at its time."""
        while True:
            at = await self._pace.tick()
            if self._pace.skipped:
                self._tell_skipped(at - self._pace.skipped, self._pace.skipped)
            sound = self._reader.audio(at)
            if sound.any() or self._clock.now() - at <= _STALE:
                break
            self._missed(PACKET, "silence")
        frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = TICK_RATE, at, _AUDIO_BASE
        now = self._clock.now()
        if self._last is not None and now - self._last > _GAP:
            self._missed(now - self._last, "gap")
        self._last = now
        self._sent(at, now)
        return frame

    def _tell_skipped(self, at: Tick, length: Tick) -> None:
        examined = self._reader.audio(at, min(length, _EXAMINED)).reshape(-1, PACKET)
        speech = int(examined.any(axis=1).sum()) * PACKET
        if speech:
            self._missed(speech, "speech")
        self._missed(length - speech, "silence")


class VideoTrack(MediaStreamTrack):
    """The avatar's face: 25 pictures a second; a missing one is the last one again.

    A picture that is to stay for longer than one frame is not sent again meanwhile. late: for how
    many there was no new picture in time, those included that a stall left out. seen: what is sent
    of each picture. busy: see Playout.
    """

    kind = "video"

    def __init__(
        self, clock: Clock, reader: Reader, still: I420, sent: Shown, missed: Miss,
        seen: Callable[[I420], I420] = lambda image: image, busy: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.ntp_origin = clock.ntp_origin
        self.late, self._seen, self.busy = 0, seen, busy
        self._clock, self._reader, self._sent, self._missed = clock, reader, sent, missed
        self._pace = _Pace(clock, FRAME)
        self._last, self._stays_until = still, 0
        self._begins_until: Tick | None = None  # the still is shown, as it should be

    async def recv(self) -> av.VideoFrame:
        """The next picture, at its time."""
        while True:
            at = await self._pace.tick()
            if self._pace.skipped:
                self.late += self._pace.skipped // FRAME
                self._missed(self._pace.skipped, "picture")
            picture = self._reader.picture(at)
            if picture is not None or at >= self._stays_until:
                break
        in_time = picture is not None or self._begins(at)
        self.late += not in_time
        if picture is not None:
            self._last, self._begins_until = picture.image, at
            self._stays_until = picture.at + picture.stays
        # No copy: one takes 0.3 ms of the event loop. Nobody writes into a picture that is shown.
        image = np.ascontiguousarray(self._seen(self._last))
        frame = av.VideoFrame.from_numpy_buffer(image, format="yuv420p")
        frame.pts, frame.time_base = at * _VIDEO_RATE // TICK_RATE, _VIDEO_BASE
        self._sent(at, self._clock.now(), in_time)
        return frame

    def _begins(self, at: Tick) -> bool:
        """Whether the session is so young that its first picture may still be drawn."""
        if self._begins_until is None:
            self._begins_until = at + _BEGINNING
        return at < self._begins_until
