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

    def __init__(self, suppress_noise: bool = False, rate: int = HEAR_RATE) -> None:
        """rate: Hz of what is processed, for those who do not only listen: 16, 32 or 48 kHz."""
        self._block = ECHO_FRAME * rate // HEAR_RATE
        self._processor = AudioProcessor(
            sample_rate=rate,
            echo_cancellation=True,
            noise_suppression=suppress_noise,
            ns_level=_NOISE_LEVEL,
        )

    def process(self, mic: Pcm, far: Pcm) -> Pcm:
        """Same multiple of 10 ms in both; returns as many samples. Raises EngineError."""
        if len(mic) != len(far) or len(mic) % self._block:
            msg = f"echo canceller: {len(mic)} and {len(far)} samples are no equal blocks of 10 ms"
            raise EngineError(msg)
        clean = np.empty_like(mic)
        for start in range(0, len(mic), self._block):
            block = slice(start, start + self._block)
            clean[block] = self._processor.process(mic[block], far[block])
        return clean
