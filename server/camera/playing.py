"""A session's sound and pictures, played into a virtual microphone and a virtual camera.

The sound is written `early`, and takes what the sound server takes; pictures wait for the rest, so
both leave together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from visavis.engines.base import I420, Pcm
from visavis.engines.settings import Labelled
from visavis.server.camera.away import Away
from visavis.server.camera.labelled import keep
from visavis.server.playout.messages import FRAME, PACKET, Tick, ms
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event

_LOST: Final[Tick] = ms(300)  # further behind than this the program was stopped: do not catch up
# How long before its time a relayed voice is on the timeline at the latest, less what the lips may
# take (`relaying` tells it 50 ms before).
EARLY: Final[Tick] = ms(25)
_BEGINNING: Final[Tick] = ms(1000)  # in which the still is no late picture


class Sounds(Protocol):
    """A `VoiceOut`, or whatever takes its place. delay: from an offer to the sound, ticks."""

    delay: float

    def offer(self, pcm: Pcm) -> None:
        """The next packet; never waits."""
        ...


class Shows(Protocol):
    """A `PictureOut`."""

    def offer(self, picture: I420) -> None:
        """The next one; never waits."""
        ...


class CameraOutlet:
    """Outlet. early: how long before its time sound is read. told: of each event.

    framed: makes a camera's picture of the face's. label: in the face's; None: there is none.
    """

    def __init__(
        self,
        sounds: Sounds | None,
        pictures: Shows,
        away: Away,
        told: Callable[[Event], None],
        early: Tick,
        framed: Callable[[I420], I420],
        label: Labelled | None = None,
    ) -> None:
        self._label = label
        self._sounds, self._pictures, self._away, self._told = sounds, pictures, away, told
        self._early = early if sounds is not None else 0
        self._framed = framed
        self.late = 0  # pictures that were not there in time: the one before was sent again

    @property
    def held(self) -> Tick:
        """How long a picture waits for its sound."""
        delay = 0.0 if self._sounds is None else self._sounds.delay
        return max(0, round(delay) - self._early)

    def tell(self, event: Event) -> None:
        """See Outlet."""
        self._told(event)

    async def play(self, playout: Playout) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._show(playout), name="to the camera")
            if self._sounds is not None:
                both.create_task(self._speak(playout, self._sounds), name="to the microphone")

    async def _speak(self, playout: Playout, sounds: Sounds) -> None:
        clock, at = playout.clock, _next(playout.clock.now(), PACKET)
        while True:
            await clock.sleep_until(at)
            if (now := clock.now()) - at > _LOST:
                at = _next(now, PACKET)
            read = at + self._early
            sounds.offer(playout.reader.audio(read))
            playout.sound_sent(read, now)
            at += PACKET

    async def _show(self, playout: Playout) -> None:
        clock, at = playout.clock, _next(playout.clock.now(), FRAME)
        last, stays_until = playout.still, at + _BEGINNING
        while True:
            await clock.sleep_until(at + self.held)
            if (now := clock.now()) - at > _LOST:
                at = _next(now - self.held, FRAME)
            picture = playout.reader.picture(at)
            if picture is not None:
                last, stays_until = picture.image, picture.at + picture.stays
            in_time = picture is not None or at < stays_until
            self.late += not in_time
            shown = self._away.shown(self._framed(last), at)
            self._pictures.offer(keep(self._label, last, shown))
            playout.picture_sent(at, now, in_time)
            at += FRAME


def _next(now: Tick, step: Tick) -> Tick:
    return now - now % step + step
