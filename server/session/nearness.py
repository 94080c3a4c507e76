"""Whether a voice over a reply is the visitor's, by how loud they are otherwise.

A bystander, and what is left of the avatar's own voice, are far quieter at the microphone. Of 40
interruptions by nine voices all have a frame of their usual loudness less 6 dB in the first 0.3 s,
95 % in the first 0.21 s; of the same voices 15 dB further down 3 % have.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.engines.ears.level import LEAST, SILENT, dbfs, power

_TURNS: Final = 5  # of which the usual loudness is the median
# dBFS; what browsers make of a voice (gain control). Who is much softer has to speak once while the
# avatar is silent before they can interrupt it by voice.
_UNKNOWN: Final = -27.0
_PEAK: Final = 6.0  # dB under the usual: one of the first frames is as loud as that
_WARY: Final = 3.0, 250  # the same for so many voiced frames after somebody who was far
_FRAME: Final = 22.0  # dB under the usual: every voiced frame that counts
_FIRST: Final = 6  # frames in which a voice begins
_RECENT: Final = 16  # frames
_LASTING: Final = 8  # voiced ones among them, after which they need not be as loud
_WHOLE: Final = 9.5  # dB under the usual: the first frames of a turn together
_JUDGED: Final = 12, 25, 40  # voiced frames after which a turn may be known to be far
_ENOUGH: Final = 10  # voiced frames, 200 ms, that tell how loud somebody is
_KEPT: Final = 1500  # frames: as long a turn as is heard


class Nearness:
    """One microphone, frame by frame."""

    def __init__(self) -> None:
        self._usual: deque[float] = deque(maxlen=_TURNS)
        self._recent: deque[float] = deque([SILENT] * _RECENT, maxlen=_RECENT)
        self._turn: deque[float] = deque(maxlen=_KEPT)  # powers of a turn's voiced frames
        self._over_reply = False
        self._wary = 0  # voiced frames for which somebody else is reckoned with

    def feed(self, frame: Pcm, *, voice: bool, over_reply: bool) -> bool:
        """(VAD_FRAME,), and whether it is voiced; whether it may be the visitor's voice."""
        loudness = power(frame)
        level = dbfs(loudness)
        if over_reply:
            voice = voice and level >= self._least
        self._recent.append(level if voice and over_reply else SILENT)
        if voice:
            self._turn.append(loudness)
            self._wary = max(self._wary - 1, 0)
        return voice

    def as_loud(self, frame: Pcm) -> bool:
        """Whether a frame is about as loud as the visitor is."""
        return dbfs(power(frame)) >= self._loudness - _WHOLE

    @property
    def near(self) -> bool:
        """Whether what begins over a reply is as loud as the visitor."""
        recent = list(self._recent)
        if max(recent[-_FIRST:]) >= self._peak:
            return True
        voiced = [level for level in recent if level > SILENT]
        soft = len(voiced) >= _LASTING and not self._wary
        return soft and float(np.mean(voiced)) >= self._loudness - _WHOLE

    def begin(self, *, over_reply: bool) -> None:
        """A turn has begun; over_reply: while the avatar spoke."""
        self._turn.clear()
        self._over_reply = over_reply

    def learn(self) -> None:
        """The turn was the visitor's: it held words."""
        if len(self._turn) >= _ENOUGH and not self._over_reply:
            self._usual.append(dbfs(float(np.mean(self._turn))))

    def far(self) -> bool:
        """Whether a turn that began over a reply is, by its first frames, not the visitor's.

        To be asked after each voiced frame of it.
        """
        if not self._over_reply or len(self._turn) not in _JUDGED:
            return False
        is_far = dbfs(float(np.mean(self._turn))) < self._loudness - _WHOLE
        self._wary = _WARY[1] if is_far else 0
        return is_far

    @property
    def _loudness(self) -> float:
        return median(self._usual) if self._usual else _UNKNOWN

    @property
    def _least(self) -> float:
        return max(self._loudness - _FRAME, LEAST)

    @property
    def _peak(self) -> float:
        return self._loudness - (_WARY[0] if self._wary else _PEAK)
