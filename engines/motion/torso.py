"""What hangs on the head and comes after it: shoulders and chest, and loose hair.

When a gaze shift takes the head along, the trunk follows later and slower (McCluskey & Cullen, J.
Neurophysiol. 97, 2007). Both are critically damped here: they come to rest without swinging past.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.engines.curves import Doubles

LAG: Final = 0.18  # s that shoulders are behind a steadily moving head
HAIR_LAG: Final = 0.15  # s that the ends of loose hair are
# Inter-ocular distances that a stress is felt in the shoulders, a degree of its nod: they sink and
# come forward with it.
_STRESS: Final = np.array([0.0, 0.0, 0.0, 0.0, 0.030, -0.020])
# Inter-ocular distances that a body sways to the side and up, a degree of the head's yaw, pitch and
# roll: it then goes about a third of the face's way on the picture.
_SWAY: Final = np.array([[0.026, 0.0, 0.010], [0.0, 0.024, 0.0]])
# Degrees to the side that the ends of the hair go by with yaw, roll, and an inter-ocular distance.
_SIDE: Final = np.array([1.0, 0.0, -0.6, 40.0, 0.0, 0.0])
_FAR: Final = 7.0  # degrees behind at which hair has swung by 0.76 of the most


class _Follower:
    """A vector that comes after another one: two equal first-order lags, exact for any steps
    through which that one moves evenly."""

    def __init__(self, lag: float) -> None:
        self._each = lag / 2
        self._state: tuple[Doubles, Doubles, Doubles] | None = None  # followed, lags 1 and 2

    def after(self, step: float, goal: Doubles) -> Doubles:
        """(n,) `step` s later, where `goal` (n,) is what it follows now."""
        if self._state is None:
            self._state = goal, goal, goal
        elif step > 0:
            before, first, second = self._state
            slow = self._each * (goal - before) / step  # how far a lag is behind, once it has come
            left = float(np.exp(-step / self._each))
            one, two = first - before + slow, second - before + 2 * slow
            two = two + one * (step / self._each)
            self._state = goal, goal - slow + one * left, goal - 2 * slow + two * left
        return self._state[2]


class Torso:
    """Shoulders, chest and loose hair of one face."""

    def __init__(self) -> None:
        self._body, self._hair = _Follower(LAG), _Follower(HAIR_LAG)
        self._time = 0.0

    def after(self, time: float, pose: Doubles, stress: Doubles) -> tuple[Doubles, float]:
        """(6,) the pose that shoulders follow, and how far hair has swung: as in FaceState.

        pose (6,): the head's at `time` s, which never goes back; stress (6,): how much of it are
        gestures on what is said.
        """
        step, self._time = max(time - self._time, 0.0), max(time, self._time)
        goal = pose + _STRESS * stress[1]
        goal[3:5] += _SWAY @ pose[:3]
        body = self._body.after(step, goal)
        side = np.atleast_1d(_SIDE @ pose)
        behind = float((self._hair.after(step, side) - side)[0])
        return body, float(np.tanh(behind / _FAR))
