"""English number words: digits to what a receptionist says. Knows no sentence around them."""

from __future__ import annotations

from typing import Final

ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SCALES: Final = ("", "thousand", "million", "billion", "trillion")
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def digits(text: str) -> str:
    """Each ASCII digit by name, whatever stands between them: "0800" -> "zero eight zero zero"."""
    return " ".join(ONES[int(char)] for char in text if char.isdecimal() and char.isascii())


def cardinal(value: int) -> str:
    """0 <= value < 10**15 in words; larger numbers are read digit by digit."""
    if value >= 1000 ** len(_SCALES):
        return digits(str(value))
    words: list[str] = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group = value // 1000**power % 1000
        if group:
            words += [_below_thousand(group), _SCALES[power]]
    return " ".join(word for word in words if word) or ONES[0]


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [ONES[hundreds], "hundred"] if hundreds else []
    if rest:
        words.append(_below_hundred(rest))
    return " ".join(words)


def _below_hundred(value: int) -> str:
    if value < len(ONES):
        return ONES[value]
    tens, ones = divmod(value, 10)
    return f"{_TENS[tens]}-{ONES[ones]}" if ones else _TENS[tens]


def ordinal(value: int) -> str:
    """12 -> "twelfth", 21 -> "twenty-first"."""
    head, space, last = cardinal(value).rpartition(" ")
    tens, hyphen, ones = last.rpartition("-")
    return head + space + tens + hyphen + _ordinal_word(ones)


def _ordinal_word(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def paired(text: str) -> str:
    """Three or four digits as a year, a room or a flight is read: "1204" -> "twelve oh four".

    Round ones stay whole: "2000" -> "two thousand", "2026" -> "twenty twenty-six".
    """
    head, tail = int(text[:-2]), int(text[-2:])
    if text.startswith("0"):
        return digits(text)
    if len(text) == 4 and head % 10 == 0 and tail < 10:
        return cardinal(int(text))
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"


def decimal(text: str) -> str:
    """ "1,200" -> "one thousand two hundred", "3.50" -> "three point five zero"."""
    whole, point, fraction = text.replace(",", "").partition(".")
    words = cardinal(int(whole or "0")) if len(whole) <= 15 else digits(whole)
    return f"{words} point {digits(fraction)}" if point and fraction else words


def clock(hour: int, minute: int, suffixed: bool) -> str:
    """6:30 -> "six thirty", 9:05 -> "nine oh five", 9:00 -> "nine o'clock" without AM or PM."""
    if minute:
        return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    if suffixed:
        return cardinal(hour)
    return f"{cardinal(hour)} hundred" if hour > 12 else f"{cardinal(hour)} o'clock"
