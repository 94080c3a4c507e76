"""What is no clear speech at a desk: noise and music for minutes, whispers, children, 8 kHz."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import soxr  # type: ignore[import-untyped]

from bench.hearing import room
from bench.hearing.packages import unpacked
from bench.hearing.people import Clip, levelled, read, says
from visavis.engines.base import HEAR_RATE, PLAY_RATE, Floats
from visavis.server.playout.messages import Tick

_CHILD: Final = 1.3  # times as high: 4.5 semitones, formants too, as of somebody of eight
_ORDER: Final = 18  # of the filter that stands for the mouth, at HEAR_RATE
_NARROW: Final = 8_000  # Hz
_WHISPERED: Final = -36.0  # dBFS


def without_words(kind: str, length: Tick) -> Floats:
    """(length,) of "silence" (digital), "noise" (-40 dBFS), "clipping" or "music"."""
    if kind == "silence":
        return np.zeros(length, np.float32)
    if kind == "noise":
        return room.hiss(length, 3, -40.0)
    if kind == "clipping":
        return np.clip(room.hiss(length, 4, 3.0), -1, 1)
    return np.resize(levelled(_music(), -22.0), length).astype(np.float32)


@cache
def _music() -> Floats:
    """Of Debian's asterisk-moh-opsound-g722 (CC BY-SA)."""
    pieces = sorted(unpacked("asterisk-moh-opsound-g722").rglob("*.g722"))
    return np.concatenate([read(path)[: 60 * PLAY_RATE] for path in pieces])


def child(voice: str, text: str) -> Clip:
    """A voice as of a child: played faster, said as much more slowly."""
    slow = says(voice, text, _CHILD)
    high = soxr.resample(slow.sound, PLAY_RATE, PLAY_RATE / _CHILD)
    return Clip(f"{voice} as a child", text, levelled(np.asarray(high, np.float32)))


def narrow(voice: str, text: str) -> Clip:
    """Through a line of 8 kHz."""
    clip = says(voice, text)
    low = soxr.resample(clip.sound, PLAY_RATE, _NARROW)
    back = soxr.resample(low, _NARROW, PLAY_RATE)
    return Clip(f"{voice} at 8 kHz", text, levelled(np.asarray(back, np.float32)))


def whisper(voice: str, text: str) -> Clip:
    """Breath in place of the voice: noise through the filter of each 20 ms of speech (LPC)."""
    sound = np.asarray(soxr.resample(says(voice, text).sound, PLAY_RATE, HEAR_RATE), np.float64)
    size, hop = HEAR_RATE // 40, HEAR_RATE // 80
    window, rng = np.hanning(size), np.random.default_rng(5)
    out = np.zeros(len(sound) + size)
    for at in range(0, len(sound) - size, hop):
        out[at : at + size] += _breathed(sound[at : at + size] * window, rng) * window
    high = soxr.resample(out[: len(sound)], HEAR_RATE, PLAY_RATE)
    whispered = levelled(np.asarray(high, np.float32), _WHISPERED)
    return Clip(f"{voice} whispering", text, whispered)


def _breathed(frame: Floats, rng: np.random.Generator) -> Floats:
    """Noise with the spectral envelope and the energy of a frame."""
    power = np.abs(np.fft.rfft(frame, 2 * len(frame))) ** 2
    correlation = np.fft.irfft(power)[: _ORDER + 1]
    if correlation[0] < 1e-9:
        return np.zeros(len(frame))
    correlation[0] *= 1.0001
    lags = np.abs(np.subtract.outer(np.arange(_ORDER), np.arange(_ORDER)))
    weights = np.linalg.solve(correlation[lags], correlation[1:])
    size = 2 * len(frame)
    envelope = 1 / np.abs(np.fft.rfft(np.concatenate([[1.0], -weights]), size))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(frame)), size) * envelope)
    noise = noise[: len(frame)]
    return np.asarray(noise * np.sqrt(np.sum(frame**2) / max(np.sum(noise**2), 1e-12)))
