"""The connection of a person who speaks through a session's face with their own voice.

Their sound comes in; sound and picture of the face go out, as its visitor has them. It is none of
the conversation's connections: what becomes of it changes only whose voice the visitor hears.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from aiortc import MediaStreamTrack, RTCPeerConnection

from visavis.server.playout.messages import Tick
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.congestion import Observer
from visavis.server.rtc.peer import microphone
from visavis.server.rtc.reach import Reach
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Missed, Playout
from visavis.server.session.events import Event
from visavis.server.session.session import Session
from visavis.server.session.substitute import Substitute
from visavis.server.system.errors import NotFound
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

_CONNECT_WITHIN: Final = 10.0  # s, as of a visitor


class Booth:
    """`answer`, then `close`; an inlet and an outlet. ended: set once the connection is over."""

    def __init__(
        self, session: Session, voice: Substitute, ice: tuple[str, ...], network: Observer
    ) -> None:
        self._session, self.voice, self._network = session, voice, network
        self._pc = RTCPeerConnection(rtc.configuration(ice))
        self._track: MediaStreamTrack | None = None
        self._doors: list[asyncio.Task[None]] = []
        self._wired, self._connected = asyncio.Event(), asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self, offer: str, reach: Reach) -> str:
        """SDP offer -> SDP answer. Raises what `rtc.answer` raises, NotFound when it is over."""
        self._watch()
        playing = self._session.add_outlet(self)
        self._doors.append(playing)
        self._session.watch(self, seen=False)  # nothing is drawn for it alone
        wired = asyncio.ensure_future(self._wired.wait())
        await asyncio.wait((playing, wired), return_when=asyncio.FIRST_COMPLETED)
        wired.cancel()
        if not self._wired.is_set():
            raise NotFound("The session has ended meanwhile.", "session-over")
        return await rtc.answer(self._pc, offer, reach, observer=self._network)

    async def live(self) -> None:
        """Speak what comes in, until the connection is over, or never stood."""
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                await self._connected.wait()
        except TimeoutError:
            return
        if self._track is not None and not self.ended.is_set():
            self._doors.append(self._session.add_inlet(self))
        await self.ended.wait()

    async def feed(self, _session: Session) -> None:
        """Inlet: the person's sound, which is not the visitor's."""
        if self._track is not None:
            await self.voice.listen(microphone(self._track))

    async def play(self, playout: Playout) -> None:
        """Outlet: what the visitor hears and sees."""
        clock, reader = playout.clock, playout.reader
        self._pc.addTrack(AudioTrack(clock, reader, _unnoticed, _missed))
        picture = VideoTrack(clock, reader, playout.still, _unnoticed, _missed, playout.seen)
        self._pc.addTrack(picture)
        self._wired.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    def tell(self, event: Event) -> None:
        """Outlet: the staff's page is told of events otherwise."""

    async def close(self) -> None:
        """End the connection; safe to call twice."""
        self.ended.set()
        self._connected.set()
        for door in self._doors:
            door.cancel()
        await asyncio.gather(*self._doors, return_exceptions=True)
        try:
            await rtc.close(self._pc)
        except TimeoutError:
            log.warning("a connection of staff did not close in time")
        except Exception as error:  # noqa: BLE001 (whatever it is, the session goes on)
            log.error("a connection of staff did not close well", extra={"fault": fault(error)})  # noqa: TRY400

    def _watch(self) -> None:
        @self._pc.on("connectionstatechange")
        def changed() -> None:
            if self._pc.connectionState == "connected":
                self._connected.set()
            elif self._pc.connectionState in {"failed", "closed"}:
                self.ended.set()
                self._connected.set()

        @self._pc.on("track")
        def received(track: MediaStreamTrack) -> None:
            if track.kind == "audio" and self._track is None:
                self._track = track


def _unnoticed(*_what: object) -> None:
    """Metrics and receipts are of what visitors get."""


def _missed(_length: Tick, _what: Missed) -> None:
    """The same."""
