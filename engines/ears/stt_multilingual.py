"""Speech to text in many languages: whisper base, told the language or asked which one it is.

Its encoder and its decoder see the same short clip for both: to find the language costs a step of
the decoder, and is a matter of probabilities over all languages that whisper knows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock
from typing import Any, Final

from visavis.engines.base import HEAR_RATE, EngineError, Pcm, Stt, Transcript
from visavis.engines.ears.hallucinations import Guess, doubt_of, said_once
from visavis.engines.ears.whisper import FULL, Whisper, least
from visavis.engines.language.languages import LANGUAGES, code_of
from visavis.models import manifest

_TOKENS_PER_SECOND: Final = 12  # Arabic and Japanese; twice those of English
_SHORTEST: Final = 1.5  # s; less is taken for the language that is spoken
# How surely it must be another language: log odds in favour of the one that is spoken, and the
# probability from which the other is believed. Where the English network has said that it is none,
# less is enough: of 60 English clips none was mistaken either way (docs/figures.md).
_WARY: Final = 2.5, 0.8
_TOLD: Final = 0.0, 0.6
# The same to refuse it as foreign, where one language is all there is: of people who speak it, 1 %
# is refused from so many seconds on, of shorter clips 7 %.
_REFUSES: Final = 4.5
_TELLING: Final = 2.0  # s
# Its token for no speech is less sure than that of tiny.en: over music and noise 0.51 and more, of
# single words at most 0.43. Times this, the doubts are those of tiny.en.
_CALIBRATED: Final = 1.2
_LOADING: Final = Lock()
_PARTS: Final = ("whisper-base-1", "whisper-base-2")
_EVEN: Final = 0.5  # probability that it was no English from which another is looked for


def shared(home: Path) -> Whisper:
    """One network for all languages: loaded once, whoever asks first.

    From its parts in memory, so nothing is put together on the disk. Raises ManifestError,
    EngineError.
    """
    with _LOADING:
        return _loaded(home / "models")


@cache
def _loaded(pulled: Path) -> Whisper:
    first, second = (manifest.locate(name, pulled) for name in _PARTS)
    names = ("config.json", "tokenizer.json", "vocabulary.txt")
    try:
        files = {name: (first / name).read_bytes() for name in names}
        weights = _together(first / "model.bin.part1", second)
    except OSError as error:
        msg = "whisper base: cannot be read"
        raise EngineError(msg) from error
    return Whisper("whisper-base", {**files, "model.bin": weights})


def _together(*parts: Path) -> bytes:
    """Files one after the other, of which only the whole is ever in memory."""
    with ExitStack() as opened:
        files = [opened.enter_context(part.open("rb")) for part in parts]
        maps = [opened.enter_context(mmap(f.fileno(), 0, access=ACCESS_READ)) for f in files]
        return b"".join(maps)


@dataclass(frozen=True, slots=True)
class Found:
    """A language, and the probability that it was not the one that was expected, in [0, 1]."""

    language: str
    foreign: float


class MultilingualStt:
    """One language of a shared network; or, with `detect`, whichever it hears.

    Without `detect` what was said in another language is written in this one as well as may be,
    and `foreign` says so. Raises EngineError for a language that is not in LANGUAGES.
    """

    def __init__(
        self,
        whisper: Whisper,
        language: str,
        *,
        detect: bool = False,
        among: Collection[str] = LANGUAGES,
        told: bool = False,
    ) -> None:
        """among: the languages that come into question, as few as may be. told: it is surely not
        the one that is expected."""
        self.language = code_of(language)
        if self.language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            msg = f"{language!r} is no language that can be heard; choose one of: {known}"
            raise EngineError(msg)
        self._whisper, self._detect = whisper, detect
        self._among = frozenset(map(code_of, among)) & LANGUAGES.keys() | {self.language}
        self._bounds = _TOLD if told else _WARY
        self._task = [whisper.special(name) for name in ("transcribe", "notimestamps")]
        self._start = whisper.special("startoftranscript")

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """One utterance at HEAR_RATE, up to 30 s; the rest of a longer one is not heard.

        before: the words just before this sound, where it goes on in the middle of them.
        """
        try:
            encoded = self._whisper.encode(pcm, least(len(pcm)))
            found = self._found(encoded, len(pcm))
            language = found.language if self._detect else self.language
            guess = self._written(encoded, len(pcm), language, before)
            once = said_once(guess)
            if once is None:
                encoded = self._whisper.encode(pcm, FULL)
                guess = self._written(encoded, len(pcm), language, before)
                once = said_once(guess)
        except Exception as error:
            msg = "whisper: transcription failed"
            raise EngineError(msg) from error
        doubt = doubt_of(guess, once) if once else 1.0
        foreign = 0.0 if self._detect else found.foreign
        return Transcript(once or "", doubt, foreign, 1.0 - guess.no_speech, language)

    def _written(self, encoded: Any, samples: int, language: str, before: str) -> Guess:
        seconds = min(samples / HEAR_RATE, 30.0)
        start = [self._start, self._whisper.special(language), *self._task]
        # Words of another language before it would have it go on in that one.
        prompt = self._whisper.primed(start, before if language == self.language else "")
        said = self._whisper.write(encoded, prompt, round(_TOKENS_PER_SECOND * seconds))
        return Guess(said.text, seconds, said.no_speech, said.log_probability, language=language)

    def _found(self, encoded: Any, samples: int) -> Found:
        if samples < _SHORTEST * HEAR_RATE:
            return Found(self.language, 0.0)
        found = judged(self._whisper.languages(encoded), self.language, self._among, *self._bounds)
        return found if samples >= _TELLING * HEAR_RATE else replace(found, foreign=0.0)


def judged(
    probabilities: Mapping[str, float],
    expected: str,
    among: Collection[str] = LANGUAGES,
    favour: float = _WARY[0],
    enough: float = _WARY[1],
) -> Found:
    """Which of `among` it is, the expected one where whisper is not sure enough of another."""
    known = {code: probabilities.get(code, 0.0) for code in among}
    own = known.pop(expected)
    others = sum(known.values())
    best = max(known, key=lambda code: known[code], default=expected)
    favoured = own * math.exp(favour)
    if best != expected and known[best] <= max(enough * (favoured + others), favoured):
        best = expected
    surely = own * math.exp(_REFUSES)
    return Found(best, others / (surely + others) if others else 0.0)


class EitherStt:
    """English by its own network; what that takes for another language, by the other one.

    An English sentence costs no more than without the second.
    """

    def __init__(self, english: Stt, others: Stt) -> None:
        """others: one that finds the language, where it was told that it is surely not English."""
        self._english, self._others = english, others

    def transcribe(self, pcm: Pcm, before: str = "") -> Transcript:
        """As Stt has it. Raises EngineError."""
        heard = self._english.transcribe(pcm, before)
        if heard.foreign < _EVEN:
            return heard
        other = self._others.transcribe(pcm, before)
        # Of an accent the first may be mistaken; its words of English are the better ones then.
        return heard if other.language == "en" and heard.text else other
