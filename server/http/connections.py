"""One connection for HTTP, and how long its client may take for what.

aiohttp has a deadline for idle connections only. Here a client that sends half a header, half a
body, or does not take its response is cut off too. Only public names of aiohttp are overridden.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter

from visavis.server.http import problems
from visavis.server.http.headers import Headers
from visavis.server.system.errors import Malformed, TooSlow
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_MOST_FIELDS: Final = 64  # of a header, 8 kB each at most; browsers send some 20
_LINGER: Final = 5.0  # s in which a body that nobody wants is read, so that its response is
_FRESH: Final = 1.0  # s; an honest client needs less
CLOSING: Final = 5.0  # s until a connection that does not close is cut off

Stage = Literal["handshake", "header", "body", "work", "send", "rest", "idle", "closing"]
# Whose place is given away first: a connection between two requests costs its client nothing.
_EXPENDABLE: Final[dict[Stage, int]] = {
    "idle": 0, "handshake": 1, "header": 2, "rest": 3, "body": 4, "send": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """How long clients may take, in s, and how many connections there are.

    header: also for the TLS handshake before it. body: to send one, or to take one; and more for
    what is long, at `rate` bytes/s. most: connections in all. each: of one caller, unless it is
    this machine, where a reverse proxy may be who calls for everybody.
    """

    header: float = 10.0
    body: float = 10.0
    rate: int = 32 * 1024
    idle: float = 30.0
    most: int = 256
    each: int = 64


class Connection(web.RequestHandler):
    """One connection, from its TLS handshake on. `who`: the caller, see `callers.network`."""

    def __init__(self, server: web.Server, who: str, limits: Limits, headers: Headers) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle,
            access_log=cast(logging.Logger, None),
            max_headers=_MOST_FIELDS,
            lingering_time=_LINGER,
            auto_decompress=False,  # 200 kB may be 200 MB, half a second for all; see the guard
        )
        self.who, self._limits, self._headers = who, limits, headers
        self._now = asyncio.get_running_loop().time
        self._wire: asyncio.Transport | None = None
        self._body: StreamReader | None = None
        self._response: web.StreamResponse | None = None
        self._is_late = False
        self.is_gone = False
        self._enter("handshake")

    def _enter(self, stage: Stage) -> None:
        self.stage: Stage = stage
        self.since = self._now()

    # --- what aiohttp and the event loop tell ---------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over."""
        self._wire = cast(asyncio.Transport, transport)
        self._enter("header")
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed."""
        self.is_gone = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a header, or of a body."""
        if data and self.stage == "idle":
            self._enter("header")
        super().data_received(data)

    def began(self, body: StreamReader) -> None:
        """A header is complete; its body may follow yet."""
        self._body = body
        self._enter("work" if body.is_eof() else "body")

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send it; what comes after is the next request."""
        self._response = resp
        if not self._is_late:
            self._enter("send")
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if self._is_late:
                self.force_close()
                self._enter("closing")
            elif self._body is not None and not self._body.is_eof():
                self._enter("rest")
            else:
                self._enter("idle")

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is refused without a word of it in the response or the log."""
        del message
        if request.writer.output_size > 0:  # half a response is out: all that is left is to close
            raise ConnectionError
        refused = Malformed("What came is not proper HTTP.")
        error = refused if status < 500 or not isinstance(exc, Exception) else exc
        return Refusal(problems.of(error, request.path), self._headers)

    def log_exception(self, *_args: Any, **kw: Any) -> None:
        """Type and place; the text may quote a client."""
        error = kw.get("exc_info")
        if self.is_gone or isinstance(error, web.RequestPayloadError):  # no fault of ours
            return
        extra = {"fault": fault(error) if isinstance(error, BaseException) else "unknown"}
        log.error("a connection failed", extra=extra)

    # --- what the door asks ---------------------------------------------------------------------

    def overdue(self) -> str:
        """What takes too long; empty: nothing."""
        self._update()
        return self.stage if self._now() - self.since > self._patience() else ""

    @property
    def is_waiting(self) -> bool:
        """Whether its place can be given away."""
        return self.stage in _EXPENDABLE

    @property
    def expendable(self) -> tuple[bool, int, float]:
        """The least one is the first to go: of those who wait for long, before who came now.

        Among those who came now, the first: a crowd that comes back at once shows out itself.
        """
        is_fresh = self._now() - self.since < _FRESH
        return is_fresh, 0 if is_fresh else _EXPENDABLE[self.stage], self.since

    def _patience(self) -> float:
        limits = self._limits
        match self.stage:
            case "handshake" | "header":
                return limits.header
            case "body":
                received = self._body.total_bytes if self._body is not None else 0
                return limits.body + received / limits.rate
            case "send":
                size = (self._response and self._response.content_length) or 0
                return limits.body + size / limits.rate
            case "idle":
                return limits.idle
            case "rest":
                return 2 * _LINGER
            case "closing":
                return CLOSING
            case "work":
                return float("inf")  # whoever serves it has deadlines of its own

    def _update(self) -> None:
        if self.stage == "body" and self._body is not None and self._body.is_eof():
            self._enter("work")

    def expire(self, why: str) -> None:
        """Say so where somebody listens, and close."""
        if why == "body" and self._body is not None:
            self._is_late = True
            self._enter("closing")
            self._body.set_exception(TooSlow("The body did not arrive in time.", "body-timeout"))
        elif why in {"idle", "rest"}:
            self._enter("closing")
            self.force_close()
        else:
            self.abort()

    def abort(self) -> None:
        """Cut it off, whatever is still to be sent."""
        if self._wire is not None:
            self._wire.abort()


class Refusal(web.Response):
    """A response to what no handler saw: aiohttp's own would tell its name and version."""

    def __init__(self, problem: web.Response, headers: Headers) -> None:
        super().__init__(status=problem.status, headers=problem.headers, body=problem.body)
        headers.put(self.headers, "/v1/")
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send all of it."""
        body = self.body if isinstance(self.body, bytes) else b""
        headers = self.headers.copy()
        headers["Content-Length"], headers["Connection"] = str(len(body)), "close"
        await request.writer.write_headers(f"HTTP/1.1 {self.status} {self.reason}", headers)
        await request.writer.write_eof(b"" if request.method == "HEAD" else body)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be sent."""
