"""An offer posted to a WHIP or WHEP server (RFC 9725), and the connection that comes of it.

All candidates go with the offer, so no server has to know trickling.
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

from visavis.server.publishing.again import Broken, Refused
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach
from visavis.server.system.errors import Problem

_REQUEST: Final = ClientTimeout(total=10.0)  # s; OBS waits 8
_DELETE: Final = ClientTimeout(total=3.0)
_CONNECT_WITHIN: Final = 15.0  # s from the answer to media
_MOST: Final = 64 * 1024  # bytes of an answer
_SDP: Final = "application/sdp"
# What a server means for good, unless it has taken the session before.
_FOR_GOOD: Final = frozenset({400, 401, 403, 404, 405, 406, 410, 415, 422})


class Post:
    """url: the endpoint. token: sent as a Bearer token; empty: none. option: how to give it."""

    def __init__(self, url: str, token: str, option: str) -> None:
        self._url, self._token, self._option = URL(url), token, option
        self._was_taken = False

    @property
    def shown(self) -> str:
        """The address for people: what is behind a question mark may be a key."""
        return str(self._url.with_query(None).with_user(None))

    def client(self) -> ClientSession:
        """To be entered, and given to `carried`."""
        headers = {hdrs.AUTHORIZATION: f"Bearer {self._token}"} if self._token else {}
        return ClientSession(headers=headers, timeout=_REQUEST)

    async def carried(
        self, client: ClientSession, pc: RTCPeerConnection, began: Callable[[], None]
    ) -> None:
        """Offer what `pc` has, and carry it to its end. Raises Refused, Broken; closes it."""
        resource: URL | None = None
        try:
            connected, ended = _watched(pc)
            offer = await rtc.offer(pc, _reach(self._url))
            resource, answer = await self._posted(client, offer)
            await rtc.accept(pc, answer)
            await _within(connected, ended)
            self._was_taken = True
            began()
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

    async def _posted(self, client: ClientSession, offer: str) -> tuple[URL | None, str]:
        """Where the server keeps it, and its answer. Raises Refused, Broken, ClientError."""
        headers = {hdrs.CONTENT_TYPE: _SDP}
        async with client.post(self._url, data=offer.encode(), headers=headers) as response:
            if response.status not in {200, 201}:
                self._refuse(response)
            answer = (await response.content.read(_MOST)).decode("utf-8", "replace")
            location = response.headers.get(hdrs.LOCATION)
            # RFC 9725 4.2: relative to the address that answered, after all redirections.
            return response.url.join(URL(location)) if location else None, answer

    def _refuse(self, response: ClientResponse) -> None:
        """Raises Refused, Broken."""
        status = response.status
        told = f"answers {status} {response.reason or ''}".strip()
        if status in {401, 403}:
            fix = "it does not take this token" if self._token else f"give a token: {self._option}"
            told += f": {fix}"
        elif status == 404:
            told += ": there is no such endpoint"
        if status in _FOR_GOOD and not self._was_taken:
            raise Refused(f"{self.shown} {told}")
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
