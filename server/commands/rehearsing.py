"""The self-test's own encoder: what one session sends, as `rtc` encodes it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av

from visavis.engines.base import I420, PLAY_RATE
from visavis.server.playout.messages import FRAME
from visavis.server.rtc.encoders import H264, Video

_BASE: Final = Fraction(1, PLAY_RATE)


def encoder() -> Callable[[I420, int], object]:
    """One session's encoder of pictures, by their numbers."""
    video = Video(H264())

    def encode(image: I420, number: int) -> object:
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = number * FRAME, _BASE
        return video.encode(frame)

    return encode
