"""From a piece of speech to the sounds that the mouth has to make.

Adds to the phonemes what only the samples tell: how loud each syllable is and where exactly the
lips are shut. Times are in seconds of the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from visavis.engines.base import PLAY_RATE, Speech
from visavis.engines.curves import Doubles
from visavis.engines.motion import visemes
from visavis.engines.motion.visemes import Viseme

FRAME: Final = 240  # samples of one step of the envelope: 5 ms
_STEP: Final = FRAME / PLAY_RATE
_FLOOR: Final = 1.0  # sample units; silence is -90 dBFS instead of minus infinity

# How long lips stay shut for p, b and m, in s. A picture every 40 ms always falls into the least,
# however fast the speech; a longer dip of the treble is a pause rather than a closure.
MIN_SEAL: Final = 0.074
MAX_SEAL: Final = 0.12
_EARLY: Final = 0.08  # s that a closure may begin before its phoneme is said to
_LATE: Final = 0.015  # s after the phoneme's end
_DIP: Final = 8.0  # dB that the treble must fall for the dip to be a closure

_LOUDNESS_GAIN: Final = 0.045  # of the jaw per dB; people open further to speak up,
# dB by which vowels of an even voice differ, and lips do not follow. Of a voice that does not mark
# stress only loudness tells of it, and lips follow all of it.
_USUAL_RANGE: Final = 3.8
_STRESS_GAIN: Final = 0.05  # of the jaw in a syllable with primary stress
_NORMAL_SOUND: Final = 0.068  # s, a speech sound at an easy pace


@dataclass(frozen=True, slots=True)
class MouthMovement:
    """One movement of the mouth.

    openness: factor on the jaw, around 1. seal: when the lips (or lip and teeth) must touch.
    loudness: dB over the voice's usual vowel.
    """

    symbol: str
    viseme: Viseme
    start: float
    end: float
    stress: float = 0.0
    openness: float = 1.0
    loudness: float = 0.0
    seal: tuple[float, float] | None = None


class Enunciation:
    """Makes sounds out of speech, piece by piece; remembers how loud this voice usually is."""

    def __init__(self) -> None:
        self._usual: float | None = None  # dB of a vowel
        self._marks_stress = False  # whether any sound of this voice was told to be stressed
        self._last: MouthMovement | None = None  # the sound that ended the piece before

    def sounds(self, at: float, speech: Speech) -> list[MouthMovement]:
        """The sounds of a piece that starts at `at` s, in order and without gaps."""
        envelope = _decibels(speech.pcm)
        sounds = self._opened(_spread(speech), envelope, at)
        if any(sound.viseme.seal for sound in sounds):
            samples = speech.pcm.astype(np.int32)
            treble = _decibels(samples[1:] - samples[:-1])
            sounds = [
                _sealed(i, sounds, treble) if s.viseme.seal else s for i, s in enumerate(sounds)
            ]
        moved = [_moved(sound, at) for sound in sounds]
        if moved:
            began = at - self._gone_on(at, moved) if len(moved) == 1 else moved[-1].start
            self._last = replace(moved[-1], start=began)
        return moved

    def _gone_on(self, at: float, sounds: Sequence[MouthMovement]) -> float:
        """For how many s the first of these sounds went on in the pieces before this one."""
        last = self._last
        if last is None or sounds[0].symbol != last.symbol or abs(last.end - at) > _STEP:
            return 0.0
        return at - last.start

    def _opened(
        self, sounds: Sequence[MouthMovement], envelope: Doubles, at: float
    ) -> list[MouthMovement]:
        levels = [_loudest(envelope, s.start, s.end) if s.viseme.vowel else None for s in sounds]
        vowels = [level for level in levels if level is not None]
        if vowels:
            self._listen(median(vowels))
        pace = _pace(sounds, self._gone_on(at, sounds) if sounds else 0.0)
        self._marks_stress |= any(sound.stress for sound in sounds)
        even = _USUAL_RANGE if self._marks_stress else 0.0
        result = []
        for sound, level in zip(sounds, levels, strict=True):
            loudness = 0.0 if level is None or self._usual is None else level - self._usual
            effort = loudness - min(max(loudness, -even), even)
            gain = 1.0 + _LOUDNESS_GAIN * effort + _STRESS_GAIN * sound.stress
            openness = pace * min(max(gain, 0.75), 1.18)
            result.append(replace(sound, openness=openness, loudness=loudness))
        return result

    def _listen(self, level: float) -> None:
        share = 1.0 if self._usual is None else 0.15
        self._usual = level if self._usual is None else self._usual + share * (level - self._usual)


def _spread(speech: Speech) -> list[MouthMovement]:
    """One sound per viseme; a mere mark gives its time away: length to the sound before it,
    stress and gaps to the sound after it."""
    sounds: list[MouthMovement] = []
    start: float | None = None
    stress = 0.0
    for phoneme in speech.phonemes:
        shapes = visemes.visemes(phoneme.symbol, speech.alphabet)
        begin = phoneme.start / PLAY_RATE if start is None else start
        end = phoneme.end / PLAY_RATE
        stress = max(stress, visemes.stress(phoneme.symbol))
        if shapes:
            sounds += _divided(phoneme.symbol, shapes, (begin, end), stress)
            start, stress = None, 0.0
        elif sounds and start is None and not (stress or phoneme.symbol.isspace()):
            sounds[-1] = replace(sounds[-1], end=end)
        else:
            start = begin
    return sounds


def _divided(
    symbol: str, shapes: tuple[Viseme, ...], span: tuple[float, float], stress: float
) -> list[MouthMovement]:
    """A diphthong's first vowel takes a little more than its half."""
    if len(shapes) == 1:
        return [MouthMovement(symbol, shapes[0], *span, stress if shapes[0].vowel else 0.0)]
    edges = np.linspace(0.0, 1.0, len(shapes) + 1) ** 0.87
    times = span[0] + edges * (span[1] - span[0])
    return [
        MouthMovement(
            symbol, shape, float(times[i]), float(times[i + 1]), stress if shape.vowel else 0.0
        )
        for i, shape in enumerate(shapes)
    ]


