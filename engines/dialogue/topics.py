"""What may be asked, for a page that suggests it: the first question of each entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, zip_longest

from visavis.engines.dialogue.entries import Entry, Knowledge
from visavis.engines.language.languages import code_of


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that is known. `question`: as a visitor asks it, short enough for a button."""

    topic: str
    subject: str
    question: str


def topics(knowledge: Knowledge, language: str, most: int = 64) -> tuple[Topic, ...]:
    """At most `most`: the first entry of every topic, then the second of each, and so on.

    language: BCP 47; what the file does not say in it is left out.
    """
    spoken = knowledge.in_language(language)
    own = [entry for entry in spoken.entries if not entry.borrowed]
    grouped = groupby(own, key=lambda entry: entry.topic)
    rows = zip_longest(*(tuple(entries) for _, entries in grouped))
    found = (_topic(entry) for row in rows for entry in row if entry is not None)
    return tuple(each for each, _ in zip(found, range(most), strict=False))


def greeting(knowledge: Knowledge, language: str) -> str:
    """What the avatar says to whoever comes; empty where the file has none in that language."""
    words = knowledge.in_language(language).persona.greeting
    is_own = code_of(language) == knowledge.language or words != knowledge.persona.greeting
    return words if is_own else ""


def _topic(entry: Entry) -> Topic:
    return Topic(entry.topic, entry.subject, _asked(entry.questions))


def _asked(questions: Iterable[str]) -> str:
    """The first that is a question by its sign, else the first: "Hello" is no good suggestion."""
    every = tuple(questions)
    return next((each for each in every if each.endswith(("?", "？", "؟"))), every[0])
