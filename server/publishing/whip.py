"""Outlet: a session sent to a WHIP server, for as long as it plays.

A connection that breaks is made anew; one that the server refuses for good is not.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import ClientSession
from aiortc import RTCPeerConnection

from visavis.server.publishing.again import Refused, until_refused
from visavis.server.publishing.posting import Post
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event


class WhipPublisher:
    """url: of the WHIP endpoint. token: sent as a Bearer token; empty: none. say: is told, in a
    line, what happens. fault: why it ended by itself, which it does only when it is refused; or
    that it ended before the server was reached.
    """

    def __init__(self, url: str, token: str, say: Callable[[str], None]) -> None:
        self._post, self._say = Post(url, token, "--token-file"), say
        self.fault = ""
        self._reached = False

    def tell(self, event: Event) -> None:
        """Words are not sent."""

    async def play(self, playout: Playout) -> None:
        """Until cancelled, or refused."""
        async with self._post.client() as client:
            try:
                await until_refused(
                    lambda: self._attempt(client, playout), self._say, self._post.shown
                )
            except Refused as error:
                self.fault = str(error)
                self._say(self.fault)
            finally:
                if not self._reached and not self.fault:
                    self.fault = f"{self._post.shown} was not reached: nothing was sent"

    async def _attempt(self, client: ClientSession, playout: Playout) -> None:
        """One connection, to its end. Raises Refused, Broken."""
        pc = RTCPeerConnection(rtc.configuration())
        clock, reader, missed = playout.clock, playout.reader, playout.missed
        for track in (
            AudioTrack(clock, reader, playout.sound_sent, missed),
            VideoTrack(clock, reader, playout.still, playout.picture_sent, missed),
        ):
            pc.addTransceiver(track, direction="sendonly")
        await self._post.carried(client, pc, self._begun)

    def _begun(self) -> None:
        self._reached = True
        self._say(f"{self._post.shown}: publishing")
