"""A mark put into sound: an equaliser that changes every 10 ms, too little to be heard.

Each band of `sound_pattern` is raised or lowered by DEPTH by a filter of minimum phase, so that
nothing is delayed and lips stay where they are. What is added is in proportion to what sounds in
the same band within the same 10 ms: it lies under it, and silence stays silent. A marked sample
hangs on the REACH samples before it and on its tick alone, so pieces of any length, read by
anybody and in any order, are the same sound.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.engines.marking.payload import Payload, encode
from visavis.engines.marking.sound_pattern import BANDS, COLUMNS, EDGES, SLOT, spread

Floats = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complex64]

DEPTH: Final = 0.7  # dB up, and as much down

_SLOT: Final = round(SLOT * PLAY_RATE)  # samples
_TAPS: Final = 512
_BLOCK: Final = 1024  # holds a slot and the taps before it
_DESIGN: Final = 2048  # points at which a filter's response is given
_RAMP: Final = 60.0  # Hz from one band to the next
_FADE: Final = 240  # samples from one filter to the next
_QUIET: Final = 16  # zeros in a row from which on nothing is added
REACH: Final = _TAPS + _SLOT  # samples before a piece that have to be known


class SoundMark:
    """engines.base.SoundFinish: marks with one payload, for any number of sessions."""

    def __init__(self, payload: Payload) -> None:
        self.payload = payload
        self._filters = _filters(payload)

    @property
    def reach(self) -> int:
        """See SoundFinish."""
        return REACH

    def finish(self, sound: Pcm, at: int) -> Pcm:
        """See SoundFinish."""
        count = len(sound) - REACH
        plain = sound[REACH:]
        if not plain.any():
            return plain
        first = at // _SLOT  # the slot in which it begins
        slots = (at + count - 1) // _SLOT - first + 1
        begin = first * _SLOT - at + REACH - _TAPS  # of its taps, in `sound`
        added = self._added(sound[begin:], first, slots)[at - first * _SLOT :][:count]
        added *= _sounds(sound[REACH - _QUIET + 1 :])
        return np.asarray(np.rint(np.clip(plain + added, -32_768, 32_767)), np.int16)

    def _added(self, sound: Pcm, first: int, slots: int) -> Floats:
        """sound: from the taps before slot `first` on; what is missing at its end is silence."""
        padded = np.zeros((slots - 1) * _SLOT + _BLOCK, np.float32)
        known = min(len(sound), len(padded))
        padded[:known] = sound[:known]
        # As sliding_window_view has it, at a tenth of its price.
        blocks = np.ndarray((slots, _BLOCK), np.float32, padded, strides=(4 * _SLOT, 4))
        spectra = np.fft.rfft(blocks)
        here = np.arange(first, first + slots) % len(self._filters)
        now = np.fft.irfft(spectra * self._filters[here], _BLOCK)[:, _TAPS : _TAPS + _SLOT]
        before = np.fft.irfft(spectra * self._filters[here - 1], _BLOCK)[:, _TAPS : _TAPS + _FADE]
        now[:, :_FADE] = before + (now[:, :_FADE] - before) * _RISE
        return np.asarray(now.reshape(-1), np.float32)


_RISE: Final = (np.arange(_FADE, dtype=np.float32) + 0.5) / _FADE


def _sounds(sound: Pcm) -> npt.NDArray[np.bool_]:
    """(_QUIET - 1 + n,) -> (n,): whether any of the last _QUIET samples is not zero."""
    counted = np.cumsum(np.append(0, sound != 0))
    return np.asarray(counted[_QUIET:] > counted[:-_QUIET])


@lru_cache(maxsize=4)
def _filters(payload: Payload) -> Spectra:
    """(2 * COLUMNS, _BLOCK // 2 + 1): for each slot of a period, of what is added to the sound."""
    signs = spread(encode(payload)).astype(np.float64)
    by_slot = np.stack([signs, -signs], axis=1).reshape(2 * COLUMNS, BANDS)
    response = by_slot @ _bands() * (DEPTH / 20 * np.log(10))
    taps = _minimum_phase(response)[:, :_TAPS]
    taps[:, 0] -= 1
    taps[:, _TAPS // 2 :] *= np.cos(np.linspace(0, np.pi / 2, _TAPS // 2)) ** 2
    return np.fft.rfft(taps, _BLOCK).astype(np.complex64)


def _bands() -> npt.NDArray[np.float64]:
    """(BANDS, _DESIGN // 2 + 1): 1 within a band, 0 outside of it, a ramp between."""
    hertz = np.fft.rfftfreq(_DESIGN, 1 / PLAY_RATE)
    above = np.clip((hertz - np.array(EDGES)[:, None]) / _RAMP + 0.5, 0, 1)
    return np.asarray(above[:-1] - above[1:])


def _minimum_phase(response: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log magnitudes, a row a filter -> its taps, by folding the cepstrum."""
    cepstrum = np.fft.irfft(response, _DESIGN)
    cepstrum[:, 1 : _DESIGN // 2] *= 2
    cepstrum[:, _DESIGN // 2 + 1 :] = 0
    return np.asarray(np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), _DESIGN))
