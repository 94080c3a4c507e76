"""One written word to what is said for it, by the first pattern that fits it where it stands."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Final

from visavis.engines.language import addresses, amounts, dates, figures, numerals, units
from visavis.engines.language.amounts import MONEY, NUMBER, SCALES
from visavis.engines.language.place import GROUP, Place, Reading
from visavis.engines.language.sentences import ABBREVIATIONS
from visavis.engines.language.units import CURRENCIES
from visavis.engines.language.wording import words

LONGEST: Final = 160  # characters; beyond that it is no word but an accident
# Read as an abbreviation without its full stop too, since no such word exists.
_BARE: Final = words("mr mrs dr prof blvd vs etc approx dept hrs incl excl hwy pkwy expy")
_STREETS: Final = {
    "st": "Street", "ave": "Avenue", "rd": "Road", "dr": "Drive", "ln": "Lane", "ct": "Court",
    "pl": "Place", "sq": "Square",
}  # fmt: skip
_SAINTLY: Final = words("mount mt fort lake port sault cathedral church")
SYMBOLS: Final = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "w/": "with",
    "w/o": "without", "c/o": "care of", "×": "times", "÷": "divided by", "±": "plus or minus",
    "≠": "is not", "≤": "is at most", "≥": "is at least", "<": "less than", ">": "greater than",
    "→": "to", "§": "section", "²": "squared", "³": "cubed", "#": "number", "≈": "about",
    "c++": "C plus plus", "c#": "C sharp", "√": "root", "∞": "infinity", "°": "degrees",
}  # fmt: skip
_SIGNS: Final = {
    "#": "number", "+": "plus", "-": "minus", "−": "minus", "–": "minus", "~": "about",
    "≈": "about", "<": "less than", ">": "more than", "≤": "at most", "≥": "at least",
    "±": "plus or minus", "§": "section", "@": "at",
}  # fmt: skip


def read(core: str, place: Place) -> str:
    """What is said for a word without its brackets and marks; "" when nothing is."""
    if len(core) > LONGEST:
        return _plain(core[:LONGEST])
    if (said := _sign_alone(core, place)) is not None:
        return said
    for pattern, reading in _table(core):
        match = pattern.fullmatch(core)
        spoken = reading(match, place) if match else None
        if spoken is not None:
            # What a pattern took for letters may have held more: a voice gets words alone.
            return _plain(spoken) if _UNREADABLE.search(spoken) else spoken
    return _plain(core)


def _table(core: str) -> tuple[tuple[re.Pattern[str], Reading], ...]:
    if core.isalpha():
        return _OF_LETTERS
    return _READINGS if _DIGIT.search(core) else _WITHOUT_DIGITS


def _sign_alone(core: str, place: Place) -> str | None:
    if core in {"-", "–", "—", "−"}:
        return _dash(place)
    if core.lower() in {"x", "×"} and _numeric(place.before) and _numeric(place.after):
        return "by"
    if core.lower() in SYMBOLS and not (core == "#" and not _numeric(place.after)):
        return SYMBOLS[core.lower()]
    return amounts.currency_alone(core, place)


def _dash(place: Place) -> str:
    """A dash with blanks around it: "28 - 30", "4 am - 8 pm", "5 - 2 = 3"."""
    from_number = _numeric(place.before[-1:]) or _numeric(place.before[:1])
    timed = dates.half(place.before) is not None
    if (from_number or timed) and _numeric(place.after.lstrip("$€£¥-")[:1]):
        return "minus" if place.later == "=" else "to"
    return ""


def _numeric(text: str) -> bool:
    return text[:1].isdecimal() and text.isascii()


def _plain(core: str) -> str:
    """What no rule knows: letters as they are, digits as numbers, symbols by name or not at all."""
    parts = _PARTS.findall(core)
    return " ".join(filter(None, map(_part, parts)))


_PARTS: Final = re.compile(rf"{NUMBER}|[^\W\d_]+(?:['-][^\W\d_]+)*|[&@+=%$€£]")


def _part(part: str) -> str:
    if part[0].isdecimal() or part[0] == ".":
        return figures.short(part) if part.isascii() else ""
    if part in CURRENCIES:
        return CURRENCIES[part].one
    if part in SYMBOLS:
        return SYMBOLS[part]
    return part if is_latin(part) else ""


def is_latin(text: str) -> bool:
    """Whether all letters are of the alphabet that the voices read."""
    return text.isascii() or all(
        "LATIN" in unicodedata.name(char, "") for char in text if char.isalpha()
    )


def _page(match: re.Match[str], _: Place) -> str:
    return addresses.page(match[0])


def _mail(match: re.Match[str], _: Place) -> str:
    return addresses.mail(match[0])


def _range(match: re.Match[str], place: Place) -> str | None:
    """ "9-5", "$25-$30", "6:30–10:00pm"; "50-50" is none."""
    first, second = match[1], match[2]
    if first == second:
        return f"{read(first, Place())} {read(second, Place())}"
    half = re.search(r"[ap]\.?m\.?$", second.lower())
    # The day of a month is no neighbour of the second number, and a scale word counts for both.
    after = half[0] if half else place.after if dates.half(place.after) else ""
    said = read(first, replace(place, after=after, later=""))
    return f"{said} to {read(second, replace(place, before='', earlier=''))}"


def _decades(match: re.Match[str], place: Place) -> str:
    """ "1960s-80s", "1960-80"."""
    era = replace(place, before="the")
    return " to ".join(read(part, era) for part in match.groups())


def _rate(match: re.Match[str], place: Place) -> str | None:
    """ "$120/night", "12/kg"."""
    found = amounts.per(match, place)
    if found is None or not read(found[0], Place()):
        return None
    return f"{read(found[0], Place(before=place.before))} {found[1]}"


def _signed(match: re.Match[str], place: Place) -> str | None:
    sign, rest = match[1], match[2]
    said = read(rest, replace(place, before="", earlier=""))
    return f"{_SIGNS[sign]} {said}" if said else None


def _money_signed(match: re.Match[str], place: Place) -> str:
    """ "$-5"."""
    return f"minus {read(match[1] + match[2], place)}"


def _hyphened(match: re.Match[str], place: Place) -> str:
    """Parts with digits among them: "4-kilogram", "mid-80s", "covid-19", "11-year-old"."""
    parts = re.split(r"[-–—]", match[0])
    row = ["", *parts, ""]
    if all(re.fullmatch(r"\d+(?:st|nd|rd|th)", part) for part in parts):
        return " to ".join(read(part, Place()) for part in parts)
    said = (_hyphened_part(row, at, place) for at in range(1, len(parts) + 1))
    return " ".join(filter(None, said))


def _hyphened_part(row: list[str], at: int, place: Place) -> str:
    """One of them, with the one before it; "48-kHz" is a single unit."""
    if amounts.is_number(row[at - 1]) and (unit := units.unit(row[at], one=True)):
        return unit
    before = row[at - 1] or ("" if at == 1 else place.before)
    if before.lower() in {"mid", "early", "late"}:
        before = "the"
    return read(row[at], Place(before if not before.isdecimal() else ""))


def _abbreviation(match: re.Match[str], place: Place) -> str | None:
    name, stop = match[1].lower(), match[2]
    if name in {"no", "nos"} and (stop or match[1][0] == "N") and place.after[:1].isdecimal():
        return "number" if name == "no" else "numbers"
    if name in {"p", "pp"} and stop and place.after[:1].isdecimal():
        return "page" if name == "p" else "pages"
    if (street := _street(name, match[1], place)) is not None:
        return street
    if name == "ft" and place.after[:1].isupper():
        return "Fort"
    if name == "mt" and place.after[:1].isupper():
        return "Mount"
    return ABBREVIATIONS.get(name) if stop or name in _BARE else None


def _street(name: str, written: str, place: Place) -> str | None:
    """ "Elm St." and "St. Paul", "Elm Dr." and "Dr. Li"."""
    if name not in _STREETS or not written[0].isupper():
        return None
    named = not place.parted and place.before[:1].isupper()
    named = named or bool(re.fullmatch(r"\d+(?:st|nd|rd|th)", place.before))
    first = not place.earlier and not place.before[:1].isdecimal()
    numbered = place.earlier[:1].isdecimal()
    followed = place.after[:1].isupper()
    if name == "st":
        holy = followed and (not named or first) and not numbered
        return "Saint" if holy or place.before.lower() in _SAINTLY else "Street"
    if name == "dr" and not numbered:
        return None
    return _STREETS[name] if named and (numbered or not first) else None


def _initials(match: re.Match[str], _: Place) -> str:
    return match[0].replace(".", "").upper()


def _mixed(match: re.Match[str], _: Place) -> str:
    """ "B12", "4K", "A380": letters by name, digits as a number."""
    parts = re.findall(r"[A-Za-z]+|\d+", match[0])
    return " ".join(_number_part(part) if part.isdecimal() else _letters(part) for part in parts)


def _number_part(part: str) -> str:
    return numerals.paired(part) if len(part) in (3, 4) else figures.short(part)


def _letters(text: str) -> str:
    """A lone "a" would be read as the article."""
    return "ay" if text.lower() == "a" else text.upper() if len(text) == 1 else text


def _plan(match: re.Match[str], _: Place) -> str:
    """ "401(k)"."""
    return f"{numerals.paired(match[1])} {match[2]}"


def _alternative(match: re.Match[str], place: Place) -> str:
    return " ".join(read(part, place) for part in match[0].split("/"))


_MONEY_PART: Final = r"(?:US|NZ|A|C|HK)?[$€£¥₹]?"
_Table = tuple[tuple[str, Reading], ...]
_UNREADABLE: Final = re.compile(r"[^\w\s',;:.!?-]|[\d_]")
_DIGIT: Final = re.compile(r"[0-9]")
_MAY_BE_LETTERS: Final[_Table] = (
    (dates.HALF, dates.half_alone),
    (r"[a-z]{3,4}|(?:[a-z]\.){2,3}[a-z]?", dates.zone),
    ("|".join(SCALES), amounts.scaled),
    (amounts.UNIT, amounts.unit_alone),
    (r"[a-z]{3,4}\.?", dates.name_alone),
    (r"([a-z]+(?:\.[a-z]+)*)(\.?)", _abbreviation),
)
_SIGNED_WORDS: Final[_Table] = (
    (addresses.MAIL, _mail),
    (addresses.PAGE, _page),
    (dates.SPAN, dates.span),
    (r"(?:[a-z]\.)+[a-z]\.?", _initials),
    (figures.SUM, figures.summed),
    (r"[a-z']+(?:/[a-z']+)+", _alternative),
)
_WITH_DIGITS: Final[_Table] = (
    (addresses.MAIL, _mail),
    (addresses.PAGE, _page),
    (GROUP, figures.grouped),
    (dates.TIME, dates.time),
    (dates.SECONDS, dates.seconds),
    (dates.TIME_BY_H, dates.by_h),
    (dates.TIME_BY_POINT, dates.by_point),
    (dates.HOUR, dates.hour),
    (dates.DATE_OF_YEARS, dates.by_years),
    (dates.DATE_OF_DAYS, dates.by_days),
    (dates.DATE, dates.american),
    (figures.SHORT_YEAR, figures.short_year),
    (figures.FEET, figures.feet),
    (NUMBER, figures.number),
    (figures.PHONE, figures.phone),
    (figures.VANITY, figures.vanity),
    (figures.VERSION, figures.version),
    (figures.LIST, figures.listed),
    (figures.DECADE, figures.decade),
    (rf"({_MONEY_PART}[\d:.,]+(?:{dates.HALF})?)[-–—]({_MONEY_PART}[\d:.,]+[^-\d]*)", _range),
    (r"(\d{2,4}s)[-–—](\d{2,4}s?)", _decades),
    (MONEY, amounts.money),
    (r"(\d[\d,]*)(?:st|nd|rd|th)", figures.ordinal),
    (figures.MIXED_FRACTION, figures.mixed_fraction),
    (figures.FRACTION, figures.fraction),
    (figures.SIZES, figures.sized),
    (amounts.MEASURE, amounts.measure),
    (amounts.UNIT, amounts.unit_alone),
    (r"([a-z]|\d+)\^(\d{1,3})", figures.powered),
    (dates.DATE_OF_NAMES, dates.by_names),
    (r"([-−–+~≈<>≤≥±#§])([^\s\d]{0,3}\.?\d\S*)", _signed),
    (r"(@)(\d\S*)", _signed),
    (r"(\D{1,3})[-−](\d[\d.,]*)", _money_signed),
    (amounts.PER, _rate),
    (figures.SUM, figures.summed),
    (r"(\d{3})\((\w)\)", _plan),
    (r"[^-–—\s]+(?:[-–—][^-–—\s]+)+", _hyphened),
    (r"(?=\w*[a-z])[a-z\d]+", _mixed),
)


def _compiled(table: _Table) -> tuple[tuple[re.Pattern[str], Reading], ...]:
    return tuple((re.compile(p, re.IGNORECASE | re.ASCII), reading) for p, reading in table)


# By what a word is made of: most are letters, and every pattern costs half a microsecond.
_OF_LETTERS: Final = _compiled(_MAY_BE_LETTERS)
_WITHOUT_DIGITS: Final = _compiled((*_SIGNED_WORDS[:2], *_MAY_BE_LETTERS, *_SIGNED_WORDS[2:]))
_READINGS: Final = _compiled(_WITH_DIGITS)
