"""Whether a voice over a reply is the visitor's, by how loud they are otherwise.

A bystander, and what is left of the avatar's own voice, are far quieter at the microphone.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

import numpy as np

from visavis.engines.base import Pcm

_TURNS: Final = 5  # of which the usual loudness is the median
_LEAST: Final = -50.0  # dBFS over a reply while nothing is known of the visitor
_FRAME: Final = 11.0  # dB under the usual: a single frame of theirs; nine of ten are louder
_WHOLE: Final = 9.5  # dB under the usual: the first frames of a turn together
_JUDGED: Final = 12  # voiced frames, 240 ms, after which a turn is known to be near or far
_ENOUGH: Final = 10  # voiced frames, 200 ms, that tell how loud somebody is
_WARY: Final = 6.0, 250  # dB under the usual, for so many voiced frames, after one that was far
_KEPT: Final = 1500  # frames: as long a turn as is heard
_SILENT: Final = -96.0


class Nearness:
    """One microphone, voiced frame by voiced frame."""

    def __init__(self) -> None:
        self._usual: deque[float] = deque(maxlen=_TURNS)
        self._powers: deque[float] = deque(maxlen=_KEPT)  # of this turn's voiced frames
        self._over_reply = False
        self._wary = 0  # voiced frames for which a bystander is reckoned with

    def feed(self, frame: Pcm, *, over_reply: bool) -> bool:
        """A voiced frame; whether it may be the visitor's."""
        power = _power(frame)
        self._wary = max(self._wary - 1, 0)
        if over_reply and _dbfs(power) < self._limit(_WARY[0] if self._wary else _FRAME):
            return False
        self._powers.append(power)
        return True

    def begin(self, *, over_reply: bool) -> None:
        """A turn has begun; over_reply: while the avatar spoke."""
        self._powers.clear()
        self._over_reply = over_reply

    def learn(self) -> None:
        """The turn was the visitor's: it held words."""
        if len(self._powers) >= _ENOUGH and not self._over_reply:
            self._usual.append(_dbfs(float(np.mean(self._powers))))

    def judge(self) -> bool:
        """Whether a turn that began over a reply is, by its first frames, not the visitor's."""
        if not self._over_reply or len(self._powers) != _JUDGED:
            return False
        far = _dbfs(float(np.mean(self._powers))) < self._limit(_WHOLE)
        self._wary = _WARY[1] if far else 0
        return far

    def _limit(self, below: float) -> float:
        return max(median(self._usual) - below, _LEAST) if self._usual else _LEAST


def _power(frame: Pcm) -> float:
    samples = frame.astype(np.float32)
    return float(np.dot(samples, samples)) / len(frame) / 32768.0**2


def _dbfs(power: float) -> float:
    return 10.0 * float(np.log10(power)) if power > 0 else _SILENT
