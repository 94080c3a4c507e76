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
from visavis.engines.motion.visemes import SILENCE
from visavis.models import arkit

_APART: Final = 0.44  # s between two accents, and so between two movements of the brows
_BROWS_LAST: Final = (0.36, 0.50)  # s that one takes
_NODS_APART: Final = 1.3  # s between two nods of a listener
_TAKEN: Final = 0.61  # share of accents on which the head nods
_NEW: Final = 0.25  # s of silence after which the first accent raises the brows
_MEMORY: Final = 0.06  # share of a vowel in what is usual for this speaker
_LATE: Final = 0.12  # s that a gesture may be late; after that it is left out
PAUSE: Final = 0.11  # s of silence that ends a clause


def _indices(side: str) -> list[int]:
    return [arkit.INDEX[f"{brow}{side}"] for brow in ("browOuterUp", "browDown")]


_RAISE: Final = vector({"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 0.18})
_FROWN: Final = vector({"browDown": 1.0, "eyeSquint": 0.35})  # what is said in earnest
_NOTHING: Final = np.zeros_like(_RAISE)
_SIDES: Final = (_indices("Left"), _indices("Right"))
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
        self._usual: float | None = None  # prominence of a vowel
        self._told = -10.0  # end of what was said so far
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
        begins = self._begins([sound for sound in sounds if sound.viseme is not SILENCE])
        for accent in self._accents(sounds):
            if self._rng.random() < _TAKEN:
                self._add(now, self._nod(accent, lively))
            excess = max(_prominence(accent) - (self._usual or 0.0), 0.0)
            if begins or self._rng.random() < min(0.9 + 0.1 * excess, 0.98):
                begins = False
                self._add(now, self._brows(accent, lively, excess))
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
            self._coming += _shake(at, 5.2 if self._rng.random() < 0.5 else -5.2)
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

    def _begins(self, voiced: Sequence[MouthMovement]) -> bool:
        """Whether these sounds come after a pause."""
        if not voiced:
            return False
        begins = voiced[0].start - self._told > _NEW
        self._told = voiced[-1].end
        return begins

    def _accents(self, sounds: Sequence[MouthMovement]) -> list[MouthMovement]:
        """Vowels that stand out, the most prominent first come, at least _APART s from others."""
        vowels = [sound for sound in sounds if sound.viseme.vowel]
        if not vowels:
            return []
        threshold = self._threshold(vowels)
        chosen: list[MouthMovement] = []
        for vowel in sorted(vowels, key=_prominence, reverse=True):
            free = all(abs(vowel.start - other.start) > _APART for other in chosen)
            if free and _prominence(vowel) >= threshold and vowel.start - self._last > _APART:
                chosen.append(vowel)
        chosen.sort(key=lambda sound: sound.start)
        self._last = chosen[-1].start if chosen else self._last
        return chosen

    def _threshold(self, vowels: Sequence[MouthMovement]) -> float:
        """From what prominence on a vowel stands out; pieces of one vowel must not decide alone."""
        mean = float(np.mean([_prominence(vowel) for vowel in vowels]))
        share = 1.0 if self._usual is None else 1.0 - (1.0 - _MEMORY) ** len(vowels)
        self._usual = mean if self._usual is None else self._usual + share * (mean - self._usual)
        return self._usual

    def _nod(self, accent: MouthMovement, lively: float) -> Gesture:
        """Mostly down, at times up; a little to one side; its height on the vowel."""
        rng = self._rng
        depth = lively * rng.uniform(0.9, 2.1) * min(max(0.7 + 0.3 * _prominence(accent), 0.5), 1.4)
        pitch = depth * (0.7 if rng.random() < 0.2 else -1.0)
        yaw, roll = 0.7 * rng.standard_normal(2)
        length, attack = rng.uniform(0.44, 0.6), 0.42
        pose = _pose(yaw=yaw, pitch=pitch, roll=roll)
        return Gesture(_middle(accent) - attack * length, length, attack, pose, _NOTHING)

    def _brows(self, accent: MouthMovement, lively: float, excess: float) -> Gesture:
        """Mostly up, now and then drawn together; never quite alike on both sides."""
        rng = self._rng
        earnest = rng.random() < 0.18
        size = lively * rng.uniform(0.95, 1.15) * min(0.97 + 0.1 * excess, 1.2)
        face = min(size, 1.0) * (_FROWN if earnest else _RAISE)
        face[_SIDES[int(rng.integers(2))]] *= rng.uniform(0.8, 1.0)
        attack, length = 0.36, rng.uniform(*_BROWS_LAST)
        return Gesture(_middle(accent) - attack * length, length, attack, np.zeros(6), face)

    def _question(self, now: float, start: float, end: float) -> None:
        """Brows and chin rise over the last word and come down after it."""
        length = max(end - start, 0.25) + 0.6
        tilt = 1.6 if self._rng.random() < 0.5 else -1.6
        pose = _pose(pitch=1.5, roll=tilt, z=0.012)
        self._add(now, Gesture(start - 0.15, length, 0.45, pose, 0.85 * _RAISE))

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
