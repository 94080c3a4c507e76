"""Recorded speech made ready: as loud as our voices, without rumble, without silence at its ends.

What was said stays as it was said: nothing is cut inside, sped up, or taken out by guessing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Floats, Pcm
from visavis.engines.voices import utterance

AROUND: Final = 0.15  # s of what is there that is kept before the first and after the last sound
RUMBLE: Final = 60.0  # Hz under which no voice has anything
_TAPS: Final = 8193  # of the filter that takes it out: 0.3 dB at 85 Hz, 60 dB at 30
_BLOCK: Final = 1 << 16
_FRAME: Final = PLAY_RATE // 100
_SPOKEN: Final = 18.0  # dB over the noise from which on a frame is speech, where there is room
_BELOW: Final = 35.0  # dB under the loudest speech, at which nothing is cut off
_SILENT: Final = -60.0  # dBFS under which nobody speaks
_ENOUGH: Final = 0.25  # s of sound without which nobody has said anything
_FULL: Final = 32_700  # of 32,768: a sample there was cut off by the recorder
_CLIPPED: Final = 0.001  # share of such samples in what sounds that is heard
_QUIET: Final = -45.0  # dBFS
_NOISY: Final = 15.0  # dB between speech and the noise beside it


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recording is like. speech, noise: dBFS; clipped: share of samples that sound.

    seconds: in which somebody speaks.
    """

    seconds: float
    speech: float
    noise: float
    clipped: float

    @property
    def empty(self) -> bool:
        """Whether nobody says anything."""
        return self.seconds < _ENOUGH


def cleaned(pcm: Pcm, around: float = AROUND) -> Pcm:
    """(samples,) at PLAY_RATE -> fewer: at utterance.LEVEL, peaks bent under full scale.

    around: s kept at both ends. Without a word in it, it comes back as it is.
    """
    heard = listened(pcm)
    if heard.empty:
        return pcm
    # First near the level: what is quieter than -40 dBFS is no voice to `utterance.level`.
    near = np.float32(10 ** ((utterance.LEVEL - heard.speech) / 20) / 32_768)
    audio = _without_rumble(pcm.astype(np.float32) * near)
    loud = _level(audio)
    first, last = _ends(loud)
    start = max(0, first * _FRAME - round(around * PLAY_RATE))
    end = min(len(audio), (last + 1) * _FRAME + round(around * PLAY_RATE))
    audio = audio[start:end]
    gain = 10 ** ((utterance.LEVEL - utterance.level(audio)) / 20)
    bent = utterance.limited(_faded(audio) * np.float32(gain))
    return np.rint(bent * 32_767).astype(np.int16)


def faults(pcm: Pcm) -> tuple[str, ...]:
    """What is wrong with a recording at PLAY_RATE, in words with the fix; nothing: it is good."""
    heard = listened(pcm)
    if heard.empty:
        return ("nobody speaks in it: record it again, nearer to the microphone",)
    found = []
    if heard.clipped > _CLIPPED:
        found.append("it is overdriven: record it again with the microphone turned down")
    if heard.speech < _QUIET:
        found.append("it is very quiet, so its noise is raised with it: speak nearer to it")
    elif heard.speech - heard.noise < _NOISY:
        found.append("it is noisy: record it in a quiet room, nearer to the microphone")
    return tuple(found)


def listened(pcm: Pcm) -> Heard:
    """What a recording at PLAY_RATE is like."""
    loud = _level(pcm.astype(np.float32) / np.float32(32_768))
    spoken = loud > _threshold(loud)
    if not spoken.any():
        return Heard(0.0, _SILENT, _SILENT, 0.0)
    around = np.repeat(spoken, _FRAME)
    share = float(np.mean(np.abs(pcm[: len(around)][around].astype(np.int32)) >= _FULL))
    level = float(10 * np.log10(np.mean(10 ** (loud[spoken] / 10))))
    quiet = loud[~spoken]
    noise = float(np.percentile(quiet, 50)) if quiet.size else _SILENT
    return Heard(float(spoken.sum()) * 0.01, level, noise, share)


def _level(audio: Floats) -> npt.NDArray[np.float64]:
    """dBFS of each 10 ms."""
    frames = audio[: len(audio) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / _FRAME
    return np.asarray(10 * np.log10(power + 1e-12))


def _threshold(loud: npt.NDArray[np.float64]) -> float:
    """dBFS from which on a frame is speech: well over the noise, not far under the loudest."""
    if not loud.size:
        return _SILENT
    noise, most = np.percentile(loud, 5), float(loud.max())
    return float(max(_SILENT, min(noise + _SPOKEN, most - 12.0), most - _BELOW))


def _ends(loud: npt.NDArray[np.float64]) -> tuple[int, int]:
    """First and last frame of speech; a click of one frame alone is none."""
    spoken = loud > _threshold(loud)
    run = spoken & (np.roll(spoken, 1) | np.roll(spoken, -1))
    found = np.flatnonzero(run if run.any() else spoken)
    return int(found[0]), int(found[-1])


def _faded(audio: Floats) -> Floats:
    size = min(round(0.01 * PLAY_RATE), len(audio) // 2)
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    audio = audio.copy()
    audio[:size] *= ramp
    audio[len(audio) - size :] *= ramp[::-1]
    return audio


def _without_rumble(audio: Floats) -> Floats:
    """The same samples without what is under RUMBLE, in blocks: minutes take no more memory."""
    response, half = _response(), _TAPS // 2
    step = _BLOCK - _TAPS + 1
    padded = np.pad(audio, (half, _BLOCK))
    out = np.empty(len(audio), np.float32)
    for at in range(0, len(audio), step):
        block = np.fft.irfft(np.fft.rfft(padded[at : at + _BLOCK]) * response, _BLOCK)
        piece = block[_TAPS - 1 :][: min(step, len(audio) - at)]
        out[at : at + len(piece)] = piece
    return out


@cache
def _response() -> npt.NDArray[np.complex128]:
    """Of a linear-phase high-pass, delayed by half of its taps."""
    at = np.arange(_TAPS) - _TAPS // 2
    low = np.sinc(2 * RUMBLE / PLAY_RATE * at) * np.blackman(_TAPS)
    taps = -low / low.sum()
    taps[_TAPS // 2] += 1.0
    return np.asarray(np.fft.rfft(taps, _BLOCK))
