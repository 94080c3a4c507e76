"""A viewer that comes back to its session, with what `ready` told it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse
from aiortc import MediaStreamTrack, RTCSessionDescription
from support.serving import SDP, Client, Viewer, problem


async def offered(client: Client, viewer: Viewer, token: str) -> ClientResponse:
    """The answer to an offer with that token."""
    headers = {**SDP, "Visavis-Resume": token}
    return await client.post("/v1/sessions", data=await viewer.offer(), headers=headers)


@asynccontextmanager
async def resumed(
    client: Client, token: str, voice: MediaStreamTrack | None = None
) -> AsyncIterator[Viewer]:
    """A new viewer that goes on with the session of this token."""
    viewer = Viewer(voice)
    try:
        response = await offered(client, viewer, token)
        answer = await response.text()
        assert response.status == 201, answer
        await viewer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        viewer.location = response.headers["Location"]
        await viewer.wait_for("ready")
        yield viewer
    finally:
        await viewer.close()


async def refusal(client: Client, token: str) -> tuple[int, dict[str, Any]]:
    """Of who comes back in vain."""
    viewer = Viewer()
    try:
        return await problem(await offered(client, viewer, token))
    finally:
        await viewer.close()


async def token_of(viewer: Viewer) -> str:
    """With which it may come back."""
    return str((await viewer.wait_for("ready"))["resume"])


async def told(client: Client, name: str) -> float:
    """The value of a metric."""
    text = await (await client.get("/metrics")).text()
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))


async def state_is(client: Client, location: str, state: str | int, within: float = 6.0) -> None:
    """Return once the session is in that state, or its address answers with that status."""
    async with asyncio.timeout(within):
        while True:
            response = await client.get(location)
            if (await response.json()).get("state", response.status) == state:
                return
            await asyncio.sleep(0.02)


def say(viewer: Viewer, kind: str, **fields: object) -> None:
    """Send a message."""
    viewer.channel.send(json.dumps({"type": kind, **fields}))
