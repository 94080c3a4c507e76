"""What the file of answers has on a question, for a mind that answers in words of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from visavis.engines.base import Notes, Passage
from visavis.engines.dialogue import opening
from visavis.engines.dialogue.knowledge_file import Entry, Knowledge
from visavis.engines.language import clock
from visavis.engines.language.brackets import unmarked
from visavis.engines.language.clock import Asked
from visavis.engines.language.phrasebook import ENGLISH, phrase


def notes(
    knowledge: Knowledge,
    entries: Iterable[tuple[Entry, float]],
    moment: datetime | None = None,
    language: str = ENGLISH,
) -> Notes:
    """Who speaks for the house, and what these entries say; each with how well it fits.

    moment: of the wall clock at the place, for the time itself and for opening hours.
    """
    persona = knowledge.persona
    passages = (Passage(e.subject, _text(e, moment, language), score) for e, score in entries)
    return Notes(
        house=knowledge.title,
        name=persona.name,
        role=persona.role,
        greeting=unmarked(persona.greeting),
        contact=persona.contact,
        topics=knowledge.topics,
        passages=tuple(passages),
        moment=_now(moment, language) if moment is not None else "",
    )


def _text(entry: Entry, moment: datetime | None, language: str) -> str:
    text = unmarked(entry.answers[0])
    if moment is None or entry.hours is None or entry.borrowed:
        return text
    today = moment.date()
    days: tuple[date, ...] = (today, today + timedelta(1))
    told = (Asked(now=True, open=True), Asked(days=days))
    hours = (opening.answer(entry, asked, moment, language) or "" for asked in told)
    return " ".join((text, *hours))


def _now(moment: datetime, language: str) -> str:
    day = moment.date()
    date_said = phrase("clock.date", language).format(
        weekday=clock.said_weekday(day, language), date=clock.said_date(day, language)
    )
    time_said = phrase("clock.time", language).format(time=clock.said_time(moment.time(), language))
    return f"{date_said} {time_said}"
