"""A server on fake engines, reached over HTTP and by an aiortc peer that behaves like a browser."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestClient, TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from support.services import FakeServices

from visavis.server import protocol
from visavis.server.avatars.store import AvatarStore
from visavis.server.commands.composition import application
from visavis.server.rtc import hooks
from visavis.server.system.config import Config

SDP = {"Content-Type": "application/sdp"}


@asynccontextmanager
async def serving(services=None, **settings):
    """An HTTP client of a server on fakes."""
    hooks.install()
    services = services or FakeServices()
    with tempfile.TemporaryDirectory() as home:
        config = Config(**{"home": home, **settings})
        app = application(config, services, AvatarStore(config.home_path), services.metrics)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            yield client
    services.close()


class Viewer:
    """An aiortc peer that watches and listens like a browser."""

    def __init__(self, voice=None):
        self.pc = RTCPeerConnection(hooks.configuration())
        self.pc.addTransceiver(voice or "audio", direction="sendrecv" if voice else "recvonly")
        self.pc.addTransceiver("video", direction="recvonly")
        self.channel = self.pc.createDataChannel(protocol.LABEL)
        self.messages, self.tracks = [], {}
        self._arrived = asyncio.Event()
        self.channel.on("message", self._receive)
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    def _receive(self, data):
        self.messages.append(json.loads(data))
        self._arrived.set()

    async def offer(self):
        with hooks._gathering_on(("127.0.0.1",)):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def connect(self, client, query=""):
        response = await client.post(f"/v1/sessions{query}", data=await self.offer(), headers=SDP)
        text = await response.text()
        assert response.status == 201, text
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))
        return response.headers["Location"]

    async def wait_for(self, kind, within=10.0, **fields):
        """The first message of a type with these fields."""
        async with asyncio.timeout(within):
            while True:
                for message in self.messages:
                    if message["type"] == kind and fields.items() <= message.items():
                        return message
                self._arrived.clear()
                await self._arrived.wait()

    async def close(self):
        await hooks.close(self.pc)


@asynccontextmanager
async def watching(client, query=""):
    viewer = Viewer()
    try:
        viewer.location = await viewer.connect(client, query)
        await viewer.wait_for("ready")
        yield viewer
    finally:
        await viewer.close()


async def problem(response):
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["status"] == response.status
    return response.status, body
