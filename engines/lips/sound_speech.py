"""From any recording or stream of sound to `Speech` that a face can speak.

What `sound_visemes` hears becomes a row of visemes, the likeliest one that does not flicker
(Viterbi with a fixed lag), and each viseme the likeliest sound of its kind. Articulation then
treats it as it treats a voice's own phonemes, so lips close where the treble dips and jaws open by
loudness, whoever speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import numpy as np

from visavis.engines.base import PLAY_RATE, Floats, Pcm, Phoneme, Speech
from visavis.engines.curves import Doubles
from visavis.engines.lips.sound_visemes import (
    KINDS,
    LOOK_AHEAD,
    NAMES,
    OCULUS,
    Frames,
    SoundVisemes,
)

_MEL_FRAME: Final = PLAY_RATE // 100  # samples of sound_visemes.MEL_FRAME as it is played
_SWITCH: Final = 1.5  # nats that a change of viseme costs
# Viewers miss a closure of the lips sooner than they see one too many: /p/ in doubt is a /p/.
_FAVOUR: Final = {"PP": 1.4, "FF": 1.2}
_UNSURE: Final = 1e-4  # the least probability, so that one frame cannot forbid a sound
_BLOCK: Final = 2  # frames that are decided at once
# Frames that are heard past a frame before it is decided: with 3 more closures are made in vain,
# 10 are no better than these.
_LAG: Final = 4
_PIECE: Final = 4  # frames of the shortest piece of speech
_LEAST: Final = 2  # frames of a piece that is told in a hurry, if it may end there
_LONG: Final = 6  # frames after which a sound that goes on is told in parts
_LONGEST: Final = 14  # frames of the longest piece, even if it ends in a closure

# What is fed now has become speech this much later at the latest, in s; usually in 0.2.
DELAY: Final = LOOK_AHEAD + 0.01 * (_LAG + _BLOCK + _LONGEST)

_SYMBOLS: Final = tuple(kind.symbol for kind in KINDS.values())
_MEMBERS: Final = tuple(
    tuple(NAMES.index(name) for name, kind in KINDS.items() if kind.oculus == viseme)
    for viseme in OCULUS
)
_SEALS: Final = frozenset(OCULUS.index(viseme) for viseme in _FAVOUR)
_WEIGHTS: Final = np.array([_FAVOUR.get(viseme, 1.0) for viseme in OCULUS], np.float32)


class SoundSpeech:
    """engines.base.Lips. One stream of sound, told again as pieces of `Speech` without words."""

    delay = DELAY

    def __init__(self, network: SoundVisemes) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Another stream begins."""
        self._network.reset()
        self._path = Path()
        self._decided: list[int] = []  # viseme of every frame that is not yet in a piece
        self._kinds = np.zeros((0, len(NAMES)), np.float32)  # what was heard from there on
        self._hurried = 0  # frames from there on that were told before they were decided
        self._pcm = np.zeros(0, np.int16)  # the samples after these

    def feed(self, pcm: Pcm) -> Iterator[Speech]:
        """The next samples -> the pieces that are complete, each following the one before."""
        self._pcm = np.concatenate([self._pcm, pcm])
        self._hear(self._network.feed(pcm))
        yield from self._complete()

    def hurry(self, samples: int) -> Iterator[Speech]:
        """The next samples now, by what was heard so far; the stream goes on."""
        ahead = self._network.guess()
        likely = [*self._decided, *self._path.guess(ahead.visemes)][self._hurried :]
        most = min(samples, len(self._pcm), len(likely) * _MEL_FRAME) // _MEL_FRAME
        if frames := _hurried_cut(likely, most):
            kinds = np.concatenate([self._kinds, ahead.kinds])[self._hurried :]
            yield self._made(likely[:frames], kinds, frames * _MEL_FRAME)
            self._hurried += frames
            self._drop()

    def flush(self) -> Iterator[Speech]:
        """What is left when the sound is over; all pieces together are as long as the sound."""
        self._hear(self._network.flush())
        self._decided += self._path.flush()
        self._drop()
        yield from self._complete()
        if self._pcm.size:
            yield self._piece(len(self._decided), len(self._pcm))
        self.reset()

    def _complete(self) -> Iterator[Speech]:
        while (cut := _cut(self._decided)) is not None:
            yield self._piece(cut, cut * _MEL_FRAME)

    def _hear(self, heard: Frames) -> None:
        self._kinds = np.concatenate([self._kinds, heard.kinds])
        self._decided += self._path.feed(heard.visemes)
        self._drop()

    def _drop(self) -> None:
        """What was told in a hurry is not told again."""
        count = min(self._hurried, len(self._decided))
        self._decided, self._kinds = self._decided[count:], self._kinds[count:]
        self._hurried -= count

    def _piece(self, frames: int, samples: int) -> Speech:
        decided, self._decided = self._decided[:frames], self._decided[frames:]
        kinds, self._kinds = self._kinds[:frames], self._kinds[frames:]
        return self._made(decided, kinds, samples)

    def _made(self, decided: list[int], kinds: Floats, samples: int) -> Speech:
        pcm, self._pcm = self._pcm[:samples], self._pcm[samples:]
        phonemes: list[Phoneme] = []
        first = 0
        for viseme, run in groupby(decided):
            last = first + sum(1 for _ in run)
            symbol = _SYMBOLS[_likeliest(kinds[first:last], viseme)]
            phonemes.append(Phoneme(symbol, first * _MEL_FRAME, min(last * _MEL_FRAME, samples)))
            first = last
        return Speech(pcm, tuple(phonemes), (), "espeak")


