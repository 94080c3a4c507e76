"""Our H.264, VP8 and Opus encoders: what a receiver decodes, when keyframes come, what it costs."""

import time
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from visavis.engines.base import PLAY_RATE
from visavis.server.playout.messages import PACKET
from visavis.server.rtc.congestion import Sound
from visavis.server.rtc.encoders import H264, Opus, Vp8, encoder
from visavis.server.rtc.ladder import Step

FPS = 25


def codec(kind: str, name: str, rate: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType=f"{kind}/{name}", clockRate=rate, payloadType=99, channels=2
    )


H264_CODEC, VP8_CODEC = codec("video", "H264", 90_000), codec("video", "VP8", 90_000)
OPUS_CODEC = codec("audio", "opus", PLAY_RATE)


def pictures(width: int, height: int, count: int, grain: float = 1.0) -> list[np.ndarray]:
    """A textured disc that sways before a plain wall, as I420; fresh `grain` in every picture."""
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 6.0, (height, width)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    images = []
    for i in range(count):
        shift = round(6 * np.sin(i / 7))
        disc = (x - width / 2 - shift) ** 2 + (y - height / 2) ** 2 < (width / 3) ** 2
        luma = np.where(disc, 170 + np.roll(noise, shift, axis=1), 80 + 40 * y / height)
        image = np.full((height * 3 // 2, width), 128, np.uint8)
        image[:height] = (luma + rng.normal(0, grain, luma.shape)).clip(16, 235)
        images.append(image)
    return images


@pytest.fixture(scope="module")
def clip():
    return pictures(512, 512, 50)


def frame(image: np.ndarray, number: int) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(image, format="yuv420p")
    made.pts, made.time_base = number * 3600, Fraction(1, 90_000)
    return made


def joined(parameters: RTCRtpCodecParameters, payloads: list[bytes]) -> bytes:
    return b"".join(depayload(parameters, payload) for payload in payloads)


class Receiver:
    """Decodes with FFmpeg what an encoder sends, and counts."""

    def __init__(self, parameters: RTCRtpCodecParameters) -> None:
        self.parameters = parameters
        name = "h264" if "264" in parameters.mimeType else "libvpx"
        self.codec = av.CodecContext.create(name, "r")
        self.images: list[np.ndarray] = []
        self.keyframes: list[int] = []
        self.sizes: list[int] = []

    def take(self, payloads: list[bytes]) -> None:
        assert all(len(payload) <= 1300 for payload in payloads)
        data = joined(self.parameters, payloads)
        self.sizes.append(len(data))
        if data and is_keyframe(self.parameters, data):
            self.keyframes.append(len(self.sizes) - 1)
        for decoded in self.codec.decode(av.Packet(data)) if data else []:
            self.images.append(decoded.to_ndarray())

    def kbps(self, start: int, end: int) -> float:
        return sum(self.sizes[start:end]) * 8 * FPS / (end - start) / 1000


def is_keyframe(parameters: RTCRtpCodecParameters, data: bytes) -> bool:
    if "VP8" in parameters.mimeType:
        return not data[0] & 1  # RFC 6386 9.1
    return any(unit and unit[0] & 0x1F == 5 for unit in data.split(b"\x00\x00\x00\x01"))


def decoded_sizes(receiver: Receiver) -> list[int]:
    return [image.shape[1] for image in receiver.images]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


both = pytest.mark.parametrize("parameters", [H264_CODEC, VP8_CODEC], ids=["h264", "vp8"])


@both
def test_every_picture_comes_out_at_once_and_good(parameters, clip):
    encode, receiver = encoder(parameters), Receiver(parameters)
    for i, image in enumerate(clip):
        payloads, timestamp = encode.encode(frame(image, i))
        assert timestamp == i * 3600
        receiver.take(payloads)
        assert len(receiver.images) == i + 1  # no frame is held back
    assert min(psnr(a, b) for a, b in zip(clip[5:], receiver.images[5:], strict=True)) > 38
    assert receiver.keyframes == [0]


@both
def test_portrait_video_and_a_new_size(parameters):
    encode, receiver = encoder(parameters), Receiver(parameters)
    for i, image in enumerate(pictures(720, 1280, 3) + pictures(512, 512, 2)):
        receiver.take(encode.encode(frame(image, i))[0])
    assert [image.shape for image in receiver.images] == [(1920, 720)] * 3 + [(768, 512)] * 2
    assert receiver.keyframes == [0, 3]


@both
def test_a_keyframe_comes_on_request_but_a_burst_of_requests_is_one(parameters, clip):
    encode, receiver = encoder(parameters), Receiver(parameters)
    encode.target_bitrate = 1_500_000
    for i, image in enumerate(clip[:40]):
        receiver.take(encode.encode(frame(image, i), i in (20, 21, 22, 35))[0])
    assert receiver.keyframes == [0, 20, 28, 36]  # 21 and 22 are served once, 0.3 s after 20


@both
def test_keyframes_alone_do_not_fill_a_thin_link(parameters, clip):
    encode, receiver = encoder(parameters), Receiver(parameters)
    for i in range(6 * FPS):
        encode.target_bitrate = 80_000
        receiver.take(encode.encode(frame(clip[i % 50], i), force_keyframe=i > FPS)[0])
    asked = [size for i, size in enumerate(receiver.sizes) if i in receiver.keyframes and i > FPS]
    assert asked
    assert sum(asked) * 8 / 5 < 0.8 * 80_000


@both
def test_a_smaller_step_costs_one_keyframe_and_shows_the_same(parameters, clip):
    encode, receiver = encoder(parameters), Receiver(parameters)
    for i, image in enumerate(clip[:30]):
        encode.step = Step(0.5, 1) if 10 <= i < 20 else Step(1.0, 1)
        receiver.take(encode.encode(frame(image, i))[0])
    assert decoded_sizes(receiver) == [512] * 10 + [256] * 10 + [512] * 10
    assert receiver.keyframes == [0, 10, 20]
    small = clip[15][:512].reshape(256, 2, 256, 2).mean(axis=(1, 3))
    assert psnr(small, receiver.images[15][:256]) > 33


@both
@pytest.mark.parametrize("every", [1, 2, 4])
def test_the_rate_is_kept_however_few_pictures_are_encoded(parameters, every):
    encode, receiver = encoder(parameters), Receiver(parameters)
    clip = pictures(256, 256, 50, grain=12)  # more than it may send
    encode.target_bitrate = 2_000_000
    for i in range(0, 8 * FPS, every):
        encode.step = Step(1.0, every)
        receiver.take(encode.encode(frame(clip[i % 50], i))[0])
        encode.target_bitrate = 200_000
    spent = sum(receiver.sizes[2 * FPS // every :]) * 8 / 6
    assert 120_000 < spent < 230_000


@both
def test_the_time_of_a_frame_survives_its_encoding(parameters, clip):
    made = av.VideoFrame.from_ndarray(clip[0], format="yuv420p")
    made.pts, made.time_base = 1921, Fraction(1, PLAY_RATE)
    assert encoder(parameters).encode(made)[1] == 1921 * 15 // 8


@both
def test_other_pixel_formats_are_converted(parameters):
    receiver = Receiver(parameters)
    made = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24")
    made.pts, made.time_base = 0, Fraction(1, 90_000)
    receiver.take(encoder(parameters).encode(made)[0])
    assert abs(int(receiver.images[0][10, 10]) - 188) <= 3


@both
def test_a_frame_without_a_time_is_refused(parameters, clip):
    with pytest.raises(ValueError, match="without a time"):
        encoder(parameters).encode(av.VideoFrame.from_ndarray(clip[0], format="yuv420p"))


@both
def test_an_encoded_packet_is_only_packetised(parameters, clip):
    encode = encoder(parameters)
    payloads, _ = encode.encode(frame(clip[0], 0))
    packet = av.Packet(joined(parameters, payloads))
    packet.pts, packet.time_base = 40, Fraction(1, 1000)
    receiver = Receiver(parameters)
    again, timestamp = encode.pack(packet)
    receiver.take(again)
    assert timestamp == 3600
    assert len(receiver.images) == 1


def sps(payloads: list[bytes]) -> bytes:
    units = joined(H264_CODEC, payloads).split(b"\x00\x00\x00\x01")
    return next(unit for unit in units if unit and unit[0] & 0x1F == 7)


@pytest.mark.parametrize(
    ("size", "level"), [((512, 512), 31), ((720, 1280), 31), ((1080, 1920), 40)]
)
def test_h264_is_constrained_baseline_of_the_right_level(size, level):
    image = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
    parameters = sps(encoder(H264_CODEC).encode(frame(image, 0))[0])
    assert parameters[1] == 66
    assert parameters[2] & 0xC0 == 0xC0  # constraint_set0 and 1: what 42e01f offers
    assert parameters[3] == level


def test_h264_says_which_colours_it_has(clip):
    receiver = Receiver(H264_CODEC)
    data = joined(H264_CODEC, encoder(H264_CODEC).encode(frame(clip[0], 0))[0])
    decoded = receiver.codec.decode(av.Packet(data))[0]
    assert (decoded.colorspace, decoded.color_range) == (6, 1)  # BT.601, limited


def test_h264_follows_the_network_without_keyframes():
    encode, receiver = encoder(H264_CODEC), Receiver(H264_CODEC)
    clip = pictures(256, 256, 50, grain=12)  # more than it may send
    for i in range(14 * FPS):
        if 5 * FPS <= i < 9 * FPS:
            encode.target_bitrate = 500_000
        elif i >= 9 * FPS:
            encode.target_bitrate = 1_500_000 + i
        receiver.take(encode.encode(frame(clip[i % 50], i))[0])
    assert receiver.keyframes == [0]
    assert receiver.kbps(7 * FPS, 9 * FPS) < 600
    assert receiver.kbps(12 * FPS, 14 * FPS) > 1000
    assert receiver.kbps(2 * FPS, 5 * FPS) < 2300


@both
def test_an_unchanged_picture_costs_next_to_nothing(parameters, clip):
    encode, receiver = encoder(parameters), Receiver(parameters)
    frames = [frame(image, i) for i, image in enumerate(clip[:25] + [clip[25]] * 75 + clip[26:28])]
    spent = []
    for i, each in enumerate(frames):
        start = time.thread_time()
        payloads, _ = encode.encode(each, i == 80)
        spent.append(time.thread_time() - start)
        receiver.take(payloads)
    assert sum(spent[30:80]) < 0.4 * sum(spent[1:25]) * 2
    assert 10 <= sum(size > 0 for size in receiver.sizes[30:80]) <= 14  # five a second still go out
    assert receiver.keyframes == [0, 80]  # a request is served at once
    assert receiver.sizes[100] > 0
    assert receiver.sizes[101] > 0
    assert psnr(clip[27], receiver.images[-1]) > 36


def keyframes_of_vp8(estimates: dict[int, int], seconds: int) -> list[int]:
    encode, receiver = encoder(VP8_CODEC), Receiver(VP8_CODEC)
    encode.target_bitrate = Vp8.START
    clip = pictures(128, 128, 50, grain=40)
    for i in range(seconds * FPS):
        if i in estimates:
            encode.target_bitrate = estimates[i]
        receiver.take(encode.encode(frame(clip[i % 50], i))[0])
    return receiver.keyframes


def test_vp8_is_not_rebuilt_for_a_small_or_short_change():
    wavering = {i: 1_500_000 + (600_000 if i % 50 < 25 else -590_000) for i in range(0, 350, 25)}
    assert keyframes_of_vp8(wavering, 14) == [0]
    assert keyframes_of_vp8({25: 1_200_000}, 5) == [0]


def test_vp8_is_rebuilt_once_for_a_lasting_change():
    keyframes = keyframes_of_vp8({50: 800_000}, 6)
    assert len(keyframes) == 2
    assert 50 + 2 * FPS <= keyframes[1] <= 50 + 2 * FPS + 2


def test_vp8_is_rebuilt_soon_for_a_link_that_turns_out_thin():
    keyframes = keyframes_of_vp8({50: 300_000}, 4)
    assert len(keyframes) == 2
    assert 50 + FPS // 2 <= keyframes[1] <= 50 + FPS // 2 + 2


def sound(samples: int, at: int, rate: int = PLAY_RATE, layout: str = "mono") -> av.AudioFrame:
    channels = 2 if layout == "stereo" else 1
    wave = (9000 * np.sin(2 * np.pi * 300 / rate * (at + np.arange(samples)))).astype(np.int16)
    made = av.AudioFrame.from_ndarray(np.repeat(wave, channels)[None], "s16", layout)
    made.sample_rate, made.pts, made.time_base = rate, at, Fraction(1, rate)
    return made


def decoded_opus(packets: list[tuple[list[bytes], int]]) -> tuple[int, np.ndarray]:
    decode = av.CodecContext.create("libopus", "r")
    decode.format, decode.layout, decode.sample_rate = "s16", "mono", PLAY_RATE
    parts = [f.to_ndarray()[0] for p, _ in packets if p for f in decode.decode(av.Packet(p[0]))]
    return packets[0][1], np.concatenate(parts).astype(float)


def test_opus_keeps_media_time_to_the_sample():
    encode = Opus()
    begin = 480_000
    start, heard = decoded_opus(
        [encode.encode(sound(PACKET, begin + i * PACKET)) for i in range(50)]
    )
    media = start + np.arange(len(heard))
    settled = slice(9600, 40_000)
    score = {
        shift: float(
            heard[settled] @ np.sin(2 * np.pi * 300 / PLAY_RATE * (media[settled] + shift))
        )
        for shift in range(-80, 81, 8)
    }
    assert abs(max(score, key=score.__getitem__)) <= 12  # 0.25 ms


def test_opus_is_mono_with_forward_error_correction():
    encode = Opus()
    packets = [encode.encode(sound(PACKET, i * PACKET))[0][0] for i in range(50)]
    assert not any(packet[0] & 4 for packet in packets)  # RFC 6716 3.1: stereo flag
    assert sum(map(len, packets)) * 8 < 64_000
    # SILK or hybrid modes only carry FEC; the LBRR flag follows the VAD flag (RFC 6716 4.2.4).
    assert all(packet[0] >> 3 < 16 for packet in packets[10:])


def test_opus_takes_less_or_covers_more_loss_without_a_gap():
    encode = Opus()
    changes = {100: Sound(16_000, 5), 200: Sound(48_000, 20)}
    packets = []
    for i in range(300):
        encode.wanted = changes.get(i, encode.wanted)
        packets.append(encode.encode(sound(PACKET, i * PACKET)))
    assert {b - a for (_, a), (_, b) in pairwise(packets)} == {PACKET}  # no packet more or less
    size = [sum(len(p[0]) for p, _ in packets[i : i + 70]) for i in (10, 128, 228)]
    assert size[1] < 0.75 * size[0]
    _, heard = decoded_opus(packets)
    level = np.sqrt(np.convolve(heard**2, np.ones(240) / 240, "valid"))[4800:]
    assert np.sum(level < 0.6 * np.median(level)) < 2 * 0.010 * PLAY_RATE  # 10 ms a change
    assert level.max() < 1.1 * np.median(level)


def test_opus_changes_where_it_is_quiet_if_it_soon_is():
    encode, loud = Opus(), sound(PACKET, 0)
    quiet = av.AudioFrame.from_ndarray(np.zeros((1, PACKET), np.int16), "s16", "mono")
    quiet.sample_rate, quiet.time_base = PLAY_RATE, Fraction(1, PLAY_RATE)
    encode.wanted = Sound(16_000, 5)
    for i, piece in enumerate([loud, loud, quiet]):
        before = encode._codec
        piece.pts = i * PACKET
        encode.encode(piece)
        assert (encode._codec is not before) == (piece is quiet)


@pytest.mark.parametrize(
    ("rate", "samples", "layout"), [(8000, 160, "mono"), (PLAY_RATE, PACKET, "stereo")]
)
def test_other_sound_is_resampled(rate, samples, layout):
    encode = Opus()
    packets = [encode.encode(sound(samples, i * samples, rate, layout)) for i in range(50)]
    times = [at for payloads, at in packets if payloads]
    assert len(times) >= 48
    assert {b - a for a, b in pairwise(times)} == {PACKET}


def test_other_codecs_are_left_to_aiortc():
    assert type(encoder(codec("audio", "PCMU", 8000))).__module__ == "aiortc.codecs.g711"
    assert isinstance(encoder(H264_CODEC).codec, H264)
    assert isinstance(encoder(VP8_CODEC).codec, Vp8)
    assert isinstance(encoder(OPUS_CODEC), Opus)
