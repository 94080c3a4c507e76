"""From the signals that end a server to its end, and what it says meanwhile."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import ssl
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web

from visavis.server.commands.console import say_line
from visavis.server.http.door import Door
from visavis.server.http.headers import Headers
from visavis.server.system import home, logs
from visavis.server.system.audit import Audit, auditing
from visavis.server.system.config import Config
from visavis.server.system.errors import ConfigError
from visavis.server.system.faults import fault
from visavis.server.system.metrics import Metrics

log = logging.getLogger("visavis")

_VERSION: Final = version("visavis")  # which reads files
FINISH: Final = 0.7  # s for requests under way at the end, and as long again once cancelled
END_WITHIN: Final = 4.0  # s from the drain to the end of the process, whatever hangs
_FAREWELL: Final = 0.6  # s beyond the drain: the last message of a session has to leave
_WORD: Final = 10.0  # s of loading between two words about it
SWITCH: Final = 0.0005  # s after which a thread gives up the interpreter


class Stop:
    """SIGINT and SIGTERM: the first asks the server to end, another one to end at once."""

    def __init__(self) -> None:
        self.asked, self.insisted = asyncio.Event(), asyncio.Event()

    def listen(self) -> None:
        """From now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._come)

    def _come(self) -> None:
        (self.insisted if self.asked.is_set() else self.asked).set()

    async def unless_asked(self, work: Awaitable[object]) -> bool:
        """Wait for it; False when the operator did not."""
        return await _before(work, self.asked)

    async def work_until(self, work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Do all of these, by name, until the server is asked to end; a fault in one is logged."""
        tasks = [asyncio.create_task(each, name=name) for name, each in work.items()]
        for task in tasks:
            task.add_done_callback(_failed)
        await self.asked.wait()
        for task in tasks:
            task.cancel()

    async def drain(self, work: Awaitable[object], seconds: float) -> None:
        """Let sessions finish, in this time at most, unless the operator insists."""
        try:
            async with asyncio.timeout(seconds + _FAREWELL):
                await _before(work, self.insisted)
        except TimeoutError:
            log.warning("sessions were ended before they had finished")


async def _before(work: Awaitable[object], end: asyncio.Event) -> bool:
    """Wait for work or the event; False when that came first, and the work was cancelled."""
    working, ending = asyncio.ensure_future(work), asyncio.create_task(end.wait())
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        done = working.done()
        if not done:
            working.cancel()
    if done:
        working.result()
    return done


def end_soon(*, loaded: bool) -> None:
    """What hangs from now on, be it in native code, is shown by its place, and the process ends.

    Not loaded: models still load in threads, which takes as long as it takes; nothing is shown.
    """
    file = sys.stderr if loaded else Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (until the end)
    faulthandler.dump_traceback_later(END_WITHIN, exit=True, file=file)


@contextmanager
def audited(config: Config, metrics: Metrics, workers: int) -> Iterator[Audit]:
    """Where a server notes what is done, its own start and end included. workers: processes."""
    with auditing(config, "server", metrics) as audit:
        audit.record("server-started", version=_VERSION, workers=workers)
        try:
            yield audit
        finally:
            audit.record("server-stopped")


@asynccontextmanager
async def opened(
    app: web.Application, config: Config, metrics: Metrics, loaded: asyncio.Event
) -> AsyncIterator[str]:
    """These addresses behind the port, until the server ends: where it is. Raises ConfigError.

    loaded: set once the models are.
    """
    context = tls(config)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH)
    await runner.setup()
    assert runner.server is not None
    door = Door(runner.server, Headers(config.frame_ancestors), metrics, context)
    try:
        at = address(config, await door.open(config.host, config.port))
        say_line(f"visavis is starting at {at}")
        for why in await asyncio.to_thread(home.faults, config.home_path):
            log.warning("nothing new can be kept", extra={"why": why})
        yield at
    finally:
        end_soon(loaded=loaded.is_set())
        await door.close()
        await runner.cleanup()


@asynccontextmanager
async def telling(home_path: Path) -> AsyncIterator[None]:
    """While this is open, the models are loaded: the terminal says now and then that it goes on."""
    first = not await asyncio.to_thread(_is_prepared, home_path)
    words = asyncio.create_task(_tell(first=first), name="telling")
    try:
        yield
    finally:
        words.cancel()


def _is_prepared(home_path: Path) -> bool:
    """Whether a start, or `visavis warm`, has embedded the knowledge and the styles."""
    return any((home_path / "cache").glob("*.npz"))


async def _tell(*, first: bool) -> None:
    why = "; the first start here also prepares what later ones find" if first else ""
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        await asyncio.sleep(_WORD)
        say_line(f"visavis is still loading its models ({clock() - began:.0f} s{why})")


def log_to_stderr(level: str, **always: Any) -> None:
    """One line a record, and no header of a caller quoted. Raises ConfigError."""
    logs.to_stderr(level, **always)
    # aiohttp warns of a header by quoting it, and remembers each one.
    warnings.simplefilter("ignore", BadContentDispositionHeader)
    warnings.simplefilter("ignore", BadContentDispositionParam)


def address(config: Config, port: int) -> str:
    """What to open in a browser."""
    host = "localhost" if config.host in {"127.0.0.1", "0.0.0.0", "::"} else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}/"


def say_ready(config: Config, at: str) -> None:
    """The token is shown to somebody who looks, once; it never goes to a file or a log."""
    if config.staff_token:
        say_line(f"The staff's page is {at}staff; it asks for the staff's token.")
    if config.token and sys.stdout.isatty():
        say_line(f"visavis is ready: open {at}#token={config.token}")
        return
    say_line(f"visavis is ready: open {at}")
    if config.token:
        where = f"the file {config.token_file}" if config.token_file else "the setting token"
        say_line(f"It asks for the token: {where} has it. {at}#token=TOKEN takes it along.")


def tls(config: Config) -> ssl.SSLContext | None:
    """None: no certificate is set. Raises ConfigError."""
    if not config.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        msg = f"tls_cert {config.tls_cert}, tls_key {config.tls_key}: {error}"
        raise ConfigError(msg) from error
    return context


def _failed(task: asyncio.Task[None]) -> None:
    """A done callback: a task of the server's own ended by a fault, which is logged."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task failed", extra={"task": task.get_name(), "fault": fault(error)})
