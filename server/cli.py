"""The command line and composition root: settings -> engines -> app."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import ssl
import sys
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web

from visavis.engines.base import EngineError
from visavis.engines.dialogue.knowledge_file import KnowledgeError
from visavis.models.errors import ModelError
from visavis.models.fetch import FetchError
from visavis.models.manifest import ManifestError
from visavis.server.commands.tools import add_command, add_tools, say_line
from visavis.server.http.app import App
from visavis.server.rtc import hooks as rtc
from visavis.server.services.studio import Studio
from visavis.server.system import config as settings
from visavis.server.system import memory, priority
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError, NotFound
from visavis.server.system.metrics import Metrics

log = logging.getLogger("visavis")

_SWITCH: Final = 0.0005  # s after which a thread gives up the interpreter
_USAGE, _FAILURE = 2, 1
_FAILURES: Final = (
    EngineError, ModelError, ManifestError, FetchError, KnowledgeError, NotFound, OSError,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 on bad use, 1 on failure."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except ConfigError as error:
        return _complain(error, _USAGE)
    except _FAILURES as error:
        return _complain(error, _FAILURE)
    except KeyboardInterrupt:
        return 130


def _complain(error: Exception, status: int) -> int:
    sys.stderr.write(f"visavis: {error}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="visavis", description="A live, talking face on a conversation, from one portrait."
    )
    parser.add_argument("--version", action="version", version=f"visavis {version('visavis')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_settings(add_command(commands, "serve", _serve, "start the server"))
    add_tools(commands)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """One option for each setting."""
    parser.add_argument("--config", type=Path, help="settings file (default: visavis.toml)")
    for setting in fields(Config):
        default = setting.default if setting.default != "" else "none"
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            metavar=setting.name.upper(),
            help=f"{setting.metadata['help']} (default: {default})",
        )


# --- serve --------------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> None:
    given = {f.name: getattr(options, f.name) for f in fields(Config)}
    config = settings.load(given, file=options.config)
    _log_to_stderr(config.log_level)
    uvloop.run(serve(config))


async def serve(config: Config) -> None:
    """Run the server until it is told to stop by SIGINT or SIGTERM."""
    rtc.install()
    memory.give_back_large_blocks()
    # Engines run Python too: at the default 5 ms a packet waits for several of them in turn, and
    # the browser's jitter buffer grows by what it waited.
    sys.setswitchinterval(_SWITCH)
    metrics, studio = Metrics(), Studio(config)
    runner = web.AppRunner(App(config, studio, metrics).build(), access_log=None)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, ssl_context=_tls(config)).start()
        address = _address(config, runner.addresses[0][1])
        say_line(f"visavis is starting at {address}")
        if await _opened(studio, stop):
            log.info("scheduling", extra={"level": priority.go_first()})
            say_line(f"visavis is ready: open {address}")
            await stop.wait()
        say_line("visavis is shutting down")
    finally:
        await runner.cleanup()
        studio.close()


async def _opened(studio: Studio, stop: asyncio.Event) -> bool:
    """Load the engines; False when the operator did not wait for them."""
    opening, stopping = asyncio.create_task(studio.open()), asyncio.create_task(stop.wait())
    await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if opening.done():
        opening.result()
        return True
    opening.cancel()
    return False


def _address(config: Config, port: int) -> str:
    host = "localhost" if config.host in {"127.0.0.1", "0.0.0.0", "::"} else config.host
    address = f"{'https' if config.tls_cert else 'http'}://{host}:{port}/"
    return f"{address}#token={config.token}" if config.token else address


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        msg = f"tls_cert {config.tls_cert}, tls_key {config.tls_key}: {error}"
        raise ConfigError(msg) from error
    return context


class _Fields(logging.Formatter):
    """One line a record: time, level, message, then the fields given in `extra` as JSON."""

    _own: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        extra = {k: v for k, v in vars(record).items() if k not in self._own}
        line = super().format(record)
        return f"{line} {json.dumps(extra, default=str)}" if extra else line


def _log_to_stderr(level: str) -> None:
    if level.upper() not in logging.getLevelNamesMapping():
        msg = f"log_level is {level!r}: choose debug, info, warning or error"
        raise ConfigError(msg)
    output = logging.StreamHandler()
    output.setFormatter(_Fields("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[output], force=True)
    # These log whole SDPs, candidates or text to say at info and debug.
    for noisy in ("aioice", "aiortc", "faster_whisper", "piper", "numba", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
