"""Written words to what is said for them, one by one.

Both voices read the spoken form, so a number sounds the same in either, and each written word
keeps the time span of what was said for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from visavis.engines.language import numerals
from visavis.engines.language.sentences import ABBREVIATIONS


@dataclass(frozen=True, slots=True)
class Written:
    """One word as the text has it, and the plain words (with closing punctuation) said for it.

    `spoken` holds letters, apostrophes, hyphens and , ; : . ! ? only; "" when nothing is said.
    """

    text: str
    spoken: str


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
# In small letters these are words: "in the sun."
_CAPITAL: Final = {"Mon", "Wed", "Sat", "Sun", "Jan", "Mar", "Jun", "Dec"}
# Read as an abbreviation without its full stop too, since no such word exists.
_BARE: Final = {"mr", "mrs", "dr", "prof", "blvd", "vs", "etc", "approx", "dept", "hrs"}
_STOPPED: Final = {*ABBREVIATIONS, "no"}
_UNITS: Final = {
    "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "m": "meters", "mi": "miles",
    "ft": "feet", "kg": "kilograms", "g": "grams", "lb": "pounds", "lbs": "pounds",
    "oz": "ounces", "l": "liters", "ml": "milliliters", "mph": "miles per hour",
    "km/h": "kilometers per hour", "min": "minutes", "mins": "minutes", "h": "hours",
    "hr": "hours", "hrs": "hours", "sec": "seconds", "s": "seconds", "gb": "gigabytes",
    "mb": "megabytes", "mbps": "megabits per second", "°c": "degrees Celsius",
    "°f": "degrees Fahrenheit", "°": "degrees", "%": "percent", "x": "times",
}  # fmt: skip
_LETTERS: Final = {"x", "s", "g", "l", "m", "h"}  # "5 m", "5G": more often a letter
_LONGEST: Final = 160  # characters; beyond that it is no word but an accident
_CURRENCIES: Final = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "pence")}
_SCALES: Final = {"hundred", "thousand", "million", "billion", "trillion"}
_NUMBERED: Final = {"room", "rooms", "suite", "gate", "flight", "extension", "apartment", "bus"}
_SYMBOLS: Final = {"&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "w/": "with"}
_OPENING: Final = "\"'([{<«“‘„*_`~#-–—•>"
_CLOSING: Final = "\"')]}>»”’*_`~,;:.!?…-–—"
_NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_DOMAIN: Final = r"(?:[\w-]+\.)+[a-z]{2,}"


@dataclass(frozen=True, slots=True)
class _Place:
    """The neighbours that decide how a word is read, without their punctuation."""

    before: str
    after: str


_Reading = Callable[[re.Match[str], _Place], str | None]


def spell(text: str) -> tuple[Written, ...]:
    """Read a clause: its whitespace-separated words in order, each with what is said for it."""
    words = text.split()
    cores = [_core(word) for word in words]
    result = []
    for index, (word, core) in enumerate(zip(words, cores, strict=True)):
        place = _Place(
            cores[index - 1] if index else "", cores[index + 1] if index + 1 < len(words) else ""
        )
        last = index + 1 == len(words) or _ends(core, place)
        result.append(Written(word, _say(_read(core, place), _mark(word, core, last))))
    return tuple(result)


def _core(word: str) -> str:
    """The word without brackets, quotes, mark-up and closing punctuation."""
    plain = unicodedata.normalize("NFKC", word.replace("…", ".")).replace("’", "'")
    if plain.lower() in _SYMBOLS:
        return plain
    opening = _OPENING.replace("#", "") if re.match(r"\W*#\d", plain) else _OPENING
    core = plain.lstrip(opening).rstrip(_CLOSING)
    if re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", core) or _stopped(core):
        stop = plain.find(core) + len(core)
        core += "." if plain[stop : stop + 1] == "." else ""
    return core


def _stopped(core: str) -> bool:
    """Whether a full stop after this would belong to the word."""
    return core.lower() in _STOPPED and not (core.islower() and core.capitalize() in _CAPITAL)


def _ends(core: str, place: _Place) -> bool:
    """Whether the full stop of this abbreviation ends a sentence too: "10 p.m. Goodbye"."""
    if core.lower() == "no.":
        return not place.after[:1].isdecimal()
    return core.lower() in {"a.m.", "p.m.", "etc."} and place.after[:1].isupper()


def _mark(word: str, core: str, last: bool) -> str:
    """The pause after a word: one of , . ! ? or nothing."""
    tail = word[word.rfind(core[-1]) + 1 :] if core else word
    if core.endswith(".") and last and not tail.strip("\"')]}"):
        return "."
    for mark in "?!.":
        if mark in tail or (mark == "." and "…" in tail):
            return mark
    return "," if any(mark in tail for mark in ",;:)–—") else ""


def _say(spoken: str, mark: str) -> str:
    return spoken[:_LONGEST] + mark if spoken else ""


def _read(core: str, place: _Place) -> str:
    if core.lower() in _SYMBOLS:
        return _SYMBOLS[core.lower()]
    for pattern, reading in _READINGS if len(core) <= _LONGEST else ():
        match = pattern.fullmatch(core)
        spoken = reading(match, place) if match else None
        if spoken is not None:
            return spoken
    return _plain(core)


def _plain(core: str) -> str:
    """What no rule knows: letters as they are, digits as numbers, symbols by name or not at all."""
    parts = re.findall(rf"{_NUMBER}|[^\W\d_]+(?:['-][^\W\d_]+)*|[&@+=%]", core)
    return " ".join(filter(None, map(_part, parts)))


def _part(part: str) -> str:
    if part[0].isdecimal():
        return numerals.decimal(part) if part.isascii() else ""
    if part in _SYMBOLS:
        return _SYMBOLS[part]
    return part if _is_latin(part) else ""


def _is_latin(text: str) -> bool:
    return all("LATIN" in unicodedata.name(char, "") for char in text if char.isalpha())


def _address(match: re.Match[str], _: _Place) -> str:
    address = re.sub(r"^https?://", "", match[0]).rstrip("/")
    address = re.sub(r"^www\.", "www dot ", address)
    names = {".": " dot ", "@": " at ", "/": " slash ", "-": " dash ", "_": " underscore "}
    return _spaced("".join(names.get(char, char) for char in address))


def _spaced(text: str) -> str:
    """Digits inside as words, every other symbol as a gap."""
    text = re.sub(r"\d+", lambda digits: f" {numerals.digits(digits[0])} ", text)
    return " ".join(re.sub(r"[^\w' -]", " ", text).split())


def _time(match: re.Match[str], place: _Place) -> str | None:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return None
    suffix = match[3] or ""
    suffixed = bool(suffix) or _half(place.after) is not None
    return f"{numerals.clock(hour, minute, suffixed)} {_half(suffix) or ''}".strip()


def _hour(match: re.Match[str], _: _Place) -> str:
    return f"{numerals.cardinal(int(match[1]))} {_half(match[2])}"


def _half(text: str) -> str | None:
    """ "p.m." -> "PM": which half of the day, if it is that."""
    letters = text.replace(".", "").upper()
    return letters if letters in {"AM", "PM"} else None


def _half_alone(match: re.Match[str], place: _Place) -> str | None:
    return _half(match[0]) if place.before[-1:].isdecimal() else None


def _range(match: re.Match[str], place: _Place) -> str:
    second = _Place(place.before, place.after)
    half = re.search(r"[ap]\.?m\.?$", match[2].lower())
    first = _Place(place.before, half[0] if half else place.after)
    return f"{_read(match[1], first)} to {_read(match[2], second)}"


def _money(match: re.Match[str], place: _Place) -> str:
    unit, small = _CURRENCIES[match["before"] or match["after"]]
    amount = match["amount"].replace(",", "")
    whole, _, cents = amount.partition(".")
    if match["scale"]:
        return f"{numerals.decimal(amount)} {_UNITS_OF_SCALE[match['scale'].lower()]} {unit}s"
    if place.after.lower() in _SCALES or len(cents) not in (0, 2):
        tail = "" if place.after.lower() in _SCALES else f" {unit}s"
        return numerals.decimal(amount) + tail
    words = f"{numerals.cardinal(int(whole))} {_plural(unit, int(whole))}"
    if not int(cents or 0):
        return words
    coins = f"{numerals.cardinal(int(cents))} {_plural(small, int(cents))}"
    return f"{words} and {coins}" if int(whole) else coins


_UNITS_OF_SCALE: Final = {"k": "thousand", "m": "million", "b": "billion"}


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 or unit == "pence" else unit + "s"


def _scale(match: re.Match[str], place: _Place) -> str | None:
    """The scale word after an amount carries the currency: "$3.2 million" ends in "dollars"."""
    symbol = place.before[:1]
    return f"{match[0]} {_CURRENCIES[symbol][0]}s" if symbol in _CURRENCIES else None


def _measure(match: re.Match[str], _: _Place) -> str | None:
    unit = _UNITS.get(match[2].lower())
    if unit is None or (match[2].lower() in _LETTERS and match[2].isupper()):
        return None
    return f"{numerals.decimal(match[1])} {_singular(unit) if match[1] == '1' else unit}"


def _singular(unit: str) -> str:
    if unit == "feet":
        return "foot"
    head, space, tail = unit.partition(" ")
    return head.removesuffix("s") + space + tail


def _unit_alone(match: re.Match[str], place: _Place) -> str | None:
    name = match[0].lower()
    unit = _UNITS.get(name)
    if unit is None or name in _LETTERS or not re.fullmatch(_NUMBER, place.before):
        return None
    return _singular(unit) if place.before == "1" else unit


def _ordinal(match: re.Match[str], _: _Place) -> str:
    return numerals.ordinal(int(match[1].replace(",", "")))


def _decade(match: re.Match[str], _: _Place) -> str:
    head, _space, last = numerals.paired(match[1]).rpartition(" ")
    last = last[:-1] + "ies" if last.endswith("y") else last + "s"
    return f"{head} {last}".strip()


def _date(match: re.Match[str], _: _Place) -> str | None:
    month, day, year = int(match[1]), int(match[2]), match[3]
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    year = year if len(year) == 4 else "20" + year
    return f"{_MONTHS[month - 1]} {numerals.ordinal(day)}, {numerals.paired(year)}"


def _iso_date(match: re.Match[str], place: _Place) -> str | None:
    swapped = re.fullmatch(r"(\d+)/(\d+)/(\d+)", f"{match[2]}/{match[3]}/{match[1]}")
    return _date(swapped, place) if swapped else None


def _fraction(match: re.Match[str], _: _Place) -> str:
    above, below = int(match[1]), int(match[2])
    if (above, below) == (24, 7):
        return "twenty-four seven"
    if 0 < above < below <= 10:
        part = "half" if below == 2 else "quarter" if below == 4 else numerals.ordinal(below)
        return f"{numerals.cardinal(above)} {_plural(part, above)}"
    slash = " " if above == below else " slash "  # "50/50"
    return numerals.cardinal(above) + slash + numerals.cardinal(below)


def _phone(match: re.Match[str], _: _Place) -> str:
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(map(numerals.digits, groups))


def _number(match: re.Match[str], place: _Place) -> str:
    text, before = match[0], place.before.lower().rstrip(".")
    is_month = ABBREVIATIONS.get(before, before).capitalize() in _MONTHS
    if is_month and text.isdecimal() and 1 <= int(text) <= 31:
        return numerals.ordinal(int(text))
    if not text.isdecimal() or len(text) < 3:
        return _short(text)
    if len(text) == 3:
        if re.fullmatch(r"\d{3}-\d{4}", place.after):
            return numerals.digits(text)  # an area code
        return numerals.paired(text) if before in _NUMBERED else _short(text)
    return numerals.paired(text) if len(text) == 4 else numerals.digits(text)


def _short(text: str) -> str:
    leading_zero = len(text) > 1 and text.startswith("0") and text.isdecimal()
    return numerals.digits(text) if leading_zero else numerals.decimal(text)


def _signed(match: re.Match[str], place: _Place) -> str:
    sign = {"#": "number", "+": "plus", "-": "minus", "−": "minus"}[match[1]]
    return f"{sign} {_read(match[2], place)}"


def _abbreviation(match: re.Match[str], place: _Place) -> str | None:
    name, stop = match[1].lower(), match[2]
    if name == "no" and stop and place.after[:1].isdecimal():
        return "number"
    if name == "st" and place.after[:1].isupper():
        return "Saint"
    return ABBREVIATIONS.get(name) if stop or name in _BARE else None


def _initials(match: re.Match[str], _: _Place) -> str:
    return match[0].replace(".", "").upper()


def _mixed(match: re.Match[str], _: _Place) -> str:
    """ "B12", "4K", "A380": letters by name, digits as a number."""
    parts = re.findall(r"[A-Za-z]+|\d+", match[0])
    return " ".join(_number_part(part) if part.isdecimal() else _letters(part) for part in parts)


def _number_part(part: str) -> str:
    return numerals.paired(part) if len(part) in (3, 4) else _short(part)


def _letters(text: str) -> str:
    """A lone "a" would be read as the article."""
    return "ay" if text.lower() == "a" else text.upper() if len(text) == 1 else text


def _alternative(match: re.Match[str], place: _Place) -> str:
    return " ".join(_read(part, place) for part in match[0].split("/"))


_CURRENCY: Final = "[$€£]"
_READINGS: Final[tuple[tuple[re.Pattern[str], _Reading], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), reading)
    for pattern, reading in (
        (rf"https?://\S+|www\.\S+|[\w.+-]+@{_DOMAIN}|{_DOMAIN}/\S*", _address),
        (r"(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|co|uk|de|fr|info|biz|ai|app|hotel)", _address),
        (r"(\d{1,2}):(\d{2})([ap]\.?m\.?)?", _time),
        (r"(\d{1,2})([ap]\.?m\.?)", _hour),
        (r"[ap]\.?m\.?", _half_alone),
        (r"\+?(?:\d{1,3}[-.])?\(?\d{3}\)?[-.]\d{3}[-.]\d{4}|\d{3}-\d{4}", _phone),
        (r"(\d{4})-(\d{2})-(\d{2})", _iso_date),
        (rf"({_CURRENCY}?[\d:.,]+(?:[ap]\.?m\.?)?)[-–]({_CURRENCY}?[\d:.,]+\S*)", _range),
        (
            rf"(?P<before>{_CURRENCY})(?P<amount>{_NUMBER})(?P<scale>[kmb])?(?P<after>)",
            _money,
        ),
        (rf"(?P<before>)(?P<amount>{_NUMBER})(?P<scale>)(?P<after>{_CURRENCY})", _money),
        ("|".join(_SCALES), _scale),
        (r"(\d[\d,]*)(?:st|nd|rd|th)", _ordinal),
        (r"(\d{4}|\d0)s", _decade),
        (r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", _date),
        (r"(\d{1,3})/(\d{1,3})", _fraction),
        (rf"({_NUMBER})([a-z°%/]+)", _measure),
        (r"[a-z°%/]+", _unit_alone),
        (_NUMBER, _number),
        (r"([#+−-])(\S*\d\S*)", _signed),
        (r"([a-z]+(?:\.[a-z]+)*)(\.?)", _abbreviation),
        (r"(?:[a-z]\.)+[a-z]\.?", _initials),
        (r"(?=\w*\d)(?=\w*[a-z])[a-z\d]+", _mixed),
        (r"[a-z']+(?:/[a-z']+)+", _alternative),
    )
)
