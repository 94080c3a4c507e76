"""A project put into another language: what is said and what is written, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from visavis.engines.language.languages import code_of
from visavis.engines.translation import keeping
from visavis.engines.translation.base import Translators
from visavis.server.studio.document.project import Project
from visavis.server.studio.translation.pairs import (
    Key,
    Pair,
    Text,
    Translation,
    VoiceFor,
    applied,
    texts,
)

# {{first_name|there}}: words for whoever has no name in the table.
_INSTEAD: Final = re.compile(r"\{\{[^{}|]*\|([^{}]*[^\W\d_][^{}]*)\}\}")


def translated(
    project: Project, language: str, translators: Translators,
    voice_for: VoiceFor = lambda _voice, _avatar, _language: "", before: Sequence[Pair] = (),
) -> Translation:  # fmt: skip
    """The project in `language` (BCP 47). Raises EngineError.

    before: pairs of an earlier time; a target whose source has not changed stays, so what somebody
    has read is not written over, and only what changed is translated.
    """
    found = list(texts(project))
    held = {pair.key: pair for pair in before}
    work = _Work(translators, language, project.glossary)
    pairs = tuple(work.pairs(found, held))
    made = applied(project, language, pairs, voice_for)
    notes = (*work.notes, *_notes(project, pairs, language), *_voices(project, made))
    return Translation(language, made, ", ".join(dict.fromkeys(work.by)), pairs, notes)


class _Work:
    """One language's texts."""

    def __init__(self, translators: Translators, language: str, glossary: Sequence[str]) -> None:
        self._translators, self._language, self._glossary = translators, language, glossary
        self.by: list[str] = []
        self.notes: list[str] = []

    def pairs(self, found: Sequence[Text], held: Mapping[Key, Pair]) -> Iterator[Pair]:
        """In order. Raises EngineError."""
        made = self._targets([text for text in found if self._is_open(text, held)])
        for text in found:
            kept = held.get(text.key)
            if text.key in made:
                yield Pair(text.scene, text.field, text.text, made[text.key])
            elif kept is None or self._is_own(text):
                yield Pair(text.scene, text.field, text.text, text.text, "checked")
            else:
                yield kept

    def _is_open(self, text: Text, held: Mapping[Key, Pair]) -> bool:
        if self._is_own(text):
            return False
        kept = held.get(text.key)
        if kept is None or kept.source != text.text:
            return True
        return kept.state == "stale" or not kept.target.strip()

    def _is_own(self, text: Text) -> bool:
        """Whether it is in that language already."""
        return code_of(text.language) == code_of(self._language)

    def _targets(self, wanted: Sequence[Text]) -> dict[Key, str]:
        made: dict[Key, str] = {}
        for source in dict.fromkeys(text.language for text in wanted):
            part = [text for text in wanted if text.language == source]
            translator = self._translators(source, self._language)
            self.by.append(translator.name)
            done = keeping.translated(
                translator, [each.text for each in part], source, self._language, self._glossary
            )
            for text, kept in zip(part, done, strict=True):
                made[text.key] = kept.text
                if not kept.whole:
                    self.notes.append(
                        f"{_where(text.scene)}: a sentence was translated in parts, for what stays "
                        "in it got lost: read it with care."
                    )
        return made


def _notes(project: Project, pairs: Sequence[Pair], language: str) -> Iterator[str]:
    """What cannot be translated, and has to be looked at."""
    for pair in pairs:
        for words in dict.fromkeys(_INSTEAD.findall(pair.target)):
            yield f"{_where(pair.scene)}: {words.strip()!r} in a placeholder stays: translate it."
    for scene in project.scenes:
        if scene.sound and scene.text.strip():
            yield f"{scene.name}: its recording is spoken in {language} by a voice instead."
        elif scene.sound:
            yield (
                f"{scene.name}: its recording stays as it is: write down its words as the scene's "
                "text, or record it anew."
            )
    said = " ".join(pair.target for pair in pairs)
    if heard := [word for word in project.pronounce if word in said]:
        yield (
            f"How {', '.join(heard)} is pronounced was written for another language: listen to it."
        )


def _voices(project: Project, made: Project) -> Iterator[str]:
    """Voices that are named and do not speak the language."""
    named = [(project.voice, made.voice)]
    named += [(a.voice, b.voice) for a, b in zip(project.scenes, made.scenes, strict=True)]
    for before, after in dict.fromkeys(named):
        if before and before != after:
            who = after or "the best voice there is"
            yield f"The voice {before} does not speak {made.language}: {who} does instead."


def _where(scene: str) -> str:
    return scene or "The title"
