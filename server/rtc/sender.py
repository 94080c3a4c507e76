"""The sender that takes the place of aiortc's: own encoders and threads, reports in media time,
and no more than the network carries.

It overrides what `RTCRtpSender` calls on itself and touches its private names, so aiortc is
pinned exactly and tests/server/test_rtc.py fails when one of them moves.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

import aiortc.rtcrtpsender
import av
import numpy as np
from aiortc import MediaStreamTrack, clock
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtcrtpsender import RTCEncodedFrame, RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    RTP_HISTORY_SIZE,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
    unpack_remb_fci,
)
from av.frame import Frame
from av.packet import Packet

from visavis.server.rtc.delivery import Delivery, Numbered, Outgoing
from visavis.server.rtc.encoders import Encoder, encoder
from visavis.server.rtc.feedback import TransportFeedback
from visavis.server.rtc.packets import Template, ids
from visavis.server.rtc.shared import SharedTrack
from visavis.server.system.faults import fault
from visavis.server.system.priority import make_media

log = logging.getLogger(__name__)

_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905
_EARLY: Final = (0.0, 0.2)  # s of media time after which the first two reports go out
_BEHIND: Final = 0.3  # s of packets that wait; one connection's own pictures are left out before
_TRACKLESS: Final = 0.02  # s between two looks for a track, as in aiortc
_CNAME: Final = 1  # SDES item, RFC 3550 6.5.1

PICTURES: Final = ThreadPoolExecutor(
    max(2, os.cpu_count() or 2), "encode-video", initializer=make_media
)


def ntp_time(unix_time: float) -> int:
    """Seconds since 1970 -> 32.32 bit fixed point since 1900, as in RTCP."""
    return int((unix_time + _NTP_EPOCH) * 2**32)


class MediaTimeSender(RTCRtpSender):
    """Sends a track; if it has `ntp_origin`, sender reports say when each moment is to be seen.

    `track.ntp_origin`: int, the NTP time (32.32) of media time 0, which all tracks of a session
    share. A report pairs an RTP time with ntp_origin + media time, however late the packet went
    out, so a receiver plays sound and picture of one moment together. aiortc pairs it with the
    time of sending, which makes a late picture seem on time and the lips late for good.

    delivery: what is done about the network; see there. Pictures that it cannot carry are left out
    before they are encoded, never delayed.
    """

    def __init__(self, trackOrKind: MediaStreamTrack | str, transport: RTCDtlsTransport) -> None:
        super().__init__(trackOrKind, transport)
        self._clock_rate = 1  # Hz of the RTP clock
        self._first: int | None = None  # RTP clock, media time of the first frame
        self._newest: int | None = None  # the same of the frame encoded last
        self._offset: int | None = None  # RTP time - media time
        self._early = list(_EARLY)
        self.delivery = Delivery(self.kind, self._rtx_ssrc)
        self._outgoing: Outgoing | None = None
        self._ids: dict[str, int] = {}  # of header extensions, by URI
        self._sequence = 0  # number of the next packet
        self._kept: dict[int, tuple[int, bytearray]] = {}  # the last packets, as aiortc keeps them
        self._set("rtp_header_extensions_map", Numbered())

    @property
    def transport(self) -> RTCDtlsTransport:
        """The DTLS transport; while sending, what is sent through it may wait a little."""
        return cast(RTCDtlsTransport, self._outgoing) or super().transport

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """See RTCRtpSender."""
        if self._outgoing is None:
            plain = super().transport
            self._outgoing = Outgoing(plain, self.delivery, self._send_keyframe, parameters)
            self._ids = ids(parameters)
            # Transport-wide feedback names the stream of the packet that came last.
            plain._rtp_router.register_sender(self, ssrc=self._rtx_ssrc)
        await super().send(parameters)

    async def stop(self) -> None:
        """See RTCRtpSender."""
        await super().stop()
        self.delivery.congestion.observer.budget(0)
        if self._outgoing is not None:
            await self._outgoing.pacer.close()

    async def _run_rtp(self, codec: RTCRtpCodecParameters) -> None:
        """The loop of one track: see RTCRtpSender, whose own makes an object of each packet."""
        outgoing, mid = self._outgoing, self._get("mid") or ""
        try:
            kind = codec.payloadType or 0
            template = Template(self._ids, mid, self._ssrc, kind, level=False)
            loud = Template(self._ids, mid, self._ssrc, kind, level=True)
        except ValueError:
            outgoing = None
        if outgoing is None:
            await super()._run_rtp(codec)
            return
        self._get("rtp_started").set()
        origin = vars(aiortc.rtcrtpsender)["random32"]()  # as aiortc does, which tests rely on
        self._sequence = aiortc.rtcrtpsender.random_sequence_number()
        try:
            while True:
                if self.track is None:  # a program that has none yet gives one later
                    await asyncio.sleep(_TRACKLESS)
                    continue
                frame = await self._next_encoded_frame(codec)
                if frame is not None:
                    tells = frame.audio_level is not None
                    await self._send_frame(outgoing, loud if tells else template, frame, origin)
        except (asyncio.CancelledError, ConnectionError, MediaStreamError):
            pass
        except Exception as error:  # noqa: BLE001 (whoever stops the sender waits for its end)
            log.warning("a sender ended", extra={"kind": self.kind, "fault": fault(error)})
        if self.track is not None:
            self.track.stop()
        self._set("track", None)
        self._set("encoder", None)
        self._get("rtp_exited").set()

    async def _send_frame(
        self, outgoing: Outgoing, template: Template, frame: RTCEncodedFrame, origin: int
    ) -> None:
        timestamp = (origin + frame.timestamp) & 0xFFFFFFFF
        level, last = -(frame.audio_level or 0), len(frame.payloads) - 1
        packets = []
        for index, payload in enumerate(frame.payloads):
            number = self._sequence
            data = template.packet(payload, number, timestamp, last=index == last, level=level)
            self._kept[number % RTP_HISTORY_SIZE] = number, data
            packets.append((number, data))
            self._sequence = (number + 1) & 0xFFFF
        await outgoing.send(packets, template)
        self._set("ntp_timestamp", clock.current_ntp_time())
        self._set("rtp_timestamp", timestamp)
        self._set("octet_count", self._get("octet_count") + sum(map(len, frame.payloads)))
        self._set("packet_count", self._get("packet_count") + len(packets))

    def _get(self, name: str) -> Any:
        return getattr(self, f"_RTCRtpSender__{name}")

    def _set(self, name: str, value: object) -> None:
        self._get(name)  # raises when aiortc has renamed it
        setattr(self, f"_RTCRtpSender__{name}", value)

    async def _next_encoded_frame(self, codec: RTCRtpCodecParameters) -> RTCEncodedFrame | None:
        await self._note_sent(codec)
        if isinstance(self.track, SharedTrack):
            return await self._next_shared(self.track, codec)
        data = await self.track.recv()
        own = self._own_encoder(codec)
        waiting = self._outgoing.pacer.backlog if self._outgoing else 0.0
        busy = getattr(self.track, "busy", 1.0)
        if not self._enabled or not self.delivery.takes(data, own, waiting, busy):
            return None
        payloads, timestamp = await self._encode(own, data)
        if not payloads:
            return None
        self.delivery.encoded(own)
        self._newest = timestamp
        self._first = timestamp if self._first is None else self._first
        level = audio_level(data) if isinstance(data, av.AudioFrame) else None
        return RTCEncodedFrame(payloads, timestamp, level)  # type: ignore[arg-type]

    async def _next_shared(
        self, track: SharedTrack, codec: RTCRtpCodecParameters
    ) -> RTCEncodedFrame | None:
        """What was encoded for others as well: sent as it is, or left out up to a keyframe."""
        track.join(codec.mimeType.partition("/")[2].lower(), self.delivery.congestion)
        ready = await track.recv()
        waiting = self._outgoing.pacer.backlog if self._outgoing else 0.0
        if not self._enabled or waiting > _BEHIND:
            track.begin_anew()
            return None
        if ready.key and self.kind == "video":
            self.delivery.keyframe()
        self._newest = ready.timestamp
        self._first = ready.timestamp if self._first is None else self._first
        return RTCEncodedFrame(ready.payloads, ready.timestamp, ready.level)  # type: ignore[arg-type]

    def _send_keyframe(self) -> None:
        """A keyframe is asked for: see RTCRtpSender."""
        if isinstance(self.track, SharedTrack):
            self.track.ask_keyframe()
        else:
            super()._send_keyframe()

    async def _note_sent(self, codec: RTCRtpCodecParameters) -> None:
        # Called in between frames: whatever was encoded has been sent by now.
        if self._newest is None or self._first is None:
            return
        self._clock_rate = codec.clockRate
        self._offset = self._get("rtp_timestamp") - self._newest
        # Chromium needs two reports of each track before it can align them.
        if self._early and self._newest - self._first >= self._early[0] * self._clock_rate:
            self._early.pop(0)
            await self._report()

    def _own_encoder(self, codec: RTCRtpCodecParameters) -> Encoder:
        # Kept where aiortc looks for it when a REMB arrives.
        if self._get("encoder") is None:
            self._set("encoder", encoder(codec))
        own: Encoder = self._get("encoder")
        return own

    async def _encode(self, own: Encoder, data: Frame | Packet[Any]) -> tuple[list[bytes], int]:
        if isinstance(data, Packet):
            return own.pack(data)
        keyframe = self._get("force_keyframe")
        self._set("force_keyframe", False)
        if self.kind == "audio":
            # 0.1 ms; handing it over to a thread, and back, takes more, and waits for its turn.
            return own.encode(data, keyframe)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(PICTURES, own.encode, data, keyframe)

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self.delivery.reported(report, self._round_trip(report))
        self.delivery.heard()
        if isinstance(packet, TransportFeedback):
            self.delivery.arrived(packet.arrivals)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._note_estimate(packet.fci)  # aiortc would give it to the encoder as it is
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            for sequence in packet.lost[:RTP_HISTORY_SIZE]:  # more could not be sent again
                await self._retransmit(sequence)
        else:
            await super()._handle_rtcp_packet(packet)

    def _round_trip(self, report: RtcpReceiverInfo) -> float | None:
        if not report.dlsr or report.lsr != self._get("lsr"):
            return None
        sent_at: float = self._get("lsr_time")
        return max(0.0, time.time() - sent_at - report.dlsr / 65536)

    def _note_estimate(self, fci: bytes) -> None:
        try:
            estimate, ssrcs = unpack_remb_fci(fci)
        except (ValueError, struct.error):
            return
        if self._ssrc in ssrcs:
            self.delivery.estimated(estimate)

    async def _retransmit(self, sequence_number: int) -> None:
        verdict = self.delivery.again(sequence_number)
        if verdict == "sent":
            number, data = self._kept.get(sequence_number % RTP_HISTORY_SIZE, (-1, b""))
            if number == sequence_number:
                packet = RtpPacket.parse(bytes(data), self._get("rtp_header_extensions_map"))
                self._get("rtp_history")[number % RTP_HISTORY_SIZE] = packet
            await super()._retransmit(sequence_number)
        elif verdict == "keyframe":
            self._send_keyframe()

    async def _report(self) -> None:
        info = RtcpSenderInfo(
            ntp_timestamp=self._get("ntp_timestamp"),
            rtp_timestamp=self._get("rtp_timestamp"),
            packet_count=self._get("packet_count") & 0xFFFFFFFF,
            octet_count=self._get("octet_count") & 0xFFFFFFFF,
        )
        name = [(_CNAME, (self._get("cname") or "").encode())]
        self._remember(info)
        await self._send_rtcp(
            [
                RtcpSrPacket(ssrc=self._ssrc, sender_info=info),
                RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=self._ssrc, items=name)]),
            ]
        )

    async def _send_rtcp(self, packets: list[AnyRtcpPacket]) -> None:
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                if self._offset is None:
                    return  # nothing sent yet: aiortc would report a time of zero
                self._stamp(packet.sender_info, self._offset)
        await super()._send_rtcp(packets)

    def _stamp(self, info: RtcpSenderInfo, offset: int) -> None:
        origin = getattr(self.track, "ntp_origin", None)
        if origin is None or self._newest is None:
            return
        behind = (offset + self._newest - info.rtp_timestamp) & 0xFFFFFFFF
        media = self._newest - behind + (1 << 32 if behind >= 1 << 31 else 0)
        info.ntp_timestamp = (origin + (media << 32) // self._clock_rate) & 0xFFFFFFFFFFFFFFFF
        self._remember(info)

    def _remember(self, info: RtcpSenderInfo) -> None:
        # A receiver report names the sender report that it saw (LSR): so RTT is measured.
        self._set("lsr", (info.ntp_timestamp >> 16) & 0xFFFFFFFF)
        self._set("lsr_time", time.time())


def audio_level(frame: av.AudioFrame) -> int:
    """Loudness in dBov, -127 .. 0 (RFC 6464). aiortc's own loop in Python takes 0.1 ms."""
    samples = np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples).astype(np.float32)
    mean = float(samples @ samples) / max(1, frame.samples) / 32767**2
    return max(-127, min(0, round(10 * math.log10(mean)))) if mean > 0 else -127
