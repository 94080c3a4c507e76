"""Times and days: as they are said in a language, and what of them a question names.

The words are data/clock.toml. A language that it lacks is spoken and understood as English.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from visavis.engines.language.languages import code_of
from visavis.engines.language.phrasebook import ENGLISH

PATH: Final = Path(__file__).parents[1] / "data" / "clock.toml"

_ANY_YEAR: Final = 2024
_WEEK: Final = 7  # days within which a day is said by its weekday alone
_DAY_OF_MONTH: Final = re.compile(r"(?<![\d:.])([0-3]?\d)(?:st|nd|rd|th|\.)?(?![\d:])")
# "10 pm", "10:30", "10 o'clock", "22 uhr": a figure that is a time for sure.
_TIME: Final = re.compile(
    r"(?<![\d:.])(?P<hour>[0-2]?\d)(?!\d)(?:[:.](?P<minutes>[0-5]\d))?\s*"
    r"(?P<mark>am|a\.m\.|pm|p\.m\.|o'?clock|uhr|heures?|h\b|点|點)?"
)
_BEFORE_TIME: Final = re.compile(r"(?:\bat|\bum|\ba las|\ba la|\ba|\bà|\bvers|الساعة)\s*$")
_COUNTED: Final = (
    *("one", "two", "three", "four", "five", "six", "seven"),
    *("eight", "nine", "ten", "eleven", "twelve"),
)
_WORDS: Final = re.compile(
    rf"\b(?:at|around|by)\s+(?:(half past|quarter past|quarter to)\s+)?({'|'.join(_COUNTED)}|noon|"
    r"midnight)\b(?:\s+(thirty|fifteen|forty-five))?"
    r"(?:\s+(am|pm|in the (?:morning|evening|afternoon)|at night))?"
)
_SHIFT: Final = {"half past": 30, "quarter past": 15, "quarter to": -15}
_MINUTES: Final = {"thirty": 30, "fifteen": 15, "forty-five": 45}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of time a question names.

    now: the moment itself ("still", "now"). days: that it names, soonest first. times: minutes of
    the day that may be meant, "at ten" is two. open: whether it speaks of being open; shut: of
    having ended. when: whether it asks for a time; until: for the end of one. other: for something
    else.
    """

    now: bool = False
    days: tuple[date, ...] = ()
    times: tuple[int, ...] = ()
    open: bool = False
    shut: bool = False
    when: bool = False
    until: bool = False
    other: bool = False

    @property
    def dated(self) -> bool:
        """Whether its answer depends on when it is asked."""
        return self.now or bool(self.days) or bool(self.times)


def asked(text: str, language: str, today: date) -> Asked:
    """What a visitor's words name of times and days."""
    words, plain = _table(language)["ask"], _plain(text)
    day_words, days = _days(plain, words, today)
    rest = plain
    for word in day_words:  # "the 24th of December" is no time
        rest = rest.replace(word, " ", 1)
    return Asked(
        now=_has(plain, words["now"]),
        days=days,
        times=_times(rest),
        open=_has(plain, words["open"]),
        shut=_has(plain, words["shut"]),
        when=_has(plain, words["when"]),
        until=_has(plain, words["until"]),
        other=_has(plain, words["other"]),
    )


def names_time(text: str, language: str = ENGLISH) -> bool:
    """Whether a day or a time of day is named, or the moment itself."""
    return asked(text, language, date(_ANY_YEAR, 1, 1)).dated


def said_time(at: time, language: str) -> str:
    """ "10:30 pm", "22 Uhr 30"."""
    say = _table(language)["say"]
    if not at.minute and at.hour in (0, 12):
        return str(say["midnight" if not at.hour else "noon"])
    hour = at.hour
    if halves := say.get("halves"):
        hour = at.hour % 12 or 12
    form = say["minutes"] if at.minute else say["hour"]
    told = str(form).format(h=hour, m=f"{at.minute:02}")
    if hour == 1 and "one" in say:
        told = re.sub(r"\b(?:las|heures)\b", str(say["one"]), told)
    return f"{told} {halves[at.hour // 12]}" if halves else told


def said_weekday(day: date, language: str) -> str:
    """ "Sunday"."""
    return str(_table(language)["say"]["weekdays"][day.weekday()])


def said_date(day: date, language: str) -> str:
    """ "29 November 2026"."""
    return _dated("date", day, language)


def said_day(day: date, today: date, language: str) -> str:
    """ "today", "tomorrow", "on Sunday", "on Thursday, 24 December"."""
    say, far = _table(language)["say"], (day - today).days
    if far in (0, 1):
        return str(say["tomorrow" if far else "today"])
    return _dated("on" if 0 < far < _WEEK else "on_date", day, language)


def said_span(start: time, end: time, language: str) -> str:
    """ "from 7 am to 10:30 am"."""
    form = str(_table(language)["say"]["span"])
    return form.format_map({"from": said_time(start, language), "until": said_time(end, language)})


