"""Echo cancellation: WebRTC's AEC3."""

from __future__ import annotations

from typing import Final

import numpy as np
from pywebrtc_audio import AudioProcessor

from visavis.engines.base import ECHO_FRAME, HEAR_RATE, EngineError, Pcm

_NOISE_LEVEL: Final = 1  # 12 dB


class WebrtcEcho:
    """One session. Finds the delay between far and mic by itself; tried from 20 to 350 ms.

    Noise suppression is off by default: whisper understood a visitor who talks over the avatar
    a little better without it, and the voice detector has a noise floor of its own.
    """

    def __init__(self, suppress_noise: bool = False) -> None:
        self._processor = AudioProcessor(
            sample_rate=HEAR_RATE,
            echo_cancellation=True,
            noise_suppression=suppress_noise,
            ns_level=_NOISE_LEVEL,
        )

    def process(self, mic: Pcm, far: Pcm) -> Pcm:
        """Same multiple of ECHO_FRAME at HEAR_RATE in both; returns as many. Raises EngineError."""
        if len(mic) != len(far) or len(mic) % ECHO_FRAME:
            msg = f"echo canceller: {len(mic)} and {len(far)} samples are no equal blocks of 10 ms"
            raise EngineError(msg)
        clean = np.empty_like(mic)
        for start in range(0, len(mic), ECHO_FRAME):
            block = slice(start, start + ECHO_FRAME)
            clean[block] = self._processor.process(mic[block], far[block])
        return clean
