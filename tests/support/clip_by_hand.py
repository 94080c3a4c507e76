"""A clip made by hand: the portrait of an avatar, carried to and fro across the picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np

from visavis.models.avatar.clip import FEWEST, Clip
from visavis.models.avatar.file import Avatar
from visavis.models.avatar.rig import Floats, Grid
from visavis.models.clip import coding
from visavis.models.clip.reading import Rgb

COUNT = FEWEST  # pictures


def shift(number: int) -> int:
    """px to the right, in picture `number`: 0 in the first, whole and even."""
    return 2 * round(4 * math.sin(2 * math.pi * number / COUNT))


def with_clip(avatar: Avatar, hold: Floats | None = None) -> Avatar:
    """The avatar, and a clip of it."""
    side = avatar.side
    portrait = cv2.resize(avatar.picture(), (side, side), interpolation=cv2.INTER_AREA)
    pictures = [np.roll(portrait, shift(n), 1) for n in range(COUNT)]
    packets = coding.coded((coding.i420(np.asarray(p, np.uint8)) for p in pictures), side)
    cameras = np.zeros((COUNT, 2, 4), np.float32)
    cameras[:, 0, 0] = cameras[:, 1, 1] = 1
    cameras[:, 0, 3] = [shift(n) for n in range(COUNT)]
    made = Clip(
        side=side,
        stream=b"".join(packets),
        packets=np.array([len(packet) for packet in packets], np.int32),
        cameras=cameras,
        bends=np.zeros((COUNT, 3, 3, 2), np.float32),
        corner=(0.0, 0.0),
        pitch=side / 2,
        hold=middle(avatar.base) if hold is None else hold,
    )
    return replace(avatar, clip=made)


def middle(base: Grid) -> Floats:
    """1 in the middle of a grid, 0 at its rim."""
    h, w = base.share.shape
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    return np.asarray(np.clip(3 - 4 * np.maximum(abs(x), abs(y)), 0, 1), np.float32)


def film(
    pictures: Sequence[Rgb], rate: float = 4, codec: str = "libx264", form: str = "mp4"
) -> bytes:
    """A file of RGB pictures of one size."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=Fraction(rate))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "crf": "30"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()
