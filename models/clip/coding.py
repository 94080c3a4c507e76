"""A loop's pictures as one H.264 stream, a packet each, that can be entered at every key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import av
import cv2
import numpy as np

from visavis.models.avatar.clip import FPS, KEY_EVERY, LONGEST
from visavis.models.clip.reading import Rgb
from visavis.models.errors import PortraitError

QUALITIES: Final = (19, 23, 27, 31)  # x264's rate factors, from the best on until it fits


def i420(picture: Rgb) -> Rgb:
    """(h * 3 // 2, w), BT.601 in limited range as everything here is drawn."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)


def coded(pictures: Iterable[Rgb], side: int) -> list[bytes]:
    """A packet for each square I420 picture. Raises PortraitError where they cannot be kept."""
    kept = list(pictures)
    for quality in QUALITIES:
        packets = list(_packets(kept, side, quality))
        if len(packets) != len(kept):
            raise PortraitError("clip-broken", "The clip cannot be coded on this machine.")
        if sum(len(packet) for packet in packets) <= LONGEST:
            return packets
    message = "The clip is too restless to be kept: use one with a calm background."
    raise PortraitError("clip-too-large", message)


def _packets(pictures: list[Rgb], side: int, quality: int) -> Iterator[bytes]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width = encoder.height = side
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(FPS)
    encoder.thread_count = 1
    encoder.options = {
        "preset": "medium", "crf": str(quality),
        "x264-params": f"keyint={KEY_EVERY}:min-keyint={KEY_EVERY}:scenecut=0:bframes=0:"
        "ref=2:sync-lookahead=0:rc-lookahead=0:annexb=1:repeat-headers=1",
    }  # fmt: skip
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        for packet in encoder.encode(frame):
            yield bytes(packet)
    for packet in encoder.encode(None):
        yield bytes(packet)
