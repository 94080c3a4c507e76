"""What each step between the motion and the viewer adds to sound or picture, in ms.

Positive: what comes out at a media time is older than that. Nothing here depends on the machine's
speed: these are the delays inside filters and codecs, not waiting.
"""

from __future__ import annotations

import asyncio
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from visavis.engines.base import PLAY_RATE, Pcm, Speech
from visavis.engines.voices import utterance
from visavis.server.playout import virtual_loop
from visavis.server.playout.clock import Clock
from visavis.server.playout.messages import FRAME, PACKET, Clause, Picture, Spoken
from visavis.server.playout.timeline import Timeline
from visavis.server.recording.recorder import FINE, Recorder
from visavis.server.rtc import encoders as rtc_encoders
from visavis.server.session.doors import Playout

Doubles = npt.NDArray[np.float64]

SECONDS: Final = 2
REACH: Final = 4800  # samples within which a delay is looked for


def delays() -> dict[str, float]:
    """All of them, by the name of the step."""
    return {
        "resampler_24000": resampler(24_000),
        "resampler_22050": resampler(22_050),
        "opus_live": opus(),
        "h264_live": pictures(rtc_encoders.Video(rtc_encoders.H264()), "h264", "video/H264"),
        "vp8_live": pictures(rtc_encoders.Video(rtc_encoders.Vp8()), "vp8", "video/VP8"),
        "mp4_sound": mp4(),
    }


def rattle(count: int, rate: int = PLAY_RATE) -> Doubles:
    """(count,) noise in bursts below 4 kHz, in [-1, 1]: only one shift makes it fit itself."""
    rng = np.random.default_rng(5)
    noise = np.convolve(rng.standard_normal(count), np.hanning(max(rate // 4000, 3)), "same")
    bursts = np.repeat(rng.random(count * 50 // rate + 1) > 0.5, rate // 50)[:count]
    return noise * bursts / np.abs(noise).max()


def shift(heard: Doubles, given: Doubles) -> float:
    """ms by which `heard` is behind `given`, both at PLAY_RATE."""
    count = min(len(heard), len(given))
    size = 2 ** int(np.ceil(np.log2(2 * count)))
    product = np.fft.rfft(heard[:count], size) * np.conj(np.fft.rfft(given[:count], size))
    match = np.fft.irfft(product, size)
    near = np.concatenate([match[-REACH:], match[:REACH]])
    return round((int(near.argmax()) - REACH) / PLAY_RATE * 1e3, 2)


def resampler(rate: int) -> float:
    """Of the voices' resampling to PLAY_RATE."""
    common = np.interp  # the truth: the same noise, read at both rates
    fine = rattle(SECONDS * PLAY_RATE)
    times = np.arange(SECONDS * rate) / rate
    low = common(times, np.arange(len(fine)) / PLAY_RATE, fine)
    return shift(utterance.resample(low.astype(np.float32), rate).astype(np.float64), fine)


def opus() -> float:
    """Of the live sound's codec against its RTP times: the look-ahead that they leave over."""
    given = rattle(SECONDS * PLAY_RATE)
    encoder, decoder = rtc_encoders.Opus(), av.CodecContext.create("libopus", "r")
    pcm = (given * 20_000).astype(np.int16)
    heard = np.zeros(len(pcm) + PLAY_RATE)
    for at in range(PACKET, len(pcm) - PACKET + 1, PACKET):  # none at a time below 0
        frame = av.AudioFrame.from_ndarray(pcm[None, at : at + PACKET], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = PLAY_RATE, at, Fraction(1, PLAY_RATE)
        payloads, start = encoder.encode(frame)
        for payload in payloads:
            for piece in decoder.decode(av.Packet(payload)):
                samples = _mono(piece)
                heard[start : start + len(samples)] = samples
                start += len(samples)
    return shift(heard, given)


def _mono(frame: av.AudioFrame) -> Doubles:
    samples = frame.to_ndarray().astype(np.float64)
    channels = len(frame.layout.channels)
    return samples.reshape(-1, channels)[:, 0] if samples.shape[0] == 1 else samples[0]


def pictures(encoder: Any, name: str, mime: str) -> float:
    """Of a live picture's codec: how many pictures later one comes out."""
    decoder = av.CodecContext.create(name, "r")
    codec = RTCRtpCodecParameters(mime, 90_000, payloadType=96)
    late = []
    for index in range(25):
        grey = np.full((96, 64), 128, np.uint8)
        grey[:64] = 40 + 7 * index
        frame = av.VideoFrame.from_ndarray(grey, "yuv420p")
        frame.pts, frame.time_base = index * 3600, Fraction(1, 90_000)
        payloads, _ = encoder.encode(frame, index == 0)
        data = b"".join(depayload(codec, payload) for payload in payloads)
        for shown in decoder.decode(av.Packet(data)):
            level = float(shown.to_ndarray(format="gray")[8:56, 8:56].mean())
            late.append(index - round((level - 40) / 7))
    return float(np.median(late)) * FRAME / PLAY_RATE * 1e3 if late else float("nan")


async def _written(pcm: Pcm, path: Path) -> None:
    """A timeline with this sound from its first picture on, recorded."""
    clock, timeline = Clock(asyncio.get_running_loop().time), Timeline()
    grey = np.full((96, 64), 128, np.uint8)
    timeline.put(Picture(FRAME, grey))
    timeline.put(Spoken(0, FRAME, Clause("", Speech(pcm, (), (), "espeak"))))
    recorder = Recorder(path, FINE, longest=len(pcm))
    unheard = lambda *times: None  # noqa: E731
    await recorder.play(Playout(clock, timeline.reader(), grey, unheard, unheard, unheard))


def mp4() -> float:
    """Of the sound in the files that `visavis say` writes."""
    given = rattle(SECONDS * PLAY_RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rattle.mp4"
        virtual_loop.run(_written((given * 20_000).astype(np.int16), path))
        heard = np.zeros(len(given) + PLAY_RATE)
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            for frame in container.decode(stream):
                start = round(float(frame.pts * frame.time_base) * PLAY_RATE)
                piece = _mono(frame)
                heard[max(start, 0) : start + len(piece)] = piece[max(-start, 0) :]
    return shift(heard, given)
