"""English number words: digits to what a receptionist says."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LARGEST: Final = 10**15  # from here on numbers are read digit by digit

_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
SCALES: Final = ("", "thousand", "million", "billion", "trillion")
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def digits(text: str) -> str:
    """Each ASCII digit by name, whatever stands between them: "0800" -> "zero eight zero zero"."""
    return " ".join(_ONES[int(char)] for char in text if "0" <= char <= "9")


@lru_cache(1024)
def cardinal(value: int) -> str:
    """0 <= value < LARGEST in words, without "and"; larger numbers are read digit by digit.

    Of our own: num2words takes 260 us for a number of seven digits, this 1.
    """
    if value >= LARGEST:
        return digits(str(value))
    if value < 1000:
        return _below_thousand(value)
    groups = []
    for scale in SCALES:
        value, rest = divmod(value, 1000)
        if rest:
            groups.append(f"{_below_thousand(rest)} {scale}".strip())
    return " ".join(reversed(groups))


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [_ONES[hundreds], "hundred"] if hundreds else []
    if rest or not hundreds:
        words.append(_below_hundred(rest))
    return " ".join(words)


def _below_hundred(value: int) -> str:
    if value < 20:
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """12 -> "twelfth", 21 -> "twenty-first"; from LARGEST on digit by digit, without an ending."""
    words = cardinal(value)
    if value >= LARGEST:
        return words
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last.endswith("y"):
        return f"{words[:cut]}{last[:-1]}ieth"
    return words[:cut] + _ORDINALS.get(last, last.removesuffix("t") + "th")


def paired(text: str) -> str:
    """Three or four digits as a year, a room or a flight is read: "1204" -> "twelve oh four".

    Round ones stay whole: "2000" -> "two thousand", "2026" -> "twenty twenty-six"; fewer digits are
    a plain number, more as well.
    """
    if text.startswith("0"):
        return digits(text)
    if not 3 <= len(text) <= 4:
        return cardinal(int(text)) if len(text) <= 15 else digits(text)
    head, tail = int(text[:-2]), int(text[-2:])
    if len(text) == 4 and head % 10 == 0 and tail < 10:
        return cardinal(int(text))
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"


def decimal(text: str) -> str:
    """ "1,200" -> "one thousand two hundred", "3.50" -> "three point five zero", ".5" -> "point
    five"; `text`: digits, commas and at most one point."""
    whole, point, fraction = text.replace(",", "").partition(".")
    words = (cardinal(int(whole)) if len(whole) <= 15 else digits(whole)) if whole else ""
    return f"{words} point {digits(fraction)}".strip() if point and fraction else words or "zero"


def decade(text: str) -> str:
    """ "1990" -> "nineteen nineties", "80" -> "eighties", "2000" -> "two thousands"."""
    head, gap, last = paired(text).rpartition(" ")
    return head + gap + (last[:-1] + "ies" if last.endswith("y") else last + "s")


def clock(hour: int, minute: int, suffixed: bool) -> str:
    """6:30 -> "six thirty", 9:05 -> "nine oh five", 9:00 -> "nine o'clock" without AM or PM."""
    if minute:
        return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    if suffixed:
        return cardinal(hour)
    if hour == 0:
        return "midnight"
    return f"{cardinal(hour)} hundred" if hour > 12 else f"{cardinal(hour)} o'clock"
