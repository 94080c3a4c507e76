"""What the staff's page does, done by hand: streams that are read, and requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiohttp import ClientResponse
from support.serving import Viewer

Client = Any  # of aiohttp, or of its tests

TOKEN = "a-token-of-the-staff"
STAFF = {"Authorization": f"Bearer {TOKEN}"}
ANNA, BEN = {"desk": "desk-of-anna", "name": "Anna"}, {"desk": "desk-of-ben", "name": "Ben"}


class Page:
    """A stream of the staff's, as their page reads it."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self.messages: list[dict[str, Any]] = []
        self.ended = False

    async def read(self) -> None:
        """All of it, until it ends."""
        async for line in self._response.content:
            if line.startswith(b"data: "):
                self.messages.append(json.loads(line[6:]))
        self.ended = True

    async def wait_for(self, kind: str, within: float = 5.0, **fields: object) -> dict[str, Any]:
        """The first message of a type with these fields."""
        async with asyncio.timeout(within):
            while True:
                for message in self.messages:
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
                await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[dict[str, Any]], Any], within: float = 5.0) -> None:
        """Until a message fulfils it."""
        async with asyncio.timeout(within):
            while not any(condition(message) for message in self.messages):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def stream(client: Client, path: str, **params: str) -> AsyncIterator[Page]:
    """What comes from there."""
    async with client.get(path, headers=STAFF, params=params) as response:
        assert response.status == 200, await response.text()
        page = Page(response)
        reading = asyncio.create_task(page.read())
        try:
            yield page
        finally:
            reading.cancel()


def desk(client: Client) -> AbstractAsyncContextManager[Page]:
    """The list."""
    return stream(client, "/v1/staff/events")


def looking(
    client: Client, viewer: Viewer, who: dict[str, str] = ANNA
) -> AbstractAsyncContextManager[Page]:
    """One session, looked at."""
    return stream(client, of(viewer, "/events"), **who)


def of(viewer: Viewer, rest: str = "") -> str:
    """The staff's address of a session."""
    return viewer.location.replace("/v1/", "/v1/staff/") + rest


async def do(
    client: Client, method: str, viewer: Viewer, what: str, who: dict[str, str] = ANNA, **body: str
) -> tuple[int, bytes]:
    """(status, body) of a request about a session."""
    async with client.request(
        method, of(viewer, f"/{what}"), headers=STAFF, params=who, json=body or None
    ) as response:
        return response.status, await response.read()
