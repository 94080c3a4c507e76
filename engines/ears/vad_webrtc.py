"""Voice activity: WebRTC's detector, and a noise floor that the voice must rise above."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import webrtcvad  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, VAD_FRAME, EngineError, Pcm
from visavis.engines.ears.level import LEAST, SILENT, dbfs, power

_WINDOW: Final = 50  # blocks: the floor is the quietest of the last 10 s
_BLOCK: Final = 10  # frames: the median of 0.2 s, so that one lucky frame does not set the floor
_RISE: Final = 4.0  # dB over the floor; 6 loses a tenth more of speech in loud noise


class WebrtcVad:
    """One microphone. `aggressiveness` in 0..3; `rise` in dB is what a voice must stand out by.

    The detector alone takes a loud hum for speech all the time; the floor is the level that the
    microphone has not gone under for 10 s, so a fan that starts is speech for that long at most.
    Distant chatter of -50 dBFS, a speaker of -20: the detector at 2 takes 79 % of its frames for
    speech, this 4 to 19 % by the chatter, and 99 % of the speaker's own (`bench/sound/speech.py`).
    """

    def __init__(self, aggressiveness: int = 3, rise: float = _RISE) -> None:
        try:
            self._detector = webrtcvad.Vad(aggressiveness)
        except ValueError as error:
            msg = f"webrtcvad: aggressiveness {aggressiveness} is not in 0..3"
            raise EngineError(msg) from error
        self._rise = rise
        self._recent: list[float] = []
        self._floors: deque[float] = deque(maxlen=_WINDOW)

    def is_speech(self, frame: Pcm) -> bool:
        """(VAD_FRAME,) int16 at HEAR_RATE. Raises EngineError for any other length."""
        if len(frame) != VAD_FRAME:
            msg = f"webrtcvad: a frame of {len(frame)} samples, not {VAD_FRAME}"
            raise EngineError(msg)
        level = dbfs(power(frame))
        self._learn(level)
        voiced = bool(self._detector.is_speech(frame.tobytes(), HEAR_RATE))
        return voiced and level > max(self._floor() + self._rise, LEAST)

    def _learn(self, level: float) -> None:
        self._recent.append(level)
        if len(self._recent) == _BLOCK:
            self._floors.append(float(np.median(self._recent)))
            self._recent.clear()

    def _floor(self) -> float:
        return min(self._floors, default=SILENT)
