"""A thin link in front of a peer, and pictures that no link is wide enough for."""

from __future__ import annotations

import asyncio
from typing import Any

import aiortc.rtp
import av
import numpy as np
from aiortc import RTCPeerConnection
from support.rtc_pair import Track


class Throttle:
    """One peer's way out: a cap in bit/s, a queue in s that drops its last, and outages."""

    def __init__(self, pc: RTCPeerConnection, cap: float = 1e9, queue: float = 0.3) -> None:
        self.cap, self.queue, self.is_down = cap, queue, False
        self.offered: list[tuple[float, str, int]] = []  # when, kind, bytes
        self.dropped: list[tuple[float, str]] = []
        self._free_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        connection: Any = pc.getSenders()[0].transport.transport._connection
        self._plain = connection.sendto
        connection.sendto = self._send
        for protocol in connection._protocols:  # consent checks and their answers
            self._gate(protocol)

    def _gate(self, protocol: Any) -> None:
        plain = protocol.send_stun

        def send_stun(message: Any, addr: Any) -> None:
            if not self.is_down:
                plain(message, addr)

        protocol.send_stun = send_stun

    async def _send(self, data: bytes, component: int) -> None:
        now, kind = self._loop.time(), "other"
        if 127 < data[0] < 192 and not aiortc.rtp.is_rtcp(data):
            kind = "audio" if data[1] & 0x7F == 96 else "video"
        self.offered.append((now, kind, len(data)))
        wait = max(0.0, self._free_at - now)
        if self.is_down or wait > self.queue:
            self.dropped.append((now, kind))
            return
        self._free_at = now + wait + (len(data) + 28) * 8 / self.cap  # IPv4 and UDP
        self._loop.call_at(self._free_at, self._leave, data, component)

    def _leave(self, data: bytes, component: int) -> None:
        task = asyncio.ensure_future(self._plain(data, component))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the connection may be gone by now

    def rate(self, kind: str, start: float, end: float) -> float:
        """bit/s offered of `kind`, "audio" or "video", between two times of the loop's."""
        bits = [size * 8 for at, each, size in self.offered if each == kind and start <= at < end]
        return sum(bits) / (end - start)


class Noisy(Track):
    """Pictures of fresh noise."""

    async def recv(self) -> av.AudioFrame | av.VideoFrame:
        frame = await super().recv()
        noise = np.random.default_rng(self.count).integers(0, 255, (384, 256), np.uint8)
        made = av.VideoFrame.from_ndarray(noise, format="yuv420p")
        made.pts, made.time_base = frame.pts, frame.time_base
        return made
