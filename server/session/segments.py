"""Where a long turn is cut into segments. No clock, no engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.server.session.endpointing import FRAME_MS

LONGEST: Final = 20_000 // FRAME_MS  # frames: whisper hears 30 s, and a draft waits for all of it
_FIRST: Final = 6_000 // FRAME_MS  # a segment is no shorter: words out of context are guessed at
_PAUSE: Final = 300 // FRAME_MS
_ABOUT: Final = 2.0  # of power: 3 dB


def quietest(frames: Sequence[Pcm]) -> int:
    """The frame in the middle of the quietest 0.3 s: most likely a pause between two phrases.

    Of several about as quiet it is the last, so that less is left to wait for. frames: LONGEST or
    more. It is at least 6 s from the first and half a pause from the last.
    """
    power = np.array([np.square(frame, dtype=np.float32).mean() for frame in frames])
    smooth = np.convolve(power, np.ones(_PAUSE) / _PAUSE, mode="valid")  # of frames n to n + _PAUSE
    quiet = np.flatnonzero(smooth[_FIRST:] <= _ABOUT * smooth[_FIRST:].min())
    return _FIRST + int(quiet[-1]) + _PAUSE // 2
