"""When sessions' pictures are due within the 40 ms from one to the next. Knows no session."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from visavis.server.playout.clock import PERIOD, seconds

_COMMON: Final = 4  # phases in which a generator that draws many at once finds its pictures


class Phase:
    """One session's. `at`: s in [0, PERIOD) of `clock.seconds()` modulo PERIOD."""

    def __init__(self, at: float) -> None:
        self.at = at


class Phases:
    """Those in use. A phase that was given stays as it is: a session's clock never moves.

    Where pictures are drawn one by one, a new one lies in the middle of the widest gap, so that
    the work of several sessions is spread evenly. Where many are drawn at once (batch over 1) there
    are few phases, each filled before the next one is begun.
    """

    def __init__(self) -> None:
        self._taken: list[Phase] = []

    def take(self, batch: int) -> Phase:
        """For a generator that draws so many at once."""
        at = self._emptiest() if batch == 1 else self._common(batch)
        phase = Phase(at)
        self._taken.append(phase)
        return phase

    def free(self, phase: Phase) -> None:
        """It may be given to others; safe to call twice."""
        if phase in self._taken:
            self._taken.remove(phase)

    def _emptiest(self) -> float:
        taken = sorted(phase.at for phase in self._taken)
        if not taken:
            return seconds() % PERIOD
        gap, before = max((b - a, a) for a, b in pairwise([*taken, taken[0] + PERIOD]))
        return (before + gap / 2) % PERIOD

    def _common(self, batch: int) -> float:
        room = max(1, batch // _COMMON)
        slots = [n * PERIOD / _COMMON for n in range(_COMMON)]
        counts = [sum(_near(phase.at, slot) for phase in self._taken) for slot in slots]
        begun = [n for n in range(_COMMON) if 0 < counts[n] < room]
        best = begun[0] if begun else counts.index(min(counts))
        return slots[best]


def _near(at: float, slot: float) -> bool:
    away = abs(at - slot) % PERIOD
    return min(away, PERIOD - away) < PERIOD / _COMMON / 2
