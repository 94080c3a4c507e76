"""What may be asked, for a page that suggests it: the first question of each entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, zip_longest

from visavis.engines.dialogue.knowledge_file import Entry, Knowledge


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that is known. `question`: as a visitor asks it, short enough for a button."""

    topic: str
    subject: str
    question: str


def topics(knowledge: Knowledge, most: int = 64) -> tuple[Topic, ...]:
    """At most `most`: the first entry of every topic, then the second of each, and so on."""
    grouped = groupby(knowledge.entries, key=lambda entry: entry.topic)
    rows = zip_longest(*(tuple(entries) for _, entries in grouped))
    found = (_topic(entry) for row in rows for entry in row if entry is not None)
    return tuple(each for each, _ in zip(found, range(most), strict=False))


def _topic(entry: Entry) -> Topic:
    return Topic(entry.topic, entry.subject, _asked(entry.questions))


def _asked(questions: Iterable[str]) -> str:
    """The first that is a question by its sign, else the first: "Hello" is no good suggestion."""
    every = tuple(questions)
    return next((each for each in every if each.endswith(("?", "？", "؟"))), every[0])
