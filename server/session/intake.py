"""How much sound a session takes, from whatever inlet: what a microphone can make, and not more.

Hearing costs 0.16 ms for 20 ms of sound in the event loop, which all sessions share, where an echo
has to be taken out, and less than half of that elsewhere. In a thread it would cost the same and
its hand-over: the echo canceller keeps the interpreter's lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from visavis.engines.base import Pcm
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import TICK_RATE, Tick, ms
from visavis.server.system.bucket import Bucket

SHARE: Final = 1.2  # s of sound in a second: clocks differ, and a stall is made up for
BURST: Final = 1.0  # s of sound at once, after a stall
_STEP: Final[Tick] = ms(40)  # of sound in one step of the event loop; then others have a turn


async def taken(
    mic: AsyncIterator[Pcm], clock: Clock, refused: Callable[[Tick], None]
) -> AsyncIterator[Pcm]:
    """The packets of `mic` but those that are too many; `refused` is told how long each was."""
    left = Bucket(SHARE * TICK_RATE, BURST * TICK_RATE, lambda: clock.seconds(clock.now()))
    step: Tick = 0
    async for packet in mic:
        if left.take(len(packet)):
            yield packet
        else:
            refused(len(packet))
        step += len(packet)
        if step >= _STEP:
            step = 0
            await asyncio.sleep(0)
