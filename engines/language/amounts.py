"""Amounts as they are said: money and measures, with "per night" and "per kilogram"."""

from __future__ import annotations

import re
from typing import Final

from visavis.engines.language import numerals, units
from visavis.engines.language.place import Place
from visavis.engines.language.units import CURRENCIES, LETTERS, SQUARED, Currency

# Thousands by comma, point (as on the Continent) or apostrophe; decimals by point or comma.
NUMBER: Final = (
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,3}(?:\.\d{3}){2,}"
    r"|\d{1,3}(?:'\d{3})+(?:\.\d+)?|\d+,\d{1,2}|\d+(?:\.\d+)?|\.\d+)"
)
_PLAIN: Final = re.compile(NUMBER, re.ASCII)
_CONTINENTAL: Final = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,3}(?:\.\d{3}){2,}|\d+,\d{1,2}")
_MIXED: Final = re.compile(r"\d+/\d+", re.ASCII)
SCALES: Final = {"hundred", "thousand", "million", "billion", "trillion", "zillion"}
_SHORT_SCALES: Final = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "b": "billion",
    "bn": "billion", "mrd": "billion", "t": "trillion", "tn": "trillion",
}  # fmt: skip
_SIGNED: Final = "|".join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))
MONEY: Final = (
    rf"(?P<before>{_SIGNED})(?P<amount>{NUMBER})(?P<scale>k|mn|mio|mrd|m|bn|b|tn|t)?(?P<after>)"
    rf"|(?P<before2>)(?P<amount2>{NUMBER})(?P<scale2>k|mn|mio|mrd|m|bn|b)?(?P<after2>{_SIGNED})"
)
MEASURE: Final = rf"({NUMBER})([a-zμΩ°%‰¢/]+(?:\^?[23])?)"
UNIT: Final = r"[a-zμΩ°%‰/]+(?:\^?[23])?\.?"
PER: Final = r"([^\s/]*\d[^\s/]*)/([a-zμΩ]+(?:\^?[23])?)"
# More often words than units where they stand alone: "5 in the room".
_NOT_ALONE: Final = frozenset({"in", "a", "pt", "ct", "pp", "t", "deg", "fl", "mio", "mrd", "mn"})


def is_number(word: str) -> bool:
    """Whether a word is a number in digits and nothing else."""
    return _PLAIN.fullmatch(word) is not None


def standard(number: str, *, euro: bool = False) -> str:
    """A number with commas for thousands or none and a point: "1.234,56" -> "1234.56".

    euro: "1.234" is a thousand too.
    """
    number = number.replace("'", "")
    if _CONTINENTAL.fullmatch(number) or (euro and re.fullmatch(r"\d{1,3}\.\d{3}", number)):
        return number.replace(".", "").replace(",", ".")
    return number.replace(",", "")


def decimal(number: str) -> str:
    """A number in words, however it is punctuated."""
    return numerals.decimal(standard(number))


def money(match: re.Match[str], place: Place) -> str | None:
    """ "$25", "1.234,56€", "US$3m"."""
    found = match.groupdict()
    sign = found["before"] or found["after2"]
    amount, scale = found["amount"] or found["amount2"], found["scale"] or found["scale2"]
    currency = CURRENCIES.get(sign) or CURRENCIES.get(sign.upper())
    if currency is None:
        return None
    return _money(amount, currency, _SHORT_SCALES.get((scale or "").lower()), place)


def _money(amount: str, currency: Currency, scale: str | None, place: Place) -> str:
    number = standard(amount, euro=currency.one not in {"dollar", "pound"})
    if scale:
        return f"{numerals.decimal(number)} {scale} {currency.several}"
    if place.after.lower() in SCALES:  # "$3.2 million": `scaled` names the currency
        return numerals.decimal(number)
    whole, _, cents = number.partition(".")
    if len(cents) not in (0, 2) or len(whole) > 15:
        return f"{numerals.decimal(number)} {currency.several}"
    return _coins(int(whole or 0), int(cents or 0), currency)


