"""A sentence -> what the face does in each of its pictures.

A sentence begins and ends in a stance: the face at rest in a demeanour, the same one whatever was
said before. So its pictures hang on its own words, and on where the next one begins, and nothing
else; whoever shows two sentences one after the other need not draw either anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from visavis.engines import load
from visavis.engines.base import PLAY_RATE, Demeanour, FaceState, Floats, Movement, Speech
from visavis.engines.motion.affect import columns

FRAME: Final = 1920  # samples of a picture at 25 a second
LEAD: Final = 4  # pictures before a sentence's first sound, of the pause before it
_EARLY: Final = round(0.12 * PLAY_RATE)  # a face changes before the words that it goes with
_CLOSE: Final = 8  # pictures after the last sound in which the mouth shuts and the head is back
STANCES: Final = 5  # among which the first words of a sentence choose
_WARM: Final = 2.0  # s that a face has lived before its first picture
_SETTLE: Final = 15  # pictures in which head and eyes leave a stance, or come back to one
_JOIN: Final = 4  # the same of mouth, lids and brows
_BLINK: Final = columns("eyeBlink")
_AWAKE: Final = 14  # pictures at the beginning in which no blink begins
_BLINK_LONGEST: Final = 12  # pictures; lids that are down for longer belong to a mood
_FLUTTER: Final = 0.06  # by how much lids move without a blink
_RESTS: Final = 64

_rests: dict[str, FaceState] = {}


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech, `at` samples after its sentence's first sound, and how it is said and done."""

    at: int
    speech: Speech
    demeanour: Demeanour
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a sentence begins, and the one before it ends. number: which of STANCES."""

    demeanour: Demeanour
    number: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """pieces in order. length: samples from its first sound to the next sentence's.

    begins, ends: stances. before: pictures that are shown before LEAD, in the stance.
    """

    pieces: tuple[Piece, ...]
    length: int
    begins: Stance
    ends: Stance
    before: int = 0

    @property
    def sounds_at(self) -> int:
        """Samples from its first picture to its first sound."""
        return (self.before + LEAD) * FRAME

    @property
    def pictures(self) -> int:
        """How many it has."""
        spoken = max((_spoken(piece) for piece in self.pieces), default=0)
        whole = max(self.length, spoken + (_CLOSE + LEAD) * FRAME if spoken else 0)
        return self.before + max(-(-whole // FRAME), 1)


def stance(words: str, demeanour: Demeanour) -> Stance:
    """Where a sentence of these words begins."""
    digest = hashlib.sha256(words.encode()).digest()
    return Stance(demeanour, digest[0] % STANCES)


def states(sentence: Sentence) -> list[FaceState]:
    """One a picture; the same sentence gives the same ones, to the bit."""
    motion = load.motion(_seed(sentence))
    warm = round(_WARM * PLAY_RATE)
    start = warm + sentence.sounds_at
    told = sentence.begins.demeanour
    motion.feel(0, told.affect, told.expression)
    motion.attend(0, "speaking")
    motion.state(warm - FRAME)
    waiting = list(sentence.pieces)
    made: list[FaceState] = []
    for picture in range(sentence.pictures):
        at = warm + picture * FRAME
        while waiting and start + waiting[0].at - _EARLY <= at + FRAME:
            piece = waiting.pop(0)
            when = max(start + piece.at - _EARLY, at)
            motion.speak(start + piece.at, piece.speech)
            motion.feel(when, piece.demeanour.affect, piece.demeanour.expression)
            for movement in piece.movements:
                motion.move(when, movement)
        made.append(motion.state(at))
    begin, end = _rest(sentence.begins), _rest(sentence.ends)
    _open_eyed(made, begin)
    return _between(begin, made, end)


def _spoken(piece: Piece) -> int:
    """Samples from the sentence's first sound to the end of this piece's last one."""
    sounds = [phoneme.end for phoneme in piece.speech.phonemes if phoneme.symbol.strip()]
    return piece.at + max(sounds, default=0)


def _seed(sentence: Sentence) -> int:
    digest = hashlib.sha256()
    for piece in sentence.pieces:
        digest.update(" ".join(word.text for word in piece.speech.words).encode())
        digest.update(piece.speech.pcm.tobytes())
    return int.from_bytes(digest.digest()[:8], "big")


def _open_eyed(made: Sequence[FaceState], begin: FaceState) -> None:
    """Without a blink at its very beginning: the sentence before may have ended with one."""
    lids = np.array([state.coefficients[_BLINK].max() for state in made])
    shut = lids > begin.coefficients[_BLINK].max() + _FLUTTER
    at = 0
    while at < len(made):
        end = at
        while end < len(made) and shut[end]:
            end += 1
        if at < _AWAKE and end - at < _BLINK_LONGEST:
            for state in made[at:end]:
                state.coefficients[_BLINK] = begin.coefficients[_BLINK]
        at = end + 1


def _between(begin: FaceState, made: Sequence[FaceState], end: FaceState) -> list[FaceState]:
    """Out of one stance and into another. The picture after the last one would be `end`."""
    count = len(made)
    return [
        _mixed(
            begin, state, end,
            (_ramp(at / _JOIN), _ramp(at / _SETTLE)),
            (_ramp((count - at) / _JOIN), _ramp((count - at) / _SETTLE)),
        )
        for at, state in enumerate(made)
    ]  # fmt: skip


def _mixed(
    begin: FaceState, state: FaceState, end: FaceState,
    entered: tuple[float, float], staying: tuple[float, float],
) -> FaceState:  # fmt: skip
    """entered, staying: shares in [0, 1], of the face and of head and eyes."""

    def between(a: Floats, b: Floats, c: Floats, which: int) -> Floats:
        into = a + (b - a) * np.float32(entered[which])
        return np.asarray(c + (into - c) * np.float32(staying[which]), np.float32)

    def level(a: float, b: float, c: float) -> float:
        into = a + (b - a) * entered[1]
        return c + (into - c) * staying[1]

    return FaceState(
        between(begin.coefficients, state.coefficients, end.coefficients, 0),
        between(begin.pose, state.pose, end.pose, 1),
        between(begin.gaze, state.gaze, end.gaze, 1),
        level(begin.breath, state.breath, end.breath),
        between(_torso(begin), _torso(state), _torso(end), 1),
        level(begin.hair, state.hair, end.hair),
        bearing=between(begin.bearing, state.bearing, end.bearing, 1),
        glance=between(begin.glance, state.glance, end.glance, 1),
    )


def _torso(state: FaceState) -> Floats:
    return state.pose if state.torso is None else state.torso


def _ramp(x: float) -> float:
    """From 0 to 1 without a corner."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def _rest(stance: Stance) -> FaceState:
    """A moment of a face that waits to speak: its eyes open, and on the viewer."""
    key = repr(stance)  # an expression has a mapping, so it cannot be hashed
    if key not in _rests:
        if len(_rests) >= _RESTS:
            _rests.clear()
        _rests[key] = _rested(stance)
    return _rests[key]


def _rested(stance: Stance) -> FaceState:
    motion = load.motion(1_000 + stance.number)
    told = stance.demeanour
    motion.feel(0, told.affect, told.expression)
    motion.attend(0, "speaking")
    lived = [motion.state(at) for at in range(round(_WARM * PLAY_RATE), 8 * PLAY_RATE, 3 * FRAME)]

    def unrest(state: FaceState) -> float:
        eyes = np.abs(state.gaze + state.pose[:2])
        return float(10.0 * state.coefficients[_BLINK].sum() + np.hypot(*eyes))

    return min(lived, key=unrest)
