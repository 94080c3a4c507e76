"""What a microphone may bring: voices that are not as usual, noise, music. 16 kHz, [-1, 1]."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import HEAR_RATE

Wave = np.ndarray[Any, np.dtype[Any]]  # of any kind of number

_FRAME: Final = 400
_ORDER: Final = 18  # of linear prediction


def at_level(sound: Wave, dbfs: float) -> Wave:
    """Of that RMS, clipped where it goes beyond 1."""
    rms = max(float(np.sqrt(np.mean(np.square(sound)))), 1e-9)
    return np.clip(sound * (10 ** (dbfs / 20) / rms), -1.0, 1.0).astype(np.float32)


def whispered(voice: Wave) -> Wave:
    """The same vocal tract with noise in place of the voice: linear prediction, 25 ms frames."""
    rng, window = np.random.default_rng(0), np.hanning(_FRAME)
    out = np.zeros(len(voice) + _FRAME)
    for start in range(0, len(voice) - _FRAME, _FRAME // 2):
        predictor, power = _predictor(voice[start : start + _FRAME] * window)
        noise = rng.normal(0.0, np.sqrt(max(power, 0.0) / _FRAME), _FRAME)
        out[start : start + _FRAME] += _through(predictor, noise) * window
    soft = 0.6 * np.diff(out, prepend=0.0) + 0.4 * out  # a whisper has little under 500 Hz
    return at_level(soft, -32.0)


def _predictor(frame: Wave) -> tuple[Wave, float]:
    """Levinson and Durbin: coefficients, and the power of what they do not foresee."""
    lags = np.array([np.dot(frame[: len(frame) - k], frame[k:]) for k in range(_ORDER + 1)])
    lags[0] = lags[0] * 1.0001 + 1e-9
    found = np.zeros(_ORDER + 1)
    found[0], left = 1.0, lags[0]
    for n in range(1, _ORDER + 1):
        mirror = -(lags[n] + np.dot(found[1:n], lags[n - 1 : 0 : -1])) / left
        found[1 : n + 1] += mirror * np.r_[found[n - 1 : 0 : -1], 1.0][:n]
        left *= 1.0 - mirror**2
    return found, float(left)


def _through(predictor: Wave, noise: Wave) -> Wave:
    out = np.zeros(len(noise) + _ORDER)
    for n, sample in enumerate(noise):
        out[n + _ORDER] = sample - np.dot(predictor[1:], out[n : n + _ORDER][::-1])
    return np.asarray(out[_ORDER:])


def childlike(voice: Wave, semitones: float = 6.0) -> Wave:
    """Pitch and formants higher, and faster by as much, as of a smaller person."""
    return resampled(voice, HEAR_RATE, round(HEAR_RATE / 2 ** (semitones / 12)))


def narrow(voice: Wave) -> Wave:
    """Through a telephone of 8 kHz."""
    return resampled(resampled(voice, HEAR_RATE, 8_000), 8_000, HEAR_RATE)


def resampled(sound: Wave, rate: int, to: int) -> Wave:
    return np.asarray(soxr.resample(sound, rate, to), np.float32)


def noise(seconds: float, slope: float = 0.0, seed: int = 0) -> Wave:
    """White; with a slope of 1 pink, of 2 brown."""
    count = round(seconds * HEAR_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0.0, 1.0, count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / HEAR_RATE), 20.0)
    return np.fft.irfft(spectrum / hertz ** (slope / 2), count).astype(np.float32)


def music(seconds: int, seed: int = 1) -> Wave:
    """Chords, a bass, a melody with vibrato, drums: 120 beats a minute."""
    rng = np.random.default_rng(seed)
    out = np.zeros(seconds * HEAR_RATE)
    chords = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
    for beat in range(2 * seconds):
        chord, at = chords[beat // 4 % 4], beat / 2
        for step in chord if beat % 2 == 0 else ():
            _add(out, at, 0.08 * _note(220 * 2 ** (step / 12), 1.1, 6))
        _add(out, at, 0.25 * _note(55 * 2 ** (chord[0] / 12), 0.45, 5))
        step = rng.choice(chord) + 12 * rng.integers(0, 2)
        _add(out, at + rng.choice([0.0, 0.25]), 0.2 * _note(440 * 2 ** (step / 12), 0.4, 9))
        _add(out, at, _drum(rng, beat))
    return np.asarray(out / np.abs(out).max(), np.float32)


def _note(hertz: float, seconds: float, harmonics: int) -> Wave:
    time = np.arange(round(seconds * HEAR_RATE)) / HEAR_RATE
    phase = 2 * np.pi * hertz * time * (1 + 0.004 * np.sin(2 * np.pi * 5.5 * time))
    tone = sum(np.sin(phase * k) / k**1.2 for k in range(1, harmonics))
    return np.asarray(tone * np.minimum(time / 0.01, 1) * np.exp(-time / (0.6 * seconds)))


def _drum(rng: np.random.Generator, beat: int) -> Wave:
    time = np.arange(HEAR_RATE // 5) / HEAR_RATE
    if beat % 2:
        return np.asarray(0.5 * rng.normal(0.0, 1.0, len(time)) * np.exp(-time / 0.04))
    return 0.8 * np.sin(2 * np.pi * (50 + 80 * np.exp(-time / 0.03)) * time) * np.exp(-time / 0.07)


def _add(out: Wave, at: float, sound: Wave) -> None:
    start = round(at * HEAR_RATE)
    out[start : start + len(sound)] += sound[: len(out) - start]
