"""The parent's addresses of wires: requests and web sockets go to the worker that is to have them.

The parent has checked who calls. A web socket is passed on message by message: the next one is read
when the other side has taken the last, so neither a flood nor a slow client piles up here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiohttp import (
    ClientError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)

from visavis.server.http import problems
from visavis.server.processes.crew import Crew
from visavis.server.processes.forwarding import GOES, answered, headers_of, there
from visavis.server.processes.trust import refusal
from visavis.server.processes.worker import Worker
from visavis.server.system.errors import NotReady
from visavis.server.wires.socket import closed
from visavis.server.wires.ways import Way

_OPENED: Final = 60.0  # s that a worker may take to accept a web socket: a voice may be loaded
_TAKEN: Final = 30.0  # s in which a client takes a message; then it reads nothing any more
_CLOSE: Final = 2.0  # s that a side may take to close one
_Socket = web.WebSocketResponse | ClientWebSocketResponse


class WireForwarding:
    """All wires of a server with workers. ways: their addresses."""

    def __init__(self, crew: Crew, ways: Sequence[Way]) -> None:
        self._crew, self._ways = crew, ways
        self._going: dict[str, tuple[Worker, int]] = {}  # by name: requests under way
        self._sockets: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [self._route(way) for way in self._ways]

    async def close(self) -> None:
        """Web sockets end with their workers, or now."""
        for task in self._sockets:
            task.cancel()

    def _route(self, way: Way) -> web.RouteDef:
        async def send(request: web.Request) -> web.StreamResponse:
            return await self._send(way, request)

        async def connect(request: web.Request) -> web.StreamResponse:
            return await self._connect(way, request)

        if way.method == "WS":
            return web.get(way.path, connect)
        return web.route(way.method, way.path, send)

    async def _send(self, way: Way, request: web.Request) -> web.Response:
        body = await problems.content(request)
        with self._worker(way.session(request, body)) as worker:
            try:
                return await answered(worker, request, body, way.headers)
            except (ClientError, OSError, TimeoutError) as error:
                raise NotReady(GOES) from error

    @contextlib.contextmanager
    def _worker(self, name: str) -> Iterator[Worker]:
        """Who is to have a request about the session of that name. Raises NotReady."""
        worker = self._crew.register.of(name) if name else None
        going, count = self._going.get(name, (None, 0)) if name else (None, 0)
        if worker is None and going is not None and not going.is_over:
            worker = going
        if worker is None:
            worker, count = self._crew.roomiest(), 0
        if worker is None:
            raise NotReady(self._crew.missing or GOES)
        if name:
            self._going[name] = worker, count + 1
        worker.pending += 1
        try:
            yield worker
        finally:
            worker.pending -= 1
            left = self._going.get(name)
            if left is not None and left[0] is worker:
                self._going[name] = worker, left[1] - 1
                if left[1] <= 1:
                    del self._going[name]

    # --- web sockets ----------------------------------------------------------------------------

    async def _connect(self, way: Way, request: web.Request) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return await self._send(way, request)
        task = asyncio.current_task()
        assert task is not None
        self._sockets.add(task)
        try:
            with self._worker(way.session(request, b"")) as worker:
                inner = await self._accepted(worker, way, request)
            if isinstance(inner, web.Response):
                return inner
            return await self._passed_on(inner, way, request)
        finally:
            self._sockets.discard(task)

    async def _accepted(
        self, worker: Worker, way: Way, request: web.Request
    ) -> ClientWebSocketResponse | web.Response:
        """The worker's side of a web socket, or what it refuses it with. Raises NotReady."""
        if worker.client is None:
            raise NotReady(GOES)
        names = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")
        try:
            async with asyncio.timeout(_OPENED):
                return await worker.client.ws_connect(
                    there(request, "ws"), headers=headers_of(request, way.headers),
                    protocols=[name.strip() for name in names if name.strip()],
                    timeout=ClientWSTimeout(ws_close=_CLOSE), max_msg_size=way.longest,
                    autoping=False, compress=0,
                )  # fmt: skip
        except WSServerHandshakeError as error:
            return refusal(error.status, error.headers)
        except (ClientError, OSError, TimeoutError) as error:
            raise NotReady(GOES) from error

    async def _passed_on(
        self, inner: ClientWebSocketResponse, way: Way, request: web.Request
    ) -> web.StreamResponse:
        names = (inner.protocol,) if inner.protocol else ()
        outer = web.WebSocketResponse(
            protocols=names, autoping=False, compress=False, max_msg_size=way.longest,
            timeout=_CLOSE,
        )  # fmt: skip
        transport = request.transport
        try:
            await outer.prepare(request)
            inward = asyncio.create_task(_pump(outer, inner), name="web socket, inward")
            outward = asyncio.create_task(_pump(inner, outer, _TAKEN), name="web socket, outward")
            try:
                await asyncio.wait((inward, outward), return_when=asyncio.FIRST_COMPLETED)
            finally:
                inward.cancel()
                outward.cancel()
                await asyncio.gather(inward, outward, return_exceptions=True)
        finally:
            await inner.close()
            await closed(outer, transport)
        return outer


async def _pump(source: _Socket, target: _Socket, within: float | None = None) -> None:
    """Messages of one side to the other, until either is gone; its close is passed on.

    within: s in which one is taken, or it counts as gone; a worker may wait for room for longer.
    """
    while True:
        message = await source.receive()
        try:
            async with asyncio.timeout(within):
                if not await _passed(message, target):
                    return
        except (ConnectionError, RuntimeError, TimeoutError):
            return


async def _passed(message: WSMessage, target: _Socket) -> bool:
    """Whether there may be another one after it."""
    match message.type:
        case WSMsgType.TEXT:
            await target.send_str(message.data)
        case WSMsgType.BINARY:
            await target.send_bytes(message.data)
        case WSMsgType.PING:
            await target.ping(message.data)
        case WSMsgType.PONG:
            await target.pong(message.data)
        case WSMsgType.CLOSE:
            await target.close(code=message.data or 1000, message=_said(message.extra))
            return False
        case _:
            return False
    return True


def _said(extra: object) -> bytes:
    return str(extra or "").encode()[:120]
