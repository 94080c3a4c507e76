"""Films and sounds over HTTP, looked at for marks: uploaded here, and gone when the answer is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Final

from aiohttp import web

from visavis.server.detection.detecting import Detection, Undetectable
from visavis.server.detection.report import Report
from visavis.server.http.callers import caller, is_here
from visavis.server.http.throttle import Throttle
from visavis.server.system.errors import (
    Busy,
    Forbidden,
    Malformed,
    TooLarge,
    TooMany,
    TooSlow,
    Unprocessable,
)
from visavis.server.system.flow import Worker
from visavis.server.system.installation import Installation

log = logging.getLogger(__name__)

LARGEST: Final = 256 * 1024 * 1024  # bytes
_TOO_LARGE: Final = (
    "The file is over 256 MB: send a piece of it, for a few seconds are enough; or run `visavis "
    "detect` on the machine."
)
_OFF: Final = "Files are not looked at here (setting detect)."
_PATIENCE: Final = 600.0  # s in which the whole file must arrive
_AT_ONCE: Final = 4  # files that are received or looked at
_EACH: Final = 2  # of them of one address
_MOST, _SPAN = 20, 600.0  # files of one address in so many s
_PIECE: Final = 256 * 1024  # bytes
_LOOK: Final = 0.5  # s between two looks at whether the caller is still there


class DetectRoutes:
    """`POST /v1/detect`. home: where the installation's key is; on: whether it is switched on."""

    def __init__(self, home: Path, *, on: bool) -> None:
        self._home, self._on = home, on
        self._throttle = Throttle(_MOST, _SPAN)
        self._busy: Counter[str] = Counter()
        self._worker = Worker("detect")  # one file at a time

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [web.post("/v1/detect", self._detect)]

    async def close(self) -> None:
        """What is under way ends with its request."""
        self._worker.close()

    async def _detect(self, request: web.Request) -> web.Response:
        if not self._on:
            raise Forbidden(_OFF, "detection-off")
        if (request.content_length or 0) > LARGEST:
            raise TooLarge(_TOO_LARGE, "file-too-large")
        with self._place(caller(request)), _kept() as file:
            await _received(request, file)
            report = await self._looked(request, file)
        return web.json_response(report.as_json())

    @contextlib.contextmanager
    def _place(self, who: str) -> Iterator[None]:
        """Raises Busy, TooMany."""
        local = is_here(who)
        if self._busy.total() >= _AT_ONCE or (not local and self._busy[who] >= _EACH):
            raise Busy("Other files are being looked at. Try again in a few seconds.")
        if not local and (wait := self._throttle.again(who)):
            raise TooMany("Your address has had many files looked at. Try again later.", wait)
        self._busy[who] += 1
        try:
            yield
        finally:
            self._busy[who] -= 1
            self._busy += Counter()  # keeps what is above zero

    async def _looked(self, request: web.Request, file: IO[bytes]) -> Report:
        known = await asyncio.to_thread(Installation.known, self._home)
        detection = Detection(file, None if known is None else known.number)
        async with _while_there(request, detection.kill):
            try:
                return await self._worker.load(_report, detection)
            except Undetectable as error:
                raise Unprocessable(f"It cannot be checked: {error}.", "undetectable") from error
            except OSError as error:  # no process or memory left for a child
                why = error.strerror or type(error).__name__
                log.warning("a file could not be looked at", extra={"why": why})
                raise Busy("The server has no room to look at a file now.") from error


def _report(detection: Detection) -> Report:
    """Raises Undetectable, OSError."""
    for said in detection.run():
        if isinstance(said, Report):
            return said
    raise Undetectable("it could not be read to its end")


@contextlib.contextmanager
def _kept() -> Iterator[IO[bytes]]:
    """A file without a name, which goes with its last reader. Raises Busy."""
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
    except OSError as error:
        raise Busy("The server has no room for a file now.") from error
    with file:
        yield file


async def _received(request: web.Request, file: IO[bytes]) -> None:
    """The body, as it comes. Raises TooLarge, TooSlow, Malformed, Busy."""
    length = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for piece in request.content.iter_chunked(_PIECE):
                length += len(piece)
                if length > LARGEST:
                    raise TooLarge(_TOO_LARGE, "file-too-large")
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(file.flush)
    except TimeoutError:
        msg = f"The file did not arrive within {_PATIENCE:.0f} s."
        raise TooSlow(msg, "upload-timeout") from None
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise Busy("The server has no room for a file now.") from error
    if not length:
        raise Malformed("Send the file itself as the body.", "file-missing")


@contextlib.asynccontextmanager
async def _while_there(request: web.Request, end: Callable[[], None]) -> AsyncIterator[None]:
    """Nobody waits for the answer any more: `end`, which leaving does as well."""

    async def watch() -> None:
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 (aiohttp tells nobody)
            await asyncio.sleep(_LOOK)
        end()

    watching = asyncio.create_task(watch(), name="whether the caller is there")
    try:
        yield
    finally:
        watching.cancel()
        end()
