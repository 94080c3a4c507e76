"""The mark in the picture: what it survives, costs and spoils, and false alarms; prints JSON.

    python -m bench mark [--faces mira tomas] [--sizes 512x512 1280x720] [--unmarked 200]

Faces speak, drawn by the CPU's generator and labelled as in a session. Each recording is 4 s,
encoded as for a viewer at a fixed rate and decoded, made RGB of full range and grey again, cut and
scaled; 20 of its pictures are looked at.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from bench.drawing import spoken
from bench.machine import Share
from bench.unmarked import false_alarms
from visavis.engines.base import I420, FaceState
from visavis.engines.marking.embedding import Mark
from visavis.engines.marking.finding import find
from visavis.engines.marking.label import Label
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.engines.render import warp
from visavis.engines.settings import Lettered
from visavis.models.avatar.backdrop import NOTHING
from visavis.models.avatar.file import load_avatar
from visavis.models.pictures.canvas import Canvas
from visavis.models.warp import scene
from visavis.server.rtc.encoders import H264, Video, Vp8
from visavis.server.system.config import Config

Luma = npt.NDArray[np.uint8]
Clip = list[I420]

SAID: Final = Payload(0x5A17C3, 332, SessionClass.LIVE)
FPS, SECONDS = 25, 4
RATES: Final = (300_000, 500_000, 800_000, 1_500_000)  # bit/s
SCALES: Final = (0.5, 0.6, 0.75, 1.0, 1.25, 1.5)
CUT: Final = 0.1  # of width and height, more on one side than on the other


class EvenVp8(Vp8):
    """At its rate from the first picture on."""

    START = 0


CODECS: Final[dict[str, Callable[[], Any]]] = {"h264": H264, "vp8": EvenVp8}


def drawn(
    name: str, width: int, height: int, states: list[FaceState], *, cut: bool = False
) -> Clip:
    """4 s of a face with a label; cut: cut out, in double pictures."""
    with as_file(files("visavis.models") / "data" / "personas" / f"{name}.avatar") as path:
        avatar = load_avatar(path)
    prepared = scene.build(replace(avatar, backdrop=NOTHING) if cut else avatar, width, height)
    label = Label(Lettered(), Canvas(width, height, cut))
    clip = [warp.draw(prepared, state) for state in states[20 : 20 + FPS * SECONDS]]
    for number, image in enumerate(clip):
        label.finish(image, number * 1920)
    return clip


def marked(clip: Clip, canvas: Canvas) -> tuple[Clip, float]:
    """The same with a mark, and ms that a picture took (of this thread's time)."""
    mark, copies = Mark(SAID, canvas), [image.copy() for image in clip]
    mark.finish(clip[0].copy(), 0)
    began = time.thread_time()
    for image in copies:
        mark.finish(image, 0)
    return copies, (time.thread_time() - began) / len(clip) * 1000


def encoded(clip: Clip, codec: str, rate: int) -> tuple[Clip, float]:
    """As a viewer at a fixed rate would see it, and bit/s that it took, the first second left out.

    Without the ladder, which would send fewer or smaller pictures where it is tight.
    """
    video = Video(CODECS[codec]())
    video.target_bitrate = rate
    named = RTCRtpCodecParameters(mimeType=f"video/{codec.upper()}", clockRate=90_000)
    decoder = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    seen: Clip = []
    bits = 0
    for number, image in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = number * 90_000 // FPS, Fraction(1, 90_000)
        payloads, _ = video.encode(frame)
        data = b"".join(depayload(named, payload) for payload in payloads)
        bits += len(data) * 8 * (number >= FPS)
        shown = decoder.decode(av.Packet(data)) if data else []
        seen += [np.asarray(one.to_ndarray(format="yuv420p")) for one in shown] or [seen[-1]]
    return seen, bits / (len(clip) - FPS) * FPS


def grey(image: I420) -> Luma:
    """Through RGB of full range, as a screen shows it."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420), cv2.COLOR_BGR2GRAY))


def scaled(pictures: list[Luma], scale: float) -> list[Luma]:
    """Each."""
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return [np.asarray(cv2.resize(one, None, fx=scale, fy=scale, interpolation=way))
            for one in pictures]  # fmt: skip


def cut(pictures: list[Luma]) -> list[Luma]:
    """A tenth of width and height gone."""
    height, width = pictures[0].shape
    down, across = round(CUT * height), round(CUT * width)
    top, left = round(0.7 * down), round(0.3 * across)
    return [one[top : height - down + top, left : width - across + left] for one in pictures]


def result(pictures: list[Luma]) -> dict[str, Any]:
    """What is found in 20 of them."""
    began = time.thread_time()
    found = find(pictures[:: max(1, len(pictures) // 20)])
    return {
        "found": found is not None and found.payload == SAID,
        "log10_false_alarm": found and round(found.log10_false_alarm, 1),
        "agreement": found and round(found.agreement, 2),
        "seconds": round(time.thread_time() - began, 2),
    }


def survival(name: str, clip: Clip) -> Iterator[dict[str, Any]]:
    """codec x rate x scale x cut; and what is encoded twice: at 0.7 of its size and 500 kbit/s."""
    for codec in CODECS:
        for rate in RATES:
            seen, _ = encoded(clip, codec, rate)
            pictures = [grey(one) for one in seen]
            row = {"face": name, "codec": codec, "kbit": rate // 1000}
            for scale in SCALES:
                for is_cut in (False, True):
                    shown = scaled(cut(pictures) if is_cut else pictures, scale)
                    yield {**row, "scale": scale, "cut": is_cut, **result(shown)}
            again, _ = encoded([small(one) for one in seen], "h264", 500_000)
            yield {**row, "way": "encoded twice", **result([grey(one) for one in again])}
            limited = [one[: len(one) * 2 // 3] for one in seen]
            yield {**row, "way": "luma as decoded", **result(limited)}
            yield {**row, "way": "one picture", **result(pictures[-1:])}


def small(image: I420) -> I420:
    """0.7 of it."""
    frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
    width, height = (2 * round(0.35 * side) for side in (frame.width, frame.height))
    return np.asarray(frame.reformat(width, height, interpolation="AREA").to_ndarray())


def psnr(first: Clip, second: Clip, rows: int) -> float:
    """Of luma, dB."""
    error = statistics.fmean(
        float(np.square(a[:rows].astype(np.float32) - b[:rows]).mean())
        for a, b in zip(first, second, strict=True)
    )
    return round(10 * float(np.log10(255**2 / error)), 2)


def compression(plain: Clip, with_mark: Clip, rows: int) -> Iterator[dict[str, Any]]:
    """Quality against what was encoded, at equal rates, and the rate for equal quality."""
    for codec in CODECS:
        curves = []
        for clip in (plain, with_mark):
            points = []
            for rate in RATES:
                seen, bits = encoded(clip, codec, rate)
                points.append((bits, psnr(clip[FPS:], seen[FPS:], rows)))
            curves.append(points)
        yield {
            "codec": codec,
            "kbit_and_db_without": [(round(bits / 1000), db) for bits, db in curves[0]],
            "kbit_and_db_with": [(round(bits / 1000), db) for bits, db in curves[1]],
            "rate_for_equal_quality_percent": _more(*curves),
        }


def _more(first: list[tuple[float, float]], second: list[tuple[float, float]]) -> float | None:
    """How much more rate the second takes where both have a quality (Bjontegaard, by lines)."""
    (bits, dbs), (others, other_dbs) = (
        zip(*sorted(curve), strict=True) for curve in (first, second)
    )
    low, high = max(min(dbs), min(other_dbs)), min(max(dbs), max(other_dbs))
    if high <= low:
        return None
    at = np.linspace(low, high, 50)
    more = np.interp(at, other_dbs, np.log(others)) - np.interp(at, dbs, np.log(bits))
    return round(100 * (float(np.exp(more.mean())) - 1), 1)


def stills(plain: Clip, with_mark: Clip) -> dict[str, Any]:
    """bit/s of a picture that stays, after the first second."""
    return {
        f"{codec} {name}": round(encoded([clip[0]] * len(clip), codec, 800_000)[1])
        for codec in CODECS
        for name, clip in (("without", plain), ("with", with_mark))
    }


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", nargs="+", default=["mira", "tomas"])
    parser.add_argument("--sizes", nargs="+", default=["512x512", "1280x720"])
    parser.add_argument("--unmarked", type=int, default=200, metavar="CLIPS")
    parser.add_argument("--home", type=Path, default=Config().home_path)
    options = parser.parse_args()
    share, states = Share(), spoken(options.home)
    report: dict[str, Any] = {"survives": [], "pictures": [], "compression": [], "stills": []}
    for name in options.faces:
        for width, height in (map(int, size.split("x")) for size in options.sizes):
            canvas, plain = Canvas(width, height), drawn(name, width, height, states)
            with_mark, took = marked(plain, canvas)
            size = {"face": name, "size": f"{width}x{height}"}
            report["pictures"].append(
                {**size, "ms": round(took, 3), "psnr_db": psnr(plain, with_mark, height)}
            )
            print(report["pictures"][-1], file=sys.stderr, flush=True)
            for row in survival(name, with_mark):
                report["survives"].append({**size, **row})
            for kind in compression(plain, with_mark, height):
                report["compression"].append({**size, **kind})
            report["stills"].append({**size, **stills(plain, with_mark)})
        report["survives"] += list(_cut_out(name, states))
    if options.unmarked:
        report["false_alarms"] = false_alarms(options.unmarked, states)
    report["machine"] = share.so_far()
    json.dump(report, sys.stdout, indent=2)
    return 0


def _cut_out(name: str, states: list[FaceState]) -> Iterator[dict[str, Any]]:
    """A person without a background, as a page shows it: before a colour."""
    canvas = Canvas(512, 512, is_double=True)
    with_mark, took = marked(drawn(name, 512, 512, states, cut=True), canvas)
    for codec in CODECS:
        for rate in RATES:
            seen, _ = encoded(with_mark, codec, rate)
            before = [_before(canvas, one) for one in seen]
            row = {"face": name, "size": "512x512, cut out", "codec": codec, "kbit": rate // 1000}
            yield {**row, "ms": round(took, 3), **result(before)}


def _before(canvas: Canvas, image: I420) -> Luma:
    matte = canvas.matte(image)
    assert matte is not None
    opacity = np.clip((matte.astype(np.float32) - 16) / 219, 0, 1)
    shown = canvas.planes(image)[0] + (1 - opacity) * (200 - 16)
    return np.asarray(shown.clip(0, 255), np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
