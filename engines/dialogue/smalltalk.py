"""Small talk: what is said to words that are no question about the place; the texts are data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from visavis.engines.dialogue.knowledge_file import Entry, Knowledge, load, question_key
from visavis.engines.language import clock
from visavis.engines.language.sentences import sentences

PATH: Final = Path(__file__).parents[1] / "data" / "smalltalk.md"
BEYOND: Final = "beyond me"  # the topic of what must not be taken for a question about the place

MANY: Final = 5  # topics named in one sentence

# Entries that do more than say their text; `KnowledgeDialogue` knows them.
REPEAT: Final = "repeat"
YES: Final = "yes"

# Asked in other words each time, in turn. {near}: what it can talk about instead. Brackets are
# directions: see brackets.py.
UNKNOWN: Final = (
    "[slightly sorry] I am afraid I don't know that. [neutral] I can tell you about {near}.",
    "[slightly sorry] I have no answer to that, sorry. [friendly] But ask me about {near}.",
    "That is something I don't know. What I can tell you about is {near}. "
    "For anything else, please ask {contact}.",
    "[slightly sorry] Sorry, I cannot help with that. [friendly] Would {near} be of interest?",
)
UNSURE: Final = (
    "[curious] I am not sure I understood. Do you mean {nearest}?",
    "[curious] Let me make sure. Is it about {nearest}?",
)
EMPTY: Final = "[slightly sorry] Sorry, I did not hear you. Please say it once more."
FOREIGN: Final = "[sorry] I am afraid I only understand English."
UNCLEAR: Final = "[slightly sorry] Sorry, I did not catch that."
REPEATING: Final = "Of course."


def entries() -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The small talk, and what is beyond the avatar. Raises KnowledgeError."""
    known = load(PATH).entries
    return (
        tuple(entry for entry in known if entry.topic != BEYOND),
        tuple(entry for entry in known if entry.topic == BEYOND),
    )


def not_in(knowledge: Knowledge, small: Sequence[Entry]) -> tuple[Entry, ...]:
    """Small talk without the subjects and the questions that the operator's file has itself."""
    subjects = {entry.id for entry in knowledge.entries}
    asked = {question_key(q) for entry in knowledge.entries for q in entry.questions}
    left = (
        replace(e, questions=tuple(q for q in e.questions if question_key(q) not in asked))
        for e in small
        if e.id not in subjects
    )
    return tuple(entry for entry in left if entry.questions)


def fixed(knowledge: Knowledge) -> Iterator[str]:
    """What is said to what it does not know, up to what depends on the question."""
    yield from (EMPTY, FOREIGN, UNCLEAR, REPEATING)
    for text in (*UNKNOWN, *UNSURE):
        until = min(text.find(brace) % len(text) for brace in ("{near}", "{nearest}"))
        yield from sentences(fill(text[:until], knowledge))[:-1]


def fill(text: str, knowledge: Knowledge) -> str:
    """A text of data/smalltalk.md with the braces filled in; other braces stay."""
    persona = knowledge.persona
    values = {
        "self": ", ".join(part for part in (persona.name, persona.role) if part)
        or "a digital assistant",
        "title": knowledge.title,
        "topics": _some(knowledge.topics),
        "contact": persona.contact or "a member of the staff",
    }
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


_TIMELY: Final = ("{time}", "{date}", "{weekday}")


def is_timely(text: str) -> bool:
    """Whether what it says depends on when it is said."""
    return any(brace in text for brace in _TIMELY)


def timed(text: str, moment: datetime, language: str) -> str:
    """A text with the time, the date and the weekday filled in."""
    if not is_timely(text):
        return text
    text = text.replace("{time}", clock.said_time(moment.time(), language))
    text = text.replace("{date}", clock.said_date(moment.date(), language))
    return text.replace("{weekday}", clock.said_weekday(moment.date(), language))


def _some(topics: Sequence[str]) -> str:
    if len(topics) <= MANY:
        return listed(topics, "and")
    return f"{', '.join(topics[:MANY])} and much more"


def listed(names: Sequence[str], last: str) -> str:
    """Names as they are said: "a, b or c"."""
    return f" {last} ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
