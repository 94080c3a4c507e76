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
_AGAIN: Final = 2.0  # s before a self-test that was broken off begins anew
_WATCH: Final = 10.0  # s between looks whether who draws has changed

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
    """The self-test, once the server is ready; it makes way for whoever comes.

    Asked again and again, for who draws may change, to a GPU and back; what is known costs nothing.
    """
    if not admission.is_measured:
        return
    known: Measured | None = None
    while True:
        measured = await _carried(carry, lambda: not places.taken)
        if measured not in (None, known):
            known = measured
            admission.forget()
            admission.carries(Carried(known.sessions, known.each))
            log.info("this machine carries", extra=_words(known))
        await asyncio.sleep(_AGAIN if measured is None else _WATCH)


async def _carried(carry: Carry, free: Callable[[], bool]) -> Measured | None:
    try:
        return await carry(free)
    except EngineError as error:
        log.warning("the self-test failed", extra={"fault": fault(error)})
        await asyncio.sleep(_WATCH)
        return None


def _words(measured: Measured) -> dict[str, float]:
    return {
        "sessions": measured.sessions,
        "cores_each": round(measured.each, 3),
        "picture_ms": round(measured.cost * 1000, 2),
        "cores": measured.cores,
    }
