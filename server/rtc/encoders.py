"""The encoders that take the place of aiortc's: H.264, VP8, Opus.

They keep aiortc's packetisation (RFC 6184, RFC 7741) and its interface, `aiortc.codecs.base`.
All times are media time, taken from the frames.
"""

from __future__ import annotations

import random
from collections import deque
from fractions import Fraction
from typing import Any, Final, Protocol, cast

import av
from aiortc.codecs import get_encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.frame import Frame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

FPS: Final = 25  # pictures a second that the rate control counts on
_RATE: Final = VIDEO_TIME_BASE.denominator  # media time of video: 90 kHz
_KEYFRAME_GAP: Final = 0.3  # s; a second request sooner is about the same loss, RFC 4585 3.5.3
_WINDOW: Final = 1.0  # s over which the rate of what was sent is measured

Encoded = tuple[list[bytes], int]  # RTP payloads of one frame, its time in the codec's clock


class Encoder(Protocol):
    """What a sender needs of an encoder."""

    def encode(self, frame: Frame, force_keyframe: bool = False) -> Encoded:
        """One frame -> payloads (none while it is still buffered) and their time."""
        ...

    def pack(self, packet: Packet[Any]) -> Encoded:
        """The same for a packet that is encoded already."""
        ...


def encoder(codec: RTCRtpCodecParameters) -> Encoder:
    """A new encoder for a negotiated codec: ours where we have one, else aiortc's."""
    match codec.mimeType.lower():
        case "video/h264":
            return Video(H264())
        case "video/vp8":
            return Video(Vp8())
        case "audio/opus":
            return Opus()
        case _:
            return get_encoder(codec)


class TargetBitrate:
    """What the network is believed to carry, in bit/s, from the receiver's REMB messages.

    A REMB is at most 1.5 times what arrived (libwebrtc's AimdRateControl), so of a calm face it
    says little: it lowers the target only when it is below what we really sent.
    """

    def __init__(self, start: int, least: int, most: int) -> None:
        self.value = start
        self._least, self._most = least, most
        self._sent: deque[tuple[float, int]] = deque()  # (media time in s, bits)

    def sent(self, at: float, size: int) -> None:
        """`size` bytes of a frame of media time `at` left the encoder."""
        self._sent.append((at, size * 8))
        while at - self._sent[0][0] >= _WINDOW:
            self._sent.popleft()

    def report(self, estimate: int) -> None:
        """The receiver estimates that at most `estimate` bit/s reach it."""
        sent = sum(bits for _, bits in tuple(self._sent)) / _WINDOW
        if estimate < sent or estimate > self.value:
            self.value = max(self._least, min(estimate, self._most))


class _Keyframes:
    """Lets requests for a keyframe through, not more often than every `_KEYFRAME_GAP`."""

    def __init__(self) -> None:
        self._asked = False
        self._last: float | None = None

    def due(self, at: float, asked: bool) -> bool:
        self._asked |= asked
        if not self._asked or (self._last is not None and 0 <= at - self._last < _KEYFRAME_GAP):
            return False
        self.made(at)
        return True

    def made(self, at: float) -> None:
        self._asked, self._last = False, at


class _Stills:
    """Finds pictures that need not be sent, since they are what the receiver already shows.

    That is the lot of a session whose pictures come late: what is saved helps it to catch up.
    """

    REFINED = 5  # a still is encoded so often, each time better ...
    REFRESH = 0.2  # ... then every so many seconds, so that a lost packet is noticed

    def __init__(self) -> None:
        self._planes: list[bytes] = []
        self._seen = 0
        self._sent = 0.0

    def is_known(self, frame: av.VideoFrame, at: float) -> bool:
        planes = [bytes(plane) for plane in frame.planes]  # a copy: the array may be used again
        self._seen = self._seen + 1 if planes == self._planes else 0
        self._planes = planes
        if self._seen > self.REFINED and 0 <= at - self._sent < self.REFRESH - 1e-6:
            return True
        self._sent = at
        return False


class _Codec(Protocol):
    """What H.264 and VP8 do differently."""

    bitrate: TargetBitrate

    def context(self, frame: av.VideoFrame, at: float) -> tuple[VideoCodecContext, bool]:
        """The codec for a frame of media time `at`; whether it is new, so begins with a key."""
        ...

    def payloads(self, data: bytes) -> list[bytes]:
        """An encoded frame -> RTP payloads."""
        ...


