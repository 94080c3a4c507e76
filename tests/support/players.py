"""Players of WHEP and voices of WHIP: what a real one does, without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from support.serving import SDP

from visavis.server.rtc import connection as rtc
from visavis.server.rtc.peer import microphone
from visavis.server.rtc.reach import Reach, using


class Player:
    """It receives only, and has no data channel. kinds: what it wants."""

    def __init__(self, kinds: Sequence[str] = ("audio", "video")) -> None:
        self.pc = RTCPeerConnection(rtc.configuration())
        for kind in kinds:
            self.pc.addTransceiver(kind, direction="recvonly")
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.location = ""
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    async def offer(self) -> str:
        with using(Reach(("127.0.0.1",))):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def watch(self, client: Any, avatar: str = "mira", **headers: str) -> None:
        await self.post(client, f"/whep/{avatar}", **headers)

    async def post(self, client: Any, path: str, **headers: str) -> None:
        answered = await client.post(path, data=await self.offer(), headers={**SDP, **headers})
        text = await answered.text()
        assert answered.status == 201, text
        self.location = answered.headers["Location"]
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))

    async def loud(self, within: float = 10.0) -> None:
        """Until something is heard."""
        sound = microphone(self.tracks["audio"])
        async with asyncio.timeout(within):
            while np.abs((await anext(sound)).astype(int)).max() < 5000:
                pass

    async def close(self) -> None:
        await rtc.close(self.pc)


class Speaker(Player):
    """It sends sound only, as WHIP does."""

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__(())
        self.pc.addTransceiver(track, direction="sendonly")


@asynccontextmanager
async def players(
    client: Any, count: int, kinds: Sequence[str] = ("audio", "video")
) -> AsyncIterator[list[Player]]:
    """So many who watch."""
    all_of_them = [Player(kinds) for _ in range(count)]
    try:
        for each in all_of_them:
            await each.watch(client)
        yield all_of_them
    finally:
        for each in all_of_them:
            await each.close()
