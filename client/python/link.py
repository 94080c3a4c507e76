"""One WebRTC connection to a server: offer, answer, media, data channel, end. No retries."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from visavis.remote.errors import Blocked, Lost, Refused, RemoteError
from visavis.remote.media import SOUND_RATE, MediaClock, unbuffered
from visavis.remote.messages import FromServer, Goodbye, Ready, ToServer, decode, encode
from visavis.remote.microphone import MicrophoneTrack, Outgoing
from visavis.remote.offering import Target, offered

LABEL: Final = "visavis"
_MEDIA: Final = 10.0  # s from the server's answer to its first message
_CLOSE: Final = 5.0  # s
_PICTURE_RATE: Final = 90_000  # Hz of the RTP clock
_HERE: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what comes over a connection: messages, and frames with their ms."""

    message: Callable[[FromServer], None]
    sound: Callable[[AudioFrame, float], None]
    picture: Callable[[VideoFrame, float], None]


class Link:
    """`lost` is set once, with a few words, when the connection is over."""

    def __init__(
        self,
        target: Target,
        relays: tuple[RTCIceServer, ...],
        outgoing: Outgoing | None,
        ears: Ears,
    ) -> None:
        self._target, self._ears = target, ears
        self.location, self.heard_at = "", time.monotonic()
        self.goodbye: Goodbye | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._epoch: float | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._pc = RTCPeerConnection(_configuration(relays, target.relay_only))
        self._microphone = MicrophoneTrack(outgoing) if outgoing is not None else None
        voice = self._pc.addTransceiver(
            self._microphone or "audio", "sendrecv" if self._microphone else "recvonly"
        )
        face = self._pc.addTransceiver("video", "recvonly")
        unbuffered(voice.receiver)
        self._clocks = {
            "audio": MediaClock(voice.receiver, SOUND_RATE),
            "video": MediaClock(face.receiver, _PICTURE_RATE),
        }
        self._channel = self._pc.createDataChannel(LABEL)
        self._channel.on("message", self._receive)
        self._channel.on("close", lambda: self._lose("the data channel closed"))
        self._pc.on("track", self._pump)
        self._pc.on("connectionstatechange", self._changed)

    async def open(self, http: aiohttp.ClientSession, resume: str = "") -> Ready:
        """Offer, and wait for the server's first message. resume: token of a session.

        Raises Unreachable, Refused, Blocked.
        """
        if urlsplit(self._target.url).hostname in _HERE and not self._target.relay_only:
            self._add_loopback()
        await self._pc.setLocalDescription(await self._pc.createOffer())
        answer = await offered(http, self._target, self._pc.localDescription.sdp, resume)
        self.location = answer.location
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        except Exception as error:
            msg = "the server's answer cannot be used"
            raise Blocked(msg) from error
        await asyncio.wait(
            (self._ready, self.lost), timeout=_MEDIA, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._ready.done():
            msg = "no way through for sound and pictures: is UDP allowed, or a relay needed?"
            raise Blocked(msg)
        return self._ready.result()

    def send(self, message: ToServer) -> bool:
        """Whether it went out."""
        if self._channel.readyState != "open" or self.lost.done():
            return False
        self._channel.send(encode(message))
        return True

    async def close(self) -> None:
        """End the connection; the session waits for another one."""
        self._lose("closed here")
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        if self._microphone is not None:
            self._microphone.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._pc.close()), _CLOSE)

    async def end(self, http: aiohttp.ClientSession) -> None:
        """End the session, and the connection."""
        if self.location and self.goodbye is None:
            timeout = aiohttp.ClientTimeout(_CLOSE)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await http.delete(self.location, headers=self._target.headers, timeout=timeout)
        await self.close()

    # --- how it is begun --------------------------------------------------------------------------

    def _add_loopback(self) -> None:
        """Reach a server of this machine without a network: aioice leaves 127.0.0.1 out."""
        ice: Any = self._pc.getTransceivers()[0].receiver.transport.transport._connection
        gather = ice.get_component_candidates

        async def gathered(component: int, addresses: list[str], *rest: Any) -> Any:
            hosts = addresses if "127.0.0.1" in addresses else [*addresses, "127.0.0.1"]
            return await gather(component, hosts, *rest)

        ice.get_component_candidates = gathered

    # --- what comes -------------------------------------------------------------------------------

    def _receive(self, data: str | bytes) -> None:
        message = decode(data)
        if message is None:
            return
        if isinstance(message, Goodbye):
            self.goodbye = message
        if isinstance(message, Ready):
            self._epoch = message.epoch or None
            if not self._ready.done():
                self._ready.set_result(message)
        self._ears.message(message)

    def _pump(self, track: MediaStreamTrack) -> None:
        self._pumps.append(asyncio.create_task(self._take(track)))

    async def _take(self, track: MediaStreamTrack) -> None:
        clock = self._clocks[track.kind]
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                self.heard_at = time.monotonic()
                at = clock.seconds(frame.pts or 0)
                if at is None or not self._ready.done():
                    continue  # the first few, before anybody can say when they are
                if self._epoch is None:  # a server that does not tell: from the first one on
                    self._epoch = at
                ms = round(1000 * (at - self._epoch), 3)
                if isinstance(frame, AudioFrame):
                    self._ears.sound(frame, ms)
                elif isinstance(frame, VideoFrame):
                    self._ears.picture(frame, ms)

    def _changed(self) -> None:
        if self._pc.connectionState in {"failed", "closed"}:
            self._lose(f"the connection {self._pc.connectionState}")

    def _lose(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)


def _configuration(relays: tuple[RTCIceServer, ...], relay_only: bool) -> RTCConfiguration:
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(
        iceServers=list(relays),
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        iceTransportPolicy=policy,
    )


def gone(error: RemoteError) -> bool:
    """Whether there is no session to come back to."""
    return isinstance(error, Lost) or (
        isinstance(error, Refused) and error.code in {"session-over", "session-lost"}
    )