class Video:
    """Pictures through a codec: keyframes on request only, stills sent but rarely."""

    def __init__(self, codec: _Codec) -> None:
        self.codec = codec
        self.bitrate = codec.bitrate
        self._keyframes, self._stills = _Keyframes(), _Stills()

    @property
    def target_bitrate(self) -> int:
        """bit/s; aiortc's sender sets it from REMB messages."""
        return self.bitrate.value

    @target_bitrate.setter
    def target_bitrate(self, estimate: int) -> None:
        self.bitrate.report(estimate)

    def encode(self, frame: Frame, force_keyframe: bool = False) -> Encoded:
        """A video frame of any even size, best yuv420p -> payloads, 90 kHz time."""
        video, timestamp = _video(frame)
        at = timestamp / _RATE
        context, new = self.codec.context(video, at)
        if new:
            self._keyframes.made(at)
        key = self._keyframes.due(at, force_keyframe)
        if self._stills.is_known(video, at) and not key:
            return [], timestamp
        video.pict_type = PictureType.I if key else PictureType.NONE
        data = b"".join(bytes(packet) for packet in context.encode(video))
        self.bitrate.sent(at, len(data))
        return self.codec.payloads(data), timestamp

    def pack(self, packet: Packet[Any]) -> Encoded:
        """A frame that is encoded already (H.264: an Annex B access unit) -> the same."""
        return self.codec.payloads(bytes(packet)), _timestamp(packet)


class H264:
    """x264, constrained baseline, one thread, zero latency.

    superfast rather than ultrafast: half-pixel motion and deblocking halve the bits, so that at
    the same quality it takes no more CPU (bench/live/rtc.py). qmin 16: beyond about 46 dB of PSNR
    more bits show nothing. Takes yuv420p as it is; x264 follows a new bitrate without a keyframe.
    """

    START, LEAST, MOST = 2_000_000, 300_000, 3_000_000

    def __init__(self) -> None:
        self.bitrate = TargetBitrate(self.START, self.LEAST, self.MOST)
        self._context: VideoCodecContext | None = None

    def context(self, frame: av.VideoFrame, at: float) -> tuple[VideoCodecContext, bool]:
        """See _Codec."""
        context, size = self._context, (frame.width, frame.height)
        new = context is None or (context.width, context.height) != size
        if context is None or new:
            self._context = context = _x264(*size, self.MOST)
        # libx264 re-reads this before every frame, but only of a stream opened as CBR.
        context.bit_rate = self.bitrate.value
        return context, new

    def payloads(self, data: bytes) -> list[bytes]:
        """See _Codec."""
        return H264Encoder._packetize(H264Encoder._split_bitstream(data))


def _x264(width: int, height: int, most: int) -> VideoCodecContext:
    codec = _context("libx264", width, height, most)
    codec.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "level": _level(width, height),
        "forced-idr": "1",
        # maxrate == bit_rate is CBR to x264, the one mode whose rate can change on the way.
        "maxrate": str(most),
        "bufsize": "400000",  # bits: 0.2 s at the start bitrate, and room for a keyframe
        "qmin": "16",
        "x264-params": "keyint=infinite:scenecut=0:threads=1:"
        "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",  # BT.601, see I420
    }
    codec.profile = "Baseline"
    codec.open()  # now: the bitrate that is set next must not be the one it opens with
    return codec


