"""A server with workers: one port, and processes behind it that have the sessions and engines.

The parent loads no model: it takes callers in, keeps places, makes avatars and replaces workers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from visavis.server.commands import admitting, composition, keeping, lifetime, studio
from visavis.server.commands.console import say_line
from visavis.server.http.admission import Admission
from visavis.server.http.app import Basics, Part, Room
from visavis.server.http.app import application as assembled
from visavis.server.http.cards import CardRoutes
from visavis.server.http.detecting import DetectRoutes
from visavis.server.http.headers import Headers
from visavis.server.http.places import Places
from visavis.server.http.relays import RelayRoutes
from visavis.server.processes.crew import Crew, Order
from visavis.server.processes.forwarding import Forwarding
from visavis.server.processes.staffing import DeskLink, StaffForwarding
from visavis.server.processes.wiring import WireForwarding
from visavis.server.rtc import ports
from visavis.server.rtc.reach import Reach
from visavis.server.services.configured import avatars
from visavis.server.session.attendance import Presence
from visavis.server.staff.desk import Desk, DeskRoutes
from visavis.server.system import lag, priority
from visavis.server.system.audit import Audit
from visavis.server.system.config import Config
from visavis.server.system.faults import log_loop_faults
from visavis.server.system.flow import file_threads
from visavis.server.system.metrics import Metrics
from visavis.server.system.run_folder import run_folder

log = logging.getLogger("visavis")

WORKER: Final = (sys.executable, "-P", "-m", "visavis.server.commands.worker")
_CLOSE: Final = 2.0  # s that a worker may take beyond the drain: files are closed
_ENDS: Final = "The server is shutting down."
_TOKENS: Final = "token", "staff_token", "metrics_token", "token_secret", "token_secret_old"
_PRIVATE: Final = frozenset(  # not for workers
    f"{name}{suffix}" for name in (*_TOKENS, "webhook_secret") for suffix in ("", "_file")
) | {"tls_cert", "tls_key", "jobs", "jobs_results"}


async def serve(config: Config, count: int) -> None:
    """Run the server until it is told to stop by SIGINT or SIGTERM; then it ends within 5 s.

    count: workers. Raises ConfigError, EngineError, OSError.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    loop.set_exception_handler(log_loop_faults)
    ports.check(Reach(config.hosts, config.announced, config.port_range, config.never))
    metrics, stop, loaded = Metrics(), lifetime.Stop(), asyncio.Event()
    stop.listen()
    fixed = None if config.max_sessions == "auto" else config.max_sessions
    admission = Admission(fixed, float(os.cpu_count() or 1))
    places = Places(lambda: admission.places, config.sessions_per_address)
    metrics.places.set_function(lambda: admission.places)
    with run_folder() as folder, lifetime.audited(config, metrics, workers=count) as audit:
        settings = {k: v for k, v in asdict(config).items() if k not in _PRIVATE}
        crew = Crew(Order(WORKER, settings, dict(os.environ)), count, folder, places, metrics)
        app = _application(config, crew, admission, places, stop, metrics, audit)
        try:
            async with lifetime.opened(app, config, metrics, loaded) as at:
                async with lifetime.telling(config.home_path):
                    if await stop.unless_asked(crew.open()):
                        loaded.set()
                if loaded.is_set():
                    is_first = priority.go_first() == "real-time"
                    lifetime.say_ready(config, at)
                    keep = keeping.watch(config, audit)
                    await _until(stop, crew, admission, places, metrics, is_first, keep)
                say_line("visavis is shutting down")
                await stop.drain(crew.drain(config.drain_seconds), config.drain_seconds + _CLOSE)
        finally:
            await crew.close()


def _application(
    config: Config,
    crew: Crew,
    admission: Admission,
    places: Places,
    stop: lifetime.Stop,
    metrics: Metrics,
    audit: Audit,
) -> web.Application:
    def ends() -> str | None:
        return _ENDS if stop.asked.is_set() else None

    async def scrape() -> bytes:
        await crew.samples()
        return crew.merged.text()

    store, pictures = avatars(config), composition.gallery(config)
    forwarding = Forwarding(crew, ends)
    wiring = WireForwarding(crew, composition.ways(config))
    desk = Desk(Presence(offered=bool(config.staff_token)), metrics)
    DeskLink(desk, crew)
    filming = studio.of(config, lambda: places.taken > 0, metrics, audit)
    parts: tuple[Part, ...] = (
        forwarding,
        StaffForwarding(crew, forwarding),
        wiring,
        DeskRoutes(desk),
        composition.avatar_routes(config, store, audit),
        CardRoutes(pictures),
        DetectRoutes(config.home_path, on=config.detect == "on"),
        composition.topics(config),
        RelayRoutes(composition.relays(config)),
        *filming.parts,
        Basics(
            lambda: ends() or crew.missing,
            lambda: Room(admission.places, places.taken, admission.why),
            scrape,
        ),
    )
    guard = composition.guard(config, metrics, places, crew.register.evict, audit)
    app = assembled(
        guard, Headers(config.frame_ancestors, pictures.hosts, camera=config.sees_people), parts
    )
    filming.keep(app)
    return app


async def _until(
    stop: lifetime.Stop,
    crew: Crew,
    admission: Admission,
    places: Places,
    metrics: Metrics,
    is_first: bool,
    keep: Coroutine[Any, Any, None],
) -> None:
    """Measure until the operator ends the server."""

    def first() -> list[int]:
        return [os.getpid(), *(worker.pid for worker in crew.workers.values())] if is_first else []

    work = {
        "lag": lag.watch(metrics),
        "admission": admitting.watch(admission, places, crew.pictures, first),
        "self-test": admitting.rehearse(admission, crew.carries, places),
        "retention": keep,
    }
    await stop.work_until(work)
