"""What one sender does about its network: which frames it takes, when and how its packets leave.

Between aiortc's sender (sender.py) and what the senders of a connection share (congestion.py).
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import av
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.rtp import (
    RTP_HISTORY_SIZE,
    HeaderExtensions,
    HeaderExtensionsMap,
    RtcpReceiverInfo,
    is_rtcp,
)
from av.frame import Frame
from av.packet import Packet

from visavis.server.rtc.congestion import Congestion, Lost
from visavis.server.rtc.encoders import Encoder, Opus, Video
from visavis.server.rtc.feedback import EXTENSION
from visavis.server.rtc.ladder import FPS, Ladder
from visavis.server.rtc.pacer import Pacer
from visavis.server.rtc.packets import HEADER, Template, ids, send_time
from visavis.server.rtc.packets import SEND_TIME as ABS_SEND_TIME


class Delivery:
    """The decisions of one sender. congestion: shared with the others, see `hooks.share`."""

    def __init__(self, kind: str, rtx_ssrc: int) -> None:
        self.congestion = Congestion()
        self.rtx_ssrc = rtx_ssrc
        self._is_video = kind == "video"
        self._ladder = Ladder()
        self._left: dict[int, Lost] = {}  # the last packets, by sequence number % history
        self._handed: int | None = None  # sequence number of the last packet that aiortc made
        self._keyframe_after: int | None = None  # ... before the last keyframe
        self._highest: int | None = None  # ... of the last receiver report

    # --- frames -----------------------------------------------------------------------------------

    def takes(
        self, data: Frame | Packet[Any], own: Encoder, waiting: float, busy: float = 1.0
    ) -> bool:
        """Whether a frame is sent, and the encoder told how.

        waiting: s that packets of earlier ones still wait here. busy: share of a picture's px that
        take bits as a face's do.
        """
        now = time.monotonic()
        if isinstance(own, Opus):
            own.wanted = self.congestion.sound(now)
        if not isinstance(own, Video) or not isinstance(data, av.VideoFrame):
            return True
        rate, at = self.congestion.pictures(now), float(data.time or 0.0)
        pixels = round(busy * data.width * data.height)
        if waiting > 1 / FPS or not self._ladder.takes(at, rate, pixels):
            self.congestion.observer.left_out()
            return False
        own.target_bitrate, own.step = rate, self._ladder.step
        return True

    def encoded(self, own: Encoder) -> None:
        """A frame has been encoded and is about to be sent."""
        if isinstance(own, Video) and own.was_keyframe:
            self.keyframe()

    def keyframe(self) -> None:
        """The frame that is about to be sent is a keyframe."""
        self._keyframe_after = self._handed

    # --- packets ----------------------------------------------------------------------------------

    def rate(self) -> float | None:
        """bit/s at which packets may leave; None: at once."""
        now, estimate = time.monotonic(), self.congestion.estimate
        return estimate.rate(now) if self._is_video and estimate.is_thin(now) else None

    def handed(self, sequence: int) -> None:
        """aiortc sends a packet; it may have to wait."""
        if self._handed is None or _is_after(sequence, self._handed):  # else one that is sent again
            self._handed = sequence

    def left(self, ssrc: int, sequence: int, size: int, now: float | None = None) -> None:
        """A packet of `size` bytes leaves."""
        now = time.monotonic() if now is None else now
        if not self._is_video:
            self.congestion.estimate.sent_sound(now, size)
            return
        self.congestion.estimate.sent(now, size)
        place = sequence % RTP_HISTORY_SIZE
        known = self._left.get(place)
        if ssrc != self.rtx_ssrc and (known is None or known.sequence != sequence):
            self._left[place] = Lost(sequence, size, now)

    def number(self, size: int, now: float | None = None) -> int:
        """The transport sequence number of the packet that leaves now."""
        now = time.monotonic() if now is None else now
        return self.congestion.numbering.number(now, size)

    def again(self, sequence: int) -> str:
        """What to do about a packet that is asked for again: "sent", "keyframe" or "nothing".

        Without either the receiver would wait for it, for seconds. Sound that was lost is past
        before it could come; FEC and concealment stand in.
        """
        if not self._is_video:
            return "nothing"
        packet = self._left.get(sequence % RTP_HISTORY_SIZE)
        if packet is None or packet.sequence != sequence:
            packet = Lost(sequence, 0, -math.inf)
        verdict = self.congestion.again(time.monotonic(), packet)
        if verdict == "sent":
            return "sent"
        return "nothing" if verdict == "pending" or self._is_useless(sequence) else "keyframe"

    def _is_useless(self, sequence: int) -> bool:
        # The receiver needs nothing from before the last keyframe once it has that.
        return self._keyframe_after is not None and not _is_after(sequence, self._keyframe_after)

    # --- reports ----------------------------------------------------------------------------------

    def heard(self) -> None:
        """RTCP has come."""
        self.congestion.estimate.heard(time.monotonic())

    def arrived(self, arrivals: list[tuple[int, float]]) -> None:
        """Transport-wide feedback."""
        found = self.congestion.numbering.resolve(arrivals)
        self.congestion.estimate.feedback(time.monotonic(), found, self.congestion.rtt)

    def estimated(self, estimate: int) -> None:
        """A REMB."""
        if self._is_video:
            self.congestion.estimate.remb(time.monotonic(), estimate)

    def reported(self, report: RtcpReceiverInfo, rtt: float | None) -> None:
        """A receiver report, and the round trip in s that it shows."""
        lost, before = report.fraction_lost / 256, self._highest
        self._highest = report.highest_sequence
        if rtt is not None:
            self.congestion.rtt = rtt
        if not self._is_video:
            self.congestion.voice.report(lost)
        elif before is not None:
            packets = (report.highest_sequence - before) & 0xFFFFFFFF
            self.congestion.estimate.loss(time.monotonic(), lost, min(packets, 1 << 15))


def _is_after(sequence: int, other: int) -> bool:
    return 0 < (sequence - other) & 0xFFFF < 1 << 15


class Numbered(HeaderExtensionsMap):
    """Leaves room for a transport sequence number, which a packet gets when it leaves."""

    def set(self, values: HeaderExtensions) -> tuple[int, bytes]:
        """See HeaderExtensionsMap."""
        values.transport_sequence_number = 0
        return super().set(values)


class Outgoing:
    """A DTLS transport as aiortc's sender sees it: RTP leaves through a pacer, reports at once.

    aiortc stamps abs-send-time when it makes a packet, and copies the stamp to a retransmission:
    the receiver would take the wait here, or the whole time until it asked, for a queue of the
    network, and its estimate would fall. So the stamp is made anew when the packet leaves, and the
    transport sequence number with it.
    """

    def __init__(
        self,
        transport: Any,
        delivery: Delivery,
        lost: Callable[[], None],
        parameters: RTCRtpSendParameters,
    ) -> None:
        self._transport, self._delivery = transport, delivery
        self.pacer = Pacer(self._leave, delivery.rate, lost)
        known = ids(parameters)
        self._send_time_id, self._number_id = known.get(ABS_SEND_TIME), known.get(EXTENSION)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    async def _send_rtp(self, data: bytes) -> None:
        if is_rtcp(data):
            await self._transport._send_rtp(data)
            return
        sequence, ssrc = _read(data)
        is_again = ssrc == self._delivery.rtx_ssrc
        if not is_again:
            self._delivery.handed(sequence)
        await self.pacer.send(data, first=is_again)

    async def send(self, packets: Iterable[tuple[int, bytearray]], template: Template) -> None:
        """Packets of one frame, by sequence number: all at once, or through the pacer."""
        if not self.pacer.is_idle:
            for sequence, data in packets:
                self._delivery.handed(sequence)
                await self.pacer.send(bytes(data))
            return
        now, stamp = time.monotonic(), send_time()
        time_at, number_at = template.time_at, template.number_at
        for sequence, data in packets:
            size = len(data) - HEADER
            if time_at:
                data[time_at : time_at + 3] = stamp
            if number_at:
                data[number_at : number_at + 2] = self._delivery.number(size, now).to_bytes(
                    2, "big"
                )
            self._delivery.handed(sequence)
            self._delivery.left(template.ssrc, sequence, size, now)
            await self._transport._send_rtp(bytes(data))

    async def _leave(self, data: bytes) -> None:
        size = len(data) - HEADER
        data = stamped(data, self._stamps(size))
        sequence, ssrc = _read(data)
        self._delivery.left(ssrc, sequence, size)
        await self._transport._send_rtp(data)

    def _stamps(self, size: int) -> dict[int, bytes]:
        stamps = {}
        if self._send_time_id is not None:
            stamps[self._send_time_id] = send_time()
        if self._number_id is not None:
            stamps[self._number_id] = self._delivery.number(size).to_bytes(2, "big")
        return stamps


def _read(packet: bytes) -> tuple[int, int]:
    sequence, _, ssrc = struct.unpack_from("!HLL", packet, 2)
    return sequence, ssrc


def stamped(packet: bytes, stamps: Mapping[int, bytes]) -> bytes:
    """An RTP packet whose header extensions hold these values, where it has them at that length.

    One-byte header extensions, RFC 8285 4.2.
    """
    at = HEADER + 4 * (packet[0] & 0x0F)
    if not stamps or not packet[0] & 0x10 or packet[at : at + 2] != b"\xbe\xde":
        return packet
    end = at + 4 + 4 * struct.unpack_from("!H", packet, at + 2)[0]
    at += 4
    changed = bytearray(packet)
    while at < end:
        length = (packet[at] & 0x0F) + 1 if packet[at] else 0
        stamp = stamps.get(packet[at] >> 4)
        if stamp is not None and len(stamp) == length:
            changed[at + 1 : at + 1 + length] = stamp
        at += 1 + length
    return bytes(changed)
