"""Small talk: what is said to words that are no question about the place; the texts are data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from visavis.engines.dialogue.knowledge_file import Entry, Knowledge, load, question_key
from visavis.engines.language import clock
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH, listed, phrase, phrases, voiced
from visavis.engines.language.sentences import sentences

FOLDER: Final = Path(__file__).parents[1] / "data"
BEYOND: Final = "beyond me"  # the topic of what must not be taken for a question about the place

MANY: Final = 5  # topics named in one sentence

# Entries that do more than say their text; `KnowledgeDialogue` knows them.
REPEAT: Final = "repeat"
YES: Final = "yes"


@cache
def entries(language: str = ENGLISH) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The small talk in a language, and what is beyond the avatar. Raises KnowledgeError.

    The latter is in English alone: whoever compares meanings finds it from any language.
    """
    english = load(FOLDER / "smalltalk.md").entries
    beyond = tuple(entry for entry in english if entry.topic == BEYOND)
    code = code_of(voiced(language))
    if code == ENGLISH:
        return tuple(entry for entry in english if entry.topic != BEYOND), beyond
    return load(FOLDER / f"smalltalk.{code}.md").entries, beyond


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


def fixed(knowledge: Knowledge, language: str = ENGLISH) -> Iterator[str]:
    """What is said to what it does not know, up to what depends on the question."""
    yield from (phrase(f"smalltalk.{name}", language) for name in ("empty", "repeating"))
    for name in ("unknown", "unsure"):
        for text in phrases(f"smalltalk.{name}", language):
            until = min(text.find(brace) % len(text) for brace in ("{near}", "{nearest}"))
            yield from sentences(fill(text[:until], knowledge, language))[:-1]


def unknown(knowledge: Knowledge, near: Sequence[str], turn: int, language: str) -> str:
    """What is said to what the file does not know: other words each turn, and what it does know.

    near: subjects in the language; none where the file has no words of it.
    """
    if not near:
        return fill(phrase("smalltalk.unknown_bare", language, turn), knowledge, language)
    text = phrase("smalltalk.unknown", language, turn)
    return fill(text.replace("{near}", listed(near, "or", language)), knowledge, language)


def fill(
    text: str, knowledge: Knowledge, language: str = ENGLISH, topics: Sequence[str] | None = None
) -> str:
    """A text of data/smalltalk.*.md with the braces filled in; other braces stay.

    topics: what there is to talk about, in the language; None: all that the file has. What it has
    in no words of the language is said in ours.
    """
    persona, own = knowledge.persona, any(not entry.borrowed for entry in knowledge.entries)
    topics = knowledge.topics if topics is None else topics
    role = persona.role if own else phrase("smalltalk.self", language)
    named = ", ".join(part for part in (persona.name, role) if part)
    values = {
        "self": named or phrase("smalltalk.self", language),
        "topics": _some(topics, language) if topics else phrase("smalltalk.topics", language),
        "title": knowledge.title,
        "contact": (persona.contact if own else "") or phrase("smalltalk.contact", language),
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


def _some(topics: Sequence[str], language: str) -> str:
    if len(topics) <= MANY:
        return listed(topics, "and", language)
    shown = ", ".join(topics[:MANY]) if code_of(language) != "zh" else "、".join(topics[:MANY])
    return phrase("smalltalk.more", language).format(topics=shown)
