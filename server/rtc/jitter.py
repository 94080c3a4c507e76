"""Receive buffers that take the place of aiortc's `JitterBuffer`, and the decoders they feed.

aiortc calls `add` for each RTP packet, decodes what comes back in a thread and knows no timer.
A packet in order is passed on at once: the microphone is listened to, not played, so nothing is
gained by smoothing. Only a missing packet is waited for, and no longer than the network's own
jitter suggests; then it is concealed, so that the microphone's timeline never shrinks.

Only what is missing is concealed: packets that were sent and did not come, or time in which the
sender paused. An RTP time that jumps is neither. And no more sound is made of what comes, and of
what does not, than a microphone makes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Protocol, cast

import av
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from av.frame import Frame

from visavis.server.session.intake import BURST, SHARE
from visavis.server.system.bucket import Bucket

RATE: Final = 48_000  # Hz of Opus' RTP clock
MOST_WAIT: Final = 0.120  # s that a missing packet of sound is waited for at most
# Samples; a longer hole stays a hole in `pts`. A sender that pauses (DTX) still sends every 400 ms.
MOST_CONCEALED: Final = RATE // 2
PICTURE_WAIT: Final = 0.300  # s that a lost packet of a picture may take to be sent again
_HISTORY: Final = 250  # packets, 5 s, of which the jitter is measured
_RESTART: Final = 3_000  # sequence numbers of a jump that is a new stream, RFC 3550 A.1
_SPACING: Final = 960  # samples of a packet before the first is known: 20 ms
_BACKLOG: Final = 1_024  # packets of pictures that are held at most
_MOST_HELD: Final = 64  # packets of sound that wait for a missing one
_LONGEST: Final = 5_760  # samples of an Opus packet, 120 ms (RFC 6716 3.4)


@dataclass(frozen=True, slots=True)
class Piece:
    """One packet of sound or one whole picture; `payload` is None where it was lost."""

    offset: int  # in the RTP clock, from the first piece
    payload: bytes | None
    samples: int = 0  # how long a lost piece of sound is


class Run(JitterFrame):
    """Everything that became ready at once. aiortc takes one frame for each packet at most."""

    def __init__(self, timestamp: int, pieces: list[Piece]) -> None:
        super().__init__(b"".join(piece.payload or b"" for piece in pieces), timestamp)
        self.pieces = pieces


class Buffer(Protocol):
    """What aiortc's receiver needs of a jitter buffer."""

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """A packet that has just arrived -> (send a PLI, what can be decoded now)."""
        ...


def jitter_buffer(capacity: int, prefetch: int = 0, is_video: bool = False) -> Buffer:
    """Stands for the class `JitterBuffer` in aiortc's receiver; takes its arguments."""
    return PictureBuffer() if is_video else SoundBuffer()


def _after(sequence: int, other: int) -> int:
    """By how much `sequence` is after `other`, -32768 .. 32767."""
    return ((sequence - other + 0x8000) & 0xFFFF) - 0x8000


@dataclass(frozen=True, slots=True)
class _Held:
    """A packet of sound: its RTP time and when it came, both in samples."""

    at: int
    arrived: int
    payload: bytes


