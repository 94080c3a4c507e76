"""A session's one clock. All time in the server comes from here; knows nothing of media."""

from __future__ import annotations

import asyncio
from time import monotonic, time
from typing import Final

from visavis.server.playout.messages import TICK_RATE, Tick

_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905


class Clock:
    """Counts ticks from its making.

    Not the event loop's time: uvloop's has a resolution of 1 ms and stands still within a step.
    """

    def __init__(self) -> None:
        self._origin = monotonic()
        # RTCP sender reports map media time to this: one origin, so both tracks agree.
        self.ntp_origin: Final = int((time() + _NTP_EPOCH) * 2**32)

    def now(self) -> Tick:
        """Ticks since the session began."""
        return int((monotonic() - self._origin) * TICK_RATE)

    def seconds(self, at: Tick) -> float:
        """When `at` is, in seconds of time.monotonic()."""
        return self._origin + at / TICK_RATE

    async def sleep_until(self, at: Tick) -> None:
        """Return at `at`, or at once (but after other tasks had a turn) when it has passed."""
        await asyncio.sleep(max(0.0, self.seconds(at) - monotonic()))
