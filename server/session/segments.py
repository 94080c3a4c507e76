"""Where a long turn is cut into segments, and a long pause made short. No clock, no engine."""

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
_STILL: Final = 300.0  # times less power than the voice, 25 dB: a soft word is louder


def quietest(frames: Sequence[Pcm]) -> int:
    """The frame in the middle of the quietest 0.3 s: most likely a pause between two phrases.

    Of several about as quiet it is the last, so that less is left to wait for. frames: LONGEST or
    more. It is at least 6 s from the first and half a pause from the last.
    """
    power = np.array([np.square(frame, dtype=np.float32).mean() for frame in frames])
    smooth = np.convolve(power, np.ones(_PAUSE) / _PAUSE, mode="valid")  # of frames n to n + _PAUSE
    quiet = np.flatnonzero(smooth[_FIRST:] <= _ABOUT * smooth[_FIRST:].min())
    return _FIRST + int(quiet[-1]) + _PAUSE // 2


def tightened(frames: Sequence[Pcm], voiced: Sequence[bool]) -> list[Pcm]:
    """The same frames with no pause in them longer than 0.3 s.

    voiced: for each, whether it was taken for voice. Only what is 25 dB below the voice is left
    out, from the middle of a pause. whisper reads a sentence with a long pause as two, and mishears
    or drops the second: with pauses of 1.2 s 17 of 204 words were wrong, with 0.3 s 9.
    """
    if all(voiced) or not any(voiced):
        return list(frames)
    voice = np.array(voiced)
    power = np.array([np.square(frame, dtype=np.float32).mean() for frame in frames])
    still = ~voice & (power * _STILL < power[voice].mean())
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    kept = np.ones(len(frames), bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        kept[begin + _PAUSE // 2 : max(end - (_PAUSE - _PAUSE // 2), begin + _PAUSE // 2)] = False
    return [frame for frame, is_kept in zip(frames, kept, strict=True) if is_kept]
