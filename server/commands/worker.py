"""One worker of a server with several: today's sessions and engines behind a parent's port.

Started by `parent` as `python -m visavis.server.commands.worker FOLDER SLOT PARENT`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web

from visavis.engines.base import EngineError
from visavis.engines.registry import VOICE
from visavis.models.errors import ModelError
from visavis.models.manifest import ManifestError
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands import composition, lifetime
from visavis.server.commands.rehearsing import encoder
from visavis.server.http import problems
from visavis.server.http.app import Part, VoiceRoutes
from visavis.server.processes.duty import DistantMemory, DistantPlaces, Duty
from visavis.server.processes.link import Link, socket_of, to_parent
from visavis.server.processes.staffing import RowLink
from visavis.server.processes.trust import trusting
from visavis.server.rtc import hooks
from visavis.server.services.configured import avatars, services
from visavis.server.services.engines import Services
from visavis.server.session.attendance import Presence
from visavis.server.staff.roster import Roster
from visavis.server.staff.routes import StaffRoutes
from visavis.server.system import lag, memory, priority, sandbox
from visavis.server.system.audit import Audit, auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import LOADING, NotFound
from visavis.server.system.faults import log_loop_faults
from visavis.server.system.flow import file_threads
from visavis.server.system.metrics import Metrics
from visavis.server.voices.store import OwnVoices

log = logging.getLogger("visavis")

_CLOSE_WITHIN: Final = 2.5  # s, as a server of one process takes at the end

Make = Callable[[Config, AvatarStore, Metrics], Services]


def main(make: Make = services) -> None:
    """Run until the parent says so, or is gone."""
    folder, slot, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    sandbox.die_with(parent)
    # The parent ends its workers, whoever else is sent the same signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    priority.begin()
    uvloop.run(_work(folder, slot, make))


async def _work(folder: Path, slot: int, make: Make) -> None:
    link = await to_parent(folder)
    link.send("hello", os.getpid())
    _, settings = await link.receive()
    config = Config(**settings)
    lifetime.log_to_stderr(config.log_level, worker=slot)
    hooks.install()
    memory.give_back_large_blocks()
    sys.setswitchinterval(lifetime.SWITCH)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    loop.set_exception_handler(log_loop_faults)
    metrics = Metrics()
    engines = await asyncio.to_thread(make, config, avatars(config), metrics)
    socket = socket_of(folder, slot, os.getpid())
    with auditing(config, f"worker {slot}", metrics) as audit:
        await _serve(config, engines, metrics, link, socket, audit)


async def _serve(
    config: Config,
    engines: Services,
    metrics: Metrics,
    link: Link,
    socket: Path,
    audit: Audit,
) -> None:
    places, remembering = DistantPlaces(link), DistantMemory(link)
    sessions = composition.sessions(config, engines, places, metrics, remembering, audit)
    carry = partial(engines.carries, encoder)
    loaded = asyncio.Event()

    def missing() -> str | None:
        return sessions.draining or (engines.missing if loaded.is_set() else LOADING)

    roster = Roster(sessions, engines, Presence(), metrics, audit)
    roster.publish = RowLink(link)
    duty = Duty(link, places, remembering, sessions, metrics, missing, carry, roster.presence)
    app = web.Application(middlewares=[trusting], client_max_size=problems.MAX_BODY)
    voices = VoiceRoutes(config.voice or VOICE, config.language, OwnVoices(avatars(config)))
    routes = composition.session_routes(config, sessions, metrics, audit)
    wires = composition.wires(config, sessions, metrics)
    parts: list[Part] = [routes, StaffRoutes(roster), voices, *wires]
    for part in parts:
        app.add_routes(part.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=lifetime.FINISH)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    tasks = [asyncio.create_task(duty.beat(), name="beat")]
    orders = asyncio.create_task(duty.serve(), name="orders")
    try:
        if await _opened(engines, orders, link):
            memory.give_back_what_is_free()
            memory.spare_what_is_loaded()
            loaded.set()
            log.info("scheduling", extra={"level": priority.go_first()})
            tasks.append(asyncio.create_task(lag.watch(metrics), name="lag"))
            answers = engines.prepare(lambda: sessions.talking)
            tasks.append(asyncio.create_task(answers, name="answers"))
            tasks.append(asyncio.create_task(engines.renew(), name="reloading"))
            await asyncio.wait([orders])
        if orders.done() and (seconds := orders.result()):
            await _in_time(sessions.drain(seconds), seconds + 1)
    finally:
        lifetime.end_soon(loaded=loaded.is_set())
        await duty.close()
        await roster.close()
        await _in_time(sessions.close(), _CLOSE_WITHIN)
        for wire in wires:
            await wire.close()
        for task in tasks:
            task.cancel()
        await runner.cleanup()
        engines.close()
        link.close()


async def _opened(engines: Services, orders: asyncio.Task[float], link: Link) -> bool:
    """Load the engines; False when the parent does not wait, or they cannot be loaded."""
    opening = asyncio.create_task(engines.open())
    await asyncio.wait((opening, orders), return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        return False
    try:
        opening.result()
    except (EngineError, ModelError, ManifestError, NotFound, OSError) as error:
        link.send("failed", str(error))
        return False
    return True


async def _in_time(work: object, seconds: float) -> None:
    """What does not end by itself is left to the end of the process."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    await asyncio.wait([task], timeout=seconds)
    task.cancel()


if __name__ == "__main__":
    main()
