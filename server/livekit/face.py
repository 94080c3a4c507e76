"""A session as livekit-agents' AvatarRunner wants an avatar: sound in; pictures and sound out.

The runner takes what it is given for what was played, and tells the agent so. Hence it gets each
picture and packet at its time, the sound of segments alone, and the end of one once it is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from livekit import rtc
from livekit.agents.voice.avatar import AudioSegmentEnd, VideoGenerator

from visavis.engines.base import I420, PLAY_RATE, Pcm
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, Tick, ms
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event, SegmentEnded
from visavis.server.session.resampling import Resampled
from visavis.server.session.session import Session
from visavis.server.system.errors import SoundError

log = logging.getLogger(__name__)

# What the runner's source of sound still holds when it was given the last packet, besides what it
# had too late: without this the agent is told of the end while the last word sounds.
_HELD: Final[Tick] = ms(40)
QUEUE: Final = 80  # ms that it may hold; its own 100 ms more are heard after a clear
_LOST: Final[Tick] = ms(500)  # further behind than this the process was stopped: do not catch up
_PATIENCE: Final = 1.0  # s for a runner that takes nothing

Frame = rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd


@dataclass(frozen=True, slots=True)
class _Sound:
    """For the runner: sound that plays at `at`, or the end of a segment."""

    frame: rtc.AudioFrame | AudioSegmentEnd
    at: Tick
    segment: int = 0


class Face(VideoGenerator):
    """Of one session whose source is "voice": a VideoGenerator, and an Outlet of the session."""

    def __init__(self, session: Session) -> None:
        self._voice = session.voice
        self._resampled: Resampled | None = None
        self._segment: int | None = None  # whose sound comes in
        self._refused = False  # sound that cannot be spoken: this was said
        self._awaited = 0  # the segment whose end the runner is to have before it reads on
        self._ends: deque[tuple[Tick, int]] = deque()  # when the runner gets which
        self._sounds: deque[_Sound] = deque()
        self._picture: rtc.VideoFrame | None = None  # the newest, if the runner has not had it
        self._given: _Sound | None = None  # what the runner took last and may not be through with
        self._at: Tick = 0  # what comes before this was handed over
        self._late: Tick = 0  # by how much the runner has had sound of this segment too late
        self._clock: Clock | None = None
        self._closed = False
        self._bell = asyncio.Event()

    # --- sound in, as VideoGenerator has it ------------------------------------------------------

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """More of a segment; or its end, and then return when the runner was given that.

        A runner that reads on meanwhile tells the agent of one end for two segments.
        """
        if isinstance(frame, AudioSegmentEnd):
            await self._end()
            return
        if self._segment is None:
            self._segment = self._voice.segment
        segment = self._segment
        try:
            pcm = self._for(frame).feed(np.frombuffer(frame.data, np.int16))
        except SoundError as error:
            if not self._refused:
                log.warning("an agent's sound is not spoken", extra={"why": str(error)})
            self._refused = True
            return
        await self._voice.push(pcm, segment)

    def _for(self, frame: rtc.AudioFrame) -> Resampled:
        known = self._resampled
        if known is None or (known.rate, known.channels) != (frame.sample_rate, frame.num_channels):
            known = self._resampled = Resampled(frame.sample_rate, frame.num_channels)
        return known

    async def _end(self) -> None:
        segment = self._segment
        if segment is None:  # it was cleared
            return
        if self._resampled is not None:
            await self._voice.push(self._resampled.flush(), segment)
        self._segment, self._awaited = None, segment
        if self._voice.segment == segment:
            self._voice.end(segment)
        else:  # somebody else has interrupted it
            self._ends.append((self._at, segment))
        await self._until(lambda: self._awaited != segment)

    async def clear_buffer(self) -> None:
        """Silence; then return, when the runner has all that sounded before.

        What it got later it would take for the beginning of the next segment.
        """
        self._segment, self._awaited, self._late = None, 0, 0
        if self._resampled is not None:
            self._resampled.reset()
        self._voice.clear()
        self._ends.clear()  # the runner tells of this one itself
        self._sounds.clear()
        silent = self._voice.silent_from
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._until(
                    lambda: self._at >= silent and not self._sounds and self._given is None
                )
        except TimeoutError:
            log.warning("a room of LiveKit takes no pictures")

    # --- pictures and sound out, as VideoGenerator has it ----------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        if self._given is not None and self._given.segment == self._awaited:
            self._awaited = 0
        self._given = None
        self._ring()
        await self._until(lambda: bool(self._sounds) or self._picture is not None)
        if self._sounds:  # first: a picture may have to wait for its time with the runner
            self._given = sound = self._sounds.popleft()
            if self._clock is not None and isinstance(sound.frame, rtc.AudioFrame):
                self._late = max(self._late, self._clock.now() - sound.at)
            return sound.frame
        picture, self._picture = self._picture, None
        if picture is None:
            raise StopAsyncIteration
        return picture

    def close(self) -> None:
        """There will be no more of it."""
        self._closed = True
        self._ring()

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not (holds() or self._closed):
            await self._bell.wait()

    # --- as a session has it ---------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """See Outlet."""
        if isinstance(event, SegmentEnded) and event.segment == self._awaited:
            silent = max(self._at, self._voice.silent_from)
            self._ends.append((silent + _HELD + self._late, event.segment))
            self._late = 0

    async def play(self, playout: Playout) -> None:
        """See Outlet."""
        try:
            await self._play(playout)
        finally:
            self.close()

    async def _play(self, playout: Playout) -> None:
        clock, image = playout.clock, playout.still
        self._clock = clock
        at = _next(clock.now())
        while True:
            await clock.sleep_until(at)
            if (now := clock.now()) - at > _LOST:
                playout.missed(_next(now) - at, "gap")
                at = _next(now)
                continue
            if at % FRAME == 0:
                picture = playout.reader.picture(at)
                image = image if picture is None else picture.image
                self._picture = _picture(image)
                playout.picture_sent(at, now, picture is not None)
            first, last = self._voice.covers(at, PACKET)
            if first < last:
                self._sounds.append(
                    _Sound(_sound(playout.reader.audio(at)[first:last]), at + first)
                )
            playout.sound_sent(at, now)
            at = self._at = at + PACKET
            while self._ends and self._ends[0][0] <= at:
                self._sounds.append(_Sound(AudioSegmentEnd(), *self._ends.popleft()))
            self._ring()


def _next(now: Tick) -> Tick:
    return now // FRAME * FRAME + FRAME


def _picture(image: I420) -> rtc.VideoFrame:
    height, width = image.shape[0] * 2 // 3, image.shape[1]
    return rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, image.tobytes())


def _sound(pcm: Pcm) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm.tobytes(), PLAY_RATE, 1, len(pcm))
