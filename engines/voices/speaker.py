"""Whose voice it is, as numbers: a speaker embedding, by which two recordings are compared.

The network is the voice encoder of Resemblyzer (Wan et al. 2018, "Generalized end-to-end loss for
speaker verification"): three LSTM layers over 40 mel bands. A cosine of two
embeddings is 0.9 and more for one person in one recording, about 0.6 for two strangers, and far
from both for one person over another microphone: see docs/figures.md.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import soxr  # type: ignore[import-untyped]

from visavis.engines import networks
from visavis.engines.base import HEAR_RATE, EngineError, Floats
from visavis.models import manifest
from visavis.models.manifest import ManifestError

BANDS: Final = 40
SIZE: Final = 256  # numbers of an embedding
_FFT: Final = 400  # samples: 25 ms
_HOP: Final = 160  # samples: 10 ms
_PART: Final = 160  # frames that are heard at once
_STEP: Final = 77  # frames from one part to the next
_LEVEL: Final = 10 ** (-30 / 20)  # RMS to which what is quieter is raised
_PAUSE: Final = 30.0  # dB under the loudest from which on nothing is said
_KEPT: Final = 20  # frames of a pause that stay


class Encoder:
    """The network. Raises EngineError when its file is missing or damaged."""

    def __init__(self, path: Path) -> None:
        try:
            # One thread: its steps are too small for two, which would wait for each other.
            self._session: Any = onnxruntime.InferenceSession(
                str(path), networks.options(1), providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EngineError(f"{path.name} is missing or damaged: install visavis anew") from error

    def embedding(self, audio: Floats, rate: int) -> Floats:
        """(samples,) in [-1, 1] at `rate` Hz -> (SIZE,) of length 1, the mean over its parts.

        Raises EngineError where nobody speaks.
        """
        mean: Floats = self.parts(audio, rate).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def parts(self, audio: Floats, rate: int) -> Floats:
        """(parts, SIZE): of each 1.6 s, of length 1. Raises EngineError where nobody speaks."""
        frames = mels(_spoken(_heard(audio, rate)))
        if len(frames) < _PART:
            frames = np.pad(frames, ((0, _PART - len(frames)), (0, 0)))
        starts = range(0, len(frames) - _PART + 1, _STEP)
        x = np.stack([frames[start : start + _PART] for start in starts], axis=1)
        (made,) = self._session.run(None, {"mels": x})
        return np.asarray(made, np.float32)


@cache
def encoder() -> Encoder:
    """The one of this process. Raises EngineError."""
    try:
        return Encoder(manifest.locate("speaker"))
    except ManifestError as error:
        raise EngineError(str(error)) from error


def likeness(one: Floats, other: Floats) -> float:
    """Cosine of two embeddings."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9))


def mels(audio: Floats) -> Floats:
    """(samples,) at HEAR_RATE -> (frames, BANDS): power in bands, no logarithm."""
    padded = np.pad(audio, _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    return np.asarray(power @ _bands(), np.float32)


def _heard(audio: Floats, rate: int) -> Floats:
    """At HEAR_RATE, loud enough. Raises EngineError for nothing."""
    heard = soxr.resample(audio, rate, HEAR_RATE) if rate != HEAR_RATE else audio
    if not len(heard):
        raise EngineError("nobody speaks in it")
    rms = float(np.sqrt(np.mean(np.square(heard, dtype=np.float64)))) + 1e-9
    return np.asarray(heard * np.float32(max(1.0, _LEVEL / rms)), np.float32)


def _spoken(audio: Floats) -> Floats:
    """Without long pauses. Raises EngineError where there is nothing else."""
    frames = audio[: len(audio) // _HOP * _HOP].reshape(-1, _HOP)
    if not len(frames):
        raise EngineError("nobody speaks in it")
    loud = 10 * np.log10(np.einsum("ij,ij->i", frames, frames) / _HOP + 1e-12)
    said = loud > max(float(np.percentile(loud, 98)) - _PAUSE, -65.0)
    kept = np.convolve(said, np.ones(_KEPT), "same") > 0
    if not said.any():
        raise EngineError("nobody speaks in it")
    return frames[kept].reshape(-1)


@cache
def _window() -> Floats:
    return np.asarray(np.hanning(_FFT + 1)[:-1], np.float32)


@cache
def _bands() -> Floats:
    """(_FFT // 2 + 1, BANDS): triangles of equal area, linear under 1 kHz (Slaney 1998)."""
    top = 15 + np.log(HEAR_RATE / 2 / 1000) / (np.log(6.4) / 27)
    at = np.linspace(0, top, BANDS + 2)
    hertz = np.where(at < 15, at * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (at - 15)))
    slopes = hertz[:, None] - np.linspace(0, HEAR_RATE / 2, _FFT // 2 + 1)[None]
    gaps = np.diff(hertz)[:, None]
    weights = np.maximum(0, np.minimum(-slopes[:-2] / gaps[:-1], slopes[2:] / gaps[1:]))
    area = 2 / (hertz[2:] - hertz[:-2])
    return np.asarray((weights * area[:, None]).T, np.float32)
