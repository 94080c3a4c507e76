"""Noise-to-mask ratio of what was added to a sound: ITU-R BS.1387-1, FFT ear model, basic version.

How far the noise lies under what the ear could tell beside the sound, in each critical band. The
noise is the difference of the waveforms, which is stricter than the standard's difference of
magnitudes. Forward masking is left out, which is stricter too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Floats

Doubles = npt.NDArray[np.float64]

_FRAME: Final = 2048
_LOUD: Final = 92.0  # dB SPL of a full-scale sine
_BANDS: Final = 109
_WIDTH: Final = 0.25  # Bark
_LOWEST: Final = 80.0  # Hz
_ACTIVE: Final = 40.0  # dB under what is loud: quieter moments are left out
_HEARD: Final = 1.5  # dB over the mask, from which a moment counts as disturbed


@dataclass(frozen=True, slots=True)
class Audibility:
    """ratio: dB, mean over bands and time. disturbed: share of moments with noise over the mask."""

    ratio: float
    disturbed: float


def audibility(plain: Floats, changed: Floats) -> Audibility:
    """(n,) each at PLAY_RATE, in [-1, 1], aligned to the sample."""
    heard = _grouped(_spectra(plain)) + _INTERNAL
    noise = _grouped(_spectra(changed - plain))
    ratio = noise / (_spread(heard) / 10 ** (_OFFSET / 10))
    level = 10 * np.log10(heard.sum(axis=1))
    ratio = ratio[level > np.percentile(level, 95) - _ACTIVE]
    worst = 10 * np.log10(ratio.max(axis=1) + 1e-12)
    return Audibility(10 * float(np.log10(ratio.mean())), float((worst > _HEARD).mean()))


def _spectra(sound: Floats) -> Doubles:
    blocks = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[:: _FRAME // 2]
    scale = 10 ** (_LOUD / 20) / (_FRAME / 4)
    return np.asarray(np.abs(np.fft.rfft(blocks * np.hanning(_FRAME), axis=1)) * scale)


def _grouped(spectra: Doubles) -> Doubles:
    weighted = (spectra * 10 ** (_OUTER / 20)) ** 2
    return np.maximum(weighted @ _GROUPS.T, 1e-12)


def _spread(energy: Doubles) -> Doubles:
    """Excitation: each band's energy over its neighbours, more upwards the louder it is."""
    spread = np.empty_like(energy)
    for row, line in enumerate(energy):
        upward = -24 - 230 / _CENTRES + 0.2 * 10 * np.log10(line)
        shape = 10 ** (np.where(_AWAY < 0, 27 * _AWAY, upward[:, None] * _AWAY) / 10)
        shape /= shape.sum(axis=1, keepdims=True)
        spread[row] = ((shape * line[:, None]) ** 0.4).sum(axis=0) ** 2.5
    plain = 10 ** (np.where(_AWAY < 0, 27 * _AWAY, -24 * _AWAY) / 10)
    plain /= plain.sum(axis=1, keepdims=True)
    return spread / (plain**0.4).sum(axis=0) ** 2.5


_HERTZ: Final = np.fft.rfftfreq(_FRAME, 1 / PLAY_RATE)
_KILO: Final = np.maximum(_HERTZ, 20) / 1000
_OUTER: Final = -2.184 * _KILO**-0.8 + 6.5 * np.exp(-0.6 * (_KILO - 3.3) ** 2) - 1e-3 * _KILO**3.6
_BARK: Final = 7 * np.arcsinh(_LOWEST / 650) + _WIDTH * np.arange(_BANDS + 1)
_MIDDLE: Final = _BARK[:-1] + _WIDTH / 2
_CENTRES: Final = 650 * np.sinh(_MIDDLE / 7)
_INTERNAL: Final = 10 ** (0.4 * 0.364 * (_CENTRES / 1000) ** -0.8)
_OFFSET: Final = np.where(_MIDDLE <= 12, 3.0, 0.25 * _MIDDLE)
_AWAY: Final = (np.arange(_BANDS)[None] - np.arange(_BANDS)[:, None]) * _WIDTH


def _groups() -> Doubles:
    """(bands, bins): which bins a band holds; one narrower than a bin has a part of the nearest."""
    where = np.floor((7 * np.arcsinh(_HERTZ / 650) - _BARK[0]) / _WIDTH)
    groups = (where[None] == np.arange(_BANDS)[:, None]).astype(np.float64)
    for band in np.flatnonzero(groups.sum(axis=1) == 0):
        groups[band, round(_CENTRES[band] * _FRAME / PLAY_RATE)] = 0.5
    return groups


_GROUPS: Final = _groups()