def _coins(whole: int, cents: int, currency: Currency) -> str:
    notes = f"{numerals.cardinal(whole)} {currency.one if whole == 1 else currency.several}"
    if not cents:
        return notes
    if not currency.cent:
        return f"{notes} {numerals.cardinal(cents)}"
    coins = f"{numerals.cardinal(cents)} {currency.cent if cents == 1 else currency.cents}"
    return f"{notes} and {coins}" if whole else coins


def beside(number: str, place: Place) -> str | None:
    """A number whose currency is the word before or after it: "$ 5", "EUR 12.50", "5.50 €"."""
    if place.before in CURRENCIES:
        return _money(number, CURRENCIES[place.before], None, place)
    currency = CURRENCIES.get(place.after)
    if currency and _has_cents(number):
        return _money(number, currency, None, Place())
    if currency:
        return numerals.decimal(standard(number, euro=True))
    return None


def _has_cents(number: str) -> bool:
    return re.search(r"[.,]\d\d$", number) is not None


def currency_alone(word: str, place: Place) -> str | None:
    """ "€" after a number: its name, if the number has not said it; "$" alone: "dollar"."""
    currency = CURRENCIES.get(word)
    if currency is None:
        return None
    if is_number(place.before):
        said = _has_cents(place.before) or place.earlier in CURRENCIES
        return "" if said else currency.one if place.before == "1" else currency.several
    if place.before.lower() in SCALES:
        return currency.several
    if is_number(place.after):
        return ""
    return None if word.isalpha() else currency.one


def scaled(match: re.Match[str], place: Place) -> str | None:
    """The scale word after an amount carries the currency: "$3.2 million" ends in "dollars"."""
    sign = re.match(rf"({_SIGNED})[\d.]", place.before)
    currency = CURRENCIES.get(sign[1]) if sign else None
    if currency is None and is_number(place.before):
        currency = CURRENCIES.get(place.earlier)
    return f"{match[0]} {currency.several}" if currency else None


def measure(match: re.Match[str], _: Place) -> str | None:
    """ "5km", "20°C", "50%"; "5G" and "4K" are none."""
    number, sign = match[1], match[2]
    if sign.upper() in {"G", "K", "D", "B", "S", "A", "T", "H", "X", "L"} and sign.isupper():
        return None
    name = units.unit(sign, one=number == "1")
    return name and f"{decimal(number)} {name}"


def unit_alone(match: re.Match[str], place: Place) -> str | None:
    """A unit whose number is the word before it: "5 min.", "100 million kg", "31480 sq ft"."""
    sign = match[0].rstrip(".")
    single = sign in LETTERS and len(sign) == 1
    if sign.lower() in _NOT_ALONE or (single and not sign.islower()):
        return None
    if sign == "x" and is_number(place.after) and re.fullmatch(r"[\d.,]+\S*", place.before):
        return "by"
    if not _counted(place):
        return None
    return units.unit(sign, one=place.before == "1" or _is_part(place))


def _counted(place: Place) -> bool:
    before = place.before
    if before.lower() in SQUARED and place.earlier:
        return is_number(place.earlier) or place.earlier.lower() in SCALES
    if before.lower() in SCALES:
        return is_number(place.earlier)
    return (
        is_number(before)
        or _MIXED.fullmatch(before) is not None
        or re.fullmatch(rf"[-−–+±~<>≤≥≈]?{NUMBER}(?:[-–—]{NUMBER})?", before, re.ASCII) is not None
    )


def _is_part(place: Place) -> bool:
    """Whether less than one is counted: "1/2 mile", but "4 1/2 miles"."""
    return _MIXED.fullmatch(place.before) is not None and not is_number(place.earlier)


def per(match: re.Match[str], _: Place) -> tuple[str, str] | None:
    """ "$120/night" -> what is before the stroke, "per night"; None if it is no rate."""
    name = match[2]
    single = units.unit(name, one=True) if len(name) < 5 else None
    return (match[1], f"per {single or name}") if single or name.isalpha() else None
