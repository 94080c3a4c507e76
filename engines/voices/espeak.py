"""Voices "espeak-de", "espeak-de-man", ...: espeak-ng in every language that visavis knows.

Robotic, but in all languages, without a download, and with the exact times of its own sounds. It
reads numbers itself. Pauses and levels come from `utterance`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import (
    PLAIN,
    EngineError,
    Floats,
    Prosody,
    Speech,
    Voice,
)
from visavis.engines.language.languages import LANGUAGES, Language
from visavis.engines.language.native import spell
from visavis.engines.language.spoken import Written
from visavis.engines.voices import utterance
from visavis.engines.voices.espeak_library import Espeak, Manner, Uttered, library
from visavis.engines.voices.utterance import Phone, Take

PREFIX: Final = "espeak-"
WORDS_AT_ONCE: Final = 18
_RATE: Final = 155  # words a minute: 165 and more are hard to follow
_RATES: Final = (80, 450)
_PITCH: Final = 50
_OCTAVE: Final = 50  # of its scale of pitch
# Which of its variants whisper base understands best, of six women and five men (docs/figures.md).
_WOMAN, _MAN = "+f5", ""
_MAN_SUFFIX: Final = "-man"
_NOTES: Final = {"ja": "; reads kana, and no kanji"}
_STOPS: Final = frozenset("pbtdkɡgqɖʈcɟʔ")
_SWITCH: Final = re.compile(r"\([a-z-]+\)")  # "(en)": another language begins
_LETTER: Final = re.compile(r"[^\W\d_ʰ-˿]")
_FRAME: Final = 0.005  # s
_LINK: Final = 0.08  # s: a longer pause is one, even if an echo sounds in it
_SILENT: Final = 10 ** (-46 / 20)  # of the loudest frame: under it nothing sounds


def voices(home: Path | None) -> tuple[Voice, ...]:
    """A woman and a man of each language but English, which has better ones."""
    del home
    return tuple(
        voice
        for language in LANGUAGES.values()
        if language.code != "en"
        for voice in (_voice(language, ""), _voice(language, _MAN_SUFFIX))
    )


def load(home: Path, name: str) -> EspeakTts:
    """One of `voices`. Raises EngineError."""
    del home
    return EspeakTts(name)


def _voice(language: Language, suffix: str) -> Voice:
    kind = "man" if suffix else "woman"
    return Voice(
        name=f"{PREFIX}{language.code}{suffix}",
        language=language.code,
        description=f"{language.name}, a robot's voice ({kind}{_NOTES.get(language.code, '')})",
        licence="spoken by espeak-ng (GPL-3.0)",
    )


class EspeakTts:
    """Phonemes in IPA as espeak-ng writes it, "ˈa" a stressed one. Construction takes 10 ms.

    What it draws at random, a flutter of the pitch, goes on from one text to the next: the same
    text sounds the same, but is not the same to the bit.
    """

    def __init__(self, name: str) -> None:
        """Raises EngineError."""
        code = name.removeprefix(PREFIX).removesuffix(_MAN_SUFFIX)
        if code not in LANGUAGES:
            msg = f"{name}: espeak-ng has no such voice here"
            raise EngineError(msg)
        self._language = LANGUAGES[code]
        suffix = _MAN_SUFFIX if name.endswith(_MAN_SUFFIX) else ""
        self.voice = _voice(self._language, suffix)
        self._variant = f"{self._language.espeak}{_MAN if suffix else _WOMAN}"
        self._espeak: Espeak = library()

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """One piece for a clause of up to WORDS_AT_ONCE words, more for longer texts."""
        clause = spell(text, self._language.code)
        for start, end in utterance.portions(clause, WORDS_AT_ONCE):
            try:
                yield self._speak(clause[start:end], prosody)
            except EngineError:
                raise
            except Exception as error:
                msg = f"{self.voice.name}: synthesis failed"
                raise EngineError(msg) from error

    def _speak(self, clause: Sequence[Written], prosody: Prosody) -> Speech:
        words = [written.text for written in clause]
        spoken = " ".join(written.spoken for written in clause if written.spoken)
        if not any(map(str.isalnum, spoken)):
            return utterance.silence(words, "espeak")
        uttered = self._espeak.say(spoken, self._manner(prosody))
        sounds = _sounds(uttered, _starts(clause))
        audio = utterance.resample(uttered.audio, uttered.rate)
        audio = utterance.energetic(audio, prosody.energy)
        tail = utterance.pause_after(clause[-1].spoken) / prosody.speed
        take = utterance.trimmed(Take(audio, sounds, words, 0), head=True, tail=tail)
        return utterance.speech(take, 1.0, "espeak")

    def _manner(self, prosody: Prosody) -> Manner:
        rate = min(max(round(_RATE * prosody.speed), _RATES[0]), _RATES[1])
        pitch = round(_PITCH + _OCTAVE * prosody.pitch / 12)
        return Manner(self._variant, rate, min(max(pitch, 0), 100))


def _starts(clause: Sequence[Written]) -> list[tuple[int, int]]:
    """(character of the spoken text, written word) where each word that is said begins."""
    starts, at = [], 0
    for index, written in enumerate(clause):
        if written.spoken:
            starts.append((at, index))
            at += len(written.spoken) + 1
    return starts


def _sounds(uttered: Uttered, starts: Sequence[tuple[int, int]]) -> list[Phone]:
    """Over all of the audio, in s; a pause is "" and of no word."""
    places = [at for at, _ in starts]
    raw: list[Phone] = [Phone("", 0.0, 0.0, -1)]
    ends = [sound.start for sound in uttered.sounds[1:]] + [len(uttered.audio)]
    for sound, end in zip(uttered.sounds, ends, strict=True):
        symbol = _plain(sound.symbol)
        if symbol and not _LETTER.search(symbol) and len(raw) > 1:  # "ʲ": how the last one ends
            raw[-1] = replace(raw[-1], end=end / uttered.rate)
            continue
        word = starts[max(bisect_right(places, sound.at) - 1, 0)][1] if symbol else -1
        raw.append(Phone(symbol, sound.start / uttered.rate, end / uttered.rate, word))
    if len(raw) > 1:
        raw[0] = replace(raw[0], end=raw[1].start)
    spans = [span for span in raw if span.end > span.start]
    return _merged(_with_closures(spans, _quiet(uttered.audio, uttered.rate)))


def _plain(symbol: str) -> str:
    """Without switches of language and what espeak-ng adds to names of sounds: "s." -> "s"."""
    kept = _SWITCH.sub("", symbol)
    return "".join(char for char in kept if char.isalpha() or char == "̃")


def _quiet(audio: Floats, rate: int) -> Sequence[bool]:
    """Which frames are silent."""
    size = round(_FRAME * rate)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    level = np.sqrt(np.einsum("ij,ij->i", frames, frames) / size)
    loudest = float(level.max()) if level.size else 0.0
    silent: list[bool] = (level < max(loudest * _SILENT, 1e-4)).tolist()
    return silent


def _with_closures(spans: Sequence[Phone], quiet: Sequence[bool]) -> list[Phone]:
    """The silence before a stop is its closure, and a pause that sounds belongs to what follows.

    espeak-ng tells of a stop when it is released, and of some links between words as pauses.
    """
    result: list[Phone] = []
    for span in spans:
        first, last = round(span.start / _FRAME), round(span.end / _FRAME)
        within = quiet[first:last]
        linked = span.end - span.start < _LINK and sum(within) < len(within) / 2
        if not span.symbol and result and within and linked:
            result[-1] = replace(result[-1], end=span.end)
            continue
        start = span.start
        if result and result[-1].symbol and span.symbol.lstrip("ˈˌ")[:1] in _STOPS:
            least = round(result[-1].start / _FRAME) + 2  # something of the sound before it stays
            at = min(first, len(quiet))
            while at > least and quiet[at - 1]:
                at -= 1
            start = min(start, at * _FRAME)
            result[-1] = replace(result[-1], end=start)
        result.append(replace(span, start=start))
    return result


def _merged(spans: Sequence[Phone]) -> list[Phone]:
    """Pauses that follow each other as one; without gaps."""
    result: list[Phone] = []
    for span in spans:
        if result and not span.symbol and not result[-1].symbol:
            result[-1] = replace(result[-1], end=span.end)
        elif span.end > span.start:
            result.append(span)
    return [replace(one, end=other.start) for one, other in pairwise(result)] + result[-1:]
