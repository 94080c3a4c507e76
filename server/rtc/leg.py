"""One peer connection of a session that a wire carries: what goes out, what comes in, its end.

It speaks no protocol of its own: what a data channel says, and what becomes of sound that comes in,
is the wire's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Literal

from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection

from visavis.engines.base import Pcm
from visavis.server.rtc import connection as rtc
from visavis.server.rtc import offers
from visavis.server.rtc.media import WATCHED, Kind, Media
from visavis.server.rtc.peer import microphone
from visavis.server.rtc.receiver import of_track
from visavis.server.rtc.restart import Restarts, credentials
from visavis.server.rtc.terms import Terms
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.session.session import Session
from visavis.server.system.errors import NotFound
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

CONNECT_WITHIN: Final = 10.0  # s from an answer to a connection, as of a visitor

# How a connection ended: the peer went, nothing was heard of it any more, or it never stood.
Ending = Literal["left", "lost", "never"]
Hears = Callable[[AsyncIterator[Pcm]], Awaitable[None]]


class Leg:
    """Make one, then `Hosted.connect` it. An outlet of the session unless it is given tracks.

    media: what an offer must have, and what is made of it. tracks: what is sent in place of the
    session's own voice and face, such as what is encoded once for many. hears: is given the peer's
    sound, 48 kHz mono packets, until the leg ends; None: it is not received. channel: called with
    each data channel that the peer opens. told: called with each event of the session.
    connected, ended: set once, in this order; how it ended.
    """

    def __init__(
        self,
        session: Session,
        terms: Terms,
        *,
        media: Media = WATCHED,
        tracks: Sequence[MediaStreamTrack] | None = None,
        hears: Hears | None = None,
        channel: Callable[[RTCDataChannel], None] | None = None,
        told: Callable[[Event], None] | None = None,
    ) -> None:
        self._pc = RTCPeerConnection(rtc.configuration(terms.ice))
        self._restarts = Restarts(self._pc, terms.ice, terms.reach)
        self._session, self._terms, self._media = session, terms, media
        self._tracks, self._hears = tracks, hears
        self._channel, self._told = channel, told
        self._voice: MediaStreamTrack | None = None
        self._video: VideoTrack | None = None
        self._sends: frozenset[Kind] = frozenset()
        self._wired, self.connected = asyncio.Event(), asyncio.Event()
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []

    async def answer(self, offer: str) -> str:
        """SDP offer -> SDP answer.

        Raises Malformed or Unprocessable when the offer cannot be used, Full when no port is left,
        NotFound when the session is over.
        """
        self._sends = self._media.sends & offers.received(offer)
        self._watch()
        await self._wire()
        self._restarts.users = credentials(offer)
        return await rtc.answer(
            self._pc, offer, self._terms.reach, observer=self._terms.network(), media=self._media
        )

    async def _wire(self) -> None:
        """Have what is to be sent. Raises NotFound when the session ends before it has begun."""
        if self._media.takes and "audio" not in self._sends:
            self._pc.addTransceiver("audio", direction="recvonly")
        if self._tracks is not None:
            for track in self._tracks:
                if track.kind in self._sends:
                    self._pc.addTrack(track)
            return
        if not self._sends:
            return
        playing = self._session.add_outlet(self)
        self._tasks.append(playing)
        wired = asyncio.ensure_future(self._wired.wait())
        await asyncio.wait((playing, wired), return_when=asyncio.FIRST_COMPLETED)
        wired.cancel()
        if not self._wired.is_set():
            raise NotFound("The session has ended meanwhile.", "session-over")

    async def live(self) -> Ending:
        """Hear the peer until the connection is over, and how that was."""
        waiting = asyncio.ensure_future(self.connected.wait())
        try:
            await asyncio.wait(
                (waiting, self.ended), timeout=CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        if not self.connected.is_set():
            self._end("never")
        return await asyncio.shield(self.ended)

    @property
    def begun(self) -> bool:
        """Whether ICE has found the peer."""
        return self._pc.iceConnectionState == "completed"

    @property
    def late(self) -> int:
        """For how many pictures there was no new one in time; of shared tracks 0."""
        return self._video.late if self._video is not None else 0

    def knows(self, fragment: str) -> bool:
        """Whether an SDP fragment is about this connection: it names its ICE user, or none."""
        return self._restarts.knows(fragment)

    async def add_candidates(self, fragment: str) -> None:
        """Trickled candidates, as RFC 8840 has them. Raises Malformed, Unprocessable."""
        await self._restarts.add(fragment)

    async def restart(self, fragment: str) -> str:
        """Another way for the connection, see `restart.Restarts.begin`."""
        return await self._restarts.begin(fragment)

    async def play(self, playout: Playout) -> None:
        """Outlet: aiortc's senders pull sound and pictures through the tracks."""
        clock, reader, missed = playout.clock, playout.reader, playout.missed
        if "audio" in self._sends:
            self._pc.addTrack(AudioTrack(clock, reader, playout.sound_sent, missed))
        if "video" in self._sends:
            self._video = VideoTrack(
                clock, reader, playout.still, playout.picture_sent, missed, busy=playout.busy
            )
            self._pc.addTrack(self._video)
        else:
            self._session.watch(self, seen=False)
        self._wired.set()
        await asyncio.Event().wait()  # until the session or the connection ends

    def tell(self, event: Event) -> None:
        """Outlet: events are the wire's."""
        if self._told is not None:
            self._told(event)

    async def close(self) -> None:
        """End the connection, not the session; safe to call twice."""
        self._end("left")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._restarts.end()
        try:
            await rtc.close(self._pc)
        except TimeoutError:
            log.warning("a wire's connection did not close in time")
        except Exception as error:  # noqa: BLE001 (whatever it is, the session goes on)
            log.error("a wire's connection did not close well", extra={"fault": fault(error)})  # noqa: TRY400

    def _end(self, how: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(how)

    def _watch(self) -> None:
        @self._pc.on("connectionstatechange")
        def changed() -> None:
            if self._pc.connectionState == "connected" and not self.connected.is_set():
                self._listen()
                self.connected.set()
            elif self._pc.connectionState in {"failed", "closed"}:
                self._end("left" if rtc.said_goodbye(self._pc) else "lost")

        @self._pc.on("datachannel")
        def opened(channel: RTCDataChannel) -> None:
            if self._channel is not None:
                self._channel(channel)

        @self._pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            if track.kind == "audio" and self._voice is None:
                self._voice = track

    def _listen(self) -> None:
        if self._hears is not None and self._voice is not None and self._media.takes:
            self._tasks.append(asyncio.create_task(self._hear(self._hears), name="wire hears"))

    async def _hear(self, hears: Hears) -> None:
        assert self._voice is not None
        receiver = of_track(self._pc, self._voice)
        if receiver is not None:
            receiver.refused = self._session.sound_refused
        try:
            await hears(microphone(self._voice))
        except Exception as error:  # noqa: BLE001 (the connection goes on; its sound is lost)
            log.error("sound of a wire was not heard", extra={"fault": fault(error)})  # noqa: TRY400
