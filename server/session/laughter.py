"""Whether what is heard is laughter, by its rhythm alone: no words need be looked for in it.

"Ha ha ha" comes in 4.5 to 5.5 syllables a second, all alike, each after a breath (Bachorowski et
al. 2001); syllables of speech come about as fast, and no two in a row are alike. So its loudness
goes up and down by itself, which the autocorrelation shows.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from visavis.engines.base import Pcm
from visavis.engines.ears.level import SILENT, dbfs, power
from visavis.server.session.endpointing import FRAME_MS

_KEPT: Final = 1200 // FRAME_MS
_LEAST: Final = 600 // FRAME_MS  # three syllables
_LAGS: Final = range(160 // FRAME_MS, 280 // FRAME_MS + 1)  # from one syllable to the next
_RANGE: Final = 25.0  # dB under the loudest frame: what is below that is a gap
_DEPTH: Final = 5.0  # dB: standard deviation of the loudness
# Correlation with itself. Twelve synthetic laughs reach 0.91 to 1.0, of 53 clips of speech the
# most rhythmic one 0.73.
_ALIKE: Final = 0.85


class Laughter:
    """The sound of one turn, frame by frame."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_KEPT)

    def begin(self) -> None:
        """A turn has begun."""
        self._levels.clear()

    def feed(self, frame: Pcm) -> None:
        """(VAD_FRAME,) of it."""
        self._levels.append(dbfs(power(frame)))

    def heard(self) -> bool:
        """Whether the last second was laughter."""
        if len(self._levels) < _LEAST:
            return False
        levels = np.maximum(self._levels, max(max(self._levels) - _RANGE, SILENT))
        levels -= levels.mean()
        if levels.std() < _DEPTH:
            return False
        return max(_alike(levels[lag:], levels[:-lag]) for lag in _LAGS) >= _ALIKE


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    scale = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / scale if scale > 0 else 0.0
