"""Sound at a device's clock, made to last as long as ours says: a little faster or slower.

Two quartz clocks differ by up to some 100 parts in a million: 6 ms a minute, which would become a
gap or a jump within an hour's meeting. soxr has variable rates too, but holds 5 ms back for them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from visavis.engines.base import PLAY_RATE, Floats, Pcm
from visavis.server.playout.messages import Tick, ms

# Within this of where it should be, sound passes as it is: nothing is filtered for nothing.
_CALM: Final[Tick] = ms(3)
_SETTLES: Final[Tick] = ms(1500)
_MOST: Final = 0.003  # that it is made faster or slower: a twentieth of a semitone
_WITHIN: Final = 12.0  # s in which a difference goes down to a third
_SMOOTH: Final = 2.0  # s over which a difference is averaged: single packets come unevenly
_LOST: Final[Tick] = ms(40)  # more is no drift, but a gap or a burst

_HALF: Final = 16  # samples on either side that make one between two others
_PHASES: Final = 1024


def _filters() -> Floats:
    """(_PHASES + 1, 2 * _HALF): a windowed sinc for each place between two samples."""
    place = np.arange(_PHASES + 1)[:, None] / _PHASES
    x = np.arange(-_HALF + 1, _HALF + 1)[None] - place
    window = np.i0(8.0 * np.sqrt(np.clip(1.0 - (x / _HALF) ** 2, 0.0, 1.0))) / np.i0(8.0)
    rows = np.sinc(x) * window
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


_FILTERS: Final = _filters()


class Stretch:
    """One stream at a speed that may change between two pieces; 0.3 ms late."""

    def __init__(self) -> None:
        self._held = np.zeros(2 * _HALF, np.int16)
        self._at = float(_HALF)  # of the next sample, from the first one held

    def push(self, pcm: Pcm, longer: float) -> Pcm:
        """Its sound as 1 + `longer` times as many samples, to within one."""
        sound = np.concatenate([self._held, pcm])
        step = 1.0 / (1.0 + longer)
        count = max(0, int((len(sound) - _HALF - self._at) / step))
        at = self._at + step * np.arange(count + 1)
        before = at.astype(np.int64)
        self._at = float(at[-1])
        keep = max(0, int(self._at) - _HALF)
        self._held, self._at = sound[keep:], self._at - keep
        places, before = at[:-1] - before[:-1], before[:-1]
        if count == 0 or (longer == 0.0 and not places.any()):
            return np.asarray(sound[before], np.int16)
        windows = sliding_window_view(sound, 2 * _HALF)[before - _HALF + 1]
        rows = _FILTERS[np.rint(places * _PHASES).astype(np.int64)]
        made = np.einsum("nk,nk->n", windows.astype(np.float32), rows)
        return np.asarray(np.clip(np.rint(made), -32768, 32767), np.int16)


class Drift:
    """How much longer sound is to be made, from how far it is behind.

    The speed finds the difference of the clocks and stays with it: an echo canceller loses an echo
    whose delay goes to and fro. lag: ticks behind, averaged. settles: ticks in which it is found
    out how far behind is usual; that is left as it is.
    """

    def __init__(self, settles: Tick = 0) -> None:
        self._settles, self._seen = settles, 0
        self.lag = self._usual = self._speed = 0.0
        self.stretching = False

    def longer(self, lag: Tick, length: Tick) -> float:
        """By which part, in the next `length` samples; lag: ticks of sound that are missing."""
        if self._seen < self._settles:
            self._seen += length
            self._usual += (lag - self._usual) * length / self._seen
            return 0.0
        self.lag += (lag - self._usual - self.lag) * min(1.0, length / PLAY_RATE / _SMOOTH)
        self.stretching = self.stretching or abs(self.lag) > _CALM
        if not self.stretching:
            return 0.0
        behind = self.lag / PLAY_RATE  # s
        self._speed += behind * length / PLAY_RATE / (4.0 * _WITHIN**2)
        self._speed = float(np.clip(self._speed, -_MOST, _MOST))
        return float(np.clip(self._speed + behind / _WITHIN, -_MOST, _MOST))

    def restart(self) -> None:
        """There was a gap, or another device."""
        self.lag, self.stretching = 0.0, False
        self._seen, self._usual, self._speed = 0, 0.0, 0.0


class Clocked:
    """One microphone's sound at our clock."""

    def __init__(self) -> None:
        self._drift, self._stretch = Drift(_SETTLES), Stretch()
        self._end: Tick | None = None  # of what was told

    def push(self, pcm: Pcm, heard: Tick) -> tuple[Tick, Pcm]:
        """heard: the tick up to which the sound was heard. Where it begins, and the sound."""
        if self._end is None or abs(heard - self._end - len(pcm)) > _LOST:
            self._drift.restart()
            self._end = heard - len(pcm)
        lag = heard - self._end - len(pcm)
        made = self._stretch.push(pcm, self._drift.longer(lag, len(pcm)))
        began, self._end = self._end, self._end + len(made)
        return began, made
