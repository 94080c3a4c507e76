"""How loud a frame is. One scale for all who listen."""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.engines.base import Pcm

SILENT: Final = -96.0  # dBFS, below the last bit
LEAST: Final = -58.0  # dBFS; under it nobody speaks to the machine


def power(frame: Pcm) -> float:
    """Mean square of int16 samples, 1 at full scale."""
    samples = frame.astype(np.float32)
    return float(np.dot(samples, samples)) / len(frame) / 32768.0**2


def dbfs(mean_square: float) -> float:
    """dB under full scale, at least SILENT for none at all."""
    return 10.0 * float(np.log10(mean_square)) if mean_square > 0 else SILENT
