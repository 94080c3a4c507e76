"""Opening hours as they are written in a knowledge file, and what they say of a moment.

A rule is `[dates] [days] times`: "7:00-22:30", "Mon-Fri 7:00-10:30, 12:00-14:00",
"1 May - 30 Sep 6:00-22:00", "24-26 Dec closed". Of the rules that name a day the last one holds;
where none does, it is closed. All moments are of the wall clock at the place, without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

DAY: Final = 24 * 60  # minutes
AHEAD: Final = (
    370  # days in which the next opening is looked for: hours of a season come every year
)

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_GROUPS: Final = {
    "daily": frozenset(range(7)), "weekdays": frozenset(range(5)), "weekend": frozenset((5, 6)),
}  # fmt: skip
_EVERY_DAY: Final = _GROUPS["daily"]
_LEAP: Final = 2000  # a year that has every day

_DAY_NAME: Final = r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_MONTH_NAME: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE: Final = rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}\.?\s+{_MONTH_NAME})"
_DATES: Final = re.compile(
    rf"(?P<first>{_DATE}|\d{{1,2}}(?=\s*-\s*\d{{1,2}}\.?\s+{_MONTH_NAME}))"
    rf"(?:\s*-\s*(?P<last>{_DATE}))?(?!\w)",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    rf"(?P<first>{_DAY_NAME})(?:\s*-\s*(?P<last>{_DAY_NAME}))?(?!\w)"
    r"|(?P<group>daily|weekdays|weekend)s?(?!\w)",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?![\d:])")
_WORD: Final = re.compile(r"(closed|always)(?!\w)", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s,:]*(?:and\s+)?", re.IGNORECASE)


class HoursError(ValueError):
    """Hours that cannot be read; its text names the fix."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` in minutes of the day on which it begins; over midnight end > DAY."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dates:
    """From one day to another, both included; without a year it comes every year."""

    first: tuple[int, int, int]  # year or 0, month, day
    last: tuple[int, int, int]

    def include(self, day: date) -> bool:
        """Whether that day is one of them."""
        if self.first[0]:
            return self.first <= (day.year, day.month, day.day) <= self.last
        at, first, last = (day.month, day.day), self.first[1:], self.last[1:]
        return first <= at <= last if first <= last else at >= first or at <= last


@dataclass(frozen=True, slots=True)
class Rule:
    """When it is open on the days that it names; no span: it is closed."""

    dates: tuple[Dates, ...]  # none: any
    days: frozenset[int]  # of the week, Monday is 0
    spans: tuple[Span, ...]

    def names(self, day: date) -> bool:
        """Whether it speaks of that day."""
        dated = not self.dates or any(dates.include(day) for dates in self.dates)
        return dated and day.weekday() in self.days


