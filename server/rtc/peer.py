"""One peer connection: an outlet and an inlet of one session, with its data channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import numpy as np
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from visavis.engines.base import Pcm
from visavis.server import protocol
from visavis.server.rtc import hooks as rtc
from visavis.server.rtc.congestion import Observer
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event, Failure
from visavis.server.session.session import Session
from visavis.server.system.config import Source
from visavis.server.system.errors import Unprocessable
from visavis.server.system.flow import Tasks

log = logging.getLogger(__name__)

_CONNECT_WITHIN: Final = 20.0  # seconds from the answer to a connection, else the place is freed
_BACKLOG: Final = 256 * 1024  # bytes waiting in the channel at which messages are dropped


class Peer:
    """A viewer's connection, and the session that lives as long as it does.

    Ends itself when the viewer leaves; `closed` is called once. network: is told what the viewer's
    network can take.
    """

    def __init__(
        self, session: Session, ice: Sequence[str], avatar: str, voice: str,
        closed: Callable[[], None], network: Observer | None = None,
    ) -> None:  # fmt: skip
        self._pc = RTCPeerConnection(rtc.configuration(ice))
        self.session, self._avatar, self._voice, self._closed = session, avatar, voice, closed
        self._network = network
        self._channel: RTCDataChannel | None = None
        self._video: VideoTrack | None = None
        self._tasks = Tasks()
        self._connected, self._wired = asyncio.Event(), asyncio.Event()
        self._ended = False
        self._closing: asyncio.Task[None] | None = None

    async def answer(self, offer: str, hosts: Sequence[str]) -> str:
        """SDP offer -> SDP answer; the session begins when the viewer connects.

        hosts: the local addresses to be reached at; empty: all but loopback.
        Raises Malformed or Unprocessable when the offer cannot be used.
        """
        if "\nm=audio" not in offer or "\nm=video" not in offer:
            msg = "the offer must ask for both sound and picture"
            raise Unprocessable(msg, "no-media")
        self._watch()
        self.session.add_outlet(self)
        await self._wired.wait()
        answer = await rtc.answer(self._pc, offer, hosts, observer=self._network)
        self._tasks.start(self._live(), name=f"session-{self.session.name}")
        return answer

    async def play(self, playout: Playout) -> None:
        """Outlet: aiortc's senders pull sound and pictures through the two tracks."""
        clock, reader = playout.clock, playout.reader
        self._video = VideoTrack(clock, reader, playout.still, playout.picture_sent)
        self._pc.addTrack(AudioTrack(clock, reader, playout.sound_sent))
        self._pc.addTrack(self._video)
        self._wired.set()
        await asyncio.Event().wait()  # until the session or the connection ends

    def tell(self, event: Event) -> None:
        """Outlet: an event goes through the data channel."""
        self.send(event)

    @property
    def late(self) -> int:
        """Pictures that did not come in time, so far."""
        return self._video.late if self._video is not None else 0

    async def add_candidates(self, fragment: str) -> None:
        """Trickled candidates, an SDP fragment as RFC 8840 has it. Raises Malformed."""
        mid = ""
        for line in fragment.splitlines():
            if line.startswith("a=mid:"):
                mid = line.removeprefix("a=mid:")
            elif line.startswith("a=candidate:"):
                await rtc.add_candidate(self._pc, line.removeprefix("a="), mid)

    def send(self, message: protocol.FromServer) -> None:
        """Hand a message to the viewer; lost when there is no open channel or it is congested."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > _BACKLOG:
            return
        channel.send(protocol.encode(message))

    async def close(self) -> None:
        """End the session and the connection; safe to call twice."""
        if self._ended:
            return
        self._ended = True
        try:
            await self._tasks.close()
            await self.session.close()
            await rtc.close(self._pc)
        except TimeoutError:
            log.warning("a connection did not close in time")
        finally:
            self._closed()

    def _watch(self) -> None:
        @self._pc.on("connectionstatechange")
        async def changed() -> None:
            if self._pc.connectionState == "connected":
                self._connected.set()
            elif self._pc.connectionState in {"failed", "closed"}:
                await self.close()

        @self._pc.on("datachannel")
        def opened(channel: RTCDataChannel) -> None:
            if channel.label == protocol.LABEL:
                self._open(channel)

        @self._pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                self.session.add_inlet(Microphone(track))

    def _open(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._receive)
        session = self.session
        source: Source = "dialogue" if session.answers else "microphone"
        ready = protocol.Ready(protocol.VERSION, session.name, self._avatar, self._voice, source)
        self.send(ready)

    def _receive(self, data: str | bytes) -> None:
        try:
            message = protocol.decode(data)
        except protocol.ProtocolError as error:
            self.send(Failure("bad-message", str(error)))
            return
        self._tasks.start(self._command(message), name="command")

    async def _command(self, message: protocol.FromClient) -> None:
        answer = await protocol.command(self.session, message)
        if answer is not None:
            self.send(answer)

    async def _live(self) -> None:
        try:
            if await self._connects():
                await self.session.run()
            else:
                log.info("the viewer did not connect", extra={"session": self.session.name})
        finally:
            # Not from within: closing waits for this very task.
            self._closing = asyncio.create_task(self.close(), name="close")

    async def _connects(self) -> bool:
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                await self._connected.wait()
        except TimeoutError:
            return False
        return True


class Microphone:
    """Inlet: the sound of a remote audio track."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self._track = track

    async def feed(self, session: Session) -> None:
        """Let the session listen until the track ends."""
        await session.listen(microphone(self._track))


async def microphone(track: MediaStreamTrack) -> AsyncIterator[Pcm]:
    """Packets of a remote audio track as 48 kHz mono, until it ends."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, AudioFrame):
            yield mono(frame)


def mono(frame: AudioFrame) -> Pcm:
    """(samples,) int16 of a packed s16 frame of any number of channels."""
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    mixed: Pcm = samples.mean(axis=1).astype(np.int16)
    return mixed
