"""Translated scenes made as long as their originals, by how fast they are spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from visavis.engines.base import EngineError
from visavis.engines.language.brackets import wishes
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
_LEAST: Final = 0.5  # s of speech that are worth it

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
    if pair.target.strip() and before > 0:
        fit = pair.fit * now / before
    else:
        fit = now / max(length.of_text(pair.source, source), _LEAST)
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
        scene = self._scenes[pair.scene]
        silent = scene.after + _pauses(scene.text)
        wanted = self._timing(self._source, scene) - silent
        plain = replace(self._targets[pair.scene], text=pair.target, rate=1.0)
        needed = self._timing(self._made, plain) - plain.after - _pauses(pair.target)
        fit = needed / wanted if min(wanted, needed) >= _LEAST else 1.0
        return replace(pair, fit=fit, rate=rate_of(fit))

    def shortened(self, pairs: Sequence[Pair], shortener: Shortening) -> list[Pair]:
        """Those that nobody has checked and no rate can help, said again in fewer words."""
        made = list(pairs)
        long = [
            at for at, pair in enumerate(pairs) if pair.fit > FASTEST and pair.state == "machine"
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
        [int(len(pair.target) * FASTEST / pair.fit) for pair in pairs],
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


def _pauses(text: str) -> float:
    """s of the silences that a text asks for, which no rate changes."""
    found = (length.pause(wish) for wish in wishes(text))
    return sum(each for each in found if each is not None)


def _notes(pairs: Sequence[Pair]) -> Iterator[str]:
    for pair in pairs:
        if pair.fit > FASTEST:
            over = pair.fit / FASTEST - 1
            cut = max(1, round(len(pair.target) * (1 - FASTEST / pair.fit)))
            yield (
                f"{pair.scene}: spoken 15 % faster it is still {over:.0%} longer than its "
                f"original: take about {cut} characters out."
            )
        elif pair.fit < SLOWEST:
            under = 1 - pair.fit / SLOWEST
            yield (
                f"{pair.scene}: spoken 15 % slower it is still {under:.0%} shorter than its "
                "original."
            )
