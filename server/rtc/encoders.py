"""The encoders that take the place of aiortc's: H.264, VP8, Opus.

They keep aiortc's packetisation (RFC 6184, RFC 7741) and its interface, `aiortc.codecs.base`.
All times are media time, taken from the frames.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any, Final, Protocol, cast

import av
import numpy as np
from aiortc.codecs import get_encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.audio.codeccontext import AudioCodecContext
from av.frame import Frame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from visavis.server.rtc.congestion import Sound, Voice
from visavis.server.rtc.estimate import START
from visavis.server.rtc.ladder import FPS, STEPS

_RATE: Final = VIDEO_TIME_BASE.denominator  # media time of video: 90 kHz
_KEYFRAME_GAP: Final = 0.3  # s; a second request sooner is about the same loss, RFC 4585 3.5.3
_QUIET: Final = 300  # of 32767
_KEYFRAME_BITS: Final = 0.25  # a pixel, at most; the picture after it makes it sharp
_KEYFRAME_SHARE: Final = 0.4  # of the rate that keyframes may take

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


class _Keyframes:
    """Lets requests for a keyframe through, not more often than every `_KEYFRAME_GAP`.

    Less often where the rate is low: keyframes alone must not fill the link.
    """

    def __init__(self) -> None:
        self._asked = False
        self._last: float | None = None
        self._bits = 0  # of the last one

    def due(self, at: float, asked: bool, rate: int) -> bool:
        self._asked |= asked
        gap = max(_KEYFRAME_GAP, self._bits / (_KEYFRAME_SHARE * rate))
        return self._asked and (self._last is None or not 0 <= at - self._last < gap)

    def made(self, at: float, size: int) -> None:
        self._asked, self._last, self._bits = False, at, size * 8


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

    MOST: int  # bit/s that are of use

    def context(
        self, frame: av.VideoFrame, at: float, bitrate: int, every: int
    ) -> tuple[VideoCodecContext, bool]:
        """The codec for a frame of media time `at`; whether it is new, so begins with a key.

        every: it is given each so-manieth of `FPS` pictures a second.
        """
        ...

    def payloads(self, data: bytes) -> list[bytes]:
        """An encoded frame -> RTP payloads."""
        ...


class Video:
    """Pictures through a codec: keyframes on request only, stills sent but rarely.

    target_bitrate: bit/s. step: how many of the pictures it is given, and in which size they go
    out. Both may change between any two pictures. was_keyframe: whether the last one was one.
    """

    def __init__(self, codec: _Codec) -> None:
        self.codec = codec
        self.target_bitrate, self.step = START, STEPS[0]
        self.was_keyframe = False
        self._keyframes, self._stills = _Keyframes(), _Stills()

    def encode(self, frame: Frame, force_keyframe: bool = False) -> Encoded:
        """A video frame of any even size, best yuv420p -> payloads, 90 kHz time."""
        video, timestamp = _video(frame, self.step.scale)
        at = timestamp / _RATE
        bitrate = min(self.target_bitrate, self.codec.MOST)
        context, new = self.codec.context(video, at, bitrate, self.step.every)
        key = self._keyframes.due(at, force_keyframe, self.target_bitrate) or new
        self.was_keyframe = key
        if self._stills.is_known(video, at) and not key:
            return [], timestamp
        video.pict_type = PictureType.I if key else PictureType.NONE
        data = b"".join(bytes(packet) for packet in context.encode(video))
        if key:
            self._keyframes.made(at, len(data))
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

    MOST = 3_000_000

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None

    def context(
        self, frame: av.VideoFrame, at: float, bitrate: int, every: int
    ) -> tuple[VideoCodecContext, bool]:
        """See _Codec."""
        context, size = self._context, (frame.width, frame.height)
        new = context is None or (context.width, context.height) != size
        if context is None or new:
            self._context = context = _x264(*size, self.MOST)
        # libx264 re-reads this before every frame, but only of a stream opened as CBR. It counts
        # on FPS whatever times the pictures have; libvpx goes by the times.
        context.bit_rate = min(bitrate * every, self.MOST)
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
        # Room for a keyframe, and it cannot change on the way: 8 kB for 512 x 512.
        "bufsize": str(round(_KEYFRAME_BITS * width * height)),
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

    # START: built for this at least until the target falls; it begins low, and a rebuild on each of
    # its first steps up would be a keyframe each.
    START, MOST = 1_500_000, 2_000_000
    REBUILD = 0.4  # how far the target must be off ...
    REBUILD_AFTER = 2.0  # ... and for how many seconds; libvpx through FFmpeg has no other way
    # Where it is tight a target that is missed means pictures that are left out, and libvpx makes
    # the others larger for it.
    TIGHT, TIGHT_AFTER = 500_000, 1.0
    TIGHT_SHARE = 0.85  # of the target that it is built for there: the next cut is near
    FALLEN, FALLEN_AFTER = 0.4, 0.5  # of the rate: at once, nearly

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None
        self._built = 0  # bit/s
        self._before = 0  # bit/s of the picture before
        self._has_fallen = False
        self._off_since: float | None = None
        self._picture_id = random.getrandbits(15)

    def context(
        self, frame: av.VideoFrame, at: float, bitrate: int, every: int
    ) -> tuple[VideoCodecContext, bool]:
        """See _Codec."""
        self._has_fallen |= bitrate < 0.9 * self._before
        self._before = bitrate
        bitrate = bitrate if self._has_fallen else max(bitrate, self.START)
        context, size = self._context, (frame.width, frame.height)
        new = context is None or (context.width, context.height) != size
        if context is None or self._is_off(at, bitrate) or new:
            share = self.TIGHT_SHARE if bitrate < self.TIGHT else 1.0
            new, self._built, self._off_since = True, round(share * bitrate), None
            self._context = context = _libvpx(*size, self._built)
        return context, new

    def payloads(self, data: bytes) -> list[bytes]:
        """See _Codec."""
        self._picture_id = (self._picture_id + 1) % (1 << 15)
        return Vp8Encoder._packetize(data, self._picture_id)

    def _is_off(self, at: float, bitrate: int) -> bool:
        wait = self._patience(bitrate)
        if wait is None:
            self._off_since = None
            return False
        if self._off_since is None:
            self._off_since = at
        return at - self._off_since > wait

    def _patience(self, bitrate: int) -> float | None:
        """s that a target must stay before it is worth a keyframe; None: never."""
        if bitrate < self.FALLEN * self._built:
            return self.FALLEN_AFTER
        if bitrate < self.TIGHT and bitrate < self._built:
            return self.TIGHT_AFTER
        is_off = abs(bitrate - self._built) > self.REBUILD * self._built
        return self.REBUILD_AFTER if is_off else None


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


def _video(frame: Frame, scale: float) -> tuple[av.VideoFrame, int]:
    # Read the time first: PyAV rewrites pts and time_base of a frame that it encodes.
    video = cast(av.VideoFrame, frame)
    timestamp = _timestamp(video)
    if video.format.name == "yuv420p" and scale == 1.0:
        return video, timestamp
    width, height = (2 * round(side * scale / 2) for side in (video.width, video.height))
    return video.reformat(width, height, "yuv420p", interpolation="AREA"), timestamp


def _timestamp(data: Frame | Packet[Any], base: Fraction = VIDEO_TIME_BASE) -> int:
    if data.pts is None or data.time_base is None:
        msg = f"a {type(data).__name__} without a time cannot be sent"
        raise ValueError(msg)
    return convert_timebase(data.pts, data.time_base, base)


class Opus:
    """Speech, mono, 48 kbit/s, with in-band FEC; media time is kept to the sample.

    aiortc's own: 96 kbit/s stereo, no FEC, and it counts time from its first packet.
    wanted: how the next packet is to be encoded.
    """

    RATE: Final = 48_000  # Hz
    PACKET: Final = 960  # samples: 20 ms
    BASE: Final = Fraction(1, RATE)
    PATIENCE: Final = 25  # packets that a change waits for a quiet one

    def __init__(self) -> None:
        self.wanted = self._is = Voice.USUAL
        self._codec = _libopus(self.wanted)
        self._waited = 0  # packets
        self._resampler: av.AudioResampler | None = None

    def encode(self, frame: Frame, force_keyframe: bool = False) -> Encoded:
        """An audio frame, best 960 samples of mono s16 at 48 kHz -> payloads, 48 kHz time.

        The time is that of the first sample which the packet decodes to: the encoder looks
        6.5 ms ahead, and libopus counts that from `pts`.
        """
        packets = [p for piece in self._pieces(frame) for p in self._encode(piece)]
        if not packets:
            return [], 0
        return [bytes(packet) for packet in packets], _timestamp(packets[0], self.BASE)

    def _encode(self, piece: av.AudioFrame) -> list[Packet[Any]]:
        if self.wanted != self._is:
            self._waited += 1
            # libopus through FFmpeg reads both when it opens, and a new one begins in silence: a
            # dip of 6 ms, so best where it is quiet. One that has heard what was before would be
            # worse: it builds on a past that the decoder does not have, and is too loud.
            if self._waited > self.PATIENCE or _is_quiet(piece):
                self._is, self._codec, self._waited = self.wanted, _libopus(self.wanted), 0
        return list(self._codec.encode(piece))

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


def _is_quiet(piece: av.AudioFrame) -> bool:
    return int(np.abs(piece.to_ndarray().astype(np.int32)).max()) < _QUIET


def _libopus(sound: Sound) -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.time_base = Opus.RATE, Opus.BASE
    codec.format, codec.layout = "s16", "mono"
    codec.bit_rate = sound.bitrate
    # fec is made only where loss is expected. Complexity 1 of 10 where bits are plenty: half the
    # time of 5, and the spectrum of speech is as near (4.0 and 4.3 dB away).
    codec.options = {
        "application": "voip",
        "compression_level": "1" if sound.bitrate >= Voice.USUAL.bitrate else "5",
        "fec": "1",
        "packet_loss": str(sound.loss),
    }
    return codec
