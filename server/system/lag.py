"""How late the event loop is: when it is, so is every packet, and no other metric may show it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from visavis.server.system.metrics import Metrics
from visavis.server.system.seldom import Seldom

log = logging.getLogger(__name__)

STALL: Final = 0.2  # s; viewers hear and see it
_EVERY: Final = 0.05  # s; a stall that begins before a look is seen as shorter by that at most

_seldom: Final = Seldom(log)


async def watch(metrics: Metrics) -> None:
    """Measure until cancelled, twenty times a second. A process that was stopped counts too."""
    loop = asyncio.get_running_loop()
    metrics.tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
    while True:
        due = time.monotonic() + _EVERY
        await asyncio.sleep(_EVERY)
        now = time.monotonic()
        lag = max(0.0, now - due)
        metrics.loop_lag.observe(lag)
        if lag > STALL:
            metrics.stalls.inc()
            metrics.stalled.inc(lag)
            _seldom.warning("stall", "the server stood still", seconds=round(lag, 2))
