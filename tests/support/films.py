"""Short films as the recorder writes them, and a photo with Content Credentials of its own."""

from __future__ import annotations

import datetime
import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from visavis.models.pictures.canvas import Canvas
from visavis.server.provenance import certificates, sdk
from visavis.server.provenance.certificates import Pair
from visavis.server.recording.recorder import FINE, LIVE, WEBM, Quality
from visavis.server.studio.layers import exports

NOW = datetime.datetime.now(datetime.UTC)


def film(path: Path, quality: Quality = LIVE, seconds: int = 2) -> Path:
    """Noise that moves, with a sound."""
    is_webm = path.suffix == WEBM
    options, encoder = quality.webm if is_webm else (quality.container, quality.encoder)
    base = np.random.default_rng(0).integers(0, 255, (96, 64), np.uint8)
    with av.open(str(path), "w", options=options) as file:
        video = file.add_stream("libvpx" if is_webm else "libx264", rate=25, options=encoder)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        for at in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.roll(base, at, 1), format="yuv420p")
            frame.pts, frame.time_base = at, Fraction(1, 25)
            file.mux(video.encode(frame))
        file.mux(video.encode())
    return path


def fine(path: Path) -> Path:
    """As `visavis say` writes them: with its index in front."""
    return film(path, FINE)


def pair(days: int = 0) -> tuple[Pair, bytes]:
    """A signer, and who vouches for it, made so many days from now."""
    when = NOW + datetime.timedelta(days=days)
    authority = certificates.made_authority("elsewhere", when)
    return certificates.made_pair("elsewhere", authority, when), authority.certificate


def photo(kind: str, side: int = 96) -> bytes:
    """A picture without credentials. kind: JPEG, PNG, WEBP."""
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def credentialed(kind: str, filling: int = 0) -> bytes:
    """The same with credentials of a camera. filling: bytes that make them larger."""
    taken: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    said = {
        "claim_generator_info": [{"name": "camera", "version": "1"}],
        "title": "portrait",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [taken]}},
            {"label": "camera.lens", "data": {"filling": "x" * filling}},
        ],
    }
    made = io.BytesIO()
    sdk.embedded(io.BytesIO(photo(kind)), made, f".{kind.lower()}", said, pair()[0])
    return made.getvalue()


def moving(
    path: Path, *, size: tuple[int, int] = (160, 90), pictures: int = 50, dark_above: bool = False
) -> Path:
    """Grey that becomes lighter; dark_above: its upper half is darker by 60."""
    width, height = size
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "12"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for at in range(pictures):
            image = np.full((height * 3 // 2, width), 128, np.uint8)
            image[:height] = 90 + at * 100 // pictures
            if dark_above:
                image[: height // 2] -= 60
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = at, Fraction(1, 25)
            file.mux(video.encode(frame))
        file.mux(video.encode())
    return path


def transparent(path: Path, images: list[Any], canvas: Canvas) -> Path:
    """Double pictures as a WebM file, 25 a second."""
    with av.open(str(path), "w") as file:
        video = file.add_stream("libvpx-vp9", rate=25, options=exports.VP9)
        video.width, video.height, video.pix_fmt = canvas.width, canvas.height, "yuva420p"
        for at, image in enumerate(images):
            frame = exports.transparent(image, canvas)
            frame.pts, frame.time_base = at, Fraction(1, 25)
            file.mux(video.encode(frame))
        file.mux(video.encode())
    return path
