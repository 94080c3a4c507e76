"""Two peers in one process: a server that sends two test tracks and a client that takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from visavis.engines.base import PLAY_RATE
from visavis.server.playout.messages import FRAME, PACKET
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach, using

TICKS = PLAY_RATE
LOCAL = Reach(("127.0.0.1",))


class Track(MediaStreamTrack):
    """Grey pictures or a hum that plays from tick `begin` on, handed over `late` seconds late."""

    def __init__(self, kind: str, begin: int = 0, late: float = 0.0, ntp_origin: int | None = None):
        super().__init__()
        self.kind = kind
        self.step = PACKET if kind == "audio" else FRAME
        self.begin, self.late, self.count, self.start = begin, late, 0, 0.0
        if ntp_origin is not None:
            self.ntp_origin = ntp_origin

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        self.start = self.start or time.monotonic()
        at = self.count * self.step
        due = self.start + self.late + at / TICKS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.count += 1
        frame: av.AudioFrame | av.VideoFrame
        if self.kind == "audio":
            wave = (8000 * np.sin(2 * np.pi * 220 / TICKS * (at + np.arange(PACKET)))).astype(
                np.int16
            )
            frame = sound = av.AudioFrame.from_ndarray(wave[None], "s16", "mono")
            sound.sample_rate = TICKS
        else:
            image = np.full((192, 128), 128, np.uint8)
            image[:128] = 40 + self.count % 150
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = self.begin + at, Fraction(1, TICKS)
        return frame


class Pair:
    """A server with two tracks and a client that takes them."""

    def __init__(self, *tracks: MediaStreamTrack, sends: MediaStreamTrack | None = None) -> None:
        self.server = RTCPeerConnection(rtc.configuration())
        self.client = RTCPeerConnection(rtc.configuration())
        self.tracks = tracks or (Track("audio"), Track("video"))
        self.sends = {sends.kind: sends} if sends else {}  # the client's own
        self.frames: dict[str, list[Any]] = {"audio": [], "video": []}
        self.states: list[str] = []
        self.answer = ""
        self._readers: list[asyncio.Task[None]] = []

    async def offer(self, *codecs: str, reach: Reach = LOCAL) -> str:
        self.client.on("track", lambda t: self._readers.append(asyncio.create_task(self._read(t))))
        self._add("audio")
        video = self._add("video")
        known = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([c for c in known if not codecs or c.name in codecs])
        self.client.createDataChannel("visavis")
        with using(reach):
            await self.client.setLocalDescription(await self.client.createOffer())
        return self.client.localDescription.sdp

    def _add(self, kind: str) -> RTCRtpTransceiver:
        own = self.sends.get(kind)
        return self.client.addTransceiver(own or kind, "sendrecv" if own else "recvonly")

    async def reply(self, offer: str, reach: Reach = LOCAL, codec: rtc.Codec = "H264") -> None:
        for track in self.tracks:
            self.server.addTrack(track)
        self.server.on(
            "connectionstatechange", lambda: self.states.append(self.server.connectionState)
        )
        self.answer = await rtc.answer(self.server, offer, reach, codec)
        await self.client.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    async def until(self, kind: str, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.frames[kind]) < count:
                await asyncio.sleep(0.005)

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                self.frames[track.kind].append(await track.recv())
            except MediaStreamError:
                return

    async def close(self) -> None:
        await rtc.close(self.server)
        await rtc.close(self.client)
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)


@asynccontextmanager
async def connected(
    *tracks: MediaStreamTrack, reach: Reach = LOCAL, codec: rtc.Codec = "H264"
) -> AsyncIterator[Pair]:
    """A pair whose media flows; closed at the end."""
    pair = Pair(*tracks)
    try:
        await pair.reply(await pair.offer(), reach, codec)
        yield pair
    finally:
        await pair.close()


def sender(pair: Pair, kind: str) -> Any:  # with our private parts
    return next(s for s in pair.server.getSenders() if s.kind == kind)
