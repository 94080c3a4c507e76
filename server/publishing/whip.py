"""Outlet: a session sent to a WHIP server (RFC 9725), for as long as it plays.

All candidates go with the offer, so no server has to know trickling. A connection that breaks is
made anew; one that the server refuses for good is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, hdrs
from aiortc import RTCPeerConnection
from yarl import URL

from visavis.server.publishing.again import Broken, Refused, until_refused
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach
from visavis.server.rtc.tracks import AudioTrack, VideoTrack
from visavis.server.session.doors import Playout
from visavis.server.session.events import Event
from visavis.server.system.errors import Problem

_REQUEST: Final = ClientTimeout(total=10.0)  # s; OBS waits 8
_DELETE: Final = ClientTimeout(total=3.0)
_CONNECT_WITHIN: Final = 15.0  # s from the answer to media
_MOST: Final = 64 * 1024  # bytes of an answer
_SDP: Final = "application/sdp"
# What a server means for good, unless it has taken the session before. 404: the stream may yet be
# made, but an address that was mistyped is not.
_FOR_GOOD: Final = frozenset({400, 401, 403, 404, 405, 406, 410, 415, 422})
_TOKEN: Final = "give the token with --token-file, or in VISAVIS_PUBLISH_TOKEN"


class WhipPublisher:
    """url: of the WHIP endpoint. token: sent as a Bearer token; empty: none. say: is told, in a
    line, what happens. fault: why it ended by itself, which it does only when it is refused.
    """

    def __init__(self, url: str, token: str = "", say: Callable[[str], None] = print) -> None:
        self._url, self._token, self._say = URL(url), token, say
        self._was_taken = False
        self.fault = ""

    def tell(self, event: Event) -> None:
        """Words are not sent."""

    async def play(self, playout: Playout) -> None:
        """Until cancelled, or refused."""
        headers = {hdrs.AUTHORIZATION: f"Bearer {self._token}"} if self._token else {}
        async with ClientSession(headers=headers, timeout=_REQUEST) as client:
            try:
                await until_refused(
                    lambda: self._attempt(client, playout), self._say, str(self._url)
                )
            except Refused as error:
                self.fault = f"{self._url} {error}"
                self._say(self.fault)

    async def _attempt(self, client: ClientSession, playout: Playout) -> None:
        """One connection, to its end. Raises Refused, Broken."""
        pc = RTCPeerConnection(rtc.configuration())
        resource: URL | None = None
        try:
            self._add_tracks(pc, playout)
            connected, ended = _watched(pc)
            offer = await rtc.offer(pc, _reach(self._url))
            resource, answer = await self._posted(client, offer)
            await rtc.accept(pc, answer)
            await _within(connected, ended)
            self._was_taken = True
            self._say(f"{self._url}: publishing")
            await ended.wait()
            raise Broken("the connection was lost")
        except Problem as error:
            raise Broken(f"its answer cannot be used ({error.detail})") from error
        except (ClientError, OSError, TimeoutError) as error:
            raise Broken(_why(error)) from error
        finally:
            with contextlib.suppress(TimeoutError):
                await rtc.close(pc)
            if resource is not None:
                await _deleted(client, resource)

    def _add_tracks(self, pc: RTCPeerConnection, playout: Playout) -> None:
        clock, reader, missed = playout.clock, playout.reader, playout.missed
        for track in (
            AudioTrack(clock, reader, playout.sound_sent, missed),
            VideoTrack(clock, reader, playout.still, playout.picture_sent, missed),
        ):
            pc.addTransceiver(track, direction="sendonly")

    async def _posted(self, client: ClientSession, offer: str) -> tuple[URL | None, str]:
        """Where the server keeps it, and its answer. Raises Refused, Broken, ClientError."""
        headers = {hdrs.CONTENT_TYPE: _SDP}
        async with client.post(self._url, data=offer.encode(), headers=headers) as response:
            if response.status not in {200, 201}:
                await self._refused(response)
            answer = (await response.content.read(_MOST)).decode("utf-8", "replace")
            location = response.headers.get(hdrs.LOCATION)
            # RFC 9725 4.2: relative to the address that answered, which may have been redirected to
            return response.url.join(URL(location)) if location else None, answer

    async def _refused(self, response: ClientResponse) -> None:
        """Raises Refused, Broken."""
        status = response.status
        told = f"answers {status} {response.reason or ''}".strip()
        if status in {401, 403}:
            told += f": {_TOKEN}" if not self._token else ": it does not take this token"
        elif status == 404:
            told += ": there is no WHIP endpoint at this address"
        if status in _FOR_GOOD and not self._was_taken:
            raise Refused(told)
        raise Broken(told)


def _watched(pc: RTCPeerConnection) -> tuple[asyncio.Event, asyncio.Event]:
    """Set once it is connected, and once it is over."""
    connected, ended = asyncio.Event(), asyncio.Event()

    @pc.on("connectionstatechange")
    def changed() -> None:
        if pc.connectionState == "connected":
            connected.set()
        elif pc.connectionState in {"failed", "closed"}:
            ended.set()

    return connected, ended


async def _within(connected: asyncio.Event, ended: asyncio.Event) -> None:
    """Raises Broken when no media gets through."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (connected, ended)]
    await asyncio.wait(waiting, timeout=_CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    if not connected.is_set() or ended.is_set():
        raise Broken("it answers, and no media gets through: UDP may be blocked on the way")


async def _deleted(client: ClientSession, resource: URL) -> None:
    """Say that it is over; a server that does not hear it notices by itself."""
    with contextlib.suppress(ClientError, OSError, TimeoutError):
        async with client.delete(resource, timeout=_DELETE):
            pass


def _reach(url: URL) -> Reach:
    """A server of this machine may be at loopback alone."""
    host = url.host or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return Reach(rtc.with_loopback()) if here else Reach()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    number = getattr(getattr(error, "os_error", error), "errno", None)
    return os.strerror(number) if isinstance(number, int) else type(error).__name__
