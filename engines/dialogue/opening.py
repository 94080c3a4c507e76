"""What is said of an entry's hours, as they are at the moment of asking."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from visavis.engines.dialogue.entries import Entry
from visavis.engines.dialogue.hours import DAY, Hours, Opening, Span
from visavis.engines.language import clock
from visavis.engines.language.clock import Asked
from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH, phrase
from visavis.engines.language.wording import words

_MEALS = words("breakfast brunch lunch dinner supper meal meals food tea")


def answer(entry: Entry, asked: Asked, now: datetime, language: str) -> str | None:
    """A sentence or two; None: it was not asked for, or the file says nothing of hours.

    now: of the wall clock at the place, without a zone.
    """
    hours = entry.hours
    whether = (asked.open or asked.shut) and not asked.when
    if hours is None or asked.other or not (asked.dated or whether):
        return None
    thing = _thing(entry.subject, language)
    if asked.times:
        said = _at(thing, hours, asked, now, language)
    elif asked.days and not (asked.now and now.date() in asked.days):
        said = _on_days(thing, hours, asked, now, language)
    else:
        said = _now(thing, hours, asked, now, language)
    return said[:1].upper() + said[1:]


def _now(thing: str, hours: Hours, asked: Asked, now: datetime, language: str) -> str:
    opening = hours.at(now)
    if opening is None:
        return _closed(thing, hours, now, language, "yes" if asked.shut else "closed_now")
    if opening.end is None:
        return _say("always", language, it=thing)
    until = clock.said_time(opening.end.time(), language)
    plain = asked.when or asked.shut
    return _say("until" if plain else "open_now", language, it=thing, until=until)


def _closed(thing: str, hours: Hours, now: datetime, language: str, key: str) -> str:
    first = _say(key, language)
    following = hours.after(now)
    if following is None:
        return f"{first} {_say('never', language)}"
    day = clock.said_day(following.start.date(), now.date(), language)
    on_day = _say("on_day", language, it=thing, day=day, spans=_spans([following], language))
    return f"{first} {on_day[:1].upper()}{on_day[1:]}"


def _on_days(thing: str, hours: Hours, asked: Asked, now: datetime, language: str) -> str:
    opening = hours.at(now)
    if asked.until and asked.days == (now.date(),) and opening is not None and opening.end:
        until = clock.said_time(opening.end.time(), language)
        return _say("until", language, it=thing, until=until)
    told = [_on_day(thing, hours, day, now, language) for day in asked.days[:2]]
    return " ".join(text[:1].upper() + text[1:] for text in dict.fromkeys(told))


def _on_day(thing: str, hours: Hours, day: date, now: datetime, language: str) -> str:
    named = clock.said_day(day, now.date(), language)
    spans = hours.on(day)
    if not spans:
        then = datetime.combine(day, time(23, 59))
        closed = _say("closed_day", language, day=named)
        following = hours.after(then)
        if following is None:
            return closed
        again = clock.said_day(following.start.date(), now.date(), language)
        on_day = _say("on_day", language, it=thing, day=again, spans=_spans([following], language))
        return f"{closed} {on_day[:1].upper()}{on_day[1:]}"
    if spans == (Span(0, DAY),):
        return _say("on_day", language, it=thing, day=named, spans=_say("round", language))
    openings = [Opening(_moment(day, s.start), _moment(day, s.end)) for s in spans]
    said = _spans(openings, language)
    return _say("on_day", language, it=thing, day=named, spans=said)


def _at(thing: str, hours: Hours, asked: Asked, now: datetime, language: str) -> str:
    day = asked.days[0] if asked.days else now.date()
    is_open = any(hours.at(_moment(day, minutes)) for minutes in asked.times)
    first = _say("yes" if is_open else "no", language)
    told = _on_day(thing, hours, day, now, language)
    return f"{first} {told[:1].upper()}{told[1:]}"


def _moment(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def _spans(openings: list[Opening], language: str) -> str:
    told = [
        clock.said_span(o.start.time(), o.end.time(), language)
        if o.end
        else _say("round", language)
        for o in openings
    ]
    return clock.said_list(told, language)


def _say(key: str, language: str, **words: str) -> str:
    return phrase(f"hours.{key}", language).format(**words)


def _thing(subject: str, language: str) -> str:
    """A subject; in English with its verb: "the pool is open", "breakfast is served"."""
    if code_of(language) != ENGLISH:
        return subject
    named = subject.lower().split()
    verb = "served" if not _MEALS.isdisjoint(named) and "in" not in named else "open"
    many = "and" in named or (named[-1].endswith("s") and not named[-1].endswith("ss"))
    return f"{subject} {'are' if many else 'is'} {verb}"
