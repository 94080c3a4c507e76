"""The gate: what reaches a connection's sockets, before any parser of aioice or aiortc sees it.

Anybody can send to a media port. Let in are STUN messages that name this connection or answer it,
and data from an address that has proved to be the peer's. The rest is counted and forgotten, in
constant time. What the peer itself sends may still break a parser: that costs the datagram.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from aioice import ice, stun
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpReceiver, RtpRouter
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtpPacket

from visavis.server.system.faults import fault
from visavis.server.system.metrics import DATAGRAMS_DROPPED
from visavis.server.system.seldom import Seldom

if TYPE_CHECKING:
    from visavis.server.rtc.agent import Agent

log = logging.getLogger(__name__)
_seldom = Seldom(log)

Source = tuple[str, int]
Reason = Literal[
    "empty",
    "oversized",  # longer than any media packet, see MOST_BYTES
    "stranger",  # data from an address that has proved nothing
    "unauthenticated",  # a STUN request without this connection's name or password
    "unasked",  # an answer to no question
    "malformed",  # no STUN message, though it begins like one
    "forbidden",  # from an address that is never contacted
    "flood",  # more than a connection takes
    "excess",  # of SCTP, or of RTP sources, beyond what a peer of ours needs
    "unhandled",  # a parser of aiortc failed
    "undecodable",  # no sound or picture, to its decoder
]

MOST_BYTES: Final = 2048  # of a datagram: what libsrtp's buffer holds; browsers send 1,200
MOST_SOURCES: Final = 16  # SSRCs of one peer that are told apart; a browser has one a track
_COOKIE: Final = struct.pack("!I", stun.COOKIE)
_REPORTS: Final = 31  # in one RTCP packet: five bits, RFC 3550 6.4.1
_counted: Final = {reason: DATAGRAMS_DROPPED.labels(reason) for reason in get_args(Reason)}


def drop(reason: Reason) -> None:
    """Count a datagram that is not taken."""
    _counted[reason].inc()


def faulty(reason: Reason, error: BaseException) -> None:
    """Count one that broke its parser or decoder; its type and place are logged, never its text."""
    drop(reason)
    _seldom.warning(reason, "a datagram could not be used", reason=reason, fault=fault(error))


class Gate(ice.StunProtocol):
    """One socket, or one relay, of a connection; takes the place of aioice's."""

    receiver: Agent

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Whatever anybody sent."""
        try:
            self._take(data, (addr[0], addr[1]))  # type: ignore[arg-type]  # always bytes
        except Exception as error:  # noqa: BLE001 (the border: each would be a traceback in the log)
            faulty("unhandled", error)

    def _take(self, data: bytes, source: Source) -> None:
        if not data:
            drop("empty")
        elif len(data) > MOST_BYTES:
            drop("oversized")
        elif data[0] < 4:  # RFC 7983: STUN
            self._take_stun(data, source)
        elif source in self.receiver.known:
            self.receiver.data_received(data, self.local_candidate.component)
        else:
            drop("stranger")

    def _take_stun(self, data: bytes, source: Source) -> None:
        # Whoever asks must name this connection, and whoever answers the question: both are looked
        # for in the bytes, because a parser may take 0.3 ms for two kilobytes of attributes.
        kind = int.from_bytes(data[:2], "big") & 0x0110
        if data[4:8] != _COOKIE:
            drop("malformed")
        elif kind == stun.Class.REQUEST and self.receiver.name not in data:
            drop("unauthenticated")
        elif (
            kind in (stun.Class.RESPONSE, stun.Class.ERROR) and data[8:20] not in self.transactions
        ):
            drop("unasked")
        elif kind == stun.Class.INDICATION:
            pass  # it keeps a NAT open, and wants nothing
        elif not self.receiver.may_say(source):
            drop("flood")
        else:
            self._handle(data, source)

    def _handle(self, data: bytes, source: Source) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            drop("malformed")
            return
        if message.message_class == stun.Class.REQUEST:
            self.receiver.request_received(message, source, self)
        else:
            self.transactions[message.transaction_id].response_received(message, source)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Answers at once; connectivity checks no faster than the connection may ask."""
        is_check = message.message_class == stun.Class.REQUEST and "USERNAME" in message.attributes
        if not is_check or self.receiver.may_check(addr):
            super().send_stun(message, addr)

    async def request(
        self,
        request: stun.Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[stun.Message, tuple[str, int]]:
        """aioice's, but an address that has proved nothing is asked less often."""
        if retransmissions is None and integrity_key and addr not in self.receiver.known:
            retransmissions = self.receiver.retransmissions
        return await super().request(request, addr, integrity_key, retransmissions)


_parse_message = stun.parse_message


def parse_message(data: bytes) -> stun.Message:
    """aioice's, which lets out more than ValueError: an attribute of a wrong length is enough."""
    try:
        return _parse_message(data)
    except ValueError:
        raise
    except Exception as error:
        msg = "not a STUN message"
        raise ValueError(msg) from error


_recv_next = RTCDtlsTransport._recv_next


async def recv_next(transport: RTCDtlsTransport) -> None:
    """aiortc's step of its receive loop, which ends with the connection, not with a datagram."""
    before = _received(transport)
    try:
        await _recv_next(transport)
    except ConnectionError:
        raise
    except Exception as error:
        if _received(transport) == before:
            raise  # not a datagram's fault: going on might go round without ever waiting
        faulty("unhandled", error)


def _received(transport: RTCDtlsTransport) -> int:
    received: int = transport._RTCDtlsTransport__rx_packets  # type: ignore[attr-defined]
    return received


_route_rtp = RtpRouter.route_rtp


def route_rtp(router: RtpRouter, packet: RtpPacket) -> RtpReceiver | None:
    """aiortc's, but a peer cannot make up sources without end: each has its own statistics."""
    if packet.ssrc not in router.ssrc_table and len(router.ssrc_table) >= MOST_SOURCES:
        drop("excess")
        return None
    return _route_rtp(router, packet)


_send_rtcp = RTCRtpReceiver._send_rtcp


async def send_rtcp(receiver: RTCRtpReceiver, packet: AnyRtcpPacket) -> None:
    """aiortc's; a report that does not fit its fields is left out.

    A peer makes one by leaps of its RTP time. It would end the task that reports, for whose end
    closing the connection then waits for ever, with its sockets open.
    """
    try:
        await _send_rtcp(receiver, packet)
    except struct.error as error:
        faulty("unhandled", error)
