"""RTP packets of one sender, written at once instead of object by object.

aiortc makes an object of each packet, then its bytes, and four coroutines hand them on: 60 us a
packet, of which a session sends 125 a second. Here header and extensions are copied from a
template, and what is known only when a packet leaves is written into its place.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from aiortc import clock
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpSendParameters

from visavis.server.rtc.feedback import EXTENSION as NUMBER

HEADER: Final = 12  # bytes, RFC 3550 5.1
SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
_MOST_ID: Final = 14  # of a one-byte header extension, RFC 8285 4.2


def ids(parameters: RTCRtpSendParameters) -> dict[str, int]:
    """Of the header extensions that were negotiated, by URI."""
    return {each.uri: each.id for each in parameters.headerExtensions}


class Template:
    """Header and extensions of a sender's packets.

    time_at, number_at: where abs-send-time (3 bytes) and the transport-wide number (2) go, in a
    packet; 0: nowhere. level: whether packets tell how loud they are.
    """

    def __init__(
        self, by_uri: Mapping[str, int], mid: str, ssrc: int, payload_type: int, level: bool
    ) -> None:
        """Raises ValueError where a one-byte header extension cannot say it."""
        self.ssrc, self._type = ssrc, payload_type
        places: dict[str, int] = {}
        extensions = b""
        for uri, value in (
            (MID, mid.encode()), (SEND_TIME, bytes(3)),
            (LEVEL, bytes(1) if level else b""), (NUMBER, bytes(2)),
        ):  # fmt: skip
            if not by_uri.get(uri) or not value:
                continue
            if by_uri[uri] > _MOST_ID or len(value) > 16:
                raise ValueError("a header extension of two bytes")
            extensions += bytes([by_uri[uri] << 4 | len(value) - 1])
            places[uri] = HEADER + 4 + len(extensions)
            extensions += value
        extensions += bytes(-len(extensions) % 4)
        self._first = 0x90 if extensions else 0x80
        size = struct.pack("!HH", 0xBEDE, len(extensions) // 4)
        self._tail = size + extensions if extensions else b""
        self.time_at = places.get(SEND_TIME, 0)
        self.number_at = places.get(NUMBER, 0)
        self._level_at = places.get(LEVEL, 0)

    def packet(
        self, payload: bytes, sequence: int, timestamp: int, *, last: bool, level: int = 0
    ) -> bytearray:
        """One packet; level: dBov below full scale, 0 .. 127, where the template tells it."""
        kind = self._type | 0x80 if last else self._type
        made = bytearray(struct.pack("!BBHLL", self._first, kind, sequence, timestamp, self.ssrc))
        made += self._tail
        if self._level_at:
            made[self._level_at] = level
        made += payload
        return made


def send_time() -> bytes:
    """abs-send-time of now: 6.18 fixed point, 24 bits."""
    return (clock.current_ntp_time() >> 14 & 0xFFFFFF).to_bytes(3, "big")


async def send_rtp(transport: RTCDtlsTransport, data: bytes) -> None:
    """Stands for `RTCDtlsTransport._send_rtp`; RTP takes a short way to the socket.

    Raises ConnectionError when it is not connected.
    """
    if transport.state != "connected" or 192 <= data[1] <= 223:
        await _send_rtp(transport, data)
        return
    data = transport._tx_srtp.protect(data)
    await transport.transport._connection.sendto(data, 1)
    sent: Any = transport
    sent._RTCDtlsTransport__tx_bytes += len(data)
    sent._RTCDtlsTransport__tx_packets += 1


_send_rtp = RTCDtlsTransport._send_rtp
