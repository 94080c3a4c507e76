"""A session's sound and pictures handed over one by one, at their times.

For programs that have queues of their own where a browser has a clock. Only speech is handed over,
and half a second of silence after it: such programs take sound that goes on for speech that does,
and what waits in their queues can never be caught up on otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import numpy as np

from visavis.engines.base import I420, Pcm
from visavis.server.playout.messages import FRAME, PACKET, Tick, ms
from visavis.server.playout.timeline import FADE
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event

_TAIL: Final[Tick] = ms(500)  # Pipecat says that a bot has stopped after 350 ms of silence
# Before speech, so that a packet that comes late is no gap: the other end plays what it has and
# asks for more, and whatever it lacked once it is late with from then on.
_CUSHION: Final[Tick] = ms(20)
_LOST: Final[Tick] = ms(500)  # further behind than this the process was stopped: do not catch up

Heard = Callable[[Pcm, Tick], Awaitable[None]]
Seen = Callable[[I420, Tick], Awaitable[None]]


class Paced:
    """Outlet: `heard` gets (n,) int16 at 48 kHz, `seen` each new picture, both in order.

    With each comes the tick at which it plays, as far as that goes: what waits plays later. A
    picture comes before the sound that plays with it. told: gets the session's events, in the event
    loop, and must not block. behind: pictures come so much later than their time, in whole packets,
    for who shows them at once but has sound wait.
    """

    def __init__(
        self, heard: Heard, seen: Seen, told: Callable[[Event], None], behind: Tick = 0
    ) -> None:
        self._heard, self._seen, self._told = heard, seen, told
        self._behind = behind
        self._tail: Tick = 0  # for so long silence is handed over, too
        self._hushed: Tick = 0  # until then nothing is
        self._playout: Playout | None = None
        self._stays_until: Tick = 0

    def tell(self, event: Event) -> None:
        """See Outlet."""
        self._told(event)

    def hush(self) -> None:
        """What is being cut is not handed over: the queues behind this are emptied at once."""
        if self._playout is not None:
            self._hushed, self._tail = self._playout.clock.now() + PACKET + FADE, 0

    async def play(self, playout: Playout) -> None:
        """See Outlet."""
        self._playout = playout
        clock = playout.clock
        await self._seen(playout.still, clock.now())
        at = _next(clock.now())
        while True:
            await clock.sleep_until(at)
            if clock.now() - at > _LOST:
                later = _next(clock.now())
                playout.missed(later - at, "gap")
                at = later
                continue
            if (at - self._behind) % FRAME == 0:
                await self._show(playout, at - self._behind)
            await self._sound(playout, at)
            at += PACKET

    async def _show(self, playout: Playout, at: Tick) -> None:
        picture, now = playout.reader.picture(at), playout.clock.now()
        if picture is None:
            in_time = at < self._stays_until
        else:
            in_time = now - at < FRAME + self._behind
            self._stays_until = picture.at + picture.stays
            if in_time:  # after a stall there are newer ones
                await self._seen(picture.image, at)
        playout.picture_sent(at, now, in_time)

    async def _sound(self, playout: Playout, at: Tick) -> None:
        sound = playout.reader.audio(at)
        if at < self._hushed:
            sound = np.zeros_like(sound)
        if sound.any():
            if self._tail == 0:
                await self._heard(np.zeros(_CUSHION, np.int16), at - _CUSHION)
            self._tail = _TAIL
            await self._heard(sound, at)
        elif self._tail > 0:
            self._tail -= PACKET
            await self._heard(sound, at)
        playout.sound_sent(at, playout.clock.now())


def _next(now: Tick) -> Tick:
    return now // FRAME * FRAME + FRAME