def _level(width: int, height: int) -> str:
    # ITU-T H.264 table A-1, MaxFS in macroblocks; 30 frames a second fit each of them.
    blocks = ((width + 15) // 16) * ((height + 15) // 16)
    return next(
        (level for most, level in ((3_600, "3.1"), (8_192, "4.0")) if blocks <= most), "5.1"
    )


class Vp8:
    """libvpx in real time, for receivers without H.264; rebuilt, with a keyframe, only rarely."""

    START, LEAST, MOST = 1_500_000, 250_000, 2_000_000
    REBUILD = 0.4  # how far the target must be off ...
    REBUILD_AFTER = 2.0  # ... and for how many seconds; libvpx through FFmpeg has no other way

    def __init__(self) -> None:
        self.bitrate = TargetBitrate(self.START, self.LEAST, self.MOST)
        self._context: VideoCodecContext | None = None
        self._built = 0  # bit/s
        self._off_since: float | None = None
        self._picture_id = random.getrandbits(15)

    def context(self, frame: av.VideoFrame, at: float) -> tuple[VideoCodecContext, bool]:
        """See _Codec."""
        context, size = self._context, (frame.width, frame.height)
        new = context is None or (context.width, context.height) != size or self._is_off(at)
        if context is None or new:
            self._built, self._off_since = self.bitrate.value, None
            self._context = context = _libvpx(*size, self._built)
        return context, new

    def payloads(self, data: bytes) -> list[bytes]:
        """See _Codec."""
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        return Vp8Encoder._packetize(data, self._picture_id)

    def _is_off(self, at: float) -> bool:
        if abs(self.bitrate.value - self._built) <= self.REBUILD * self._built:
            self._off_since = None
            return False
        if self._off_since is None:
            self._off_since = at
        return at - self._off_since > self.REBUILD_AFTER


def _libvpx(width: int, height: int, bitrate: int) -> VideoCodecContext:
    codec = _context("libvpx", width, height, bitrate)
    codec.gop_size = 1 << 20  # no periodic keyframes
    codec.qmin, codec.qmax = 8, 56  # 8: see qmin of H264
    codec.options = {
        "deadline": "realtime",
        "cpu-used": "-12",  # negative: exactly this speed, not a guess from the load
        "noise-sensitivity": "0",  # a rendered picture has no noise to take out
        "lag-in-frames": "0",
        "minrate": str(bitrate),  # minrate = maxrate: CBR
        "maxrate": str(bitrate),
        "bufsize": str(bitrate),
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "static-thresh": "1",
    }
    return codec


def _context(name: str, width: int, height: int, bitrate: int) -> VideoCodecContext:
    codec = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.bit_rate, codec.framerate = bitrate, Fraction(FPS)
    codec.time_base = VIDEO_TIME_BASE  # on aiortc's own grid of 1/30 s frames may coincide
    codec.thread_count = 1  # many sessions share few cores
    return codec


def _video(frame: Frame) -> tuple[av.VideoFrame, int]:
    # Read the time first: PyAV rewrites pts and time_base of a frame that it encodes.
    video = cast(av.VideoFrame, frame)
    timestamp = _timestamp(video)
    return (
        video if video.format.name == "yuv420p" else video.reformat(format="yuv420p")
    ), timestamp


def _timestamp(data: Frame | Packet[Any], base: Fraction = VIDEO_TIME_BASE) -> int:
    if data.pts is None or data.time_base is None:
        msg = f"a {type(data).__name__} without a time cannot be sent"
        raise ValueError(msg)
    return convert_timebase(data.pts, data.time_base, base)


class Opus:
    """Speech, mono, 48 kbit/s, with in-band FEC; media time is kept to the sample.

    aiortc's own: 96 kbit/s stereo, no FEC, and it counts time from its first packet.
    """

    RATE: Final = 48_000  # Hz
    PACKET: Final = 960  # samples: 20 ms
    BASE: Final = Fraction(1, RATE)

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.time_base = self.RATE, self.BASE
        self._codec.format, self._codec.layout = "s16", "mono"
        self._codec.bit_rate = 48_000
        # fec is made only where loss is expected; complexity 5 of 10: facts and bench/live/rtc.py.
        self._codec.options = {
            "application": "voip",
            "compression_level": "5",
            "fec": "1",
            "packet_loss": "5",
        }
        self._resampler: av.AudioResampler | None = None

    def encode(self, frame: Frame, force_keyframe: bool = False) -> Encoded:
        """An audio frame, best 960 samples of mono s16 at 48 kHz -> payloads, 48 kHz time.

        The time is that of the first sample which the packet decodes to: the encoder looks
        6.5 ms ahead, and libopus counts that from `pts`.
        """
        packets = [p for piece in self._pieces(frame) for p in self._codec.encode(piece)]
        if not packets:
            return [], 0
        return [bytes(packet) for packet in packets], _timestamp(packets[0], self.BASE)

    def pack(self, packet: Packet[Any]) -> Encoded:
        """A packet of Opus -> payload, 48 kHz time."""
        return [bytes(packet)], _timestamp(packet, self.BASE)

    def _pieces(self, frame: Frame) -> list[av.AudioFrame]:
        audio = cast(av.AudioFrame, frame)
        shape = (audio.format.name, audio.layout.name, audio.sample_rate, audio.samples)
        if self._resampler is None and shape == ("s16", "mono", self.RATE, self.PACKET):
            return [audio]
        if self._resampler is None:
            self._resampler = av.AudioResampler("s16", "mono", self.RATE, self.PACKET)
        return self._resampler.resample(audio)
