"""Coarticulation: from sounds to the mouth at any instant.

Each sound pulls each articulator towards its target; the pulls are weighed by dominance functions
and averaged (Cohen & Massaro, "Modeling coarticulation in synthetic visual speech", 1993). Jaw,
rounding, lips and tongue have reaches of their own, as in JALI (Edwards et al., 2016). Averaging
would leave p, b, m, f and v half open in fast speech, so these are laid over it as seals, which
always close.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from visavis.engines.curves import Doubles, Glide, ramps
from visavis.engines.motion.affect import vector
from visavis.engines.motion.enunciation import MouthMovement
from visavis.engines.motion.visemes import ARTICULATORS, SILENCE, UNITS, VISEMES, Viseme
from visavis.models import arkit

CHANNELS: Final = (*(unit for units in UNITS.values() for unit in units), "lips", "teeth")
_INDEX: Final = {name: index for index, name in enumerate(CHANNELS)}
_UNITS: Final = CHANNELS[:-2]
_OF_UNIT: Final = np.repeat(np.arange(len(UNITS)), [len(units) for units in UNITS.values()])

# When a sound begins to pull, relative to its start, and when it lets go, relative to its end, in
# seconds: (from, to) each. Rounding reaches furthest: lips round over several consonants ahead of
# a vowel (Perkell & Matthies 1992); the jaw needs 100-150 ms for a movement.
_ONSET: Final = {
    "jaw": (-0.095, 0.025), "round": (-0.17, 0.03), "lips": (-0.10, 0.03), "tongue": (-0.07, 0.01),
}  # fmt: skip
_OFFSET: Final = {
    "jaw": (-0.025, 0.075), "round": (-0.03, 0.12), "lips": (-0.03, 0.09), "tongue": (-0.01, 0.06),
}  # fmt: skip
# Silence shuts the mouth over 140 ms and lets go of it before the first sound.
_CLOSING: Final = (0.0, 0.14)
_OPENING: Final = (-0.16, -0.05)
_REACH: Final = 0.25  # s, more than any of these plus the smoothing

# Muscles low-pass: the averaged targets are smoothed over +-28 ms, symmetrically, so nothing lags.
_TAPS: Final = np.array([-0.028, -0.014, 0.0, 0.014, 0.028])
_WEIGHTS: Final = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0

# s to shut and to open again, less where a short vowel stands between two seals: it must be seen
_SHUT: Final = {"lips": 0.065, "teeth": 0.075}
_OPEN: Final = {"lips": 0.055, "teeth": 0.07}
_LEAST: Final = {"lips": 0.03, "teeth": 0.045}
_ROWS: Final = {
    name: np.array([viseme.targets.get(unit, 0.0) for unit in _UNITS])
    for name, viseme in VISEMES.items()
}

# Lips round and spread further too where a vowel is spoken more openly, as stressed ones are.
_EFFORT: Final = 0.5
_OF_LIPS: Final = [_INDEX[unit] for group in ("round", "lips") for unit in UNITS[group]]

CUT: Final = 0.11  # s in which the mouth eases shut after a cut
_BLEND: Final = (0.06, 0.12)  # s, shortest and longest transition to a changed plan
_DERIVATIVE: Final = 0.002  # s


class Score:
    """What the mouth is to do: sounds in order over all time, silence where there are none."""

    def __init__(self, sounds: Sequence[MouthMovement] = ()) -> None:
        self.sounds = tuple(sounds)
        line = _with_silence(self.sounds)
        self._starts = np.array([sound.start for sound in line])
        self._ends = np.array([sound.end for sound in line])
        self._targets = _targets(line)  # (n, units)
        self._insists = np.array([sound.viseme.insists() for sound in line])  # (n, articulators)
        self._on = _span(line, self._starts, [_ONSET[a] for a in ARTICULATORS], _CLOSING)
        self._off = _span(line, self._ends, _releases(line), _OPENING)
        self._seals = [_seals(line, "lips"), _seals(line, "teeth")]

    def channels(self, time: float) -> Doubles:
        """(channels,) at `time`."""
        result = np.empty(len(CHANNELS))
        result[:-2] = _WEIGHTS @ self._averaged(time + _TAPS)
        result[-2:] = [_shut(seals, time) for seals in self._seals]
        return result

    def _averaged(self, times: Doubles) -> Doubles:
        """(taps,) s -> (taps, units): targets averaged by dominance."""
        first = int(np.searchsorted(self._ends, times[0] - _REACH))
        last = int(np.searchsorted(self._starts, times[-1] + _REACH))
        near = slice(first, last)
        if last - first == 1 and not self._targets[first].any():
            return np.zeros((len(times), len(_UNITS)))  # silence all around
        clock = times[:, None, None]
        on, off = self._on[:, near], self._off[:, near]
        pull = self._insists[near] * ramps((clock - on[0]) * on[1])
        pull *= 1.0 - ramps((clock - off[0]) * off[1])  # (taps, n, articulators)
        share = pull / np.maximum(pull.sum(1, keepdims=True), 1e-9)  # never NaN
        return np.asarray(np.einsum("tnu,nu->tu", share[:, :, _OF_UNIT], self._targets[near]))

    def sound_at(self, time: float) -> MouthMovement | None:
        """The sound that is being made, None in silence."""
        index = bisect_right(self.sounds, time, key=lambda sound: sound.start) - 1
        return self.sounds[index] if index >= 0 and time < self.sounds[index].end else None

    def after(self, time: float) -> list[MouthMovement]:
        """The sounds that still matter at `time`."""
        return [sound for sound in self.sounds if sound.end > time - 2 * _REACH]

    def until(self, time: float) -> list[MouthMovement]:
        """The sounds that begin before `time`, as if speech had been meant to end there."""
        return [_ended(sound, time) for sound in self.sounds if sound.start < time]


def _ended(sound: MouthMovement, time: float) -> MouthMovement:
    if sound.end <= time:
        return sound
    seal = sound.seal if sound.seal and sound.seal[0] < time else None
    return MouthMovement(
        sound.symbol, sound.viseme, sound.start, time, sound.stress, sound.openness,
        sound.loudness, seal,
    )  # fmt: skip


def _with_silence(sounds: Sequence[MouthMovement]) -> list[MouthMovement]:
    """Fill every gap, before, between and after; what was silence is filled alike."""
    sounds = [sound for sound in sounds if not _silent(sound.viseme)]
    edges = [-np.inf, *(edge for s in sounds for edge in (s.start, s.end)), np.inf]
    line: list[MouthMovement] = []
    for index in range(0, len(edges), 2):
        if edges[index + 1] - edges[index] > 1e-3:
            line.append(MouthMovement("", SILENCE, edges[index], edges[index + 1]))
        if index // 2 < len(sounds):
            line.append(sounds[index // 2])
    return line


def _targets(line: Sequence[MouthMovement]) -> Doubles:
    """(n, units), the jaw scaled by how openly each sound is spoken, a vowel's lips by half."""
    targets = np.stack([_ROWS[sound.viseme.name] for sound in line])
    openness = np.array([sound.openness for sound in line])
    effort = np.where([s.viseme.vowel for s in line], 1.0 + _EFFORT * (openness - 1.0), 1.0)
    targets[:, _OF_LIPS] *= effort[:, None]
    targets[:, _INDEX["jawOpen"]] *= openness
    return np.asarray(np.minimum(targets, 1.0))


