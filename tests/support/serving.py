"""A server on fake engines, reached over HTTP and by an aiortc peer that behaves like a browser."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from support.services import FakeServices

from visavis.server import protocol
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.rtc import connection as rtc
from visavis.server.rtc import hooks
from visavis.server.rtc.reach import Reach, using
from visavis.server.system.config import Config

SDP = {"Content-Type": "application/sdp"}
NOTHING: Mapping[str, str] = {}

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def serving(
    services: FakeServices | None = None, listens: int | None = None, **settings: Any
) -> AsyncIterator[Client]:
    """An HTTP client of a server on fakes. listens: its port; None: any."""
    hooks.install()
    fakes = services or FakeServices()
    with tempfile.TemporaryDirectory() as home:
        config = Config(**{"home": home, **settings})
        store = AvatarStore(config.home_path)
        app = application(config, fakes, store, fakes.metrics)
        async with TestClient(TestServer(app, host="127.0.0.1", port=listens)) as client:
            yield client
    fakes.close()


class Viewer:
    """An aiortc peer that watches and listens like a browser."""

    def __init__(
        self, voice: MediaStreamTrack | None = None, configuration: RTCConfiguration | None = None
    ) -> None:
        self.pc = RTCPeerConnection(configuration or rtc.configuration())
        self.pc.addTransceiver(voice or "audio", direction="sendrecv" if voice else "recvonly")
        self.pc.addTransceiver("video", direction="recvonly")
        self.channel = self.pc.createDataChannel(protocol.LABEL)
        self.messages: list[dict[str, Any]] = []
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.location = ""
        self._arrived = asyncio.Event()
        self.channel.on("message", self._receive)
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    def _receive(self, data: str) -> None:
        self.messages.append(json.loads(data))
        self._arrived.set()

    async def offer(self) -> str:
        """What it offers, with loopback candidates only."""
        with using(Reach(("127.0.0.1",))):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def connect(
        self, client: Client, query: str = "", headers: Mapping[str, str] = NOTHING
    ) -> str:
        """Begin a session; its address. headers: on top of what an offer needs."""
        response = await client.post(
            f"/v1/sessions{query}", data=await self.offer(), headers={**SDP, **headers}
        )
        text = await response.text()
        assert response.status == 201, text
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))
        return response.headers["Location"]

    async def wait_for(self, kind: str, within: float = 10.0, **fields: object) -> dict[str, Any]:
        """The first message of a type with these fields."""
        async with asyncio.timeout(within):
            while True:
                for message in self.messages:
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
                self._arrived.clear()
                await self._arrived.wait()

    async def close(self) -> None:
        await rtc.close(self.pc)


@asynccontextmanager
async def watching(client: Client, query: str = "") -> AsyncIterator[Viewer]:
    """A viewer whose session has begun."""
    viewer = Viewer()
    try:
        viewer.location = await viewer.connect(client, query)
        await viewer.wait_for("ready")
        yield viewer
    finally:
        await viewer.close()


async def problem(response: ClientResponse) -> tuple[int, dict[str, Any]]:
    """(status, body) of an answer that must be a problem document."""
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["status"] == response.status
    return response.status, body
