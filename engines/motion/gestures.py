"""Movements that belong to what is said: nods and brows on accents and questions. No mouth.

Speakers move head and brows on the syllables they stress, and the movement helps to understand
them (Munhall et al. 2004, Krahmer & Swerts 2007). Where a voice does not mark stress, loud and
long syllables are taken for stressed. Times are in seconds of the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Movement, Word
from visavis.engines.curves import Doubles, bump
from visavis.engines.motion.affect import vector
from visavis.engines.motion.enunciation import MouthMovement

_APART: Final = 0.55  # s between two accents
_NODS_APART: Final = 1.3  # s between two nods of a listener
_TAKEN: Final = 0.75  # share of accents that show
_LATE: Final = 0.12  # s that a gesture may be late; after that it is left out
PAUSE: Final = 0.11  # s of silence that ends a clause

_RAISE: Final = vector({"browInnerUp": 0.8, "browOuterUp": 1.0, "eyeWide": 0.25})
_NOTHING: Final = np.zeros_like(_RAISE)
_WINK: Final = vector({
    "eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.5, "mouthSmileLeft": 0.25, "browDownLeft": 0.2,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gesture:
    """One bump: (6,) pose and (52,) face at its height, `attack` of its length after its start."""

    start: float
    length: float
    attack: float
    pose: Doubles
    face: Doubles

    @property
    def peak(self) -> float:
        """When it is at its height."""
        return self.start + self.attack * self.length


class Gestures:
    """The gestures that are on their way, and the drawing of new ones."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._coming: list[Gesture] = []
        self._last = -10.0  # the last accent
        self._nodded = -10.0

    def accompany(
        self,
        now: float,
        at: float,
        sounds: Sequence[MouthMovement],
        words: Sequence[Word],
        lively: float,
    ) -> None:
        """Gestures for a piece of speech that starts at `at`."""
        accents = self._accents(sounds)
        strongest = max(accents, key=_prominence, default=None)
        for accent in accents:
            if self._rng.random() < _TAKEN:
                self._add(now, self._nod(accent, lively))
            raised = 0.5 if accent is strongest else 0.12
            if self._rng.random() < raised:
                size = lively * self._rng.uniform(0.30, 0.55)
                self._add(now, self._brows(_middle(accent), 0.5, size))
        if words and words[-1].text.rstrip("\"')”’»").endswith("?"):
            self._question(now, at + words[-1].start / PLAY_RATE, at + words[-1].end / PLAY_RATE)

    def nod(self, at: float, lively: float) -> None:
        """A listener's nod at `at`, now and then a double one; none right after another."""
        if at - self._nodded < _NODS_APART:
            return
        self._nodded = at
        depth = lively * self._rng.uniform(1.2, 2.4)
        length = self._rng.uniform(0.42, 0.55)
        self._coming.append(Gesture(at, length, 0.42, _pose(pitch=-depth), _NOTHING))
        if self._rng.random() < 0.35:
            again = _pose(pitch=-0.6 * depth)
            self._coming.append(Gesture(at + 0.85 * length, length, 0.42, again, _NOTHING))

    def move(self, at: float, movement: Movement, lively: float) -> None:
        """Something that is done once, whatever is said; it begins at `at`."""
        if movement == "acknowledge":
            self.nod(at, 1.3 * lively)
        elif movement == "nod":
            self._nodded = at
            self._coming += [
                Gesture(at + start, 0.6, 0.42, _pose(pitch=pitch), _NOTHING)
                for start, pitch in ((0.0, -4.6), (0.5, -3.0))
            ]
        elif movement == "shake":
            self._coming += _shake(at, 5.5 if self._rng.random() < 0.5 else -5.5)
        elif movement == "brows":
            self._coming.append(Gesture(at, 1.1, 0.28, _pose(pitch=0.7, z=0.006), 0.6 * _RAISE))
        elif movement == "tilt":
            roll = 4.5 if self._rng.random() < 0.5 else -4.5
            self._coming.append(Gesture(at, 2.2, 0.25, _pose(roll=roll), 0.15 * _RAISE))
        else:
            self._coming.append(Gesture(at, 0.42, 0.4, _pose(roll=1.2), _WINK))

    def forget(self, at: float) -> None:
        """Drop what has not begun by `at`; what has begun ends by itself."""
        self._coming = [gesture for gesture in self._coming if gesture.start < at]

    def at(self, time: float) -> tuple[Doubles, Doubles]:
        """(6,) pose and (52,) face that the gestures add."""
        self._coming = [g for g in self._coming if g.start + g.length > time]
        pose, face = np.zeros(6), np.zeros_like(_RAISE)
        for gesture in self._coming:
            amount = bump((time - gesture.start) / gesture.length, gesture.attack)
            if amount:
                pose += amount * gesture.pose
                face += amount * gesture.face
        return pose, face

    def _accents(self, sounds: Sequence[MouthMovement]) -> list[MouthMovement]:
        """Vowels that stand out, the most prominent first come, at least _APART s from others."""
        vowels = [sound for sound in sounds if sound.viseme.vowel]
        if not vowels:
            return []
        threshold = float(np.mean([_prominence(vowel) for vowel in vowels]))
        chosen: list[MouthMovement] = []
        for vowel in sorted(vowels, key=_prominence, reverse=True):
            free = all(abs(vowel.start - other.start) > _APART for other in chosen)
            if free and _prominence(vowel) >= threshold and vowel.start - self._last > _APART:
                chosen.append(vowel)
        chosen.sort(key=lambda sound: sound.start)
        self._last = chosen[-1].start if chosen else self._last
        return chosen

    def _nod(self, accent: MouthMovement, lively: float) -> Gesture:
        """Mostly down, at times up; a little to one side; its height on the vowel."""
        rng = self._rng
        depth = lively * rng.uniform(0.7, 1.7) * min(max(0.7 + 0.3 * _prominence(accent), 0.5), 1.4)
        pitch = depth * (0.7 if rng.random() < 0.2 else -1.0)
        yaw, roll = 0.45 * rng.standard_normal(2)
        length, attack = rng.uniform(0.4, 0.56), 0.42
        pose = _pose(yaw=yaw, pitch=pitch, roll=roll)
        return Gesture(_middle(accent) - attack * length, length, attack, pose, _NOTHING)

    def _brows(self, peak: float, length: float, size: float) -> Gesture:
        attack = 0.36
        return Gesture(peak - attack * length, length, attack, np.zeros(6), size * _RAISE)

    def _question(self, now: float, start: float, end: float) -> None:
        """Brows and chin rise over the last word and come down after it."""
        length = max(end - start, 0.25) + 0.6
        tilt = 1.6 if self._rng.random() < 0.5 else -1.6
        pose = _pose(pitch=1.5, roll=tilt, z=0.012)
        self._add(now, Gesture(start - 0.15, length, 0.45, pose, 0.58 * _RAISE))

    def _add(self, now: float, gesture: Gesture) -> None:
        """A gesture that should have begun begins now, unless its height would come too late."""
        late = now - gesture.start
        if late < _LATE:
            self._coming.append(gesture if late <= 0 else replace(gesture, start=now))


def _prominence(vowel: MouthMovement) -> float:
    """Stress, 6 dB of loudness and 0.1 s of length weigh alike."""
    return vowel.stress + vowel.loudness / 6.0 + (vowel.end - vowel.start) / 0.1 - 1.0


def _middle(sound: MouthMovement) -> float:
    return min((sound.start + sound.end) / 2, sound.start + 0.09)


def _shake(at: float, yaw: float) -> list[Gesture]:
    """To one side, to the other, and back."""
    sides = ((0.0, 0.7), (0.32, -1.0), (0.64, 0.9), (0.96, -0.5))
    return [Gesture(at + s, 0.64, 0.48, _pose(yaw=share * yaw), _NOTHING) for s, share in sides]


def _pose(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, z: float = 0.0) -> Doubles:
    return np.array([yaw, pitch, roll, 0.0, 0.0, z])
