"""The timbre of speech changed while it stays what was said: formants moved, bands raised.

A voice's spectrum is its pitch's harmonics under an envelope that the vocal tract makes. Each
frame's envelope is taken by its cepstrum, moved along the frequencies, and put back as a gain, so
pitch, times and consonants stay where they are (Rabiner & Schafer, "Theory and Applications of
Digital Speech Processing", ch. 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Floats

LEAST: Final = 0.82  # a tract that is 1 / 0.82 as long: about a large man's for a woman's
MOST: Final = 1.22
_FFT: Final = 2048  # samples: 43 ms
_HOP: Final = _FFT // 4
_LIFTER: Final = 70  # samples of cepstrum: 1.5 ms, under a pitch period of any speaker
_GAIN: Final = 18.0  # dB that any frequency is raised or lowered by at most
_FLOOR: Final = 1e-5  # of full scale, under which there is nothing to shape
_AT_ONCE: Final = 256  # frames, so that long texts take no more memory
_UNCHANGED: Final = 12_000.0  # Hz from which on nothing is moved: that is noise of consonants


@dataclass(frozen=True, slots=True)
class Timbre:
    """formants: how many times as high they are to be; 1 leaves the sound as it is."""

    formants: float = 1.0

    def lent(self, audio: Floats) -> Floats:
        """(samples,) at PLAY_RATE -> as many, without delay."""
        if abs(self.formants - 1.0) < 0.005 or not len(audio):
            return audio
        padded = np.pad(audio, (_FFT, _FFT + _HOP))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
        out = np.zeros(len(padded), np.float32)
        for first in range(0, len(frames), _AT_ONCE):
            for at, piece in enumerate(self._shaped(frames[first : first + _AT_ONCE]), first):
                out[at * _HOP : at * _HOP + _FFT] += piece
        return out[_FFT : _FFT + len(audio)]

    def _shaped(self, frames: Floats) -> Floats:
        """(n, _FFT) -> the same, ready to be added up."""
        window = _window()
        spectrum = np.fft.rfft(frames * window, axis=1)
        size = np.abs(spectrum)
        envelope = _envelope(size)
        moved = self._moved(envelope)
        gain = np.clip(moved - envelope, -_GAIN, _GAIN)
        gain += _kept(size, gain)
        shaped = np.fft.irfft(spectrum * 10 ** (gain / 20), axis=1)
        return np.asarray(shaped * window * np.float32(_overlap()), np.float32)

    def _moved(self, envelope: Floats) -> Floats:
        """What is heard at f comes from f / formants, and from f itself high up."""
        bins = envelope.shape[1]
        hertz = np.arange(bins) * (PLAY_RATE / _FFT)
        share = np.clip((_UNCHANGED - hertz) / 4_000.0, 0.0, 1.0)
        source = np.clip(hertz * ((1 - share) + share / self.formants), 0, PLAY_RATE / 2)
        at = source / (PLAY_RATE / _FFT)
        low = np.minimum(at.astype(np.int64), bins - 2)
        part = (at - low).astype(np.float32)
        return np.asarray(envelope[:, low] * (1 - part) + envelope[:, low + 1] * part, np.float32)


def _envelope(size: Floats) -> Floats:
    """(n, bins) of magnitudes -> dB, without the harmonics."""
    logs = np.log(np.maximum(size, _FLOOR * _FFT))
    cepstrum = np.fft.irfft(logs, axis=1)[:, : _LIFTER + 1]
    cepstrum[:, 1:] *= 2 * np.hanning(2 * _LIFTER + 1)[_LIFTER + 1 :]
    padded = np.pad(cepstrum, ((0, 0), (0, _FFT - _LIFTER - 1)))
    return np.asarray(np.fft.rfft(padded, axis=1).real * (20 / np.log(10)), np.float32)


def _kept(size: Floats, gain: Floats) -> Floats:
    """(n, 1) dB: what makes each frame as loud as it was."""
    before = np.sum(size**2, axis=1, keepdims=True)
    after = np.sum((size * 10 ** (gain / 20)) ** 2, axis=1, keepdims=True)
    return np.asarray(10 * np.log10((before + 1e-12) / (after + 1e-12)), np.float32)


@cache
def _window() -> Floats:
    return np.asarray(np.hanning(_FFT + 1)[:-1], np.float32)


@cache
def _overlap() -> float:
    """What the squared windows over each other add up to, turned over."""
    return float(_HOP / np.sum(_window() ** 2))