def _likeliest(kinds: Floats, viseme: int) -> int:
    """The class of sounds of that viseme that was heard most."""
    members = _MEMBERS[viseme]
    return members[int(kinds[:, members].sum(0).argmax())]


def speech(pcm: Pcm, network: SoundVisemes) -> Iterator[Speech]:
    """A whole recording at PLAY_RATE as pieces in order. Raises EngineError."""
    stream = SoundSpeech(network)
    yield from stream.feed(pcm)
    yield from stream.flush()


def _cut(decided: list[int]) -> int | None:
    """Where the first piece may end, in frames; None while that is open.

    Between two sounds, or within a long one; before or in a closure only when the piece becomes
    too long otherwise: its exact time is sought in the samples around it.
    """
    between = 0  # any two sounds
    for at in range(_PIECE, len(decided) - 1):
        if at >= _LONGEST:
            return between or at
        changes = decided[at] != decided[at - 1]
        between = at if changes else between
        goes_on = at >= _LONG and len(set(decided[at - _LONG + 1 : at + 1])) == 1
        if (changes or goes_on) and decided[at] not in _SEALS:
            return at
    return None


def _hurried_cut(likely: list[int], most: int) -> int:
    """Where a piece of so many frames at most is best ended: between two sounds.

    A closure in two pieces would be two closures; any other sound may go on in the next piece.
    """
    changes = [at for at in range(_LEAST, most + 1) if likely[at - 1 : at] != likely[at : at + 1]]
    if changes and (most == len(likely) or likely[most] in _SEALS):
        return changes[-1]
    return most


class Path:
    """The likeliest row of visemes, decided a fixed time after it was heard."""

    def __init__(self) -> None:
        self._score: Doubles = np.zeros(len(OCULUS))
        self._from: list[tuple[int, list[bool]]] = []  # best viseme before, and who came from it

    def feed(self, visemes: Floats) -> list[int]:
        """(n, visemes) probabilities -> the visemes of the frames that are now decided."""
        result: list[int] = []
        for row in np.log(visemes * _WEIGHTS + _UNSURE):
            best = int(self._score.argmax())
            switched = self._score[best] - _SWITCH
            moved = self._score < switched
            self._score = np.where(moved, switched, self._score) + row
            self._score -= self._score.max()
            self._from.append((best, moved.tolist()))
            if len(self._from) == _LAG + _BLOCK:
                result += self._trace()[:_BLOCK]
                del self._from[:_BLOCK]
        return result

    def guess(self, visemes: Floats) -> list[int]:
        """All that are open, if these followed; nothing is decided by it."""
        other = Path()
        other._score, other._from = self._score, list(self._from)
        return other.feed(visemes) + other.flush()

    def flush(self) -> list[int]:
        """The rest."""
        rest = self._trace()
        self._from.clear()
        return rest

    def _trace(self) -> list[int]:
        """The visemes of the frames that are open, by the likeliest path to the last."""
        at = int(self._score.argmax())
        path = []
        for best, moved in reversed(self._from):
            path.append(at)
            at = best if moved[at] else at
        return path[::-1]
