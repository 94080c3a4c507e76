"""Measure the WebRTC layer, aiortc's own against ours, and print JSON.

    python -m bench.live.rtc [--seconds 10]

CPU times are of the process, with the encoder's threads; latencies are of two peers in one
process over loopback, from a frame's handing over by its track to its receipt, decoded, on the
other side. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import depayload
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from visavis.server.rtc import connection as rtc
from visavis.server.rtc import encoders as rtc_encoders
from visavis.server.rtc import hooks

FPS, RATE = 25, 48_000
Image = np.ndarray[Any, np.dtype[np.uint8]]


CODECS = {"h264": (H264Encoder, "video/H264"), "vp8": (Vp8Encoder, "video/VP8")}


def _makers(stock: Callable[[], Any], mime: str) -> dict[str, Callable[[], Any]]:
    codec = RTCRtpCodecParameters(mimeType=mime, clockRate=90_000)

    def ours() -> Any:
        made: Any = rtc_encoders.encoder(codec)
        made.target_bitrate = 2_000_000  # what it has on a good link after three seconds
        return made

    return {"aiortc": stock, "ours": ours}


def talking_head(width: int, height: int, count: int) -> list[Image]:
    """A face that sways, blinks and moves its mouth: (height * 3 // 2, width) I420 pictures."""
    rng = np.random.default_rng(1)
    scale = min(width, height) / 512
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy = width / 2, height * 0.47

    def texture(sigma: float, amplitude: float) -> Any:
        noise = cv2.GaussianBlur(
            rng.standard_normal((height, width)).astype(np.float32), (0, 0), sigma
        )
        return noise / noise.std() * amplitude

    def disc(dx: float, dy: float, a: float, b: float) -> Any:
        a, b = a * scale, b * scale
        far = np.hypot((x - cx - dx * scale) / a, (y - cy - dy * scale) / b)
        return np.clip((1 - far) * min(a, b) / 2 + 0.5, 0, 1)

    skin = 165 + texture(12, 7) + texture(1, 3.5)
    still = 90 + 40 * y / height + texture(20, 8) + texture(0.8, 1.5)
    for mask, value in (
        (disc(0, 260, 210, 150), 70 + texture(1.5, 6)),
        (disc(0, -30, 140, 175), 40 + texture(1.2, 9)),
        (disc(0, 0, 112, 150), skin),
        (np.maximum(disc(-45, -30, 20, 11), disc(45, -30, 20, 11)), 225),
        (np.maximum(disc(-45, -30, 8, 8), disc(45, -30, 8, 8)), 45),
    ):
        still = still * (1 - mask) + value * mask
    images = []
    for i in range(count):
        t = i / FPS
        wide = 4 + 14 * abs(np.sin(14.4 * t)) * (0.5 + 0.5 * np.sin(2.5 * t))
        lips, mouth = disc(0, 80, 34, wide + 4), disc(0, 80, 28, wide)
        luma = (still * (1 - lips) + 130 * lips) * (1 - mouth) + 30 * mouth
        if i % 75 < 4:
            lid = np.maximum(disc(-45, -30, 21, 12), disc(45, -30, 21, 12))
            luma = luma * (1 - lid) + skin * lid
        angle = 2.0 * np.sin(1.45 * t) + 0.7 * np.sin(5.7 * t)
        turn = cv2.getRotationMatrix2D((cx, cy + 150 * scale), angle, 1 + 0.01 * np.sin(t))
        turn[:, 2] += (6 * scale * np.sin(1.9 * t), 3 * scale * np.sin(3.1 * t))
        luma = cv2.warpAffine(
            luma.astype(np.float32), turn, (width, height), borderMode=cv2.BORDER_REFLECT
        )
        image = np.full((height * 3 // 2, width), 126, np.uint8)
        image[:height] = luma.clip(16, 235)
        images.append(image)
    return images


def frame(image: Image, number: int) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(image, format="yuv420p")
    made.pts, made.time_base = number * 3600, Fraction(1, 90_000)
    return made


def encode(
    make: Callable[[], Any], mime: str, clip: list[Image], estimates: dict[int, int]
) -> dict[str, Any]:
    """Encode a clip; `estimates`: REMB in bit/s by picture number."""
    codec = RTCRtpCodecParameters(mimeType=mime, clockRate=90_000, payloadType=99)
    own, decode = make(), av.CodecContext.create("h264" if "264" in mime else "libvpx", "r")
    spent, sizes, quality, keyframes = 0.0, [], [], 0
    for i, image in enumerate(clip):
        if i in estimates:
            own.target_bitrate = estimates[i]
        each = frame(image, i)
        start = time.process_time()
        payloads, _ = own.encode(each)
        spent += time.process_time() - start
        data = b"".join(depayload(codec, payload) for payload in payloads)
        sizes.append(len(data))
        if not data:
            continue
        is_idr = b"\x00\x00\x01\x65" in data if "264" in mime else not data[0] & 1
        keyframes += is_idr
        height = image.shape[0] * 2 // 3
        for decoded in decode.decode(av.Packet(data)):
            error = decoded.to_ndarray()[:height].astype(np.float32) - image[:height]
            quality.append(10 * np.log10(255**2 / max(1e-9, float(np.mean(error**2)))))
    return {
        "cpu_ms_per_frame": round(1000 * spent / len(clip), 2),
        "kbit_s": round(sum(sizes) * 8 * FPS / len(clip) / 1000),
        "psnr_db": round(statistics.fmean(quality), 1),
        "keyframes": keyframes,
    }


def video(seconds: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for width, height in ((512, 512), (720, 1280)):
        clip = talking_head(width, height, seconds * FPS)
        for name, (stock, mime) in CODECS.items():
            for label, make in _makers(stock, mime).items():
                result[f"{name} {width}x{height} {label}"] = encode(make, mime, clip, {})
    clip = talking_head(512, 512, 50)
    loop, still = [clip[i % 50] for i in range(14 * FPS)], [clip[0]] * 100
    wavering = {
        i: (1_500_000, 1_000_000, 2_000_000, 900_000)[i // 25 % 4] for i in range(0, 350, 25)
    }
    for name, (stock, mime) in CODECS.items():
        for label, make in _makers(stock, mime).items():
            result[f"{name} 14 s of wavering REMB {label}"] = encode(make, mime, loop, wavering)
            result[f"{name} still {label}"] = encode(make, mime, still, {})
    return result


def sound() -> dict[str, Any]:
    t = np.arange(RATE * 4) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20)) * (
        0.3 + 0.7 * np.abs(np.sin(12 * t))
    )
    pcm = (voice / np.abs(voice).max() * 12_000).astype(np.int16)
    result = {}
    for label, make in (("aiortc", OpusEncoder), ("ours", rtc_encoders.Opus)):
        own, spent, size = make(), 0.0, 0
        for i in range(200):
            each = av.AudioFrame.from_ndarray(pcm[None, i * 960 : (i + 1) * 960], "s16", "mono")
            each.sample_rate, each.pts, each.time_base = RATE, i * 960, Fraction(1, RATE)
            start = time.process_time()
            payloads, _ = own.encode(each)
            spent += time.process_time() - start
            size += sum(map(len, payloads))
        result[label] = {"cpu_ms_per_packet": round(spent * 5, 3), "kbit_s": round(size * 8 / 4000)}
    return result


class Source(MediaStreamTrack):
    """A track with a mark once every 400 ms: a white corner, or one packet of a tone."""

    def __init__(self, kind: str, clip: list[Image]) -> None:
        super().__init__()
        self.kind, self._clip = kind, clip
        self._step = 960 if kind == "audio" else 1920
        self._at, self._start = 0, 0.0
        self.marks: list[float] = []

    async def recv(self) -> Any:
        self._start = self._start or time.monotonic()
        at, self._at = self._at, self._at + self._step
        await asyncio.sleep(max(0.0, self._start + at / RATE - time.monotonic()))
        marked = at % (20 * 960) == 0
        made = self._sound(at, marked) if self.kind == "audio" else self._picture(at, marked)
        made.pts, made.time_base = at, Fraction(1, RATE)
        if marked:
            self.marks.append(time.monotonic())
        return made

    def _sound(self, at: int, marked: bool) -> Any:
        tone = 12_000 * marked * np.sin(2 * np.pi * 1000 * np.arange(960) / RATE)
        made = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], "s16", "mono")
        made.sample_rate = RATE
        return made

    def _picture(self, at: int, marked: bool) -> Any:
        image = self._clip[at // 1920 % len(self._clip)].copy()
        image[:32, :32] = 235 if marked else 16
        return av.VideoFrame.from_ndarray(image, "yuv420p")


async def listen(track: MediaStreamTrack, heard: list[float]) -> None:
    loud = False
    while True:
        try:
            got = await track.recv()
        except MediaStreamError:
            return
        values = got.to_ndarray().astype(np.float32)
        is_mark = (
            np.abs(values).mean() > 1500 if track.kind == "audio" else values[:32, :32].mean() > 128
        )
        if is_mark and not loud:
            heard.append(time.monotonic())
        loud = is_mark


def delays(marks: list[float], heard: list[float]) -> dict[str, float]:
    found = [min((h - m for m in marks if 0 <= h - m < 0.399), default=None) for h in heard[2:]]
    times = sorted(1000 * d for d in found if d is not None)
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(0.95 * len(times))], 1),
    }