class SoundBuffer:
    """Puts packets in order; gives a missing one up when it is later than nearly all others."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.refused = 0  # samples that were more than a microphone makes, or could not be sound
        self._now = now
        self._left = Bucket(SHARE * RATE, BURST * RATE, now)
        self._held: dict[int, _Held] = {}  # by sequence number
        self._next: int | None = None  # sequence number
        self._expected: int | None = None  # RTP time of `next`
        self._given_up = 0  # packets before `next` that did not come
        self._arrived = 0  # when the packet before `next` came, in samples
        self._last = 0  # RTP time, unwrapped
        self._spacing = _SPACING
        self._transits: deque[int] = deque(maxlen=_HISTORY)  # arrival - RTP time, in samples

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """A packet that has just arrived -> (False, it and all that waited for it)."""
        sequence = packet.sequence_number
        if self._next is None or abs(_after(sequence, self._next)) > _RESTART:
            self._restart(packet)
        at, now = self._unwrap(packet.timestamp), int(self._now() * RATE)
        self._transits.append(now - at)
        if packet.payload and self._ahead(sequence) >= 0:
            if opus_samples(packet.payload) > _LONGEST:  # no Opus
                self.refused += _LONGEST
                return False, None
            self._held[sequence] = _Held(at, now, packet.payload)
        return False, self._release(now)

    def wait(self) -> float:
        """Seconds that nearly all packets (95 %) of the last 5 s were late at most."""
        late = sorted(self._transits)
        return min((late[int(0.95 * (len(late) - 1))] - late[0]) / RATE, MOST_WAIT)

    def _restart(self, packet: RtpPacket) -> None:
        self._held.clear()
        self._transits.clear()
        self._next, self._expected, self._given_up = packet.sequence_number, None, 0
        self._last = packet.timestamp

    def _unwrap(self, timestamp: int) -> int:
        delta = ((timestamp - self._last + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        self._last += delta
        return self._last

    def _release(self, now: int) -> JitterFrame | None:
        ready: list[tuple[int, Piece]] = []
        while self._held:
            if self._next not in self._held:
                oldest = min(self._held, key=self._ahead)
                if len(self._held) <= _MOST_HELD and now < self._deadline(self._held[oldest]):
                    break
                self._given_up, self._next = self._ahead(oldest), oldest
            ready += self._take(self._next)
        if not ready:
            return None
        start = ready[0][0]
        return Run(start & 0xFFFFFFFF, [replace(p, offset=at - start) for at, p in ready])

    def _ahead(self, sequence: int) -> int:
        return _after(sequence, cast(int, self._next))

    def _deadline(self, oldest: _Held) -> float:
        # When the packet just before `oldest` should have come, and as late as they come here.
        # Whatever its RTP time says not for ever: it is itself one of those measured.
        return oldest.at - self._spacing + min(self._transits) + self.wait() * RATE

    def _take(self, sequence: int) -> list[tuple[int, Piece]]:
        held = self._held.pop(sequence)
        hole, samples = self._hole(held), opus_samples(held.payload)
        taken = []
        if self._left.take(samples):
            if hole and self._left.take(hole):
                taken.append((held.at - hole, Piece(0, None, hole)))
            taken.append((held.at, Piece(0, held.payload)))
        else:
            self.refused += samples
        self._next, self._spacing = (sequence + 1) & 0xFFFF, samples
        self._expected, self._given_up, self._arrived = held.at + samples, 0, held.arrived
        return taken

    def _hole(self, held: _Held) -> int:
        """Samples that are missing before a packet."""
        hole = held.at - self._expected if self._expected is not None else 0
        if not 0 < hole <= MOST_CONCEALED:
            return 0
        # In time, not in packets alone: a sender that pauses (DTX) leaves a hole too.
        lost = self._given_up * self._spacing
        passed = held.arrived - self._arrived + int(MOST_WAIT * RATE)
        return hole if hole <= max(lost, passed) else 0


def opus_samples(payload: bytes) -> int:
    """How many samples at 48 kHz an Opus packet holds, from its first bytes (RFC 6716 3.1)."""
    count = {0: 1, 1: 2, 2: 2}.get(payload[0] & 3) or (payload[1] & 0x3F if len(payload) > 1 else 1)
    return count * _opus_frame(payload[0])


def _opus_frame(toc: int) -> int:
    config = toc >> 3
    if config < 12:
        return (480, 960, 1920, 2880)[config & 3]
    return (480, 960)[config & 1] if config < 16 else (120, 240, 480, 960)[config & 3]


class PictureBuffer:
    """Joins packets into pictures; the marker bit ends one, so none waits for the next to begin.

    Retransmissions are asked for by aiortc's receiver. A packet that stays away for
    `PICTURE_WAIT` costs its picture: a PLI asks for a keyframe, decoding goes on after the hole.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held: dict[int, RtpPacket] = {}
        self._next: int | None = None  # sequence number of the first packet of the next picture
        self._stuck_since: float | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """A packet that has just arrived -> (send a PLI, the pictures that are complete now)."""
        sequence, restart = packet.sequence_number, False
        if self._next is None or abs(_after(sequence, self._next)) > _RESTART:
            restart, self._next = self._next is not None, sequence
            self._held.clear()
        if _after(sequence, self._next) >= 0:
            self._held[sequence] = packet
        pictures = self._complete()
        skipped = not pictures and self._is_stuck() and self._skip()
        return restart or skipped, self._run(pictures or self._complete())

    def _run(self, pictures: list[tuple[int, bytes]]) -> JitterFrame | None:
        if not pictures:
            return None
        start = pictures[0][0]
        pieces = [Piece((at - start) & 0xFFFFFFFF, data) for at, data in pictures]
        return Run(start, pieces)

    def _complete(self) -> list[tuple[int, bytes]]:
        pictures: list[tuple[int, bytes]] = []
        packets: list[RtpPacket] = []
        sequence = cast(int, self._next)
        while packet := self._held.get(sequence):
            packets.append(packet)
            sequence = (sequence + 1) & 0xFFFF
            if packet.marker:
                data = b"".join(cast(bytes, p._data) for p in packets)  # type: ignore[attr-defined]
                pictures.append((packet.timestamp, data))
                for done in packets:
                    del self._held[done.sequence_number]
                packets, self._next = [], sequence
        if pictures:
            self._stuck_since = None
        return pictures

    def _is_stuck(self) -> bool:
        # Stuck: a whole later picture is there, or more than could be part of one.
        newest = max(self._held, key=self._ahead, default=None)
        if newest is None or not any(packet.marker for packet in self._held.values()):
            return False
        now = self._now()
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since > PICTURE_WAIT or len(self._held) > _BACKLOG

    def _skip(self) -> bool:
        # Go on behind the first end of a picture that lies after the hole.
        end = min((s for s, p in self._held.items() if p.marker), key=self._ahead)
        self._held = {s: p for s, p in self._held.items() if _after(s, end) > 0}
        self._next, self._stuck_since = (end + 1) & 0xFFFF, None
        return True

    def _ahead(self, sequence: int) -> int:
        return _after(sequence, cast(int, self._next))


