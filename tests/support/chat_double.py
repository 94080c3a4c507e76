"""A chat endpoint of our own that speaks OpenAI's protocol, or breaks it as a test wants."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

MODEL: Final = "double"


@dataclass
class Asked:
    """One request: from where and when it came, and when its client was gone.

    Both in s of time.monotonic().
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    came: float
    peer: object
    gone: float | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ChatDouble:
    """Answers each request as the next of `script` says, the last of them for ever."""

    def __init__(self, *script: Behaviour, models: tuple[str, ...] = (MODEL,)) -> None:
        self.script = deque(script)
        self.models = models
        self.asked: list[Asked] = []
        self.listed = 0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> ChatDouble:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def asking(self, number: int = 1) -> None:
        """Return once so many requests have come."""
        async with asyncio.timeout(10):
            while len(self.asked) < number:
                await asyncio.sleep(0.005)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        came = time.monotonic()
        assert request.transport is not None
        peer = request.transport.get_extra_info("peername")
        asked = Asked(await request.json(), request.headers.copy(), came, peer)
        self.asked.append(asked)
        behave = self.script[0] if len(self.script) == 1 else self.script.popleft()
        try:
            return await behave(request)
        except (asyncio.CancelledError, ConnectionError):
            asked.gone = time.monotonic()
            raise
        finally:
            asked.ended.set()

    async def _list(self, _request: web.Request) -> web.Response:
        self.listed += 1
        data = [{"id": name, "object": "model"} for name in self.models]
        return web.json_response({"object": "list", "data": data})


# --- what it may do -------------------------------------------------------------------------------


def says(
    *pieces: str,
    first: float = 0.0,
    pause: float = 0.0,
    finish: str | None = "stop",
    then: Behaviour | None = None,
) -> Behaviour:
    """A proper answer. first, pause: s before the first piece, and before each other one.

    finish: the reason at the end; None: it never says. then: what happens instead of the end.
    """

    async def behave(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(first)
        response = await _opened(request)
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            await response.write(event({"content": piece}))
        if then is not None:
            return await then(request)
        if finish is not None:
            await response.write(event({}, finish))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    return behave


def calls(*tools: tuple[str, str, str], says: str = "") -> Behaviour:
    """Asks for tools: (id, name, arguments), these in pieces as endpoints send them."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        if says:
            await response.write(event({"content": says}))
        for index, (id, name, arguments) in enumerate(tools):
            half = len(arguments) // 2
            begin = {"name": name, "arguments": arguments[:half]}
            await response.write(_call(index, {"id": id, "type": "function", "function": begin}))
            rest = {"function": {"arguments": arguments[half:]}}
            await response.write(_call(index, rest))
        await response.write(event({}, "tool_calls") + b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    return behave


def fails(status: int, words: str = "no", **headers: str) -> Behaviour:
    """An error, as endpoints word them."""

    async def behave(_request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"error": {"message": words}}, status=status, headers=named)

    return behave


def sends(*parts: bytes, kind: str = "text/event-stream", eof: bool = True) -> Behaviour:
    """Bytes as they are."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = await _opened(request, kind)
        for part in parts:
            await response.write(part)
        if eof:
            await response.write_eof()
        return response

    return behave


async def stalls(_request: web.Request) -> web.StreamResponse:
    """Nothing more, for as long as the client waits."""
    await asyncio.Event().wait()
    raise AssertionError


async def cuts(request: web.Request) -> web.StreamResponse:
    """The connection breaks."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.Event().wait()
    raise AssertionError


def floods(part: bytes) -> Behaviour:
    """The same without an end, as fast as it is taken."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        while True:
            await response.write(part)

    return behave


def event(delta: Mapping[str, object], finish: str | None = None) -> bytes:
    """One chunk on the wire."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": MODEL,
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _call(index: int, call: Mapping[str, object]) -> bytes:
    return event({"tool_calls": [{"index": index, **call}]})


async def _opened(request: web.Request, kind: str = "text/event-stream") -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    return response
