"""A model's samples and durations to `Speech`: pauses, level, rate, labels.

Every voice ends here, so all of them are equally loud, start at once and pause alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr  # type: ignore[import-untyped]

from visavis.engines.base import PLAY_RATE, Alphabet, Floats, Pcm, Phoneme, Speech, Word
from visavis.engines.language.spoken import Written

LEVEL: Final = -20.0  # dBFS, RMS over the frames in which the voice sounds
_SOUNDING: Final = -40.0  # dBFS
QUIET: Final = -66.0  # dBFS; both voices pause under -70, a soft th is at about -58
LEAD: Final = 0.015  # s kept before the first sound
SENTENCE_PAUSE: Final = 0.26  # s after . ! ?
CLAUSE_PAUSE: Final = 0.13  # s after any other mark
NO_PAUSE: Final = 0.03  # s where a text was cut without a mark
_LEVEL_FRAME: Final = 0.005  # s
_KNEE: Final = 0.7  # amplitude from which the limiter bends
_FADE: Final = 0.004  # s; a model may start in the middle of a wave
# A voice that is raised gains more in the treble than in the bass (Traunmüller & Eriksson 2000).
_RAISED: Final = 3.5  # dB in all at energy 1
_BRIGHTER: Final = 0.4  # part of what is over BASS that is added at energy 1
_BASS: Final = 0.00065  # s, the window that takes the treble away: 3 dB at about 1.1 kHz

_ENDS: Final = frozenset(".!?。！？｡؟۔।")
_BREAKS: Final = frozenset(",;:，、；：،؛")
_MARKS: Final = _ENDS | _BREAKS
_STRESS: Final = frozenset("ˈˌ")
_LENGTH: Final = frozenset("ːˑʲʰ̩̃̊")


@dataclass(frozen=True, slots=True)
class Phone:
    """One symbol over its span in seconds of the model's audio, for a word of the text by index.

    symbol "" is a pause, which belongs to no word (-1).
    """

    symbol: str
    start: float
    end: float
    word: int


def sounds(symbols: Iterable[Phone]) -> list[Phone]:
    """A model's raw symbols to speech sounds and pauses, each span accounted for.

    Stress marks and the gaps between words take time of their own in both models, and forced
    alignment shows that the sound after them is already heard then: it gets that time, and the
    mark as part of its symbol ("ˈA"). A length mark lengthens the sound before it; punctuation is
    a pause.
    """
    merged: list[Phone] = []
    start, stress = None, ""
    for item in symbols:
        begin = item.start if start is None else start
        start = None
        if item.symbol in _STRESS or item.symbol.isspace():
            start, stress = begin, item.symbol.strip()
        elif item.symbol in _LENGTH and merged:
            merged[-1] = replace(merged[-1], end=item.end)
        elif item.symbol.isalpha():
            merged.append(replace(item, symbol=stress + item.symbol, start=begin))
            stress = ""
        else:
            _extend_pause(merged, begin, item.end)
    return merged


def _extend_pause(merged: list[Phone], start: float, end: float) -> None:
    if merged and merged[-1].symbol == "":
        merged[-1] = replace(merged[-1], end=end)
    else:
        merged.append(Phone("", start, end, -1))


def shifted(items: Iterable[Phone], seconds: float) -> list[Phone]:
    """The same sounds later (or earlier, if negative)."""
    return [replace(item, start=item.start + seconds, end=item.end + seconds) for item in items]


def settled(items: Sequence[Phone], audio: Floats, rate: int) -> list[Phone]:
    """Pauses moved to where the audio really is silent; the sounds beside them follow.

    `items` cover the audio in order. A pause without silence in it goes to the next sound.
    """
    quiet = _quiet(audio, rate)
    result: list[Phone] = []
    at = 0.0
    for index, item in enumerate(items):
        if item.symbol:
            result.append(replace(item, start=at, end=max(at, item.end)))
        else:
            low = (result[-1].start + result[-1].end) / 2 if result else 0.0
            high = items[index + 1].end if index + 1 < len(items) else len(audio) / rate
            run = _silence(quiet, low, high, item)
            if run is None:
                continue
            _stretch_last(result, run[0])
            result.append(Phone("", run[0] if result else 0.0, run[1], -1))
        at = result[-1].end
    _stretch_last(result, len(audio) / rate)
    return result


def _stretch_last(result: list[Phone], end: float) -> None:
    if result:
        result[-1] = replace(result[-1], end=max(end, result[-1].start))


def _quiet(audio: Floats, rate: int) -> npt.NDArray[np.bool_]:
    """Which 5 ms frames are silent."""
    size = round(_LEVEL_FRAME * rate)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    power = np.einsum("ij,ij->i", frames, frames) / size
    return np.asarray(power < 10 ** (QUIET / 10))


def _silence(
    quiet: npt.NDArray[np.bool_], low: float, high: float, pause: Phone
) -> tuple[float, float] | None:
    """The longest silent run in [low, high] that the pause touches or nearly touches, in s."""
    first, last = round(low / _LEVEL_FRAME), min(round(high / _LEVEL_FRAME), len(quiet))
    edges = np.flatnonzero(np.diff(np.r_[False, quiet[first:last], False].astype(np.int8)))
    runs = [
        ((first + a) * _LEVEL_FRAME, (first + b) * _LEVEL_FRAME)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    near = [run for run in runs if run[1] > pause.start - 0.06 and run[0] < pause.end + 0.06]
    best = max(near, key=lambda run: run[1] - run[0], default=None)
    return best if best and best[1] - best[0] >= 4 * _LEVEL_FRAME else None


def level(audio: Floats) -> float:
    """dBFS at PLAY_RATE, RMS over the frames in which the voice sounds."""
    size = round(_LEVEL_FRAME * PLAY_RATE)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    power = np.einsum("ij,ij->i", frames, frames) / size
    sounding = power[power > 10 ** (_SOUNDING / 10)]
    return float(10 * np.log10(sounding.mean())) if sounding.size else LEVEL


def resample(audio: Floats, rate: int) -> Floats:
    """Floats at `rate` to PLAY_RATE; no delay, the length scales exactly."""
    return np.asarray(soxr.resample(audio, rate, PLAY_RATE, quality="HQ"), np.float32)


def energetic(audio: Floats, energy: float) -> Floats:
    """Floats at PLAY_RATE, louder and brighter (energy 1) or softer and duller (-1); no delay.

    Each sample depends on those within _BASS of it only.
    """
    if energy == 0.0:
        return audio
    half = np.hanning(2 * round(_BASS * PLAY_RATE) + 3)[1:-1].astype(np.float32)
    bass = np.convolve(audio, half / half.sum(), "same")
    treble = np.float32(_BRIGHTER * energy) * (audio - bass)
    return np.asarray(np.float32(10 ** (_RAISED * energy / 20)) * (audio + treble), np.float32)


def limited(audio: Floats) -> Floats:
    """Bend peaks over the knee so that nothing reaches 1; below it nothing changes."""
    size = np.abs(audio)
    room = 1.0 - _KNEE
    bent = _KNEE + room * np.tanh((size - _KNEE) / room)
    return np.where(size > _KNEE, np.copysign(bent, audio), audio).astype(np.float32)


def portions(clause: Sequence[Written], limit: int) -> Iterator[tuple[int, int]]:
    """Cut a clause into slices of at most `limit` spoken words, after a mark where there is one."""
    start = 0
    while start < len(clause):
        end, count = start, 0
        while end < len(clause) and (count := count + _spoken_words(clause[end])) <= limit:
            end += 1
        end = max(end, start + 1)
        if end < len(clause):
            marks = (at for at in range(end, start, -1) if clause[at - 1].spoken[-1:] in _MARKS)
            end = next(marks, end)
        yield start, end
        start = end


def _spoken_words(written: Written) -> int:
    return len(written.spoken.split())


def pause_after(spoken: str) -> float:
    """Seconds of silence that follow a text, by its last mark."""
    last = spoken[-1:]
    if last in _ENDS:
        return SENTENCE_PAUSE
    return CLAUSE_PAUSE if last in _BREAKS else NO_PAUSE


@dataclass(frozen=True, slots=True)
class Take:
    """A stretch of a clause: audio at PLAY_RATE (level not yet set) with its sounds in seconds.

    words: the written words that this stretch speaks, `first_word` being the index of the first.
    """

    audio: Floats
    sounds: Sequence[Phone]
    words: Sequence[str]
    first_word: int


def trimmed(take: Take, *, head: bool, tail: float | None) -> Take:
    """Cut the silence at the start to LEAD (`head`) and make the one at the end last `tail` s."""
    audio, items = take.audio, list(take.sounds)
    start, end = 0.0, len(audio) / PLAY_RATE
    if head and items and items[0].symbol == "":
        start = max(0.0, items[0].end - LEAD)
    if tail is not None:
        last = items[-1].start if items and items[-1].symbol == "" else end
        end = max(last, start) + tail
    cut = _cut(audio, round(start * PLAY_RATE), round(end * PLAY_RATE))
    spans = [
        replace(item, start=max(item.start - start, 0.0), end=min(item.end, end) - start)
        for item in items
    ]
    if tail is not None and spans and spans[-1].symbol:
        spans.append(Phone("", spans[-1].end, end - start, -1))
    elif tail is not None and spans:
        spans[-1] = replace(spans[-1], end=end - start)
    return replace(take, audio=_faded(cut, head), sounds=spans)


def _cut(audio: Floats, start: int, end: int) -> Floats:
    cut = audio[start : min(end, len(audio))]
    return np.pad(cut, (0, end - start - len(cut)))


def _faded(audio: Floats, head: bool) -> Floats:
    if head:
        size = min(round(_FADE * PLAY_RATE), len(audio))
        audio[:size] *= np.linspace(0, 1, size, dtype=np.float32)
    return audio


def speech(take: Take, gain: float, alphabet: Alphabet) -> Speech:
    """Set the level and label the samples."""
    pcm = np.rint(limited(take.audio * np.float32(gain)) * 32767).astype(np.int16)
    return Speech(pcm, _phonemes(take.sounds, len(pcm)), _words(take, len(pcm)), alphabet)


def _phonemes(items: Sequence[Phone], samples: int) -> tuple[Phoneme, ...]:
    """Contiguous over the piece: each ends where the next starts."""
    starts = [0, *(min(round(item.start * PLAY_RATE), samples) for item in items[1:])]
    ends = [*starts[1:], samples]
    return tuple(
        Phoneme(item.symbol, start, end)
        for item, start, end in zip(items, starts, ends, strict=True)
        if end > start
    )


def _words(take: Take, samples: int) -> tuple[Word, ...]:
    """A word spans its sounds; one without sound has no length and sits after the one before."""
    words: list[Word] = []
    at = 0
    for index, text in enumerate(take.words, take.first_word):
        spans = [item for item in take.sounds if item.word == index]
        start = min(round(spans[0].start * PLAY_RATE), samples) if spans else at
        at = min(round(spans[-1].end * PLAY_RATE), samples) if spans else at
        words.append(Word(text, start, max(at, start)))
    return tuple(words)


def silence(words: Sequence[str], alphabet: Alphabet) -> Speech:
    """What nobody can say (an emoji, a dash): a short silence that carries the words."""
    pcm: Pcm = np.zeros(round(CLAUSE_PAUSE * PLAY_RATE), np.int16)
    labels = tuple(Word(word, 0, 0) for word in words)
    return Speech(pcm, (Phoneme("", 0, len(pcm)),), labels, alphabet)