def said_list(parts: Sequence[str], language: str) -> str:
    """ "a, b and c"."""
    comma, last = ("、", "") if code_of(language) == "zh" else (", ", " ")
    joint = f"{last}{_table(language)['say']['and']}{last}"
    return joint.join(part for part in (comma.join(parts[:-1]), parts[-1]) if part)


def _dated(form: str, day: date, language: str) -> str:
    say = _table(language)["say"]
    return str(say[form]).format(
        weekday=say["weekdays"][day.weekday()],
        day=day.day,
        month=say["months"][day.month - 1],
        year=day.year,
    )


def _days(
    plain: str, words: Mapping[str, Any], today: date
) -> tuple[tuple[str, ...], tuple[date, ...]]:
    """The words of dates, and the days that are named, soonest first."""
    named: set[date] = set()
    if _has(plain, words["after_tomorrow"]):
        named.add(today + timedelta(2))
    elif _has(plain, words["tomorrow"]):
        named.add(today + timedelta(1))
    if _has(plain, words["today"]):
        named.add(today)
    weekdays = [n for n, names in enumerate(words["weekdays"]) if _has(plain, names)]
    if _has(plain, words["weekend"]):
        weekdays = [*weekdays, 5, 6]
    named.update(today + timedelta((n - today.weekday()) % 7) for n in weekdays)
    dates = _dates(plain, words, today)
    named.update(day for _, day in dates)
    return tuple(word for word, _ in dates), tuple(sorted(named))


def _dates(plain: str, words: Mapping[str, Any], today: date) -> list[tuple[str, date]]:
    """ "24 december", "december the 24th": the next one from today on."""
    found = []
    for month, names in enumerate(words["months"], start=1):
        for name in _phrases(names):
            at = plain.find(name)
            if at < 0 or not _stands_alone(plain, at, name):
                continue
            near = plain[max(0, at - 8) : at + len(name) + 9]
            if (number := _DAY_OF_MONTH.search(near)) and (
                day := _next(month, int(number[1]), today)
            ):
                found.append((number[0], day))
    return found


def _next(month: int, day: int, today: date) -> date | None:
    for year in range(today.year, today.year + 5):  # a leap day may be four years away
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def _times(plain: str) -> tuple[int, ...]:
    """Minutes of the day, both where it may be before or after noon."""
    if spelled := _WORDS.search(plain):
        return _spelled(spelled)
    for found in _TIME.finditer(plain):
        hour, minutes = int(found["hour"]), int(found["minutes"] or 0)
        told = found["mark"] or found["minutes"] or _BEFORE_TIME.search(plain[: found.start()])
        if told and hour <= 24:
            return _halves(hour, minutes, (found["mark"] or "")[:1])
    return ()


def _spelled(found: re.Match[str]) -> tuple[int, ...]:
    shift, word, minutes, half = found.groups()
    if word in ("noon", "midnight"):
        return (12 * 60,) if word == "noon" else (0,)
    first = "p" if half and half not in ("am", "in the morning") else "a" if half else ""
    at = (
        (_COUNTED.index(word) + 1) * 60
        + _SHIFT.get(shift or "", 0)
        + _MINUTES.get(minutes or "", 0)
    )
    return _halves(at // 60, at % 60, first)


def _halves(hour: int, minutes: int, half: str) -> tuple[int, ...]:
    if half in ("a", "p") and 1 <= hour <= 12:
        return ((hour % 12 + (12 if half == "p" else 0)) * 60 + minutes,)
    both = (hour, hour + 12) if 1 <= hour < 12 else (hour % 24,)
    return tuple(each * 60 + minutes for each in both)


def _has(plain: str, words: str) -> bool:
    return any(
        _stands_alone(plain, at, phrase)
        for phrase in _phrases(words)
        if (at := plain.find(phrase)) >= 0
    )


def _stands_alone(plain: str, at: int, phrase: str) -> bool:
    """Whether a phrase is not a part of a word; where words have no blanks, always."""
    if phrase[0] >= "\u3000":
        return True
    while at >= 0:
        end = at + len(phrase)
        if not (plain[at - 1 : at].isalnum() or plain[end : end + 1].isalnum()):
            return True
        at = plain.find(phrase, at + 1)
    return False


@cache
def _phrases(words: str) -> tuple[str, ...]:
    return tuple(_plain(phrase) for phrase in words.split(","))


def _plain(text: str) -> str:
    """Small letters without accents, one blank between words."""
    text = unicodedata.normalize("NFKD", text.lower().replace("’", "'").replace("ß", "ss"))
    return " ".join("".join(c for c in text if not unicodedata.combining(c)).split())


@cache
def _table(language: str) -> Mapping[str, Mapping[str, Any]]:
    tables = _tables()
    return tables.get(code_of(language)) or tables[ENGLISH]


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))
