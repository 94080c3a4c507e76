"""Server-sent events (HTML standard, 9.2) to one page, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final, Self

from aiohttp import hdrs, web

STEP: Final = 0.5  # s between two looks at whether the page is still there
BEAT: Final = 3.0  # s between two signs of life
_PATIENCE: Final = 8.0  # s that a page may take for what was sent
_MOST: Final = 400  # messages that wait for a page


class Told:
    """What one page is to be told, in order. It ends when `most` messages wait for the page."""

    def __init__(self, most: int = _MOST) -> None:
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(most + 1)
        self._most = most

    def put(self, message: str) -> None:
        """JSON."""
        if self._waiting.qsize() < self._most:
            self._waiting.put_nowait(message)
        else:
            self.end()

    def end(self) -> None:
        """There is nothing more to tell; safe to call twice."""
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    async def next(self, within: float) -> str | None:
        """The next message, None at the end. Raises TimeoutError."""
        async with asyncio.timeout(within):
            return await self._waiting.get()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Messages until the end, and a `beat` after each BEAT s without one; "" in between."""
        quiet = 0.0
        while True:
            try:
                message = await self.next(STEP)
            except TimeoutError:
                quiet += STEP
                if quiet >= BEAT:
                    quiet = 0.0
                    yield '{"type": "beat"}'
                else:
                    yield ""
                continue
            if message is None:
                return
            yield message


class Stream:
    """One response that stays open. `open` it, then send."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        headers = {hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        self.response = web.StreamResponse(headers=headers)

    @classmethod
    async def open(cls, request: web.Request) -> Self:
        """Send the header."""
        stream = cls(request)
        await stream.response.prepare(request)
        return stream

    @property
    def gone(self) -> bool:
        """Whether the page has closed the connection."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def write(self, data: bytes) -> bool:
        """As it is; False: nobody reads it any more."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.response.write(data)
        except (ConnectionError, TimeoutError):
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        return True

    async def follow(self, kind: str, messages: AsyncIterator[str]) -> web.StreamResponse:
        """Events of that kind with JSON each, and a comment whenever nothing came for BEAT s."""
        waiting = asyncio.ensure_future(_next(messages))
        quiet = 0.0
        try:
            while not self.gone:
                await asyncio.wait((waiting,), timeout=STEP)
                quiet += STEP
                data = b""
                if waiting.done():
                    message = waiting.result()
                    if message is None:
                        break
                    data = f"event: {kind}\ndata: {message}\n\n".encode()
                    waiting = asyncio.ensure_future(_next(messages))
                elif quiet >= BEAT:
                    data = b": beat\n\n"
                if data:
                    quiet = 0.0
                    if not await self.write(data):
                        break
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return self.response

    async def send(self, messages: Told) -> web.StreamResponse:
        """Everything, until there is nothing more to tell or nobody there."""
        async for message in messages:
            if self.gone or (message and not await self.write(f"data: {message}\n\n".encode())):
                break
        return self.response


async def _next(messages: AsyncIterator[str]) -> str | None:
    """None at the end."""
    return await anext(messages, None)


def text(kind: str, **fields: Any) -> str:
    """A message of that type."""
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)