def _decibels(pcm: npt.NDArray[np.integer[Any]]) -> Doubles:
    """(frames,) RMS of every 5 ms in dB of a sample."""
    frames = pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float32)
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    return np.asarray(10.0 * np.log10(power + _FLOOR), np.float64)


def _loudest(envelope: Doubles, start: float, end: float) -> float | None:
    part = envelope[int(start / _STEP) : int(end / _STEP) + 1]
    return float(part.max()) if part.size else None


def _pace(sounds: Sequence[MouthMovement], gone_on: float) -> float:
    """Factor on the jaw: most people open less in fast speech (Kuehn & Moll 1976).

    gone_on: s of the first sound that were in pieces before.
    """
    begun = [gone_on, *[0.0] * len(sounds)]
    lengths = [
        s.end - s.start + before
        for s, before in zip(sounds, begun, strict=False)
        if s.viseme is not visemes.SILENCE
    ]
    if not lengths:
        return 1.0
    return float(np.clip((np.mean(lengths) / _NORMAL_SOUND) ** 0.4, 0.8, 1.08))


def _sealed(index: int, sounds: Sequence[MouthMovement], treble: Doubles) -> MouthMovement:
    """Put the closure where the treble dips: shut lips pass the voice but not its treble.

    Voices time a stop by its release, so the dip often begins before the phoneme. A murmur has
    some treble of its own, so /m/ lasts to its phoneme's end even when the dip is over.
    """
    sound, before = sounds[index], sounds[max(index - 1, 0)]
    start, end = sound.start, sound.end
    if sound.viseme.seal == "lips":
        # not back into what came before the sound before: that may be a closure of its own
        earliest = max(before.start + 0.3 * (before.end - before.start), start - _EARLY)
        start, end = _dip(treble, earliest, start, end)
    if sound.viseme is visemes.VISEMES["mm"]:
        end = max(end, sound.end - _STEP)
    length = min(max(end - start, MIN_SEAL), MAX_SEAL)
    middle = (start + end) / 2
    return replace(sound, seal=(middle - length / 2, middle + length / 2))


def _dip(treble: Doubles, earliest: float, start: float, end: float) -> tuple[float, float]:
    """The stretch of low treble near [start, end]; that span itself where it hardly falls.

    Next to a pause only one edge can be heard: the release, or the lips meeting.
    """
    first = max(int(earliest / _STEP), 0)
    last = min(int((end + _LATE) / _STEP) + 1, len(treble))
    if last - first < 4:
        return start, end
    part = np.convolve(np.pad(treble[first:last], 1, "edge"), [0.25, 0.5, 0.25], "valid")
    lowest = int(part.argmin())
    left = _edge(part[lowest::-1])
    right = _edge(part[lowest:])
    meet = (first + lowest - left + 1) * _STEP if left else None
    part_at = (first + lowest + right) * _STEP if right else None
    if meet is None:
        return (start, end) if part_at is None else (part_at - MIN_SEAL, part_at)
    return meet, meet + MIN_SEAL if part_at is None else part_at


def _edge(rising: Doubles) -> int:
    """How many frames from the lowest one until the treble is halfway up; 0 if it stays down."""
    depth = float(rising.max() - rising[0])
    return int((rising > rising[0] + depth / 2).argmax()) if depth >= _DIP else 0


def _moved(sound: MouthMovement, at: float) -> MouthMovement:
    seal = sound.seal and (sound.seal[0] + at, sound.seal[1] + at)
    return replace(sound, start=sound.start + at, end=sound.end + at, seal=seal)
