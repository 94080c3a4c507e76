"""How loud sound is, as ears find it: ITU-R BS.1770-5, of one channel at 48 kHz."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Pcm
from visavis.models.compiling import compiled

Floats = npt.NDArray[np.float32]

# Annex 1, tables 1 and 2: what a head does to sound, and how little of the lowest is heard
_SHELF: Final = np.array(
    [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585]
)
_PASS: Final = np.array([1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621])
_BLOCK: Final = 4  # hops of 100 ms
_HOP: Final = PLAY_RATE // 10
_ABSOLUTE: Final = -70.0  # LUFS, below which a block counts as silence
_RELATIVE: Final = -10.0  # of the rest, below which it does not count
SILENT: Final = -120.0


def loudness(pcm: Pcm) -> float:
    """LUFS of all of it, silence left out; SILENT where there is nothing else."""
    hops = _hops(pcm)
    if len(hops) < _BLOCK:  # shorter than one block: taken as one
        mean = float(hops.mean()) if len(hops) else 0.0
        return max(_lufs(mean), SILENT)
    blocks = np.convolve(hops, np.full(_BLOCK, 1 / _BLOCK), "valid")
    loud = blocks[_levels(blocks) > _ABSOLUTE]
    if not len(loud):
        return SILENT
    loud = loud[_levels(loud) > _lufs(float(loud.mean())) + _RELATIVE]
    return _lufs(float(loud.mean()))


def _hops(pcm: Pcm) -> npt.NDArray[np.float64]:
    """Mean square of each 100 ms, weighted."""
    count = max(-(-len(pcm) // _HOP), 1) if len(pcm) else 0
    out = np.zeros(count)
    _weighted(pcm, _SHELF, _PASS, _HOP, out)
    last = len(pcm) - (count - 1) * _HOP
    if count:
        out[-1] *= _HOP / last
    return out


def _levels(squares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(squares, 1e-12)))


def _lufs(square: float) -> float:
    return float(-0.691 + 10 * np.log10(max(square, 1e-12)))


@compiled
def _weighted(
    pcm: Pcm, shelf: npt.NDArray[np.float64], high: npt.NDArray[np.float64], hop: int,
    out: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Put the mean square of each `hop` samples behind both filters into out, (hops,)."""
    a1 = a2 = b1 = b2 = 0.0
    total, number, filled = 0.0, 0, 0
    for n in range(len(pcm)):
        x = pcm[n] / 32768.0
        y = shelf[0] * x + a1
        a1 = shelf[1] * x - shelf[3] * y + a2
        a2 = shelf[2] * x - shelf[4] * y
        z = high[0] * y + b1
        b1 = high[1] * y - high[3] * z + b2
        b2 = high[2] * y - high[4] * z
        total += z * z
        filled += 1
        if filled == hop:
            out[number] = total / hop
            total, number, filled = 0.0, number + 1, 0
    if filled:
        out[number] = total / hop
