"""Films and sounds with marks in them, for those who look for marks."""

from __future__ import annotations

import io
import struct
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, Final

import av
import numpy as np
from PIL import Image

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.engines.marking.embedding import Mark
from visavis.engines.marking.payload import Payload, SessionClass
from visavis.engines.marking.sound import REACH, SoundMark
from visavis.models.pictures.canvas import Canvas

_DATA: Final = Path(__file__).parents[1] / "data"
OURS: Final = Payload.of(0x3F2A1C, date(2026, 11, 29), SessionClass.LIVE)
SIDE: Final = 384  # px


@cache
def speech(seconds: float = 20.0) -> Pcm:
    """Several voices, (n,) int16 at PLAY_RATE."""
    resampler = av.AudioResampler("s16", "mono", PLAY_RATE)
    parts = []
    for path in sorted((_DATA / "languages").glob("*.ogg")):
        with av.open(str(path)) as file:
            frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
        parts += [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate(parts)[: round(seconds * PLAY_RATE)].astype(np.int16)


def marked(sound: Pcm, at: int = 0, payload: Payload = OURS) -> Pcm:
    """The same with a mark, as if it played at sample `at`."""
    return SoundMark(payload).finish(np.concatenate([np.zeros(REACH, np.int16), sound]), at)


@cache
def film(seconds: int = 8, *, mark: bool = True, pictures: int | None = None) -> bytes:
    """An MP4 with H.264 and AAC; pictures: so many of them, None: 25 a second."""
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as file:
        shown = file.add_stream("libx264", rate=25)
        shown.width = shown.height = SIDE
        shown.pix_fmt, shown.options = "yuv420p", {"preset": "ultrafast", "crf": "23"}
        heard = file.add_stream("aac", rate=PLAY_RATE, layout="mono")
        sound = marked(speech(seconds)) if mark else speech(seconds)
        for at in range(0, len(sound) - 1919, 1920):
            if pictures is None or at < pictures * 1920:
                frame = av.VideoFrame.from_ndarray(_picture(mark=mark), format="yuv420p")
                frame.pts = at // 1920
                file.mux(shown.encode(frame))
            piece = sound[None, at : at + 1920].astype(np.float32) / 32_768
            samples = av.AudioFrame.from_ndarray(piece, "fltp", "mono")
            samples.sample_rate, samples.pts = PLAY_RATE, at
            file.mux(heard.encode(samples))
        for stream in (shown, heard):
            file.mux(stream.encode(None))
    return written.getvalue()


@cache
def _picture(*, mark: bool) -> np.ndarray:
    with Image.open(_DATA / "persona.webp") as image:
        small = np.asarray(image.convert("RGB").resize((SIDE, SIDE)))
    frame = av.VideoFrame.from_ndarray(small, format="rgb24")
    plain = np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)
    if mark:
        Mark(OURS, Canvas(SIDE, SIDE, False)).finish(plain, 0)
    return plain


def long_wave(file: IO[bytes], hours: float, begins: float, sound: Pcm) -> None:
    """A WAV at 16 kHz of silence, which takes no room on a disk, and `sound` from `begins` s on."""
    size = round(hours * 3600) * 32_000
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2,
        16, b"data", size,
    )  # fmt: skip
    file.write(head)
    file.truncate(len(head) + size)
    file.seek(len(head) + round(begins * 16_000) * 2)
    file.write(sound.astype("<i2").tobytes())
    file.seek(0)
