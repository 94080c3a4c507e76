"""One web socket of a wire's client: its messages as they come, ours in order, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from visavis.server.playout.clock import seconds
from visavis.server.wires.ways import MESSAGE

# Messages that a client has not taken; one that takes none is gone. A word may be answered by one
# for each segment that waits (server/session/pushing.py).
_WAITING: Final = 2048
_ASK: Final = 15.0  # s without a word after which the client is asked whether it is there
_GONE: Final = 30.0  # s without a word after which it is not
_LOOK: Final = 5.0  # s between two looks at that
_CLOSE: Final = 2.0  # s for the last messages, and for a close to be answered


class Socket:
    """`prepare`, then iterate; `end` in any case. longest: bytes of a message.

    Nothing is compressed: sound hardly becomes shorter, and it would be packed in the event loop.
    """

    def __init__(self, longest: int = MESSAGE) -> None:
        # No heartbeat of aiohttp: where the reader waits for room, the answer to it waits, too.
        self.response = web.WebSocketResponse(
            timeout=_CLOSE, autoping=False, compress=False, max_msg_size=longest
        )
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_WAITING)
        self._heard = 0.0  # when the client's last word came; it counts while one is awaited
        self._reading = False
        self._transport: asyncio.Transport | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: asyncio.Future[None] | None = None

    async def prepare(self, request: web.Request) -> None:
        """Accept it."""
        await self.response.prepare(request)
        if self._ending is not None:  # meanwhile
            await closed(self.response, request.transport)
            return
        self._heard = seconds()
        self._transport = request.transport
        self._tasks = [
            asyncio.create_task(self._send(), name="web socket: words"),
            asyncio.create_task(self._watch(), name="web socket: watch"),
        ]

    def say(self, text: str) -> None:
        """A message to the client, after those before it. One that takes none is cut off."""
        if self._ending is not None:
            return
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._cut()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages of the client, until it closes, breaks the protocol or is gone."""
        while True:
            self._reading = True
            try:
                message = await self.response.receive()
            finally:
                self._reading = False
            self._heard = seconds()
            # A burst is in memory, and reading it waits for nothing: what it is answered with, and
            # everybody else, comes in between.
            await asyncio.sleep(0)
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    yield message.data
                case WSMsgType.PING:
                    with contextlib.suppress(ConnectionError):
                        await self.response.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    return

    async def gone(self) -> None:
        """Return once the client is; what it still says is not heard."""
        async for _ in self:
            pass

    async def end(self, last: str = "") -> None:
        """Say the last message and close; safe to call twice, and of one that is closed."""
        if self._ending is not None:
            await asyncio.shield(self._ending)
            return
        if last:
            self.say(last)
        self._ending = asyncio.ensure_future(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        if not self.response.closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE):
                    await self._waiting.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await closed(self.response, self._transport)

    async def _send(self) -> None:
        while True:
            text = await self._waiting.get()
            try:
                await self.response.send_str(text)
            except (ConnectionError, RuntimeError):  # it is closing; nobody hears the rest
                pass
            finally:
                self._waiting.task_done()

    async def _watch(self) -> None:
        """Ask a silent client whether it is there, and cut off one that does not answer."""
        while True:
            await asyncio.sleep(_LOOK)
            silent = seconds() - self._heard
            if not self._reading or silent < _ASK:
                continue
            if silent >= _GONE:
                self._cut()
                return
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.response.ping()

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def closed(
    response: web.WebSocketResponse, transport: asyncio.Transport | None,
    code: int = WSCloseCode.OK,
) -> None:  # fmt: skip
    """Close it; one whose client does not take that in time is cut off.

    In a task of its own: where a sender was cancelled that waited for such a client, aiohttp has
    the next one cancelled, too.
    """
    if not response.prepared:
        return
    closing = asyncio.ensure_future(response.close(code=code))
    await asyncio.wait((closing,), timeout=2 * _CLOSE)
    taken = closing.done() and not closing.cancelled() and closing.exception() is None
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    if not taken and transport is not None:
        transport.abort()
