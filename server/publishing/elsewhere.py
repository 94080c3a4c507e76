"""A face that another server shows, watched by WHEP and played here, so that it can be sent on.

What comes is decoded and placed on a timeline a little later; where nothing comes, the last picture
stays and it is silent. A connection that breaks is made anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import av
import numpy as np
from aiohttp import ClientSession
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from visavis.engines.base import I420, Speech
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, TICK_RATE, Clause, Picture, Spoken, Tick, ms
from visavis.server.playout.timeline import MEMORY, Timeline
from visavis.server.publishing.again import until_refused
from visavis.server.publishing.posting import Post
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.peer import microphone
from visavis.server.session.doors import Outlet, Playout

_DELAY: Final[Tick] = ms(120)  # from what comes to when it plays: packets come unevenly
_APART: Final[Tick] = ms(150)  # by which a stream's own time may be off; then it begins anew


class Elsewhere:
    """url: of a WHEP endpoint. token: for it. say: is told, in a line, what happens.

    shows: set once there is a picture.
    """

    def __init__(self, url: str, token: str, say: Callable[[str], None]) -> None:
        self._post = Post(url, token, "--url-token-file")
        self._say = say
        self.clock, self._timeline = Clock(), Timeline()
        self._still: I420 | None = None
        self.shows = asyncio.Event()

    async def run(self) -> None:
        """Watch it, until cancelled. Raises Refused."""
        async with self._post.client() as client:
            await until_refused(lambda: self._attempt(client), self._say, self._post.shown)

    def add_outlet(self, outlet: Outlet) -> asyncio.Task[None]:
        """Let it play what is shown there; after the first picture."""
        assert self._still is not None
        playout = Playout(
            self.clock, self._timeline.reader(), self._still,
            lambda at, now: None, lambda at, now, new: None, lambda length, what: None,
        )  # fmt: skip
        return asyncio.create_task(_played(outlet, playout), name="outlet")

    async def _attempt(self, client: ClientSession) -> None:
        """One connection, to its end. Raises Refused, Broken."""
        pc = RTCPeerConnection(rtc.configuration())
        tasks: list[asyncio.Task[None]] = []

        @pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            work = self._see if track.kind == "video" else self._hear
            tasks.append(asyncio.create_task(work(track), name=f"watched {track.kind}"))

        for kind in ("audio", "video"):
            pc.addTransceiver(kind, direction="recvonly")
        try:
            await self._post.carried(client, pc, lambda: self._say(f"{self._post.shown}: watching"))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _see(self, track: MediaStreamTrack) -> None:
        pace = _Pace(self.clock)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if not isinstance(frame, av.VideoFrame) or frame.pts is None:
                continue
            image = np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)
            if self._still is None or self._still.shape == image.shape:
                at = pace.at(frame.pts * TICK_RATE // 90_000)
                self._timeline.put(Picture(at - at % FRAME, image))
                self._still = image
                self.shows.set()

    async def _hear(self, track: MediaStreamTrack) -> None:
        pace, place = _Pace(self.clock), 0
        async for packet in microphone(track):
            at = pace.at(place)
            place += len(packet)
            self._timeline.forget(self.clock.now() - MEMORY)
            speech = Speech(packet, (), (), "espeak")
            self._timeline.put(Spoken(self._timeline.turn, at, Clause("", speech)))


class _Pace:
    """A stream's own time -> when it plays here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset: Tick | None = None

    def at(self, media: Tick) -> Tick:
        """Of what has just come and is of that time, ticks of the stream."""
        due = self._clock.now() + _DELAY
        if self._offset is None or abs(media + self._offset - due) > _APART:
            self._offset = due - media
        return media + self._offset


async def _played(outlet: Outlet, playout: Playout) -> None:
    try:
        await outlet.play(playout)
    finally:
        playout.reader.close()
