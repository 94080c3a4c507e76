"""One peer connection and its data channel, bound to one session. No HTTP, no media logic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from visavis.engines.base import Pcm
from visavis.server import protocol, rtc
from visavis.server.errors import Malformed, Unprocessable
from visavis.server.flow import Tasks
from visavis.server.session import Session

log = logging.getLogger(__name__)

_CONNECT_WITHIN: Final = 20.0  # seconds from the answer to a connection, else the place is freed
_BACKLOG: Final = 256 * 1024  # bytes waiting in the channel at which messages are dropped


class Peer:
    """A viewer's connection. Ends itself when the viewer leaves; `closed` is called once."""

    def __init__(
        self, pc: RTCPeerConnection, avatar: str, voice: str, closed: Callable[[], None]
    ) -> None:
        self._pc, self._avatar, self._voice, self._closed = pc, avatar, voice, closed
        self._channel: RTCDataChannel | None = None
        self._tasks = Tasks()
        self._connected = asyncio.Event()
        self._ended = False
        self.session: Session | None = None

    async def answer(self, offer: str, session: Session) -> str:
        """SDP offer -> SDP answer; the session begins when the viewer connects.

        Raises Malformed or Unprocessable when the offer cannot be used.
        """
        self.session = session
        self._watch()
        # Tracks first: aiortc ignores codec preferences set after the remote description.
        self._pc.addTrack(session.audio)
        self._pc.addTrack(session.video)
        rtc.prefer_codecs(self._pc)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        except (ValueError, IndexError, KeyError, AttributeError, AssertionError) as error:
            msg = "the body is no usable SDP offer"
            raise Malformed(msg, "malformed-sdp") from error
        if not self._pc.getTransceivers() or not self._takes_video():
            msg = "the offer takes neither sound nor picture: offer both to receive"
            raise Unprocessable(msg, "no-media")
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        self._tasks.start(self._live(session), name=f"session-{session.name}")
        return str(self._pc.localDescription.sdp)

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
        await self._tasks.close()
        await rtc.close(self._pc)
        self._closed()

    def _takes_video(self) -> bool:
        return "m=video" in self._pc.remoteDescription.sdp

    def _watch(self) -> None:
        @self._pc.on("connectionstatechange")
        async def changed() -> None:
            if self._pc.connectionState == "connected":
                self._connected.set()
            elif self._pc.connectionState in {"failed", "closed"}:
                await self.close()

        @self._pc.on("datachannel")
        def opened(channel: RTCDataChannel) -> None:
            if channel.label == protocol.LABEL and self.session is not None:
                self._open(channel, self.session)

        @self._pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            if track.kind == "audio" and self.session is not None:
                self._tasks.start(self.session.listen(microphone(track)), name="hearing")

    def _open(self, channel: RTCDataChannel, session: Session) -> None:
        self._channel = channel
        channel.on("message", lambda data: self._receive(data, session))
        self.send(protocol.Ready(protocol.VERSION, session.name, self._avatar, self._voice))

    def _receive(self, data: str | bytes, session: Session) -> None:
        try:
            message = protocol.decode(data)
        except protocol.ProtocolError as error:
            self.send(protocol.Failure("bad-message", str(error)))
            return
        reply = obey(message, session)
        if reply is not None:
            self.send(reply)

    async def _live(self, session: Session) -> None:
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                await self._connected.wait()
        except TimeoutError:
            log.info("the viewer did not connect", extra={"session": session.name})
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self.close()))
            return
        await session.run()


def obey(message: protocol.FromClient, session: Session) -> protocol.FromServer | None:
    """Do what a message asks for; what is to be answered at once."""
    match message:
        case protocol.Text(text) | protocol.SayText(text) if not text.strip():
            return protocol.Failure("empty-text", "There is nothing to say.")
        case protocol.Text(text):
            session.ask(text.strip())
        case protocol.SayText(text, style):
            session.say(text.strip(), style)
        case protocol.Interrupt():
            session.interrupt()
        case protocol.Mic(on):
            session.mic(on)
        case protocol.Direct(prompt):
            return session.direct(prompt)
        case protocol.Ping(t):
            return session.pong(t)
    return None


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
    return samples.mean(axis=1).astype(np.int16)
