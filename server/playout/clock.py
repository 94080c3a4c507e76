"""A session's one clock. All time in the server comes from here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from time import time as wall_clock
from typing import Final

from visavis.server.playout.messages import FRAME, TICK_RATE, Tick

_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905


PERIOD: Final = FRAME / TICK_RATE  # s from one picture to the next


def seconds() -> float:
    """What time it is, in the seconds of every clock that was not given others."""
    return monotonic()


class Clock:
    """Counts ticks from its making.

    time: seconds that grow. By default not the event loop's: uvloop's has a resolution of 1 ms and
    stands still within a step. phase: in [0, PERIOD), where among other sessions' the times of this
    one's pictures lie; then it begins with up to a picture's time on it, and nobody waits.
    """

    def __init__(self, time: Callable[[], float] | None = None, phase: float | None = None) -> None:
        self._time = time or monotonic
        now = self._time()
        ahead = 0.0 if phase is None else (now - phase) % PERIOD
        self._origin = now - ahead
        # RTCP sender reports map media time to this: one origin, so both tracks agree.
        self.ntp_origin: Final = int((wall_clock() - ahead + _NTP_EPOCH) * 2**32)

    @property
    def epoch(self) -> float:
        """When tick 0 was, in s since 1970, as sender reports have it."""
        return self.ntp_origin / 2**32 - _NTP_EPOCH

    def now(self) -> Tick:
        """Ticks since the session began."""
        return int((self._time() - self._origin) * TICK_RATE)

    def seconds(self, at: Tick) -> float:
        """When `at` is, in the clock's own seconds: those of time.monotonic(), by default."""
        return self._origin + at / TICK_RATE

    async def sleep_until(self, at: Tick) -> None:
        """Return at `at`, or at once (but after other tasks had a turn) when it has passed."""
        await asyncio.sleep(max(0.0, self.seconds(at) - self._time()))
