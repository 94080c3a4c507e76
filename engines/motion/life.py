"""What a face does while nothing happens: blinks, breath, head, and the eyes of `gaze`.

Each process draws its own events ahead of time from its own generator, so the same seed gives the
same life however often it is looked at. Times are in seconds of the session, angles in degrees.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from visavis.engines.curves import Doubles, Glide, Noise, ramp
from visavis.engines.motion.behaviour import BEHAVIOURS, Behaviour
from visavis.engines.motion.gaze import FAR, Gaze

# --- blinks --------------------------------------------------------------------------------------

# Lids fall in about 75 ms and rise in about twice that (Evinger et al. 1991, VanderWerf 2003).
_FALL: Final = 0.075  # s, median
_SHUT: Final = 0.03
_RISE: Final = 0.15
_SPREAD: Final = 0.12  # of the logarithm of a blink's length
_INTERVAL_SPREAD: Final = 0.62  # of the logarithm of the time between blinks
_LEAST_INTERVAL: Final = 0.75  # s between the starts of two spontaneous blinks
_PARTIAL: Final = 0.10  # share of blinks that do not close the eye
_DOUBLE: Final = 0.07  # share of blinks with another one right after
# Who speaks blinks where phrases end, together with the listener (Nakano & Kitazawa 2010): one that
# is due before waits this long at most, s.
_WAIT: Final = 2.5
_MEAN: Final = float(np.exp(_INTERVAL_SPREAD**2 / 2))  # of a log-normal whose median is 1


class Blinks:
    """Log-normal intervals (Stern et al. 1984), spontaneous or provoked by a cue."""

    def __init__(self, rng: np.random.Generator, rate: float) -> None:
        self._rng = rng
        self._rate = rate  # per minute
        self._start = -10.0
        self._size = (0.0, _FALL, _SHUT, _RISE)
        self._next = self._interval() * rng.uniform(0.2, 1.0)
        self._held = (0.0, 0.0)  # from, until

    def hold(self, at: float, until: float) -> None:
        """A blink that falls due between `at` and `until` waits for the latter."""
        self._held = (at, until)

    def set_rate(self, at: float, rate: float) -> None:
        """Blinks a minute; the one that is due comes sooner or later in proportion."""
        self._next = at + (self._next - at) * self._rate / rate
        self._rate = rate

    def provoke(self, at: float, probability: float) -> None:
        """A cue at `at`, as a gaze shift or a clause's end; not taken up right after a blink."""
        taken = self._rng.random() < probability
        if taken and at - self._start > _LEAST_INTERVAL and at < self._next:
            self._next = at

    def closure(self, time: float) -> float:
        """How far the lids are down, in [0, 1]."""
        while self._next <= time:
            if self._held[0] < self._next < self._held[1]:
                self._wait()
            else:
                self._begin(self._next)
        depth, fall, shut, rise = self._size
        x = time - self._start
        return depth * (ramp(x / fall) - ramp((x - fall - shut) / rise))

    def _wait(self) -> None:
        until = self._held[1]
        self._next = min(until, self._next + _WAIT)
        self._held = (self._next, until)

    def _begin(self, at: float) -> None:
        pace = float(np.exp(_SPREAD * self._rng.standard_normal()))
        depth = self._rng.uniform(0.45, 0.75) if self._rng.random() < _PARTIAL else 1.0
        self._start = at
        self._size = (depth, _FALL * pace, _SHUT * pace, _RISE * pace)
        length = (_FALL + _SHUT + _RISE) * pace
        double = self._rng.random() < _DOUBLE
        self._next = at + (length + self._rng.uniform(0.02, 0.14) if double else self._interval())

    def _interval(self) -> float:
        scale = (60.0 / self._rate - _LEAST_INTERVAL) / _MEAN
        return _LEAST_INTERVAL + scale * float(self._rng.lognormal(0.0, _INTERVAL_SPREAD))


# --- breath --------------------------------------------------------------------------------------

_BREATH: Final = 60.0 / 14.0  # s, median cycle
_NASAL: Final = 0.02  # share of breaths between phrases that leave the lips alone


