"""Tuned voices: voices that we have, brought nearer to a person's by pitch, formants and style.

It is no clone. What a listener knows somebody by beyond that, their accent and melody above all,
stays the voice's own; docs/figures.md says how alike the two are. A sample of ten seconds is
enough, and nothing of it is kept but these few numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from visavis.engines.base import (
    PLAIN,
    PLAY_RATE,
    Cloned,
    EngineError,
    Floats,
    Pcm,
    Prosody,
    Sample,
    Speech,
    Tts,
    Voice,
)
from visavis.engines.language.languages import code_of, is_english
from visavis.engines.voices import pitch, recorded, speaker, styles
from visavis.engines.voices.timbre import LEAST, MOST, Timbre
from visavis.models.voice_file import OwnVoice, VoiceCard

DESCRIPTION: Final = "a voice of ours, tuned to sound more like a person"
SHORTEST: Final = 8.0  # s of speech
# Cosine of the middles of a sample's two most different halves, under which two people speak; and
# the share that the smaller half has then. See docs/figures.md.
_TWO: Final = 0.65
_SHARE: Final = 0.2
_FARTHEST: Final = 6.0  # semitones that a voice is raised or lowered by at most
_COARSE: Final = (0.88, 1.0, 1.12)  # formants that are tried first, then those around the best
_FINE: Final = (-0.06, -0.03, 0.03, 0.06)
_CONTEXT: Final = 2048  # samples around a piece that its timbre hangs on
_SAID: Final = "She had wanted to see the old harbour, where the boats come in at noon."
Base = Callable[[str], Tts]


@dataclass(frozen=True, slots=True)
class _Start:
    """A voice that may be tuned. given: how `speak` finds it again."""

    given: Mapping[str, str]
    numbers: Mapping[str, Floats]
    tts: Tts


@dataclass(frozen=True, slots=True)
class _Tried:
    """One start as it comes out: semitones, formants, and the cosine to the sample's person."""

    start: _Start
    semitones: float
    formants: float
    alike: float


class TunedCloner:
    """engines.base.VoiceCloner with what is on this machine: no network, no training.

    base: who loads a voice by its name. names: voices of the sample's language that may be tuned.
    """

    kind = "tuned"

    def __init__(self, base: Base, names: Sequence[str], home: Path) -> None:
        self._base, self._names, self._home = base, names, home

    def clone(self, sample: Sample, told: Callable[[float], None]) -> Cloned:
        """See VoiceCloner."""
        pcm = recorded.cleaned(sample.pcm)
        wanted, person = _person(pcm)
        starts = self._starts(sample.language, person)
        tried: list[_Tried] = []
        for done, make in enumerate(starts):
            told(done / len(starts))
            tried.append(_tuned(make(), wanted, person))
        best = max(tried, key=lambda each: each.alike)
        told(1.0)
        given = {
            **best.start.given,
            "semitones": f"{best.semitones:.2f}",
            "formants": f"{best.formants:.3f}",
        }
        return Cloned(given, best.start.numbers, alike=best.alike)

    def _starts(self, language: str, person: Floats) -> list[Callable[[], _Start]]:
        """Who may be tuned. Raises EngineError where nobody speaks the language."""
        makers = [self._named(name) for name in self._names]
        if styles.available(language):
            makers = [self._styled(language, style) for style in styles.near(person)]
        if not makers:
            code = code_of(language)
            raise EngineError(f"no voice of ours that can be tuned speaks {code}: see the docs")
        return makers

    def _named(self, name: str) -> Callable[[], _Start]:
        return lambda: _Start({"base": name}, {}, self._base(name))

    def _styled(self, language: str, style: Floats) -> Callable[[], _Start]:
        voice = Voice("tuned", language, DESCRIPTION, "")
        given = {"base": styles.NETWORK}
        return lambda: _Start(given, {"style": style}, styles.load(voice, style, self._home))


def speak(file: OwnVoice, voice: Voice, base: Base, home: Path) -> Tts:
    """Who says texts with it. Raises EngineError."""
    given = file.card.given
    try:
        name, semitones, formants = given["base"], float(given["semitones"]), given["formants"]
        timbre = Timbre(float(np.clip(float(formants), LEAST, MOST)))
        semitones = float(np.clip(semitones, -_FARTHEST, _FARTHEST))
        if name == styles.NETWORK:
            made: Tts = styles.load(voice, file.numbers["style"], home)
        else:
            made = base(name)
    except (KeyError, ValueError) as error:
        raise EngineError(f"{voice.name}: its file lacks a number: make it again") from error
    return TunedTts(made, voice, semitones, timbre)


def also(card: VoiceCard) -> tuple[str, ...]:
    """The network's other languages, where the consent is for them; others have but one."""
    if card.given.get("base") != styles.NETWORK:
        return ()
    allowed = card.consent.languages
    others = [code for code in styles.SPOKEN if code != code_of(card.language)]
    return tuple(c for c in others if styles.available(c) and (not allowed or c in allowed))


