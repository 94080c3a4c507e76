"""Translated scenes made as long as their originals, by how fast they are spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.translation import keeping
from visavis.engines.translation.base import Shortening
from visavis.server.studio.document import length
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.translation.pairs import (
    ENGLISH,
    Pair,
    Translation,
    VoiceFor,
    applied,
)

SLOWEST, FASTEST = 0.85, 1.15  # beyond it, speech is no longer natural
_STILL: Final = 0.03  # of a difference, which nobody notices
_SLACK: Final = 0.005  # beyond what is possible that is not worth a word
_LEAST: Final = 0.5  # s of speech of which anything can be said

# How many s a scene takes, its silences with it; raises EngineError and what a film does.
Timing = Callable[[Project, Scene], float]


def fitted(
    translation: Translation, source: Project, timing: Timing, voice_for: VoiceFor,
    shortener: Shortening | None = None,
) -> Translation:  # fmt: skip
    """Each spoken pair with its fit and its rate, within 15 %; notes name what is beyond.

    shortener: who says again in fewer words what nobody has checked and is too long. Raises
    EngineError, Problem.
    """
    work = _Fitting(translation, source, timing)
    pairs = [work.measured(pair) for pair in translation.pairs]
    if shortener is not None:
        pairs = work.shortened(pairs, shortener)
    project = applied(source, translation.language, pairs, voice_for)
    notes = (*translation.notes, *_notes(pairs))
    return replace(translation, pairs=tuple(pairs), project=project, notes=notes)


def rate_of(fit: float) -> float:
    """How fast to speak what would be as long as its original at `fit`."""
    if abs(fit - 1.0) <= _STILL:
        return 1.0
    return round(min(max(fit, SLOWEST), FASTEST), 2)


def reworded(pair: Pair, target: str, source: str, language: str) -> Pair:
    """A pair with another target: its fit follows from that of the one before, without a voice.

    source, language: the languages of both texts. Where there was none before, it is estimated.
    """
    if pair.field != "text":
        return replace(pair, target=target)
    now = length.of_text(target, language)
    before = length.of_text(pair.target, language)
    if not pair.target.strip():
        before, pair = length.of_text(pair.source, source), replace(pair, fit=1.0)
    fit = pair.fit * now / before if min(now, before) >= _LEAST else 1.0
    return replace(pair, target=target, fit=fit, rate=rate_of(fit))


class _Fitting:
    """One translation beside its source."""

    def __init__(self, translation: Translation, source: Project, timing: Timing) -> None:
        self._language, self._source, self._timing = translation.language, source, timing
        self._made = translation.project
        self._scenes = {scene.name: scene for scene in source.scenes}
        self._targets = {scene.name: scene for scene in translation.project.scenes}

    def measured(self, pair: Pair) -> Pair:
        """A spoken one, timed in both languages; any other as it is."""
        if pair.field != "text" or pair.scene not in self._targets:
            return pair
        wanted = self._timing(self._source, self._scenes[pair.scene])
        fit = self._fit(replace(self._targets[pair.scene], text=pair.target), wanted)
        return replace(pair, fit=fit, rate=rate_of(fit))

    def _fit(self, scene: Scene, wanted: float) -> float:
        """The rate at which a scene takes as many s as wanted.

        Not all of it is speech: silences stay as long as they are at any rate. So it is timed at
        two rates, which tells how much of it is.
        """
        plain = self._timing(self._made, replace(scene, rate=1.0))
        rate = rate_of(plain / wanted) if wanted > 0 else 1.0
        if rate == 1.0:
            return 1.0
        speech = (plain - self._timing(self._made, replace(scene, rate=rate))) / (1 - 1 / rate)
        room = wanted - (plain - speech)
        if speech < _LEAST:
            return 1.0
        return speech / room if room >= _LEAST else plain / wanted

    def shortened(self, pairs: Sequence[Pair], shortener: Shortening) -> list[Pair]:
        """Those that nobody has checked and no rate can help, said again in fewer words."""
        made = list(pairs)
        long = [
            at
            for at, pair in enumerate(pairs)
            if pair.fit > FASTEST + _SLACK and pair.state == "machine"
        ]
        by_language: dict[str, list[int]] = {}
        for at in long:
            own = self._scenes[pairs[at].scene].language or self._source.language or ENGLISH
            by_language.setdefault(own, []).append(at)
        for own, places in by_language.items():
            again = _said_again(
                shortener, [pairs[at] for at in places], own, self._language, self._source.glossary
            )
            for at, target in zip(places, again, strict=True):
                tried = self.measured(replace(pairs[at], target=target))
                made[at] = tried if tried.fit < pairs[at].fit else pairs[at]
        return made


def _said_again(
    shortener: Shortening, pairs: Sequence[Pair], source: str, target: str, glossary: Sequence[str]
) -> list[str]:
    """The targets in fewer words, with all that stays in them."""
    again = _Again(
        shortener,
        [pair.source for pair in pairs],
        [int(len(pair.target) * FASTEST / pair.fit + 1e-6) for pair in pairs],
    )
    drafts = [pair.target for pair in pairs]
    try:
        done = keeping.translated(again, drafts, source, target, glossary)
    except EngineError:  # they can be spoken as they are
        return drafts
    return [kept.text if kept.whole else draft for kept, draft in zip(done, drafts, strict=True)]


class _Again:
    """A Translator over a shortener, so that what stays is kept in the same way.

    A text comes in paragraphs: those of one draft share its original and its room.
    """

    def __init__(
        self, shortener: Shortening, originals: Sequence[str], rooms: Sequence[int]
    ) -> None:
        self._shortener = shortener
        self._originals, self._rooms = originals, rooms
        self.name = shortener.name
        self.mark = shortener.mark

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """See base.Translator."""
        whole = len(texts) == len(self._originals)
        originals = self._originals if whole else [""] * len(texts)
        share = sum(self._rooms) / max(1, sum(map(len, texts)))
        rooms = self._rooms if whole else [int(len(text) * share) for text in texts]
        return self._shortener.shortened(originals, texts, rooms, source, target)


def _notes(pairs: Sequence[Pair]) -> Iterator[str]:
    for pair in pairs:
        if pair.fit > FASTEST + _SLACK:
            over = pair.fit / FASTEST - 1
            cut = max(1, round(len(pair.target) * (1 - FASTEST / pair.fit)))
            yield (
                f"{pair.scene}: spoken 15 % faster it is still {over:.0%} longer than its "
                f"original: take about {cut} characters out."
            )
        elif pair.fit < SLOWEST - _SLACK:
            under = 1 - pair.fit / SLOWEST
            yield (
                f"{pair.scene}: spoken 15 % slower it is still {under:.0%} shorter than its "
                "original."
            )
