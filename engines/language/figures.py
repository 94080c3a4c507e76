"""Numbers that count, name or order: years, rooms, codes, telephone numbers, fractions, decades."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import amounts, dates, numerals
from visavis.engines.language.place import Place
from visavis.engines.language.wording import words

PHONE: Final = (
    r"\+?\(?\d{1,4}\)?(?:[-.)/]+\d{1,7}){2,5}|\d{3}-\d{4}|[+(]\d{1,4}\)?(?:[-.)/]+\d{2,12})+"
    r"|0\d{1,5}[-/]\d{3,12}"
)
VANITY: Final = r"(?:\+?1-)?\d{3}(?:-[a-z\d]+)*-[a-z]+(?:-[a-z\d]+)*"
VERSION: Final = r"v?(\d{1,3}(?:\.\d{1,3}){2,})"
LIST: Final = r"\d{1,2}(?:,\d{1,2}){2,}"
_OPERAND: Final = r"(?:\.?\d[\d.]*|[a-z])"  # one letter: with more, "x" is both a sign and a part
SUM: Final = rf"{_OPERAND}(?:[-+*/x×÷−±^=<>≤≥≠]{_OPERAND})+"
FRACTION: Final = r"(\d{1,3})[/⁄](\d{1,3})(?:ths?|rds?|nds?)?"
MIXED_FRACTION: Final = r"(\d{1,6}) (\d{1,2})⁄(\d{1,2})"
DECADE: Final = r"('?)(\d{4}|\d0)'?s"
SHORT_YEAR: Final = r"'(\d\d)"
FEET: Final = r"(\d)'(\d{1,2})\"?"
SIZES: Final = r"(\d+(?:\.\d+)?)[x×](\d+(?:\.\d+)?)(?:[x×](\d+(?:\.\d+)?))?"

_NUMBERED: Final = words("room rooms suite gate flight extension ext apartment bus apt")
_CODED: Final = words(
    """pin code otp password passcode ending zip postcode reference isbn ssn iban id"""
)
_CALLED: Final = words("call dial phone ring text")
_ERA: Final = words(
    """the my his her their our your early mid late since around in of by from until till"""
)
_NO_THINGS: Final = words("this was has does its always perhaps thus across versus")
_TOGETHER: Final = {(24, 7): "twenty-four seven", (9, 11): "nine eleven"}
_OPERATORS: Final = {
    "-": "minus", "−": "minus", "+": "plus", "*": "times", "/": "divided by", "x": "times",
    "×": "times", "÷": "divided by", "±": "plus or minus", "^": "to the power of", "=": "equals",
    "<": "is less than", ">": "is greater than", "≤": "is at most", "≥": "is at least",
    "≠": "is not",
}  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1000, 2099  # four digits between are read as a year


def number(match: re.Match[str], place: Place) -> str:
    """A number that stands for itself, by what is around it."""
    text = match[0]
    if place.thousands >= 0 and text.isdecimal():
        return _group_of_thousands(int(text), place.thousands)
    if said := dates.day(text, place) or amounts.beside(text, place):
        return said
    if not text.isdecimal():
        return amounts.decimal(text)
    if _is_code(text, place):
        return numerals.digits(text)
    if len(text) == 3 and _is_name(place):
        return numerals.paired(text)
    return _year(text, place) if len(text) == 4 else short(text)


def _group_of_thousands(value: int, following: int) -> str:
    """ "12" of "12 000" -> "twelve thousand"."""
    scale = numerals.SCALES[following]
    return f"{numerals.cardinal(value)} {scale}".strip() if value else ""


def _is_name(place: Place) -> bool:
    """Whether it names a room or the like: "room 304", "your number is 304"."""
    told = place.before.lower() == "is" and place.earlier.lower() == "number"
    return told or place.before.lower().rstrip(".") in _NUMBERED


def _is_code(text: str, place: Place) -> bool:
    """Whether it is told digit by digit."""
    near = {place.before.lower(), place.earlier.lower()}
    if near & _CODED or (len(text) == 3 and place.before.lower() in _CALLED):
        return True
    state = place.before.isupper() and len(place.before) == 2 and len(text) == 5  # "CA 95051"
    area = len(text) == 3 and re.fullmatch(r"\d{3}-\d{4}", place.after) is not None
    endless = len(text) >= 7 and not text.endswith("000") and not place.after[:1].islower()
    return state or area or endless


def _year(text: str, place: Place) -> str:
    """Four digits: a year, a room, or a plenty."""
    if text.startswith("0") or _is_name(place):
        return numerals.paired(text)
    if not _FIRST_YEAR <= int(text) <= _LAST_YEAR:
        return numerals.cardinal(int(text))
    counted = _many(place.after) and not _dated(place) and not text.endswith("00")
    return numerals.cardinal(int(text)) if counted else numerals.paired(text)


def _many(word: str) -> bool:
    """Whether it looks like several things, which four digits before it then count."""
    plural = word.islower() and len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return plural and word not in _NO_THINGS


def _dated(place: Place) -> bool:
    """Whether what comes before says that a year follows."""
    before = place.before.lower()
    return before in _ERA or before.rstrip(",").isdecimal() or dates.month(before) is not None


def short(text: str) -> str:
    """A plain number; a leading zero makes it digits."""
    leading_zero = len(text) > 1 and text.startswith("0") and text.isdecimal()
    return numerals.digits(text) if leading_zero else amounts.decimal(text)


def phone(match: re.Match[str], place: Place) -> str | None:
    """Digit groups with signs between: a telephone number, or a number at a network."""
    groups = re.findall(r"\d+", match[0])
    count = sum(map(len, groups))
    if place.grouped or count >= 7:
        if set(match[0]) <= set("0123456789.") and _dotted(groups):
            return " dot ".join(map(numerals.digits, groups))
        plus = "plus " if match[0].startswith("+") else ""
        return plus + ", ".join(map(_group, groups))
    return None


def _dotted(groups: list[str]) -> bool:
    return len(groups) == 4 and all(len(g) <= 3 and int(g) < 256 for g in groups)


def _group(group: str) -> str:
    return "eight hundred" if group == "800" else numerals.digits(group)


def grouped(match: re.Match[str], place: Place) -> str | None:
    """One group of a telephone number that is written with blanks."""
    if not place.grouped:
        return None
    plus = "plus " if match[0].startswith("+") else ""
    return plus + _group(re.sub(r"\D", "", match[0]))


def vanity(match: re.Match[str], _: Place) -> str | None:
    """ "1-800-GO-U-HAUL"."""
    parts = match[0].lstrip("+").split("-")
    toll_free = parts[1] if parts[0] == "1" else parts[0]
    if toll_free not in {"800", "888", "877", "866", "855", "844", "833"}:
        return None
    return ", ".join(_group(part) if part.isdecimal() else part for part in parts)


def version(match: re.Match[str], _: Place) -> str | None:
    """ "3.2.1" -> "three point two point one"."""
    parts = match[1].split(".")
    said = " point ".join(numerals.cardinal(int(part)) for part in parts)
    return f"version {said}" if match[0][0] in "vV" else said


def listed(match: re.Match[str], _: Place) -> str:
    """ "1,2,3"."""
    return ", ".join(numerals.cardinal(int(n)) for n in match[0].split(","))


def summed(match: re.Match[str], _: Place) -> str | None:
    """A sum in one word, with an equals sign or a sign that is nothing else: "1-2=5", "2*8"."""
    parts = re.split(r"([-+*/x×÷−±^=<>≤≥≠])", match[0])
    operands, signs = parts[::2], parts[1::2]
    small = all(len(p) < 2 or p.replace(".", "").isdecimal() for p in operands) and all(operands)
    sure = "=" in signs or any(sign in "*×÷±^≤≥≠+<>" for sign in signs)
    if not small or not sure or not any(part[:1].isdecimal() for part in (*operands, *signs)):
        return None
    said = [_operand(part) if n % 2 == 0 else _OPERATORS[part] for n, part in enumerate(parts)]
    return " ".join(said)


def _operand(text: str) -> str:
    return numerals.decimal(text) if text.replace(".", "", 1).isdecimal() else text.replace(".", "")


def powered(match: re.Match[str], _: Place) -> str:
    """ "x^2" -> "x squared"."""
    base = short(match[1]) if match[1].isdecimal() else match[1]
    power = {"2": "squared", "3": "cubed"}.get(match[2])
    return f"{base} {power or 'to the power of ' + numerals.cardinal(int(match[2]))}"


def sized(match: re.Match[str], _: Place) -> str:
    """ "2x8" -> "two by eight"."""
    return " by ".join(numerals.decimal(part) for part in match.groups() if part)


def fraction(match: re.Match[str], place: Place) -> str:
    """ "1/2", and after a whole number "and a half"."""
    above, below = int(match[1]), int(match[2])
    if said := _TOGETHER.get((above, below)):
        return said
    joined = "and " if place.before.isdecimal() and above < below else ""
    if joined and (above, below) == (1, 2):
        return "and a half"
    if 0 < above < below and (below <= 10 or below in {12, 16, 20, 32, 64, 100}):
        return joined + _parts(above, below)
    slash = " " if above == below else " slash "  # "50/50"
    return numerals.cardinal(above) + slash + numerals.cardinal(below)


def _parts(above: int, below: int) -> str:
    part = "half" if below == 2 else "quarter" if below == 4 else numerals.ordinal(below)
    return f"{numerals.cardinal(above)} {part if above == 1 else part + 's'}"


def mixed_fraction(match: re.Match[str], _: Place) -> str:
    """ "1½"."""
    above, below = int(match[2]), int(match[3])
    part = "a half" if (above, below) == (1, 2) else _parts(above, max(below, 2))
    return f"{numerals.cardinal(int(match[1]))} and {part}"


def decade(match: re.Match[str], place: Place) -> str | None:
    """ "1990s", "the 90s"; a bare "30s" is a time."""
    if len(match[2]) == 4 or match[1] or _is_era(place):
        return numerals.decade(match[2])
    return None


def _is_era(place: Place) -> bool:
    """Whether a bare "90s" is years: "the 90s", "50s and 60s", "90s music"."""
    if place.before.lower() in _ERA - {"by", "from", "until", "till"}:
        return True
    if place.before.lower() in {"and", "or", "to"}:
        return re.fullmatch(r"'?\d+s", place.earlier) is not None
    return not place.before and place.after.isalpha()


def short_year(match: re.Match[str], _: Place) -> str:
    """ "'98"."""
    return numerals.paired(match[1])


def feet(match: re.Match[str], _: Place) -> str:
    """6'2\" -> "six foot two"."""
    return f"{numerals.cardinal(int(match[1]))} foot {numerals.cardinal(int(match[2]))}"


def ordinal(match: re.Match[str], place: Place) -> str | None:
    """ "12th", "1,000th", "26th May"."""
    if said := dates.ordinal_day(match, place):
        return said
    digits = match[1].replace(",", "")
    return numerals.ordinal(int(digits)) if len(digits) < 16 else numerals.digits(digits)
