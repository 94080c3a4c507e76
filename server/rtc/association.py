"""aiortc's SCTP within bounds: one packet of a viewer's must not hold up everybody else.

aiortc trusts the numbers in SCTP chunks. A parameter of length 0 is read for ever, a SACK of 1 kB
may claim 20 million packets, and what never becomes a message is kept without end. Data channels
of this server carry small messages, so the bounds are far from what a browser needs.
"""

from __future__ import annotations

import struct
from typing import Final

from aiortc.rtcsctptransport import (
    SCTP_TSN_MODULO,
    DataChunk,
    ForwardTsnChunk,
    RTCSctpTransport,
    SackChunk,
)
from aiortc.rtcsctptransport import decode_params as _decode_params

from visavis.server.rtc.ingress import drop

MOST_STREAMS: Final = 16  # that a peer may use; the page uses one
MOST_AHEAD: Final = 256  # sequence numbers between what has come without a gap and the newest
MOST_PIECES: Final = 512  # of messages that are not whole; 256 KB, the most we advertise, are 226
_HEADER: Final = 4  # bytes of a parameter: type and length, RFC 9260 3.2.1


def decode_params(body: bytes) -> list[tuple[int, bytes]]:
    """aiortc's. Raises ValueError for a length that does not lead on."""
    at = 0
    while at <= len(body) - _HEADER:
        (length,) = struct.unpack_from("!H", body, at + 2)
        if length < _HEADER:
            msg = "an SCTP parameter is shorter than its header"
            raise ValueError(msg)
        at += (length + 3) // 4 * 4
    return _decode_params(body)


_receive_data_chunk = RTCSctpTransport._receive_data_chunk


async def receive_data_chunk(association: RTCSctpTransport, chunk: DataChunk) -> None:
    """aiortc's, for a chunk that there is room for; another one is as good as lost."""
    if _has_room(association, chunk):
        await _receive_data_chunk(association, chunk)
    else:
        drop("excess")
        association._sack_needed = True


def _has_room(association: RTCSctpTransport, chunk: DataChunk) -> bool:
    streams, last = association._inbound_streams, association._last_received_tsn
    if last is None:
        return False  # no INIT yet
    if chunk.stream_id not in streams and len(streams) >= MOST_STREAMS:
        return False
    ahead = (chunk.tsn - last) % SCTP_TSN_MODULO
    is_old = ahead == 0 or ahead > SCTP_TSN_MODULO // 2
    if is_old:
        return True  # a duplicate, which costs nothing
    pieces = sum(len(stream.reassembly) for stream in streams.values())
    return ahead <= MOST_AHEAD and pieces < MOST_PIECES and association._advertised_rwnd > 0


_receive_forward_tsn_chunk = RTCSctpTransport._receive_forward_tsn_chunk


async def receive_forward_tsn_chunk(association: RTCSctpTransport, chunk: ForwardTsnChunk) -> None:
    """aiortc's, for streams that there are, each named once."""
    if association._last_received_tsn is None:
        drop("excess")
        return
    there = association._inbound_streams
    chunk.streams = [(i, n) for i, n in dict(chunk.streams).items() if i in there]
    await _receive_forward_tsn_chunk(association, chunk)


_receive_sack_chunk = RTCSctpTransport._receive_sack_chunk


async def receive_sack_chunk(association: RTCSctpTransport, chunk: SackChunk) -> None:
    """aiortc's, for one that speaks of what was sent."""
    if _is_of_ours(association, chunk):
        await _receive_sack_chunk(association, chunk)
    else:
        drop("excess")


def _is_of_ours(association: RTCSctpTransport, chunk: SackChunk) -> bool:
    # How many of ours are on the way after the acknowledged one; older SACKs are aiortc's matter.
    open_ = (association._local_tsn - 1 - chunk.cumulative_tsn) % SCTP_TSN_MODULO
    if open_ > SCTP_TSN_MODULO // 2:
        return False  # it acknowledges what was never sent
    is_inside = all(0 < first <= last <= open_ for first, last in chunk.gaps)
    return is_inside and sum(last - first + 1 for first, last in chunk.gaps) <= open_
