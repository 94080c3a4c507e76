"""Whether a speaker has finished, by the sound alone: smart-turn v3.2 on onnxruntime.

The network is whisper's smallest encoder, trained on people and voices that finish, hesitate or
are cut off (Daily, BSD-2). It hears how the last words are said, which their text does not tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

from visavis.engines import networks
from visavis.engines.base import HEAR_RATE, EngineError, Floats, Pcm

_SECONDS: Final = 8
_HOP: Final = 160  # samples in a feature frame
_FRAMES: Final = _SECONDS * HEAR_RATE // _HOP
_MARGIN: Final = 3  # feature frames that the start of the sound reaches into
_RANGE: Final = 8.0  # decades of power that whisper's features show


class SmartTurn:
    """Implements `TurnEnd`: 30 ms for a question of 2 s, on one thread."""

    def __init__(self, model: Path) -> None:
        """Raises EngineError."""
        try:
            self._network: Any = onnxruntime.InferenceSession(
                str(model), networks.options(1), providers=["CPUExecutionProvider"]
            )
            self._features = FeatureExtractor(chunk_length=_SECONDS)
        except Exception as error:
            raise EngineError(f"{model.name}: cannot load the end-of-turn network") from error

    def finished(self, pcm: Pcm) -> float:
        """The last 8 s of a turn at HEAR_RATE, its pause at the end -> [0, 1]. Raises EngineError.

        Trained with pauses of about 200 ms; it is as sure from 60 ms on (`docs/figures.md`).
        """
        try:
            heard = self.heard(pcm)
            return float(self._network.run(None, {"input_features": heard[None]})[0].item())
        except Exception as error:
            raise EngineError("smart-turn failed") from error

    def heard(self, pcm: Pcm) -> Floats:
        """(80, 800) float32: log mel power as whisper takes it, silence before what is shorter.

        Of that silence nothing is computed: its features are the least that there are.
        """
        sound = pcm[-_SECONDS * HEAR_RATE :].astype(np.float32) / 32768
        # Mean and variance of all 8 s, the silence included.
        total = _SECONDS * HEAR_RATE
        mean = float(sound.sum()) / total
        power = float(np.dot(sound, sound)) / total - mean**2
        frames = min(_FRAMES, -(-len(sound) // _HOP) + _MARGIN)
        padded = np.pad(sound, (frames * _HOP - len(sound), 0))
        scaled = ((padded - mean) / np.sqrt(max(power, 0.0) + 1e-7)).astype(np.float32)
        features = self._features(scaled, padding=0)[:, :frames]
        least = features.max() - _RANGE / 4.0  # they are scaled to a quarter
        filled = np.full((features.shape[0], _FRAMES), least, np.float32)
        filled[:, _FRAMES - frames :] = np.maximum(features, least)
        return filled
