"""How high somebody speaks, and over what range: by how alike each stretch is to itself, moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import PLAY_RATE, Floats, Pcm

_RATE: Final = 8_000
_FRAME: Final = 400  # samples: 50 ms, three periods of the lowest voice
_HOP: Final = 80
_FFT: Final = 1024
_LAGS: Final = slice(_RATE // 400, _RATE // 60 + 1)
_PERIODIC: Final = 0.55  # likeness of one period to the next, of 1
_NEARLY: Final = 0.9  # of the best likeness: the first peak that is so high is the period
_LOUD: Final = 25.0  # dB under the loudest from which on nothing is measured
_ENOUGH: Final = 50  # frames with a pitch: half a second


@dataclass(frozen=True, slots=True)
class Pitch:
    """hertz: the middle one. range: semitones between the lowest and the highest tenth."""

    hertz: float
    range: float


def pitch(pcm: Pcm) -> Pitch | None:
    """Of speech at PLAY_RATE; None: too little of it has a pitch."""
    audio = soxr.resample(pcm.astype(np.float32) / np.float32(32_768), PLAY_RATE, _RATE)
    found = contour(np.asarray(audio, np.float32))
    found = found[found > 0]
    if len(found) < _ENOUGH:
        return None
    low, middle, high = np.percentile(found, (10, 50, 90))
    return Pitch(float(middle), float(12 * np.log2(high / low)))


def contour(audio: Floats) -> npt.NDArray[np.float64]:
    """(samples,) at 8 kHz -> Hz of every 10 ms, 0 where there is no pitch."""
    if len(audio) < _FRAME:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(audio, _FRAME)[::_HOP].astype(np.float64)
    window = np.hanning(_FRAME + 1)[:-1]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    power = np.einsum("ij,ij->i", frames, frames)
    spectrum = np.abs(np.fft.rfft(frames, _FFT, axis=1)) ** 2
    alike = np.fft.irfft(spectrum, axis=1)[:, : _LAGS.stop]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _FFT)) ** 2)[: _LAGS.stop]
    alike = alike / (alike[:, :1] + 1e-12) / (own / own[0])
    loud = 10 * np.log10(power + 1e-12) > 10 * np.log10(power.max() + 1e-12) - _LOUD
    return np.array([_hertz(row) if ok else 0.0 for row, ok in zip(alike, loud, strict=True)])


def _hertz(alike: npt.NDArray[np.float64]) -> float:
    """The first peak that is nearly the best: a multiple of the period is alike, too."""
    part = alike[_LAGS]
    best = float(part.max())
    if best < _PERIODIC:
        return 0.0
    inner = (part[1:-1] >= part[:-2]) & (part[1:-1] >= part[2:]) & (part[1:-1] > _NEARLY * best)
    peaks = np.flatnonzero(inner)
    if not peaks.size:
        return 0.0
    at = int(peaks[0]) + 1
    before, here, after = part[at - 1 : at + 2]
    shift = 0.5 * (before - after) / (before - 2 * here + after + 1e-12)
    return float(_RATE / (_LAGS.start + at + shift))
