"""Dates and times as they are said."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import numerals
from visavis.engines.language.place import Place
from visavis.engines.language.wording import words

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_SHORT_MONTHS: Final = {month[:3].lower(): month for month in MONTHS} | {"sept": "September"}
_DAYS: Final = {
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "thur": "Thursday", "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
ZONES: Final = words("est edt cst cdt mst mdt pst pdt gmt utc cet cest bst")
_CENTURY: Final = 30  # years of two digits below it are of this century

HALF: Final = r"[ap]\.?m\.?"
DATE: Final = r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})"
DATE_OF_DAYS: Final = r"(\d{1,2})([.-])(\d{1,2})\2(\d{4}|\d{2})"
DATE_OF_YEARS: Final = r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
DATE_OF_NAMES: Final = r"([a-z]{3,9})\.?-(\d{1,2})(?:-(\d{4}))?"
SPAN: Final = r"([a-z]{3,9})\.?[-–—]([a-z]{3,9})\.?"
TIME: Final = rf"(\d{{1,2}}):(\d{{2}})({HALF})?(?:h|hrs?)?"
SECONDS: Final = rf"(\d{{1,2}}):(\d{{2}}):(\d{{2}})({HALF})?"
TIME_BY_H: Final = r"(\d{1,2})h(\d{2})"
TIME_BY_POINT: Final = rf"(\d{{1,2}})\.(\d{{2}})({HALF})?"
HOUR: Final = rf"(\d{{1,2}})({HALF})"


def month(word: str) -> str | None:
    """ "Jan." or "january" -> "January"."""
    name = word.lower().rstrip(".")
    found = _SHORT_MONTHS.get(name[:3])
    return found if found and name in {found.lower(), found[:3].lower(), "sept"} else None


def half(text: str) -> str | None:
    """ "p.m." -> "PM": which half of the day, if it is that."""
    letters = text.replace(".", "").upper()
    return letters if letters in {"AM", "PM"} else None


def year(text: str) -> str:
    """Four digits, or the last two of a year near now."""
    if len(text) == 4:
        return numerals.paired(text)
    return numerals.paired(f"{20 if int(text) < _CENTURY else 19}{text}")


def _said(day: str, number: str, of_year: str) -> str | None:
    """None where there is no such day."""
    if not (1 <= int(number) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"{MONTHS[int(number) - 1]} {numerals.ordinal(int(day))}, {year(of_year)}"


def american(match: re.Match[str], _: Place) -> str | None:
    """ "12/31/2025"; "31/12/2025" can only be the other way round."""
    first, second, of_year = match[1], match[2], match[3]
    return _said(second, first, of_year) or _said(first, second, of_year)


def by_days(match: re.Match[str], _: Place) -> str | None:
    """ "31.12.2025" begins with the day, "31-12-2025" where it can be nothing else."""
    first, second, of_year = match[1], match[3], match[4]
    if match[2] == ".":
        return _said(first, second, of_year) or _said(second, first, of_year)
    return _said(second, first, of_year) or _said(first, second, of_year)


def by_years(match: re.Match[str], _: Place) -> str | None:
    """ "2025-12-31"."""
    return _said(match[4], match[3], match[1])


def by_names(match: re.Match[str], _: Place) -> str | None:
    """ "Jan-15-2020"."""
    name, day = month(match[1]), int(match[2])
    if name is None or not 1 <= day <= 31:
        return None
    tail = f", {year(match[3])}" if match[3] else ""
    return f"{name} {numerals.ordinal(day)}{tail}"


def span(match: re.Match[str], _: Place) -> str | None:
    """ "Mon-Fri", "Jan.-Mar."."""
    first, last = (_DAYS.get(word.lower()) or month(word) for word in match.groups())
    return f"{first} to {last}" if first and last else None


def name_alone(match: re.Match[str], place: Place) -> str | None:
    """ "Jan" beside a number; "Mon" between days or times is for the abbreviations."""
    beside = place.before[:1].isdecimal() or place.after[:1].isdecimal()
    found = month(match[0])
    return found if found and beside and found.lower() != match[0].lower() else None


def day(number: str, place: Place) -> str | None:
    """A number beside a month: "May 5", "25 July", "the 26th of May"."""
    if not number.isdecimal() or len(number) > 2 or not 1 <= int(number) <= 31:
        return None
    if month(place.before):
        return numerals.ordinal(int(number))
    if _before_month(place):
        the = "" if place.before.lower() == "the" else "the "
        return f"{the}{numerals.ordinal(int(number))} of"
    return None


def _before_month(place: Place) -> bool:
    following = place.after
    sure = following[:1].isupper() or following.lower().rstrip(".") not in {"may", "mar", "march"}
    return month(following) is not None and (sure or place.later[:4].isdecimal())


def ordinal_day(match: re.Match[str], place: Place) -> str | None:
    """ "26th May" -> "twenty-sixth of"."""
    if not _before_month(place) or not match[1].isdecimal():
        return None
    the = "" if place.before.lower() == "the" else "the "
    return f"{the}{numerals.ordinal(int(match[1]))} of"


def time(match: re.Match[str], place: Place) -> str | None:
    """ "6:30", "6:30pm"."""
    return _clock(match[1], match[2], match[3] or "", place)


def by_point(match: re.Match[str], place: Place) -> str | None:
    """ "6.30" is a time only beside a half of the day."""
    if match[3] is None and half(place.after) is None:
        return None
    return _clock(match[1], match[2], match[3] or "", place)


def by_h(match: re.Match[str], place: Place) -> str | None:
    """ "18h30"."""
    return _clock(match[1], match[2], "", place)


def _clock(hour: str, minute: str, suffix: str, place: Place) -> str | None:
    if int(hour) > 24 or int(minute) > 59:
        return None
    suffixed = bool(suffix) or half(place.after) is not None
    return f"{numerals.clock(int(hour), int(minute), suffixed)} {half(suffix) or ''}".strip()


def seconds(match: re.Match[str], _: Place) -> str | None:
    """ "14:10:30" -> "fourteen hours ten minutes and thirty seconds"."""
    parts = [int(match[n]) for n in (1, 2, 3)]
    if parts[1] > 59 or parts[2] > 59:
        return None
    hours, minutes, last = (
        f"{numerals.cardinal(n)} {unit}{'' if n == 1 else 's'}"
        for n, unit in zip(parts, ("hour", "minute", "second"), strict=True)
    )
    return f"{hours} {minutes} and {last} {half(match[4] or '') or ''}".strip()


def hour(match: re.Match[str], _: Place) -> str:
    """ "6pm"."""
    return f"{numerals.cardinal(int(match[1]))} {half(match[2])}"


def half_alone(match: re.Match[str], place: Place) -> str | None:
    """ "p.m." after a number, and a time zone after that."""
    return half(match[0]) if place.before[-1:].isdecimal() else None


def zone(match: re.Match[str], place: Place) -> str | None:
    """ "est" after a time."""
    name = match[0].replace(".", "").lower()
    timed = half(place.before) is not None or ":" in place.before
    return name.upper() if name in ZONES and timed else None
