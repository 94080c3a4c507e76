"""Clients of OpenAI's Realtime: the official one's events, and a page's call by aiortc."""

from __future__ import annotations

import asyncio
import fractions
import json
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from support.realtime import Told

from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach, using

KEY = "sk-a-key-that-nobody-guesses"


async def until(connection: Any, kind: str, within: float = 10.0) -> list[Any]:
    """The events up to the first of this kind."""
    events: list[Any] = []
    async with asyncio.timeout(within):
        async for event in connection:
            events.append(event)
            if event.type == kind:
                return events
    raise AssertionError([event.type for event in events])


class Voice(MediaStreamTrack):
    """A visitor's microphone: loud while `loud`."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.loud, self.at = False, 0
        self.begun: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self.begun = self.begun or loop.time()
        await asyncio.sleep(max(0, self.begun + self.at / 48_000 - loop.time()))
        time = (np.arange(960) + self.at) / 48_000
        pcm = (12_000 * np.sin(2 * np.pi * 300 * time) * self.loud).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = (
            48_000,
            self.at,
            fractions.Fraction(1, 48_000),
        )
        self.at += 960
        return frame


class Caller:
    """As the pages of their documentation do it: a microphone, a channel, and perhaps a picture."""

    def __init__(self, *, video: bool) -> None:
        self.pc, self.voice, self.told = RTCPeerConnection(rtc.configuration()), Voice(), Told()
        self.pc.addTrack(self.voice)
        if video:
            self.pc.addTransceiver("video", direction="recvonly")
        self.channel = self.pc.createDataChannel("oai-events")
        self.news = asyncio.Event()
        self.channel.on("message", self._receive)
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.location = ""
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    def _receive(self, text: str) -> None:
        self.told(json.loads(text))
        self.news.set()

    async def offer(self) -> str:
        with using(Reach(("127.0.0.1",))):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def answered(self, text: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def send(self, kind: str, **fields: Any) -> None:
        self.channel.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while len(self.told.of(kind)) < count:
                self.news.clear()
                await self.news.wait()
        return self.told.last(kind)