class Breath:
    """12-16 breaths a minute at rest; a quick one before a phrase."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._chest = Glide([0.1])
        self._lips = Glide([0.0])
        self._rising = False
        self._inhaled = -10.0
        self._out = 0.0  # s from the top of a breath to the next one
        self._next = float(rng.uniform(0.2, 2.0))

    def inhale(self, at: float) -> None:
        """Before a phrase: a quick breath, if the last one is used up."""
        if at - self._inhaled > 2.2:
            self._rise(at, 0.42, self._rng.uniform(0.75, 0.95), 3.4)

    def part(self, at: float, duration: float, depth: float) -> None:
        """Lips part for the breath between two phrases."""
        nasal = self._rng.random() < _NASAL
        self._lips.aim(at, 0.0 if nasal else depth * self._rng.uniform(0.88, 1.12), duration)

    def meet(self, at: float, duration: float) -> None:
        """And meet again."""
        self._lips.aim(at, 0.0, duration)

    def parted(self, time: float) -> float:
        """How far the lips are parted for a breath, about 1 as a rule, 0 if not."""
        return max(float(self._lips.at(time)[0]), 0.0)

    def at(self, time: float) -> float:
        """Chest in [0, 1]."""
        while self._next <= time:
            at = self._next
            if self._rising:
                self._fall(at)
            else:
                cycle = _BREATH * float(self._rng.lognormal(0.0, 0.1))
                self._rise(at, 0.38 * cycle, self._rng.uniform(0.5, 0.75), 0.62 * cycle)
        return float(self._chest.at(time)[0])

    def _rise(self, at: float, duration: float, depth: float, after: float) -> None:
        self._chest.aim(at, [depth], duration)
        self._rising, self._inhaled, self._out = True, at, after
        self._next = at + duration

    def _fall(self, at: float) -> None:
        duration = 0.82 * self._out  # the rest is the pause before the next breath
        self._chest.aim(at, [self._rng.uniform(0.05, 0.15)], duration)
        self._rising = False
        self._next = at + self._out


# --- head ----------------------------------------------------------------------------------------

# One standard deviation of where the head comes to rest: yaw, pitch, roll, x, y, z.
_WANDER: Final = np.array([1.25, 0.8, 0.85, 0.014, 0.006, 0.012])
_DRIFT: Final = np.array([0.22, 0.17, 0.16, 0.004, 0.003, 0.004])
_TALK: Final = np.array([0.95, 0.95, 0.9, 0.012, 0.006, 0.008])
_FOLLOW: Final = np.array([0.30, 0.22])  # share of a look away that the head takes over


class Head:
    """Rests in a posture, shifts to another now and then, drifts a little and never sways.

    Idle people hold still and resettle every few seconds; a constant slow wave would look like a
    boat. All noise is band-limited.
    """

    def __init__(self, rng: np.random.Generator, behaviour: Behaviour) -> None:
        self._rng = rng
        self._behaviour = behaviour
        self._lively = Glide([1.0])
        self._mood = np.zeros(6)
        self._wander = np.zeros(6)
        self._look = np.zeros(6)
        self._posture = Glide(np.zeros(6))
        self._along = Glide(np.zeros(2))
        slow, fast, talk = rng.spawn(3)
        self._drift = Noise(slow, 6, 1.1)
        self._tremor = Noise(fast, 6, 0.4)
        self._talk = Noise(talk, 6, 0.46)
        self._next = float(rng.uniform(0.8, 2.5))

    def behave(self, at: float, behaviour: Behaviour, mood: Doubles, lively: float) -> None:
        """From `at` on: posture by behaviour and mood (6,); `lively` scales every movement."""
        if behaviour is not self._behaviour and behaviour.ponders:
            self._wander = self._somewhere(behaviour)
        self._behaviour, self._mood = behaviour, mood
        self._lively.aim(at, lively, 0.5)
        self._aim(at, 0.75)

    def resettle(self, at: float) -> None:
        """A shift of posture, as at the start of a phrase."""
        self._wander = self._somewhere(self._behaviour)
        self._next = at + self._hold()
        self._aim(at, float(self._rng.uniform(0.55, 0.95)))

    def look(self, at: float, direction: Doubles) -> None:
        """The eyes went to `direction` (2,): the head follows a part of a long way."""
        far = np.hypot(*direction) > FAR
        goal = np.where(far, direction * _FOLLOW, 0.0)
        if (goal != self._look[:2]).any():
            self._look[:2] = goal
            self._along.aim(at, goal, 0.5)
            self._aim(at, 0.5)

    def pose(self, time: float, talking: float) -> Doubles:
        """(6,) as in FaceState; `talking` in [0, 1]."""
        while self._next <= time:
            self.resettle(self._next)
        drift = _DRIFT * (self._drift.at(time) + 0.22 * self._tremor.at(time))
        pose = self._posture.at(time) + drift
        if talking > 0.0:
            pose += _TALK * (talking * self._lively.at(time)) * self._talk.at(time)
        return np.asarray(pose)

    def along(self, time: float) -> Doubles:
        """(2,) yaw and pitch of what it takes over of a look away."""
        return self._along.at(time)

    def _hold(self) -> float:
        return max(1.2, self._behaviour.hold * float(self._rng.lognormal(0.0, 0.45)))

    def _somewhere(self, behaviour: Behaviour) -> Doubles:
        step = np.clip(self._rng.standard_normal(6), -1.9, 1.9)
        return np.asarray(_WANDER * step * behaviour.wander * self._lively.goal)

    def _aim(self, at: float, duration: float) -> None:
        goal = np.array(self._behaviour.pose) + self._mood + self._wander + self._look
        self._posture.aim(at, goal, duration)


# --- together ------------------------------------------------------------------------------------


class Life:
    """All of it, in one behaviour at a time."""

    def __init__(self, rng: np.random.Generator) -> None:
        blinks, gaze, breath, head, self._chance = rng.spawn(5)
        self._behaviour = BEHAVIOURS["idle"]
        self._blinks = Blinks(blinks, self._behaviour.blinks)
        self._gaze = Gaze(gaze, self._behaviour)
        self._breath = Breath(breath)
        self._head = Head(head, self._behaviour)

    def behave(
        self, at: float, behaviour: Behaviour, mood: Doubles, lively: float, restless: float
    ) -> None:
        """From `at` on: see Head.behave and Gaze.behave; arousal blinks more."""
        if behaviour is not self._behaviour:
            self._blinks.provoke(at + 0.06, 0.4)
        self._behaviour = behaviour
        self._blinks.set_rate(at, behaviour.blinks * (0.6 + 0.4 * lively))
        self._gaze.behave(at, behaviour, restless)
        self._head.behave(at, behaviour, mood, lively)

    def phrase(self, at: float) -> None:
        """A phrase begins."""
        self._head.resettle(at)

    def sound(self, at: float, until: float) -> None:
        """From `at` to `until` the phrase sounds; both the same: it has been broken off."""
        self._blinks.hold(at, until)

    def pause(self, at: float) -> None:
        """A clause has ended: often a blink, and a breath."""
        self._blinks.provoke(at, 0.7)
        self._breath.inhale(at + 0.02)

    def part(self, at: float, duration: float, depth: float = 1.0) -> None:
        """Lips part for a breath between phrases, within `duration`."""
        self._breath.part(at, duration, depth)

    def meet(self, at: float, duration: float) -> None:
        """And meet again."""
        self._breath.meet(at, duration)

    def parted(self, time: float) -> float:
        """How far lips are parted for a breath, about 1 as a rule."""
        return self._breath.parted(time)

    def advance(self, time: float) -> None:
        """Let everything happen that is due by `time`."""
        for shift in self._gaze.shifts(time):
            if shift.amplitude > FAR:
                self._blinks.provoke(shift.at, 0.4)
            self._head.look(shift.at, shift.goal)

    def pose(self, time: float, talking: float) -> Doubles:
        """(6,) as in FaceState."""
        return self._head.pose(time, talking)

    def lids(self, time: float) -> float:
        """How far they are down, in [0, 1]."""
        return self._blinks.closure(time)

    def look(self, time: float) -> Doubles:
        """(2,) direction of the eyes in the room."""
        return self._gaze.direction(time)

    def along(self, time: float) -> Doubles:
        """(2,) yaw and pitch of the head that belong to a look away."""
        return self._head.along(time)

    def glance(self, time: float) -> Doubles:
        """(2,) direction of the eyes while they look away, else 0."""
        return self._gaze.glance(time)

    def vergence(self, time: float) -> float:
        """Degrees by which each eye turns in, to meet where it looks."""
        return self._gaze.vergence(time)

    def breath(self, time: float) -> float:
        """Chest in [0, 1]."""
        return self._breath.at(time)
