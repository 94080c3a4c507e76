"""`visavis serve`: settings -> engines -> addresses; runs until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import os
import signal
import ssl
import sys
import warnings
from dataclasses import fields
from typing import Final

import uvloop
from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application, reach, services
from visavis.server.commands.console import say_line
from visavis.server.http.door import Door
from visavis.server.http.headers import Headers
from visavis.server.rtc import hooks, ports
from visavis.server.services.engines import Services
from visavis.server.system import config as settings
from visavis.server.system import home, lag, logs, memory, priority
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import log_loop_faults
from visavis.server.system.flow import file_threads
from visavis.server.system.metrics import Metrics

log = logging.getLogger("visavis")

_FINISH: Final = 0.7  # s for requests under way at the end, and as long again once cancelled
_END_WITHIN: Final = 4.0  # s from the signal to the end of the process, whatever hangs
_SWITCH: Final = 0.0005  # s after which a thread gives up the interpreter


def run(options: argparse.Namespace) -> None:
    """`serve`. Raises ConfigError, EngineError, ModelError, OSError."""
    given = {f.name: getattr(options, f.name) for f in fields(Config)}
    config = settings.load(given, file=options.config)
    _log_to_stderr(config.log_level)
    for doubt in settings.doubts(config, file=options.config):
        log.warning(doubt)
    for secret in ("VISAVIS_TOKEN", "VISAVIS_ICE_SERVERS"):  # no child process needs them
        os.environ.pop(secret, None)
    uvloop.run(serve(config))


async def serve(config: Config) -> None:
    """Run the server until it is told to stop by SIGINT or SIGTERM; then it ends within 5 s."""
    hooks.install()
    ports.check(reach(config))
    memory.give_back_large_blocks()
    # Engines run Python too: at the default 5 ms a packet waits for several of them in turn, and
    # the browser's jitter buffer grows by what it waited.
    sys.setswitchinterval(_SWITCH)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(file_threads())
    loop.set_exception_handler(log_loop_faults)
    metrics, store = Metrics(), AvatarStore(config.home_path)
    engines = services(config, store, metrics)
    context = tls(config)
    app = application(config, engines, store, metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await runner.setup()
    assert runner.server is not None
    door = Door(runner.server, Headers(config.frame_ancestors), metrics, context)
    try:
        address = _address(config, await door.open(config.host, config.port))
        say_line(f"visavis is starting at {address}")
        for why in await asyncio.to_thread(home.faults, config.home_path):
            log.warning("nothing new can be kept", extra={"why": why})
        if await _opened(engines, stop):
            log.info("scheduling", extra={"level": priority.go_first()})
            _say_ready(config, address)
            watching = asyncio.create_task(lag.watch(metrics), name="lag")
            await stop.wait()
            watching.cancel()
        say_line("visavis is shutting down")
    finally:
        # What hangs then, be it in native code, is shown by its place, and the process ends.
        faulthandler.dump_traceback_later(_END_WITHIN, exit=True)
        await door.close()
        await runner.cleanup()
        engines.close()


async def _opened(engines: Services, stop: asyncio.Event) -> bool:
    """Load the engines; False when the operator did not wait for them."""
    opening, stopping = asyncio.create_task(engines.open()), asyncio.create_task(stop.wait())
    await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if opening.done():
        opening.result()
        return True
    opening.cancel()
    return False


def _address(config: Config, port: int) -> str:
    host = "localhost" if config.host in {"127.0.0.1", "0.0.0.0", "::"} else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}/"


def _say_ready(config: Config, address: str) -> None:
    """The token is shown to somebody who looks, once; it never goes to a file or a log."""
    if config.token and sys.stdout.isatty():
        say_line(f"visavis is ready: open {address}#token={config.token}")
        return
    say_line(f"visavis is ready: open {address}")
    if config.token:
        where = f"the file {config.token_file}" if config.token_file else "the setting token"
        say_line(f"It asks for the token: {where} has it. {address}#token=TOKEN takes it along.")


def tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        msg = f"tls_cert {config.tls_cert}, tls_key {config.tls_key}: {error}"
        raise ConfigError(msg) from error
    return context


def _log_to_stderr(level: str) -> None:
    logs.to_stderr(level)
    # aiohttp warns of a header by quoting it, and remembers each one.
    warnings.simplefilter("ignore", BadContentDispositionHeader)
    warnings.simplefilter("ignore", BadContentDispositionParam)
