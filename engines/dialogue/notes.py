"""What the file of answers has on a question, for a mind that answers in words of its own."""

from __future__ import annotations

from collections.abc import Iterable

from visavis.engines.base import Notes, Passage
from visavis.engines.dialogue.knowledge_file import Entry, Knowledge
from visavis.engines.language.brackets import unmarked


def notes(knowledge: Knowledge, entries: Iterable[tuple[Entry, float]]) -> Notes:
    """Who speaks for the house, and what these entries say; each with how well it fits."""
    persona = knowledge.persona
    passages = (Passage(e.subject, unmarked(e.answers[0]), score) for e, score in entries)
    return Notes(
        house=knowledge.title,
        name=persona.name,
        role=persona.role,
        greeting=unmarked(persona.greeting),
        contact=persona.contact,
        topics=knowledge.topics,
        passages=tuple(passages),
    )