def forget(file: OwnVoice) -> None:
    """Nothing of it lies elsewhere."""
    del file


class TunedTts:
    """engines.base.Tts over another one; its times stay, its sound is lent a timbre."""

    def __init__(self, base: Tts, voice: Voice, semitones: float, timbre: Timbre) -> None:
        self.voice = voice
        self._base, self._semitones, self._timbre = base, semitones, timbre

    def synthesize(self, text: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """Pieces as the base has them, each once the next is known. Raises EngineError."""
        moved = replace(prosody, pitch=prosody.pitch + self._semitones)
        before: Pcm = np.zeros(0, np.int16)
        held: Speech | None = None
        for piece in self._base.synthesize(text, moved):
            if held is not None:
                yield self._lent(before, held, piece.pcm[:_CONTEXT])
                before = np.concatenate([before, held.pcm])[-_CONTEXT:]
            held = piece
        if held is not None:
            yield self._lent(before, held, np.zeros(0, np.int16))

    def _lent(self, before: Pcm, piece: Speech, after: Pcm) -> Speech:
        around = np.concatenate([before, piece.pcm, after])
        lent = self._timbre.lent(around.astype(np.float32) / np.float32(32_768))
        own = lent[len(before) : len(before) + len(piece.pcm)]
        pcm = np.rint(np.clip(own, -1, 1) * 32_767).astype(np.int16)
        return replace(piece, pcm=pcm)


def _person(pcm: Pcm) -> tuple[float, Floats]:
    """Pitch in Hz and embedding of whoever speaks. Raises EngineError, with the fix."""
    heard = recorded.listened(pcm)
    if heard.seconds < SHORTEST:
        raise EngineError(
            f"the sample has {heard.seconds:.1f} s of speech: record {SHORTEST:.0f} to 60 s, in a "
            "quiet room"
        )
    found = pitch.pitch(pcm)
    if found is None:
        raise EngineError("no voice is heard in the sample: record somebody who speaks, alone")
    parts = speaker.encoder().parts(_floats(pcm), PLAY_RATE)
    mean = parts.mean(axis=0)
    mean = mean / np.linalg.norm(mean)
    if _are_two(parts):
        raise EngineError(
            "more than one person is heard in the sample: record one alone, in one go"
        )
    return found.hertz, np.asarray(mean, np.float32)


def _are_two(parts: Floats) -> bool:
    """Whether the parts of a sample fall into two: two means, from the two that differ most."""
    alike = parts @ parts.T
    one, other = np.unravel_index(int(alike.argmin()), alike.shape)
    middles = parts[[one, other]]
    mine = np.zeros(len(parts), np.bool_)
    for _ in range(8):
        mine = parts @ middles[0] >= parts @ middles[1]
        if mine.all() or not mine.any():
            return False
        middles = np.stack([parts[mine].mean(axis=0), parts[~mine].mean(axis=0)])
        middles = middles / np.linalg.norm(middles, axis=1, keepdims=True)
    smaller = min(float(mine.mean()), 1 - float(mine.mean()))
    return smaller >= _SHARE and float(middles[0] @ middles[1]) < _TWO


def _tuned(start: _Start, hertz: float, person: Floats) -> _Tried:
    """The nearest that pitch and formants bring it to. Raises EngineError."""
    found = _Tried(start, 0.0, 1.0, -1.0)
    for raised in _raises(start, hertz):
        said = _floats(_said(start.tts, raised))
        best = max(_heard(said, formants, person) for formants in _COARSE)
        best = max(best, *(_heard(said, best[1] + step, person) for step in _FINE))
        if best[0] > found.alike:
            found = _Tried(start, raised, best[1], best[0])
    return found


def _heard(said: Floats, formants: float, person: Floats) -> tuple[float, float]:
    """How alike it is with these formants; and they."""
    lent = Timbre(formants).lent(said)
    found = speaker.encoder().embedding(lent, PLAY_RATE)
    return speaker.likeness(found, person), formants


def _raises(start: _Start, hertz: float) -> list[float]:
    """Semitones to try: none, half of the way, all of it as far as that goes."""
    own = pitch.pitch(_said(start.tts, 0.0))
    if own is None or start.given["base"] == styles.NETWORK:  # whose styles have their own pitch
        return [0.0]
    way = float(np.clip(12 * np.log2(hertz / own.hertz), -_FARTHEST, _FARTHEST))
    return [0.0, way / 2, way] if abs(way) > 0.5 else [0.0]


def _said(tts: Tts, semitones: float) -> Pcm:
    pieces = tts.synthesize(_text(tts.voice.language), Prosody(pitch=semitones))
    return np.concatenate([piece.pcm for piece in pieces])


def _text(language: str) -> str:
    """A sentence or, in other languages, numbers, which any voice reads in its own."""
    return _SAID if is_english(language) else "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."


def _floats(pcm: Pcm) -> Floats:
    return np.asarray(pcm.astype(np.float32) / np.float32(32_768), np.float32)
