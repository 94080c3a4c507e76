"""A microphone's sound, pushed to a session as it comes: heard with the least delay, and no later.

What is pushed is never left out, so a clock that runs fast, or a network that stalls, would make it
later and later. Silence is where that is made good: it is not pushed, and what follows it begins
anew.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.server.playout.messages import Tick, ms
from visavis.server.session.intake import taken
from visavis.server.session.session import Session

_QUIET: Final = 64  # of 32768: -54 dBFS; a muted or suppressed microphone is below it
_PAUSE: Final[Tick] = ms(400)  # of quiet, after which the voice has ended
_LATE: Final[Tick] = ms(400)  # that may wait to be heard; then quiet is left out, ...
_TOO_LATE: Final[Tick] = ms(1000)  # ... and from here on anything


class LiveVoice:
    """One microphone of a session. heard_at: when it last sent anything, s of time.monotonic()."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._speaks = False
        self._quiet: Tick = 0
        self._floor = 0.0  # loudness that is quiet here, of 32768
        self.heard_at = time.monotonic()

    async def hear(self, packets: AsyncIterator[Pcm]) -> None:
        """48 kHz mono, until they end."""
        session = self._session
        try:
            async for packet in taken(packets, session.clock, session.sound_refused):
                self.heard_at = time.monotonic()
                await self._take(packet)
        finally:
            if self._speaks:
                session.voice.end()

    async def _take(self, packet: Pcm) -> None:
        voice, loud = self._session.voice, _peak(packet)
        if loud >= _QUIET:
            self._quiet = 0
            if not self._speaks:
                self._begin()
        else:
            self._quiet += len(packet)
        if not self._speaks:
            return
        if self._quiet >= _PAUSE:
            self._speaks = False
            voice.end()
            return
        if not self._is_late(loud):
            await voice.push(packet)

    def _begin(self) -> None:
        """The voice goes before what the avatar is saying."""
        self._speaks = True
        if self._session.replying:
            self._session.halt()

    def _is_late(self, loud: float) -> bool:
        """Whether to leave this packet out, for too much waits."""
        # The floor rises slowly and falls at once: a noisy room's pauses count as quiet, too.
        self._floor = min(loud, self._floor * 1.02 + 1.0)
        ahead = self._session.voice.ahead
        return ahead > _TOO_LATE or (ahead > _LATE and loud <= 2 * self._floor)


def _peak(pcm: Pcm) -> int:
    return int(np.abs(pcm.astype(np.int32)).max()) if pcm.size else 0