def _silent(viseme: Viseme) -> bool:
    return viseme is SILENCE


def _releases(line: Sequence[MouthMovement]) -> list[list[tuple[float, float]]]:
    """Per sound and articulator: before a pause everything lets go as slowly as the mouth shuts."""
    usual = [_OFFSET[a] for a in ARTICULATORS]
    last = [_CLOSING] * len(ARTICULATORS)
    ends = [_silent(b.viseme) for _, b in pairwise(line)]
    return [last if end else usual for end in [*ends, True]]


def _span(
    line: Sequence[MouthMovement],
    edges: Doubles,
    reach: Sequence[object],
    silence: tuple[float, float],
) -> Doubles:
    """(2, n, articulators): when a ramp begins and one over how long it lasts."""
    spans = np.broadcast_to(np.array(reach, np.float64), (len(line), len(ARTICULATORS), 2)).copy()
    spans[[_silent(sound.viseme) for sound in line]] = silence
    return np.stack([edges[:, None] + spans[..., 0], 1.0 / (spans[..., 1] - spans[..., 0])])


def _seals(line: Sequence[MouthMovement], kind: str) -> Doubles:
    """(n, 4): begins to shut, is shut, begins to open, is open."""
    spans = [s.seal for s in line if s.seal and s.viseme.seal == kind]
    if not spans:
        return np.zeros((0, 4))
    shut, opened = np.array(spans).T
    gap = np.r_[np.inf, np.maximum(shut[1:] - opened[:-1], 0.0), np.inf]
    closing = np.clip(0.55 * gap[:-1], _LEAST[kind], _SHUT[kind])
    opening = np.clip(0.45 * gap[1:], _LEAST[kind], _OPEN[kind])
    return np.stack([shut - closing, shut, opened, opened + opening], 1)


def _shut(seals: Doubles, time: float) -> float:
    """How shut, in [0, 1]. Neighbouring seals join smoothly: one minus the product of openings."""
    near = seals[(seals[:, 0] < time) & (time < seals[:, 3])] if len(seals) else seals
    if not len(near):
        return 0.0
    up = ramps((time - near[:, 0]) / (near[:, 1] - near[:, 0]))
    down = ramps((time - near[:, 2]) / (near[:, 3] - near[:, 2]))
    return float(1.0 - np.prod(1.0 - up * (1.0 - down)))