Failed = Callable[[Exception], None]  # told of a piece that could not be decoded


def decoder(codec: RTCRtpCodecParameters, failed: Failed = lambda error: None) -> Decoder:
    """Stands for `get_decoder` in aiortc's receiver: decodes runs, and never raises.

    aiortc writes a line for each failure that FFmpeg names, and any other ends its thread: the
    session would be deaf from then on. A piece that cannot be decoded is left out here, and the
    rest of its run is not lost with it.
    """
    if codec.mimeType.lower() == "audio/opus":
        return OpusDecoder(failed)
    return _Each(get_decoder(codec), failed)


class _Each(Decoder):
    """aiortc's decoder, fed with each piece of a run."""

    def __init__(self, inner: Decoder, failed: Failed) -> None:
        self._inner, self._failed = inner, failed

    def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
        return [
            frame
            for at, piece in _pieces(encoded_frame)
            if piece.payload is not None
            for frame in self._decode(JitterFrame(piece.payload, at))
        ]

    def _decode(self, piece: JitterFrame) -> list[Frame]:
        try:
            return self._inner.decode(piece)
        except Exception as error:  # noqa: BLE001 (the border to whatever FFmpeg and its like throw)
            self._failed(error)
            return []


class OpusDecoder(Decoder):
    """Opus to mono s16 at 48 kHz; a lost piece is concealed by libopus, as long as it was."""

    def __init__(self, failed: Failed = lambda error: None) -> None:
        self._failed = failed
        self._codec = av.CodecContext.create("libopus", "r")
        self._codec.format, self._codec.layout = "s16", "mono"
        self._codec.sample_rate = RATE
        self._toc = 0

    def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
        """Frames that follow each other without a hole, `pts` in samples."""
        frames: list[Frame] = []
        for at, piece in _pieces(encoded_frame):
            if piece.payload is None:
                frames += self._conceal(at, piece.samples)
            else:
                self._toc = piece.payload[0]
                frames += self._decode(at, piece.payload)
        return frames

    def _conceal(self, at: int, samples: int) -> list[Frame]:
        # A packet of nothing but its TOC byte makes libopus conceal one frame (RFC 6716 3.2.1).
        step, lost = _opus_frame(self._toc), bytes([self._toc & 0xFC])
        return [f for k in range(round(samples / step)) for f in self._decode(at + k * step, lost)]

    def _decode(self, at: int, payload: bytes) -> list[Frame]:
        packet = av.Packet(payload)
        packet.pts, packet.time_base = at, Fraction(1, RATE)
        try:
            return list(self._codec.decode(packet))
        except Exception as error:  # noqa: BLE001 (the same border)
            self._failed(error)
            return []


def _pieces(frame: JitterFrame) -> list[tuple[int, Piece]]:
    pieces = frame.pieces if isinstance(frame, Run) else [Piece(0, frame.data)]
    return [(frame.timestamp + piece.offset, piece) for piece in pieces]
