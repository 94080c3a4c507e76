"""Whether a microphone hears what a loudspeaker plays, and how much later.

The generalized cross-correlation with phase transform (Knapp & Carter, 1976) of both, added up over
time: the peak of an echo stays where it is, those of two talkers and of noise do not.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from visavis.engines.base import HEAR_RATE, VAD_FRAME, Pcm

_RATE: Final = HEAR_RATE // 2  # speech and its echo have enough in common below 4 kHz
_LAGS: Final = _RATE // 2  # an echo comes within 500 ms: a browser's buffers, Bluetooth, a room
_WINDOW: Final = 2048  # samples at _RATE: 256 ms
_HOP: Final = 1024
_FFT: Final = 8192  # _WINDOW + _LAGS at least
_KEPT: Final = 0.85  # of the sum, from one window to the next
_BAND: Final = slice(150 * _FFT // _RATE, 3600 * _FFT // _RATE)
_AUDIBLE: Final = 50.0  # RMS of what is played, -56 dBFS: less makes no echo to speak of
# RMS of a microphone that hears nothing, -65 dBFS: three frames of speech in a window, each as loud
# as speech must be at least (level.LEAST), make it louder.
_DEAF: Final = 18.0

# Peaks in standard deviations of the sum. Without an echo, under two talkers, at most 7.0 was seen;
# echoes of -33 to -6 dB in a room reach 7.5 after 0.3 to 0.8 s, those under a talker of their own
# level after a second (bench/hearing.py).
_PROOF: Final = 7.5
_NONE: Final = 5.5
_SAME: Final = 3 * _RATE // 1000  # a peak that moves by more is another one
_STEADY: Final = 2  # windows in a row that do not move it
_CAREFUL, _DOUBTFUL = 6, 12  # windows after which an echo would have shown: without any sign of one
_LEANING: Final = 2  # windows without a sign, after which an echo is not likely any more
_GONE: Final = 24  # windows without one: 3 s

Verdict = Literal["unknown", "echo", "none"]


class EchoPath:
    """One microphone and what is played beside it. `verdict` is unknown for the first second."""

    def __init__(self) -> None:
        self.verdict: Verdict = "unknown"
        self._near, self._far = _Held(_WINDOW), _Held(_WINDOW + _LAGS)
        self._sum = np.zeros(_LAGS, np.float32)
        self._peak = 0  # samples at _RATE by which the echo is late
        self._fresh = 0  # samples since the last window
        self._windows, self._steady, self._without = 0, 0, 0

    @property
    def delay(self) -> float:
        """How much later than played it is heard, s; of an echo."""
        return self._peak / _RATE

    @property
    def unlikely(self) -> bool:
        """Whether there is no echo, or nothing so far looks like one."""
        leaning = self.verdict == "unknown" and self._without >= _LEANING
        return leaning or self.verdict == "none"

    @property
    def surely_none(self) -> bool:
        """Whether nothing lately looks like an echo."""
        return self.verdict == "none" and self._without >= _LEANING

    def push(self, mic: Pcm, far: Pcm) -> Verdict:
        """(VAD_FRAME,) at HEAR_RATE each, of the same time. What is known now."""
        self._near.push(mic)
        self._far.push(far)
        self._fresh += VAD_FRAME // 2
        if self._fresh >= _HOP:
            self._fresh = 0
            played = self._far.samples()
            # A window that is mostly silent has few lags in it, and high peaks.
            half = len(played) // 2
            if min(_rms(played[:half]), _rms(played[half:])) >= _AUDIBLE:
                self._judge(self._near.samples(), played)
        return self.verdict

    def _judge(self, near: npt.NDArray[np.float32], far: npt.NDArray[np.float32]) -> None:
        if _rms(near) < _DEAF:
            self._sum *= _KEPT
            self._note(self._peak, 0.0)
            return
        found = _correlation(near, far)
        deviation = _rms(found)
        if deviation <= 0.0:  # digital silence
            found, deviation = np.zeros_like(found), 1.0
        self._sum = _KEPT * self._sum + found / deviation
        height = np.abs(self._sum)
        peak = int(height.argmax())
        spread = _rms(height)
        strength = float(height[peak]) / spread if spread else 0.0
        self._note(peak, strength)

    def _note(self, peak: int, strength: float) -> None:
        self._steady = self._steady + 1 if abs(peak - self._peak) <= _SAME else 0
        self._peak, self._windows = peak, self._windows + 1
        self._without = self._without + 1 if strength < _NONE else 0
        self._decide(strength)

    def _decide(self, strength: float) -> None:
        doubt = _DOUBTFUL if strength >= _NONE else _CAREFUL
        if strength >= _PROOF and self._steady >= _STEADY:
            self.verdict = "echo"
        elif (self.verdict == "unknown" and self._windows >= doubt) or (
            self.verdict == "echo" and self._without >= _GONE
        ):
            self.verdict = "none"


class _Held:
    """The last samples of a stream, at _RATE: put together only when they are looked at."""

    def __init__(self, count: int) -> None:
        self._count = count
        frames = -(-2 * count // VAD_FRAME)
        self._frames = deque([np.zeros(VAD_FRAME, np.int16)] * frames, maxlen=frames)

    def push(self, frame: Pcm) -> None:
        self._frames.append(frame)

    def samples(self) -> npt.NDArray[np.float32]:
        last = np.concatenate(self._frames)[-2 * self._count :].astype(np.float32)
        return np.asarray((last[::2] + last[1::2]) / 2, np.float32)


def _rms(samples: npt.NDArray[np.float32]) -> float:
    return float(np.sqrt(np.dot(samples, samples) / len(samples)))


def _correlation(
    near: npt.NDArray[np.float32], far: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(_LAGS,): how alike both are if `near` is late by so many samples."""
    product = np.fft.rfft(near, _FFT) * np.conj(np.fft.rfft(far, _FFT))
    weight = np.abs(product)
    weight += 1e-3 * weight.max() + 1e-9
    whitened = np.zeros_like(product)
    whitened[_BAND] = product[_BAND] / weight[_BAND]
    found = np.fft.irfft(whitened, _FFT)
    return found[-_LAGS:].astype(np.float32)
