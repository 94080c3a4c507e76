"""What a knowledge file holds, once it is read, in each of its languages.

A file has a language of its own and may have others: each of them is a `Knowledge` as well, in
which an entry without words of that language has the file's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from visavis.engines.base import Card, EngineError
from visavis.engines.dialogue.hours import Hours
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH


@dataclass(frozen=True, slots=True)
class Mistake:
    """What has to be mended in a file; `line` counts from 1."""

    line: int
    text: str


class KnowledgeError(EngineError):
    """A knowledge file that cannot be used; names every mistake with its line."""

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        """`mistakes` in the order of their lines, at least one."""
        self.mistakes = mistakes
        super().__init__("\n".join(f"{source}:{p.line}: {p.text}" for p in mistakes))


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the avatar is; empty where the file does not say."""

    name: str = ""
    role: str = ""
    greeting: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is known. `answers` are spoken text, alternatives to be used in turn.

    id: the same in all languages. hours: when it is open; None: nothing is said of it. borrowed:
    the language of its words where it has none of the language that was asked for; else empty.
    lines: of the file, where each answer begins. cards: what is shown with an answer.
    """

    id: str
    topic: str
    subject: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    hours: Hours | None = None
    borrowed: str = ""
    lines: tuple[int, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A whole file in one language: entries have unique ids and no two share a question.

    zone: where the hours are those of; None: the file does not say. others: the same in the other
    languages that it has, by their primary tags.
    """

    title: str
    persona: Persona
    entries: tuple[Entry, ...]
    language: str = ENGLISH
    zone: ZoneInfo | None = None
    others: Mapping[str, Knowledge] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics in the order of the file."""
        return tuple(dict.fromkeys(entry.topic for entry in self.entries))

    @property
    def languages(self) -> tuple[str, ...]:
        """Primary tags; the file's own first."""
        return (self.language, *self.others)

    def in_language(self, language: str) -> Knowledge:
        """The file in a language, BCP 47; every entry is borrowed where it has none of it."""
        wanted = code_of(language)
        if wanted == self.language:
            return self
        return self.others.get(wanted) or self.borrowed(wanted)

    def borrowed(self, language: str) -> Knowledge:
        """Its own words, for somebody who speaks another language."""
        entries = tuple(replace(entry, borrowed=self.language) for entry in self.entries)
        return replace(self, entries=entries, language=language, others={})
