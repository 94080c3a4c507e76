"""Where the eyes look: fixations, saccades between them, vergence.

Directions are (yaw, pitch) in degrees in the room, (0, 0) the visitor; times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.engines.curves import Doubles, Glide
from visavis.engines.motion.behaviour import Behaviour

# Where a visitor's eyes and mouth are, seen from the picture; eye contact is felt within some 4
# degrees (Gamer & Hecht 2007), so these stay inside.
_FACE: Final = np.array([[-1.4, 0.5], [1.4, 0.5], [0.0, -1.9]])
_FACE_SHARE: Final = (0.41, 0.41, 0.18)
_STAY: Final = 0.95  # s, median fixation on a face
_AWAY: Final = 0.75  # s, median look away
_READ: Final = 0.5  # s, median look at its own words
_WORDS: Final = (-10.5, -8.0)  # degrees of pitch: they stand under the picture
FAR: Final = 5.0  # degrees from which a shift is a gaze shift with head and lids

# A long saccade falls short by some 5 to 10 % and is mended by a small one 130 to 180 ms after
# it (Becker & Fuchs 1969).
_SHORT: Final = (0.89, 0.97)
_LONG: Final = 4.0  # degrees
_LATENCY: Final = (0.13, 0.18)  # s

# Eyes 63 mm apart meet at a visitor 0.7 m away, those of a portrait at a camera some 1.2 m away:
# each turns in by 1.1 degrees more. They meet far away when they look nowhere.
_NEAR: Final = 1.1  # degrees
_MEET: Final = 0.35  # s: vergence is slower than a saccade (Collewijn et al. 1995)


def saccade_duration(amplitude: float) -> float:
    """Seconds for `amplitude` degrees: the main sequence (Bahill et al. 1975)."""
    return 0.021 + 0.0022 * amplitude


@dataclass(frozen=True, slots=True)
class Shift:
    """A saccade that begins at `at`: how far it goes in degrees, and to where (2,)."""

    at: float
    amplitude: float
    goal: Doubles


class Gaze:
    """Fixations on the visitor, looks away and at its own words, saccades between them."""

    def __init__(self, rng: np.random.Generator, behaviour: Behaviour) -> None:
        self._rng = rng
        self._behaviour = behaviour
        self._restless = 0.0
        self._direction = Glide(self._on_visitor())
        self._glance = Glide(np.zeros(2))
        self._vergence = Glide([_NEAR])
        self._goal = self._direction.goal
        self._correction = np.inf  # when a saccade that fell short is mended
        self._next = float(rng.uniform(0.3, 1.0))
        self._side = 1.0 if rng.random() < 0.5 else -1.0

    def behave(self, at: float, behaviour: Behaviour, restless: float) -> None:
        """From `at` on; `restless` in [0, 1] adds looks away. A new behaviour shows at once."""
        if behaviour is not self._behaviour:
            self._next = min(self._next, at + float(self._rng.uniform(0.12, 0.35)))
            self._side = 1.0 if self._rng.random() < 0.5 else -1.0
        self._behaviour, self._restless = behaviour, restless

    def shifts(self, time: float) -> list[Shift]:
        """Fixations that began up to `time` since last asked; corrections are none."""
        begun: list[Shift] = []
        while min(self._next, self._correction) <= time:
            if self._correction < self._next:
                self._mend(self._correction)
            else:
                begun.append(self._shift(self._next))
        return begun

    def direction(self, time: float) -> Doubles:
        """(2,) yaw and pitch in the room."""
        return self._direction.at(time)

    def glance(self, time: float) -> Doubles:
        """(2,) the same, but 0 for as long as it looks at the visitor."""
        return self._glance.at(time)

    def vergence(self, time: float) -> float:
        """Degrees by which each eye turns in, against the portrait's."""
        return max(float(self._vergence.at(time)[0]), 0.0)

    @property
    def away(self) -> bool:
        """Whether the eyes are off the visitor."""
        return bool(np.hypot(*self._goal) > FAR)

    def _shift(self, at: float) -> Shift:
        old = self._goal
        self._goal, near = self._choose(at)
        amplitude = float(np.hypot(*(self._goal - old)))
        share, self._correction = 1.0, np.inf
        duration = saccade_duration(amplitude)
        if amplitude > _LONG:
            share = self._rng.uniform(*_SHORT)
            self._correction = at + duration + self._rng.uniform(*_LATENCY)
        self._direction.aim(at, old + share * (self._goal - old), duration)
        self._glance.aim(at, self._goal if self.away else np.zeros(2), duration)
        self._vergence.aim(at, near * _NEAR, _MEET)
        return Shift(at, amplitude, self._goal)

    def _mend(self, at: float) -> None:
        left = float(np.hypot(*(self._goal - self._direction.goal)))
        self._direction.aim(at, self._goal, saccade_duration(left))
        self._correction = np.inf

    def _choose(self, at: float) -> tuple[Doubles, float]:
        """Where next, and how near that is: 1 where the visitor is, 0 far away."""
        behaviour = self._behaviour
        share = behaviour.away + (1.0 - behaviour.away) * 0.5 * self._restless
        stay = self.away and not behaviour.ponders
        if not stay and self._rng.random() < share:
            if self._rng.random() < behaviour.reads:
                self._next = at + self._hold(_READ, 0.3)
                return self._at_words(), 0.6
            self._next = at + self._hold(_AWAY * behaviour.away_length, 0.4)
            return self._aside(), 0.0
        self._next = at + self._hold(_STAY, 0.5)
        return self._on_visitor(), 1.0

    def _hold(self, median: float, spread: float) -> float:
        return max(0.2, median * float(self._rng.lognormal(0.0, spread)))

    def _on_visitor(self) -> Doubles:
        place = self._behaviour.about * _FACE[self._rng.choice(3, p=_FACE_SHARE)]
        return np.asarray(place + 0.25 * self._rng.standard_normal(2))

    def _at_words(self) -> Doubles:
        return np.array([self._rng.uniform(-4.0, 4.0), self._rng.uniform(*_WORDS)])

    def _aside(self) -> Doubles:
        if self._rng.random() < 0.3:
            self._side = -self._side
        yaw = self._side * self._rng.uniform(6.0, 13.0)
        low, high = self._behaviour.away_pitch
        if self._behaviour.away_yaw is not None:
            yaw = self._behaviour.away_yaw + 2.0 * self._rng.standard_normal()
        return np.array([yaw, self._rng.uniform(low, high)])
