"""Whether speech was in another language than English, by what whisper tiny.en made of it.

A recogniser of English writes English-like nonsense of other languages, with less certainty; and
its encoder, though it never heard them, tells them apart: a plane through the mean and the spread
of its output over time does, and with the certainty of the words it does well (docs/figures.md).
The plane is models/data/foreign_speech.npz; models/tools/language/train.py made it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import EngineError, Floats

_SHORTEST: Final = 1.0  # s; of less there is too little to tell
_LEAST: Final = -3.0  # mean log probability below which it makes no difference
# Where as likely the one as the other: 2 % of English speech lies beyond it (bench sound).
_EVEN: Final = 1.0
_STEEP: Final = 4.0


class ForeignSpeech:
    """The plane: weights (2 * channels,) and an offset."""

    def __init__(self, path: Path) -> None:
        """Raises EngineError."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                self._weights = stored["weights"].astype(np.float32)
                self._offset = float(stored["offset"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            msg = f"{path.name}: cannot be read"
            raise EngineError(msg) from error

    def probability(self, encoded: Floats, log_probability: float, seconds: float) -> float:
        """In [0, 1]. encoded: (frames, channels) of the encoder, over the speech alone.

        log_probability: mean over the tokens that were written. 0 of what is too short.
        """
        if seconds < _SHORTEST or not len(encoded):
            return 0.0
        beyond = self.distance(encoded) - max(log_probability, _LEAST) - _EVEN
        return float(1 / (1 + np.exp(-_STEEP * beyond)))

    def distance(self, encoded: Floats) -> float:
        """From the plane: how little the sound alone is like English."""
        return float(pooled(encoded) @ self._weights) + self._offset


def pooled(encoded: Floats) -> Floats:
    """(frames, channels) -> (2 * channels,) float32: mean and standard deviation over time."""
    both = np.concatenate([encoded.mean(0), encoded.std(0)])
    return both.astype(np.float32)
