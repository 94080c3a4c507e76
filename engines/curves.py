"""Smooth curves over time: ramps, glides and noise. Times are in seconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def ramp(x: float) -> float:
    """0 before 0, 1 after 1, with no velocity and no acceleration at both ends."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def ramps(x: Doubles) -> Doubles:
    """`ramp` for any shape, as a cubic: its velocity is continuous, which is all that shows."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def bump(x: float, attack: float) -> float:
    """Up from 0 at x = 0 to 1 at x = attack and back to 0 at x = 1."""
    if x <= 0.0 or x >= 1.0:
        return 0.0
    return ramp(x / attack) if x < attack else 1.0 - ramp((x - attack) / (1.0 - attack))


def positive(x: Doubles, softness: float) -> Doubles:
    """0 for x <= 0, x - softness from 2 * softness on, smooth between: a limit without a kink."""
    y = np.maximum(x, 0.0)
    return np.asarray(np.where(y < 2.0 * softness, y * y / (4.0 * softness), y - softness))


class Glide:
    """A vector that moves to each new goal without a jump in value, velocity or acceleration.

    The movement is the minimum-jerk polynomial (Flash & Hogan, J. Neurosci. 5, 1985), here with
    any initial velocity and acceleration, so that a movement may be redirected on its way.
    """

    def __init__(self, value: npt.ArrayLike) -> None:
        self._polynomial = np.zeros((6, np.size(value)))  # of (t - start) / duration
        self._polynomial[0] = value
        self._start = 0.0
        self._duration = 1.0
        self._goal: Doubles = self._polynomial[0].copy()

    @property
    def goal(self) -> Doubles:
        """(n,) where it is going or rests."""
        return self._goal

    def aim(self, at: float, goal: npt.ArrayLike, duration: float) -> None:
        """From `at` on move to `goal`, arriving `duration` later."""
        at = max(at, self._start)
        motion = self._motion(at)
        self._goal = np.broadcast_to(np.asarray(goal, np.float64), motion[0].shape).copy()
        self._plan(at, motion, duration)

    def nudge(self, at: float, offset: Doubles, velocity: Doubles, duration: float) -> None:
        """Add a difference in value and velocity at `at`; it dies away within `duration`."""
        at = max(at, self._start)
        motion = self._motion(at)
        self._plan(at, (motion[0] + offset, motion[1] + velocity, motion[2]), duration)

    def _plan(self, at: float, motion: tuple[Doubles, Doubles, Doubles], duration: float) -> None:
        value, velocity, acceleration = motion
        c0, c1, c2 = value, velocity * duration, acceleration * (duration * duration / 2.0)
        a, b, c = self._goal - c0 - c1 - c2, -c1 - 2.0 * c2, -2.0 * c2
        self._polynomial = np.stack(
            [c0, c1, c2, 10 * a - 4 * b + c / 2, 7 * b - 15 * a - c, 6 * a - 3 * b + c / 2]
        )
        self._start, self._duration = at, duration

    def at(self, time: float) -> Doubles:
        """(n,) at `time`, which is not before the last `aim`."""
        x = (time - self._start) / self._duration
        if x >= 1.0:
            return self._goal
        x = max(x, 0.0)
        return _powers(x) @ self._polynomial

    def _motion(self, time: float) -> tuple[Doubles, Doubles, Doubles]:
        x = (time - self._start) / self._duration
        if x >= 1.0:
            rest = np.zeros_like(self._goal)
            return self._goal, rest, rest
        x = max(x, 0.0)
        velocity = np.array([0.0, 1.0, 2 * x, 3 * x**2, 4 * x**3, 5 * x**4])
        acceleration = np.array([0.0, 0.0, 2.0, 6 * x, 12 * x**2, 20 * x**3])
        return (
            _powers(x) @ self._polynomial,
            velocity @ self._polynomial / self._duration,
            acceleration @ self._polynomial / self._duration**2,
        )


def _powers(x: float) -> Doubles:
    return np.array([1.0, x, x * x, x**3, x**4, x**5])


class Noise:
    """Band-limited noise of unit variance, a vector that never repeats.

    A uniform cubic B-spline over random knots: twice continuously differentiable, nothing above
    about 1 / (2 * spacing) Hz. Asked in increasing order; how often does not change the values.
    """

    def __init__(self, rng: np.random.Generator, size: int, spacing: float) -> None:
        self._rng = rng
        self._spacing = spacing
        self._knots = self._draw(4, size)  # the knots around [_index, _index + 1)
        self._index = 0

    def at(self, time: float) -> Doubles:
        """(size,) at `time`."""
        x = time / self._spacing
        index = int(x)
        if index > self._index:
            self._advance(index)
        u = min(max(x - index, 0.0), 1.0)
        v = 1.0 - u
        weights = np.array(
            [v * v * v, 4.0 - 6.0 * u * u + 3.0 * u**3, 4.0 - 6.0 * v * v + 3.0 * v**3, u**3]
        )
        return weights @ self._knots

    def _advance(self, index: int) -> None:
        size = self._knots.shape[1]
        missing = index - self._index
        while missing > 0:  # in bounded steps, whatever time was skipped
            step = min(missing, 1024)
            self._knots = np.concatenate([self._knots, self._draw(step, size)])[-4:]
            missing -= step
        self._index = index

    def _draw(self, count: int, size: int) -> Doubles:
        # The spline's weights sum to 6 and their squares average 17.26: scale to unit variance.
        return np.asarray(self._rng.standard_normal((count, size)) / np.sqrt(17.26))
