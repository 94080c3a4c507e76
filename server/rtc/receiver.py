"""The receiver that takes the place of aiortc's.

aiortc decodes whatever comes, as fast as it comes, into queues without an end. Here a session takes
its track of sound no faster than a microphone makes it (`jitter.SoundBuffer`).
It touches private names, so aiortc is pinned exactly and tests/server/test_rtc_receiver.py fails
when one of them moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiortc.rtcrtpreceiver
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.codecs.base import Decoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtcpByePacket, RtpPacket
from av.frame import Frame

from visavis.server.rtc.jitter import SoundBuffer
from visavis.server.system.bucket import Bucket
from visavis.server.system.faults import fault

log = logging.getLogger(__name__)

# Browsers send 50 packets of sound a second, with the shortest frames that Chromium makes 100.
_PACKETS: Final = 200.0  # a second
_BURST: Final = 200.0
_SOURCES: Final = 4  # SSRCs of one receiver; more than 31 do not fit into a report (RFC 3550 6.4.2)
_UNHEARD: Final = 250  # frames that wait for whoever reads the track


class BoundedReceiver(RTCRtpReceiver):
    """Takes so many packets a second, from so few sources, that a flood costs its sender only."""

    def __init__(self, kind: str, transport: Any) -> None:
        super().__init__(kind, transport)
        # Told of samples and packets that were not taken.
        self.refused: Callable[[int, int], None] = lambda samples, packets: None
        self._left_out = 0  # samples, told so far
        self._kind = kind
        self._packets = Bucket(_PACKETS, _BURST)
        self._sources: set[int] = set()

    def _get(self, name: str) -> Any:
        return getattr(self, f"_RTCRtpReceiver__{name}")

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        if self._kind == "audio" and self._track is not None:
            here = DecodedHere(self._track._queue, self._get("decoder_error"))
            vars(self)["_RTCRtpReceiver__decoder_queue"] = here
        await super().receive(parameters)

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self._kind != "audio":
            await super()._handle_rtp_packet(packet, arrival_time_ms)
        elif self._admits(packet):
            await super()._handle_rtp_packet(packet, arrival_time_ms)
            buffer: SoundBuffer = self._get("jitter_buffer")
            if buffer.refused != self._left_out:
                self.refused(buffer.refused - self._left_out, 0)
                self._left_out = buffer.refused
        else:
            self.refused(0, 1)

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        # Browsers say BYE when a page takes its microphone away, and go on when it gives one again;
        # aiortc would be deaf for good. The track ends with the connection.
        if not isinstance(packet, RtcpByePacket):
            await super()._handle_rtcp_packet(packet)

    def _admits(self, packet: RtpPacket) -> bool:
        if packet.ssrc not in self._sources:
            if len(self._sources) >= _SOURCES:
                # The router remembers every source that it saw, for ever.
                self.transport._rtp_router.ssrc_table.pop(packet.ssrc, None)
                return False
            self._sources.add(packet.ssrc)
        return self._packets.take(1)

    async def _run_rtcp(self) -> None:
        # A report that cannot be written (a jitter of more than 32 bits) would leave whoever stops
        # the receiver waiting for ever.
        try:
            await super()._run_rtcp()
        except Exception as error:  # noqa: BLE001
            log.warning("receiver reports ended", extra={"fault": fault(error)})
            self._get("rtcp_exited").set()


def of_track(pc: RTCPeerConnection, track: MediaStreamTrack) -> BoundedReceiver | None:
    """Who receives a track."""
    receivers = (one for one in pc.getReceivers() if one.track is track)
    return next((one for one in receivers if isinstance(one, BoundedReceiver)), None)


class _Decoder:
    """Of one receiver, whatever codecs come one after the other. failed: set where it fails."""

    def __init__(self, failed: threading.Event) -> None:
        self._failed = failed
        self._decoder: Decoder | None = None
        self._name = ""

    def made(self, run: tuple[RTCRtpCodecParameters, Any]) -> Sequence[Frame]:
        """The frames of one run; what cannot be decoded is lost, whatever it does."""
        codec, encoded = run
        try:
            if self._decoder is None or codec.name != self._name:
                self._name, self._decoder = codec.name, _decoder(codec)
            return self._decoder.decode(encoded)
        except Exception:  # noqa: BLE001
            self._failed.set()
            return ()


class DecodedHere:
    """Decodes sound as it comes; stands for the queue before the thread of a receiver of sound.

    20 ms of Opus take 0.02 ms. In a thread they cost two hand-overs, and the thread, as urgent as
    the event loop, took the interpreter from it and waited for a core with it.
    """

    def __init__(self, frames: asyncio.Queue[Frame | None], failed: threading.Event) -> None:
        self._frames, self._decoder = frames, _Decoder(failed)

    def put(self, run: tuple[RTCRtpCodecParameters, Any] | None) -> None:
        """A run, or None: the track ends."""
        if run is None:
            self._frames.put_nowait(None)
        else:
            _hand_over(self._frames, self._decoder.made(run))


def decode(
    loop: asyncio.AbstractEventLoop,
    runs: queue.Queue[Any] | DecodedHere,
    frames: asyncio.Queue[Frame | None],
    failed: threading.Event,
) -> None:
    """Stands for `decoder_worker`, the thread of a receiver; takes its arguments.

    aiortc's ends with the first fault that is none of FFmpeg's, logs each one that is, and makes a
    task for each frame.
    """
    if isinstance(runs, DecodedHere):
        return
    decoder = _Decoder(failed)
    with contextlib.suppress(RuntimeError):  # the event loop is closed
        while (run := runs.get()) is not None:
            loop.call_soon_threadsafe(_hand_over, frames, decoder.made(run))
        loop.call_soon_threadsafe(frames.put_nowait, None)


def _decoder(codec: RTCRtpCodecParameters) -> Decoder:
    made: Decoder = vars(aiortc.rtcrtpreceiver)["get_decoder"](codec)  # hooked, too
    return made


def _hand_over(waiting: asyncio.Queue[Frame | None], frames: Sequence[Frame]) -> None:
    for frame in frames:
        if waiting.qsize() < _UNHEARD:
            waiting.put_nowait(frame)
