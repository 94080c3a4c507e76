"""A viewer who only watches while something else happens: what it got, and what it missed."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from support.services import FakeServices
from support.serving import Client, Viewer, watching

from visavis.engines.base import I420, Portrayal


def moving() -> FakeServices:
    """Services whose pictures differ: a still would be sent but rarely."""
    services = FakeServices()
    generator, count = services.generator, itertools.count()

    def draw(portrayals: Sequence[Portrayal], deadline: float) -> list[I420]:
        picture = np.full((generator.height * 3 // 2, generator.width), 128, np.uint8)
        picture[: generator.height] = 40 + next(count) % 150
        return [picture for _ in portrayals]

    generator.draw = draw  # type: ignore[method-assign]
    return services


@dataclass
class Witness:
    """Of one viewer: when each picture and each 20 ms of sound came, in seconds."""

    viewer: Viewer
    pictures: list[float] = field(default_factory=list)
    sounds: list[float] = field(default_factory=list)
    _lost: dict[str, int] = field(default_factory=dict)

    async def watch(self, track: MediaStreamTrack, into: list[float]) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            into.append(time.monotonic())

    async def begin(self) -> None:
        """Once the pictures flow, what came before does not count."""
        async with asyncio.timeout(5):
            while len(self.pictures) < 5 or len(self.sounds) < 5:
                await asyncio.sleep(0.01)
        self.pictures.clear()
        self.sounds.clear()
        self._lost = await self._packets_lost()

    async def lost(self) -> dict[str, int]:
        """RTP packets that never came since `begin`, by kind."""
        now = await self._packets_lost()
        return {kind: now[kind] - self._lost[kind] for kind in now}

    def gap(self, of: list[float]) -> float:
        """The longest time, in s, between two in a row."""
        return max((b - a for a, b in pairwise(of)), default=float("inf"))

    def rate(self, of: list[float]) -> float:
        """How many a second."""
        return (len(of) - 1) / (of[-1] - of[0]) if len(of) > 1 else 0.0

    async def _packets_lost(self) -> dict[str, int]:
        stats = (await self.viewer.pc.getStats()).values()
        return {s.kind: s.packetsLost for s in stats if s.type == "inbound-rtp"}


@asynccontextmanager
async def witnessing(client: Client) -> AsyncIterator[Witness]:
    """A session that talks, and its witness."""
    async with watching(client) as viewer:
        witness = Witness(viewer)
        tracks = (
            (viewer.tracks["video"], witness.pictures),
            (viewer.tracks["audio"], witness.sounds),
        )
        readers = [asyncio.create_task(witness.watch(*pair)) for pair in tracks]
        try:
            await witness.begin()
            viewer.channel.send('{"type": "text", "text": "tell me a long story about breakfast"}')
            yield witness
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
