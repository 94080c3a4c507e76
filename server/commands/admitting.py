"""What keeps `max_sessions = auto` true: the self-test after the start, and a look every second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from visavis.engines.base import EngineError
from visavis.server.http.admission import Admission, Carried, Look
from visavis.server.http.places import Places
from visavis.server.services.carrying import Measured
from visavis.server.system.faults import fault
from visavis.server.system.load import Machine

log = logging.getLogger(__name__)

_EVERY: Final = 1.0  # s
_AGAIN: Final = 2.0  # s without a session, before a self-test that was broken off begins anew

Pictures = Callable[[], tuple[float, float]]  # sent so far, and those of them that were late


# The self-test, while the function says that nobody is there; None: somebody came.
Carry = Callable[[Callable[[], bool]], Awaitable[Measured | None]]


async def watch(
    admission: Admission, places: Places, pictures: Pictures, first: Callable[[], list[int]]
) -> None:
    """Let admission look at the server until cancelled.

    first: the server's processes, where they are scheduled before all others; else none.
    """
    machine = await asyncio.to_thread(Machine)
    admission.cores = machine.cores
    while True:
        load = await asyncio.to_thread(machine.load, first())
        sent, late = pictures()
        admission.look(Look(monotonic(), load.busy, load.memory, sent, late, places.taken))
        await asyncio.sleep(_EVERY)


async def rehearse(admission: Admission, carry: Carry, places: Places) -> None:
    """The self-test, once the server is ready; it makes way for whoever comes."""
    if not admission.is_measured:
        return
    measured = None
    try:
        while measured is None:
            if not places.taken:
                measured = await carry(lambda: not places.taken)
                admission.forget()
            await asyncio.sleep(0 if measured else _AGAIN)
    except EngineError as error:
        log.warning("the self-test failed", extra={"fault": fault(error)})
        return
    admission.carries(Carried(measured.sessions, measured.each))
    extra = {
        "sessions": measured.sessions,
        "cores_each": round(measured.each, 3),
        "picture_ms": round(measured.cost * 1000, 2),
        "cores": measured.cores,
    }
    log.info("this machine carries", extra=extra)
