"""A restart of ICE (RFC 8445 9, RFC 9725 4.4.2): another way under a connection that goes on.

DTLS, and all that was agreed on, stays; the peer has new ICE credentials and perhaps new addresses,
as after a change of its network. aiortc has no restart: a second agent is made beside the first,
and takes its place once it has found the peer. Until then, or if it does not, the first one serves.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from typing import Any, Final

from aioice import ice
from aiortc import RTCPeerConnection
from aiortc.rtcicetransport import RTCIceGatherer, candidate_to_aioice
from aiortc.sdp import candidate_to_sdp

from visavis.server.rtc import candidates
from visavis.server.rtc import connection as rtc
from visavis.server.rtc.reach import Reach, using
from visavis.server.system.bucket import Bucket
from visavis.server.system.errors import Malformed, TooMany, Unprocessable

log = logging.getLogger(__name__)

_WITHIN: Final = 15.0  # s in which the new way must be found
_OFTEN: Final = 0.1, 4  # (a second, at once): each takes sockets
_USER: Final = re.compile(r"^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\r?$", re.MULTILINE | re.ASCII)
_PASSWORD: Final = re.compile(r"^a=ice-pwd:([A-Za-z0-9+/]{22,256})\r?$", re.MULTILINE | re.ASCII)


def credentials(description: str) -> frozenset[str]:
    """The ICE users that an SDP or a fragment names (RFC 8839, a=ice-ufrag)."""
    return frozenset(re.findall(r"^a=ice-ufrag:(\S+)", description, re.MULTILINE))


class Restarts:
    """Those of one peer connection. servers: STUN and TURN addresses of the server's.

    users: the peer's ICE users so far; its owner has them from the offer.
    """

    def __init__(
        self, pc: RTCPeerConnection, servers: Iterable[str], reach: Reach | None = None
    ) -> None:
        self._pc, self._servers, self.reach = pc, tuple(servers), reach or Reach()
        self.users: frozenset[str] = frozenset()
        self._allowed = Bucket(*_OFTEN)
        self._way: asyncio.Task[None] | None = None
        self._coming: ice.Connection | None = None

    def knows(self, fragment: str) -> bool:
        """Whether an SDP fragment is about this connection: it names its ICE user, or none."""
        return credentials(fragment) <= self.users

    async def begin(self, fragment: str) -> str:
        """The peer's new credentials, an SDP fragment (RFC 8840) -> the server's, with candidates.

        Raises Malformed, Unprocessable while there is no connection yet, TooMany, Full.
        """
        user, password = _USER.search(fragment), _PASSWORD.search(fragment)
        if user is None or password is None:
            msg = "a restart of ICE needs a=ice-ufrag and a=ice-pwd, as RFC 8839 has them"
            raise Malformed(msg, "malformed-candidate")
        transport: Any = self._pc.getTransceivers()[0].receiver.transport.transport
        if transport.state != "completed":
            msg = "ICE is restarted where it has connected once: offer anew"
            raise Unprocessable(msg, "ice-restart")
        if not self._allowed.take():
            raise TooMany("ICE was restarted too often. Wait, then try again.", 10)
        await self.end()
        gatherer = RTCIceGatherer(iceServers=rtc.configuration(self._servers).iceServers)
        with using(self.reach):
            await gatherer.gather()
        coming: ice.Connection = gatherer._connection
        coming.remote_username, coming.remote_password = user[1], password[1]
        self._coming = coming
        await self._add(fragment, coming)
        self._way = asyncio.create_task(self._change(transport, coming), name="restart ICE")
        self.users |= credentials(fragment)
        return _written(gatherer)

    async def add(self, fragment: str) -> None:
        """Candidates for the way that is looked for, or for the first one where none is.

        As RFC 8840 has them. Raises Malformed, Unprocessable.
        """
        if self._coming is None:
            await rtc.add_candidates(self._pc, fragment, self.reach)
        else:
            await self._add(fragment, self._coming)

    async def end(self) -> None:
        """Look no more."""
        way, self._way = self._way, None
        if way is not None:
            way.cancel()
            await asyncio.gather(way, return_exceptions=True)

    async def _add(self, fragment: str, coming: ice.Connection) -> None:
        lines = [line[2:] for line in fragment.splitlines() if line.startswith("a=candidate:")]
        for one in candidates.taken(lines, coming.remote_candidates, self.reach):
            await coming.add_remote_candidate(candidate_to_aioice(one))

    async def _change(self, transport: Any, coming: ice.Connection) -> None:
        """Find the peer, and go over to it."""
        old: ice.Connection = transport._connection
        # DTLS waits for the next datagram of the old way: it shall be the next of either.
        coming._queue = old._queue
        try:
            async with asyncio.timeout(_WITHIN):
                await coming.connect()
        except (ConnectionError, TimeoutError):
            log.info("no new way was found", extra={"kind": "ice-restart"})
            await _leave(coming)
            return
        except asyncio.CancelledError:
            await _leave(coming)
            raise
        finally:
            if self._coming is coming:
                self._coming = None
        monitor = transport._RTCIceTransport__monitor_task
        monitor.cancel()
        transport._connection, transport._recv, transport._send = coming, coming.recv, coming.send
        transport._RTCIceTransport__monitor_task = asyncio.ensure_future(transport._monitor())
        await _leave(old)


async def _leave(connection: ice.Connection) -> None:
    """Close it; what it says to who waits for datagrams is nobody's end."""
    connection._queue = asyncio.Queue()
    await connection.close()


def _written(gatherer: RTCIceGatherer) -> str:
    own = gatherer.getLocalParameters()
    lines = [f"a=ice-ufrag:{own.usernameFragment}", f"a=ice-pwd:{own.password}"]
    found = gatherer.getLocalCandidates()
    lines += [f"a=candidate:{candidate_to_sdp(one)}" for one in found]
    return "".join(f"{line}\r\n" for line in [*lines, "a=end-of-candidates"])
