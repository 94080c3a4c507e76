"""A server on fake engines behind its real door, and clients that speak HTTP byte by byte."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from support.services import FakeServices

from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.http.connections import Limits
from visavis.server.http.door import Door
from visavis.server.http.headers import Headers
from visavis.server.rtc import hooks
from visavis.server.system.config import Config
from visavis.server.system.metrics import Metrics


@dataclass(frozen=True, slots=True)
class House:
    """A server that is reached at `port`."""

    door: Door
    port: int
    metrics: Metrics
    app: web.Application


@asynccontextmanager
async def house(
    limits: Limits | None = None, context: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[House]:
    """As `visavis serve` opens it, on 127.0.0.1."""
    hooks.install()
    fakes = FakeServices()
    with tempfile.TemporaryDirectory() as home:
        config = Config(**{"home": home, **settings})
        store = AvatarStore(config.home_path)
        app = application(config, fakes, store, fakes.metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        assert runner.server is not None
        door = Door(runner.server, Headers(config.frame_ancestors), fakes.metrics, context, limits)
        try:
            yield House(door, await door.open("127.0.0.1", 0), fakes.metrics, app)
        finally:
            await door.close()
            await runner.cleanup()
    fakes.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came: `headers` in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The body of what must be a problem document."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        told: dict[str, Any] = json.loads(self.body)
        assert told["status"] == self.status
        return told


class Wire:
    """One connection of a client that may break every rule."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Without waiting for an answer."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, within: float = 5.0, *, has_body: bool = True) -> Answer:
        """The next response. Raises IncompleteReadError when there is none."""
        async with asyncio.timeout(within):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in fields}
            length = int(headers.get("content-length", 0)) if has_body else 0
            return Answer(int(head[0].split()[1]), headers, await self.reader.readexactly(length))

    async def ended(self, within: float = 5.0) -> bool:
        """Whether the server closes the connection in that time."""
        try:
            async with asyncio.timeout(within):
                while await self.reader.read(64 * 1024):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


@asynccontextmanager
async def wire(
    port: int, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Wire]:
    """A connection to that port of this machine."""
    client = Wire(
        *await asyncio.open_connection("127.0.0.1", port, ssl=context, local_addr=(host, 0))
    )
    try:
        yield client
    finally:
        await client.close()


async def asked(port: int, request: bytes, *, has_body: bool = True) -> Answer:
    """The response to one request on a connection of its own."""
    async with wire(port) as client:
        await client.send(request)
        return await client.answer(has_body=has_body)
