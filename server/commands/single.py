"""A server that is one process: settings -> engines -> addresses, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

from aiohttp import web

from visavis.server.commands import admitting, keeping, lifetime
from visavis.server.commands.composition import (
    ADMISSION,
    PLACES,
    SESSIONS,
    application,
    reach,
)
from visavis.server.commands.console import say_line
from visavis.server.commands.rehearsing import encoder
from visavis.server.rtc import hooks, ports
from visavis.server.services.configured import avatars, services
from visavis.server.services.engines import Services
from visavis.server.system import lag, memory, priority
from visavis.server.system.audit import Audit
from visavis.server.system.config import Config
from visavis.server.system.faults import log_loop_faults
from visavis.server.system.flow import file_threads
from visavis.server.system.metrics import Metrics

log = logging.getLogger("visavis")


async def serve(config: Config) -> None:
    """Run the server until it is told to stop by SIGINT or SIGTERM; then it ends within 5 s."""
    hooks.install()
    ports.check(reach(config))
    memory.give_back_large_blocks()
    # Engines run Python too: at the default 5 ms a packet waits for several of them in turn, and
    # the browser's jitter buffer grows by what it waited.
    sys.setswitchinterval(lifetime.SWITCH)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    loop.set_exception_handler(log_loop_faults)
    metrics, store = Metrics(), avatars(config)
    engines = await asyncio.to_thread(services, config, store, metrics)  # a key may be made
    with lifetime.audited(config, metrics, workers=1) as audit:
        app = application(config, engines, store, metrics, audit)
        await _serve(config, engines, app, metrics, audit)


async def _serve(
    config: Config, engines: Services, app: web.Application, metrics: Metrics, audit: Audit
) -> None:
    stop, loaded = lifetime.Stop(), asyncio.Event()
    stop.listen()
    try:
        async with lifetime.opened(app, config, metrics, loaded) as at:
            async with lifetime.telling(config.home_path):
                if await stop.unless_asked(engines.open()):
                    loaded.set()
            if loaded.is_set():
                memory.give_back_what_is_free()
                memory.spare_what_is_loaded()
                level = priority.go_first()
                log.info("scheduling", extra={"level": level})
                lifetime.say_ready(config, at)
                first = [os.getpid()] if level == "real-time" else []
                keep = keeping.watch(config, audit)
                await _until(stop, app, engines, metrics, first, keep)
            say_line("visavis is shutting down")
            await stop.drain(app[SESSIONS].drain(config.drain_seconds), config.drain_seconds)
    finally:
        engines.close()


async def _until(
    stop: lifetime.Stop,
    app: web.Application,
    engines: Services,
    metrics: Metrics,
    first: list[int],
    keep: Coroutine[Any, Any, None],
) -> None:
    """Measure until the operator ends the server."""
    admission, places = app[ADMISSION], app[PLACES]
    work = {
        "lag": lag.watch(metrics),
        "admission": admitting.watch(admission, places, metrics.sent_and_late, lambda: first),
        "self-test": admitting.rehearse(admission, partial(engines.carries, encoder), places),
        "answers": engines.prepare(lambda: app[SESSIONS].talking),
        "reloading": engines.renew(),
        "retention": keep,
    }
    await stop.work_until(work)
