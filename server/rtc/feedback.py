"""Transport-wide feedback: when each packet arrived, by the receiver's clock.

draft-holmer-rmcat-transport-wide-cc-extensions-01, which every browser speaks and aiortc does not.
A REMB, its forerunner, comes first after 5 s, does not see a queue that stands, and knows only the
packets of pictures that arrived.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aiortc.rtp import RtcpRtpfbPacket

EXTENSION: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FORMAT: Final = 15  # FMT of RTPFB
_MOST: Final = 4_096  # packets that a report may tell of; more is no honest one
_FIELDS: Final = 64  # of a NACK, of 17 packets each; aiortc keeps 128 to send them again
_KEPT: Final = 2_048  # packets that are remembered until they are told of
_TICK: Final = 0.000_25  # s of an arrival delta
_REFERENCE: Final = 0.064  # s of the reference time


@dataclass
class TransportFeedback(RtcpRtpfbPacket):
    """(transport sequence number, s of the receiver's clock) of each packet that came."""

    arrivals: list[tuple[int, float]] = field(default_factory=list)


_plain = RtcpRtpfbPacket.parse


def parse(data: bytes, fmt: int) -> RtcpRtpfbPacket:
    """Stands for `RtcpRtpfbPacket.parse`, which takes any format for a NACK. Raises ValueError."""
    if fmt != FORMAT:
        return _plain(data[: 8 + 4 * _FIELDS], fmt)
    if len(data) < 16:  # any length: aiortc has taken the padding off
        raise ValueError("transport-wide feedback is too short")
    sender, media, base, count, reference = struct.unpack_from("!LLHHL", data)
    if count > _MOST:
        raise ValueError("transport-wide feedback tells of too many packets")
    at = _signed(reference >> 8, 24) * _REFERENCE
    try:
        arrivals = list(_arrivals(data, base, count, at))
    except (struct.error, IndexError) as error:
        raise ValueError("transport-wide feedback is truncated") from error
    return TransportFeedback(fmt, sender, media, arrivals=arrivals)


def _arrivals(data: bytes, base: int, count: int, at: float) -> Iterator[tuple[int, float]]:
    runs: list[tuple[int, int, int]] = []  # (symbol, its first packet, packets)
    told, place = 0, 16
    while told < count:
        (chunk,) = struct.unpack_from("!H", data, place)
        place += 2
        for symbol, length in _symbols(chunk):
            runs.append((symbol, told, min(length, count - told)))
            told += length
    for symbol, first, length in runs:
        if symbol not in (1, 2):
            continue  # did not come: two bytes may say so of thousands, so each costs nothing
        for number in range(first, first + length):
            if symbol == 1:
                at += data[place] * _TICK
            else:
                at += struct.unpack_from("!h", data, place)[0] * _TICK
            place += symbol
            yield (base + number) & 0xFFFF, at


def _symbols(chunk: int) -> list[tuple[int, int]]:
    """(symbol, how often)"""
    if not chunk >> 15:  # a run
        return [(chunk >> 13 & 3, chunk & 0x1FFF)]
    if chunk >> 14 & 1:  # seven of two bits
        return [(chunk >> shift & 3, 1) for shift in range(12, -1, -2)]
    return [(chunk >> shift & 1, 1) for shift in range(13, -1, -1)]


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet that came: when it left and arrived, in s of two different clocks; its bits."""

    left: float
    came: float
    bits: int


class Numbering:
    """Transport sequence numbers of one connection, and what left under them."""

    def __init__(self) -> None:
        self._next = 0
        self._left: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def number(self, now: float, size: int) -> int:
        """For a packet of `size` bytes that leaves now."""
        number, self._next = self._next, (self._next + 1) & 0xFFFF
        self._left.pop(number, None)
        self._left[number] = now, size * 8
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return number

    def resolve(self, arrivals: list[tuple[int, float]]) -> list[Arrival]:
        """What came; each packet counts once."""
        found = []
        for number, came in arrivals:
            if packet := self._left.pop(number, None):
                found.append(Arrival(packet[0], came, packet[1]))
        return found