class Mouth:
    """The mouth over time. Its plan may change at any moment without a jump.

    When speech arrives or is cut the difference between the old plan and the new one at that
    moment, in value and velocity, dies away along a minimum-jerk curve on top of the new plan
    ("inertialization", Bollo, GDC 2018).
    """

    def __init__(self) -> None:
        self._score = Score()
        self._rest = Glide(np.zeros(len(CHANNELS)))  # the difference that dies away
        self._cut: tuple[float, Score] | None = None  # when it comes into force

    def say(self, now: float, sounds: Sequence[MouthMovement]) -> None:
        """Add sounds, in order, after those there are. `now` is the last instant that was shown."""
        if not sounds:
            return
        if self._cut is not None:
            at, score = self._cut
            self._cut = (at, Score([*score.sounds, *sounds]))
            return
        duration = min(max(sounds[0].start - now, _BLEND[0]), _BLEND[1])
        known = [_ended(s, sounds[0].start) for s in self._score.after(now)]
        known = [s for s in known if s.start < sounds[0].start]
        self._change(now, Score([*known, *sounds]), duration)

    def cut(self, now: float, at: float) -> None:
        """Drop everything from `at` on; from there the mouth eases shut within CUT seconds."""
        at = max(at, now)
        score = self._cut[1] if self._cut else self._score
        self._cut = (min(at, self._cut[0]) if self._cut else at, Score(score.until(at)))

    def channels(self, time: float) -> Doubles:
        """(channels,) in the order of CHANNELS; `time` never decreases."""
        if self._cut is not None and time >= self._cut[0]:
            at, spoken = self._cut
            self._cut = None
            self._change(at, Score([s for s in spoken.sounds if s.start >= at]), CUT)
        return self._score.channels(time) + self._rest.at(time)

    def symbol(self, time: float) -> str:
        """The phoneme that is being made at `time`, "" in silence."""
        score = self._cut[1] if self._cut and time >= self._cut[0] else self._score
        sound = score.sound_at(time)
        return sound.symbol if sound else ""

    def _change(self, at: float, score: Score, duration: float) -> None:
        before, after = at - _DERIVATIVE, at + _DERIVATIVE
        ahead = self._score.channels(after) - score.channels(after)
        behind = self._score.channels(before) - score.channels(before)
        self._rest.nudge(at, (ahead + behind) / 2, (ahead - behind) / (2 * _DERIVATIVE), duration)
        self._score = score


# --- channels to ARKit ---------------------------------------------------------------------------

# What the lips do over a seal, per seal: ARKit's mouthClose cancels jawOpen exactly, so equal
# amounts bring the lower lip up to where it rests at any height of the jaw. Factors on the free
# shape, then amounts on top.
_KEPT: Final = {
    "lips": {"jawOpen": 0.4, "mouthPucker": 0.85, "mouthFunnel": 0.1, "mouthStretch": 0.6,
             "mouthSmile": 0.6, "mouthDimple": 0.6},
    "teeth": {"jawOpen": 0.3, "mouthPucker": 0.4, "mouthFunnel": 0.15, "mouthStretch": 0.6,
              "mouthSmile": 0.6, "mouthDimple": 0.6},
}  # fmt: skip
_ADDED: Final = {
    "lips": {"mouthPress": 0.18, "mouthRollUpper": 0.10, "mouthRollLower": 0.14},
    "teeth": {"jawOpen": 0.045, "mouthRollLower": 0.42, "mouthUpperUp": 0.46},
}  # fmt: skip


# The upper teeth end below the line of closed lips: so far short of it the lower lip meets them.
_TEETH_BELOW: Final = 0.05  # of the jaw's way; looked at on two faces

_TO_ARKIT: Final = np.stack([vector({unit: 1.0}) for unit in _UNITS])
_LIPS: Final = (vector(_KEPT["lips"]), vector(_ADDED["lips"]))
_TEETH: Final = (vector(_KEPT["teeth"]), vector(_ADDED["teeth"]))
_JAW: Final = arkit.INDEX["jawOpen"]
_CLOSE: Final = arkit.INDEX["mouthClose"]


def coefficients(channels: Doubles) -> Doubles:
    """(channels,) -> (52,) ARKit coefficients of the mouth, the rest 0; not yet clipped."""
    lips, teeth = (min(max(amount, 0.0), 1.0) for amount in channels[-2:].tolist())
    free: Doubles = channels[:-2] @ _TO_ARKIT
    if lips == 0.0 and teeth == 0.0:
        return free
    touching = free * _TEETH[0] + _TEETH[1]
    touching[_CLOSE] = max(touching[_JAW] - _TEETH_BELOW, 0.0)
    shape = free + teeth * (touching - free)
    shut = shape * _LIPS[0] + _LIPS[1]
    shut[_CLOSE] = shut[_JAW]
    return np.asarray(shape + lips * (shut - shape))