async def loopback(stock: bool, seconds: float) -> dict[str, Any]:
    """Two peers in this process, sound and picture one way."""
    if not stock:
        hooks.install()
    clip = talking_head(512, 512, 50)
    server, client = (RTCPeerConnection(rtc.configuration()) for _ in range(2))
    sources = [Source(kind, clip) for kind in ("audio", "video")]
    heard: dict[str, list[float]] = {"audio": [], "video": []}
    tasks: list[asyncio.Task[None]] = []
    client.on("track", lambda t: tasks.append(asyncio.create_task(listen(t, heard[t.kind]))))
    for source in sources:
        server.addTrack(source)
        client.addTransceiver(source.kind, "recvonly")
    await client.setLocalDescription(await client.createOffer())
    start = time.perf_counter()
    if stock:
        await server.setRemoteDescription(client.localDescription)
        await server.setLocalDescription(await server.createAnswer())
        answer = server.localDescription.sdp
    else:
        answer = await rtc.answer(server, client.localDescription.sdp)
    answered = time.perf_counter() - start
    await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    used = time.process_time()
    await asyncio.sleep(seconds)
    used = time.process_time() - used
    await rtc.close(server)
    await rtc.close(client)
    await asyncio.gather(*tasks)
    return {
        "offer_to_answer_ms": round(1000 * answered, 1),
        "cores_of_both_peers": round(used / seconds, 2),
        **{s.kind: delays(s.marks, heard[s.kind]) for s in sources},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=10, help="length of each measurement")
    parser.add_argument("--loopback", choices=("aiortc", "ours"), help="only this one")
    options = parser.parse_args()
    if options.loopback:
        print(json.dumps(asyncio.run(loopback(options.loopback == "aiortc", options.seconds))))
        return
    report: dict[str, Any] = {"video": video(max(4, options.seconds // 2)), "opus": sound()}
    for which in ("aiortc", "ours"):  # in a process of its own: the hooks cannot be taken out
        command = [sys.executable, __file__, "--loopback", which, "--seconds", str(options.seconds)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        report[f"loopback {which}"] = json.loads(done.stdout)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