@dataclass(frozen=True, slots=True)
class Opening:
    """One time of being open. `end` None: it does not close for a week at least."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Hours:
    """All rules of an entry, in the order of the file."""

    rules: tuple[Rule, ...]

    def on(self, day: date) -> tuple[Span, ...]:
        """The times that begin on that day; none: closed."""
        held = [rule for rule in self.rules if rule.names(day)]
        return held[-1].spans if held else ()

    def at(self, moment: datetime) -> Opening | None:
        """The time in which that moment lies; None: it is closed then."""
        return next((o for o in self._openings(moment, days=1) if o.start <= moment), None)

    def after(self, moment: datetime) -> Opening | None:
        """The next time that begins after that moment, within a year."""
        return next((o for o in self._openings(moment, AHEAD) if o.start > moment), None)

    def _openings(self, moment: datetime, days: int) -> Iterator[Opening]:
        """What is open at that moment or begins within so many days, times that touch as one."""
        pending: Opening | None = None
        for number in range(-1, days + 8):
            day = moment.date() + timedelta(number)
            for span in self.on(day):
                start, end = _moment(day, span.start), _moment(day, span.end)
                if end <= moment:
                    continue
                if pending and pending.end is not None and pending.end >= start:
                    pending = Opening(pending.start, max(pending.end, end))
                    continue
                if pending:
                    yield _ended(pending, moment)
                if number > days:
                    return
                pending = Opening(start, end)
        if pending:
            yield _ended(pending, moment)


def _ended(opening: Opening, moment: datetime) -> Opening:
    assert opening.end is not None
    long = opening.end - max(opening.start, moment) >= timedelta(7)
    return Opening(opening.start, None) if long else opening


def _moment(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def read(text: str) -> tuple[Rule, ...]:
    """The rules of one line, separated by semicolons. Raises HoursError."""
    parts = [part.strip() for part in text.replace("–", "-").replace("—", "-").split(";")]
    rules = tuple(_rule(part) for part in parts if part)
    if not rules:
        raise HoursError("hours without times: write them like 'Mon-Fri 7:00-10:30; Sun closed'")
    return rules


def _rule(text: str) -> Rule:
    dates: list[Dates] = []
    days: set[int] = set()
    spans: list[Span] = []
    closed = False
    at = 0
    while at < len(text):
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if at == len(text):
            break
        if found := _SPAN.match(text, at):
            spans.append(_span(found))
        elif found := _DATES.match(text, at):
            dates.append(_dates(found))
        elif found := _NAMED.match(text, at):
            days |= _days(found)
        elif found := _WORD.match(text, at):
            closed = closed or found[1].lower() == "closed"
            spans += [] if closed else [Span(0, DAY)]
        else:
            raise HoursError(f"hours are not understood from {text[at : at + 20]!r} on: {_FORM}")
        at = found.end()
    if closed == bool(spans):
        raise HoursError(f"{text!r} has no times, or both times and 'closed': {_FORM}")
    _check(text, spans)
    return Rule(tuple(dates), frozenset(days) or _EVERY_DAY, tuple(sorted(spans, key=_start)))


_FORM: Final = (
    "write '[dates] [days] times', such as '7:00-22:30', 'Mon-Fri, Sun 7:00-10:30', "
    "'1 May - 30 Sep 6:00-22:00' or '24-26 Dec closed'"
)


def _start(span: Span) -> int:
    return span.start


def _check(text: str, spans: list[Span]) -> None:
    ordered = sorted(spans, key=_start)
    if any(a.end > b.start for a, b in pairwise(ordered)):
        raise HoursError(f"{text!r}: times that overlap")
    if len(ordered) > 1 and ordered[-1].end - DAY > ordered[0].start:
        raise HoursError(f"{text!r}: times that overlap over midnight")


def _span(found: re.Match[str]) -> Span:
    start, end = (60 * int(found[n]) + int(found[n + 1]) for n in (1, 3))
    if start >= DAY or end > DAY or int(found[2]) > 59 or int(found[4]) > 59:
        raise HoursError(f"{found[0]!r} is no time: hours go from 0:00 to 24:00")
    if start == end:
        raise HoursError(f"{found[0]!r} begins when it ends: 'always' is open all day")
    return Span(start, end if end > start else end + DAY)


def _days(found: re.Match[str]) -> set[int]:
    if found["group"]:
        return set(_GROUPS[found["group"].lower()])
    first = _DAYS.index(found["first"][:3].lower())
    last = _DAYS.index(found["last"][:3].lower()) if found["last"] else first
    return {(first + n) % 7 for n in range((last - first) % 7 + 1)}


def _dates(found: re.Match[str]) -> Dates:
    last = _date(found["last"] or found["first"], found[0])
    if found["first"].isdigit():  # "24-26 Dec"
        first = _checked((0, last[1], int(found["first"])), found[0])
    else:
        first = _date(found["first"], found[0])
    if bool(first[0]) != bool(last[0]):
        raise HoursError(f"{found[0]!r}: give both days a year, or neither")
    if first[0] and first > last:
        raise HoursError(f"{found[0]!r} ends before it begins")
    return Dates(first, last)


def _date(text: str, whole: str) -> tuple[int, int, int]:
    if "-" in text:
        year, month, day = (int(part) for part in text.split("-"))
        return _checked((year, month, day), whole)
    number, name = text.replace(".", " ").split()
    return _checked((0, _MONTHS.index(name[:3].lower()) + 1, int(number)), whole)


def _checked(day: tuple[int, int, int], whole: str) -> tuple[int, int, int]:
    try:
        date(day[0] or _LEAP, day[1], day[2])
    except ValueError:
        raise HoursError(f"{whole!r} is no date") from None
    return day
